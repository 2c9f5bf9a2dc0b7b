"""A small policy for tests that kill things: one client that issues itself first tokens and exchanges them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from api.ledger import Ledger
from api.operations import Operator
from api.service import Service
from api.settings import Settings
from api.stamps import milliseconds, new_id
from api.stores import created, node_secrets
from domain.identifiers import Audience, ClientId, Jti, ResourceName, Scope
from domain.lineage import Birth
from domain.policy import Client, ExchangeRule, FirstTokenGrant, Limits, Policy, Resource
from domain.requests import ACCESS_TOKEN, AskedFor, Origin, OwnToken, RequestToken

CLIENT: Final = ClientId("agent")
READ: Final = Scope("read")
HOME: Final = Resource(
    name=ResourceName("home"),
    audience=Audience("https://near.example"),
    scopes=(READ,),
    accepts=(CLIENT,),
    served_by=CLIENT,
)
AWAY: Final = Resource(
    name=ResourceName("away"), audience=Audience("https://away.example"), scopes=(READ,), accepts=(CLIENT,)
)
POLICY: Final = Policy(
    issuer="https://sts.example",
    limits=Limits(lifetime=3600),
    resources={HOME.name: HOME, AWAY.name: AWAY},
    clients={
        CLIENT: Client(
            name=CLIENT,
            authentication="client_secret_basic",
            grants=("client_credentials", "token-exchange"),
            exchange=(ExchangeRule(to=AWAY.name, sources=(HOME.name,), by_name=(READ,)),),
            first_tokens=(FirstTokenGrant(to=HOME.name, scopes=(READ,), client=CLIENT),),
        )
    },
    trusted_issuers={},
)
ORIGIN: Final = Origin(node="test", request="test")


def settings_in(folder: Path) -> Settings:
    """Settings of a store in that folder."""
    return Settings(store=str(folder / "log.db"), node="test")


def create_world(folder: Path) -> None:
    """A file with the policy, a key and a secret."""
    create_world_on(settings_in(folder))


def create_world_on(settings: Settings) -> None:
    """The same on any store."""
    ledger = created(settings)
    keys = node_secrets(settings, ledger).keys
    operator = Operator(ledger, keys, by="test", node="test", new_id=new_id, clock=milliseconds)
    operator.policy.apply(POLICY)
    operator.keys.first("ES256")
    ledger.close()


class Node:
    """The service without its HTTP: requests go straight to the desk."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.service = Service(settings, ledger)
        self.desk = self.service.desk
        self.new_id, self.clock = new_id, milliseconds
        self._credential = next(iter(ledger.authority.registry.credentials_of(CLIENT)))

    def first_token(self) -> RequestToken:
        """A request for a first token."""
        return self._request(AskedFor(grant="client_credentials", audiences=("home",)), None)

    def exchange(self, parent: Birth) -> RequestToken:
        """A request to exchange a token for one that may go away."""
        asked = AskedFor(grant="token-exchange", audiences=("away",), subject_token_type=ACCESS_TOKEN)
        return self._request(asked, OwnToken(birth=parent, sha256="0" * 64))

    def _request(self, asked: AskedFor, subject: OwnToken | None) -> RequestToken:
        return RequestToken(
            client=CLIENT,
            credential=self._credential,
            asked=asked,
            origin=ORIGIN,
            subject_token=subject,
            actor_token=None,
            event_id=new_id(),
            jti=Jti(new_id()),
        )


def birth_in(ledger: Ledger, jti: str) -> Birth:
    """The birth record of a token that was acknowledged; fails if the log does not know it."""
    birth = ledger.births.birth(jti)
    if birth is None:
        raise AssertionError(f"the log lost {jti}")
    return birth
