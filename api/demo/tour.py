"""`counterfoil demo`: a real server, a real file, real signatures, every step over HTTP, each held to its outcome."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NoReturn

import httpx
import jwt

from api.cli.exit_codes import refused
from api.demo.chapters import EMPLOYEE, Cast, journey, pulled_plug, refusals
from api.demo.corporate_sign_in import identity_provider, sign_in
from api.demo.curl_commands import wait_with_curl
from api.demo.log_reader import LogReader
from api.demo.narrator import Narrator, Unexpected, must_be
from api.demo.oauth_client import OAuthClient
from api.demo.resource_server import ResourceServer
from api.demo.running_service import RunningService, ServiceFailed, running_service
from api.demo.screen import Screen
from api.demo.timeline import print_timeline
from api.ledger import open_ledger
from api.sample_policy import sample_policy
from domain.identifiers import Jti, Position


def run(*, keep: bool) -> None:
    """Take the tour; with `keep`, leave everything running for curl until Ctrl-C.

    Raises CommandFailed where a step had any other outcome than it must have.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    screen = Screen()
    started = time.monotonic()
    try:
        with _stage(screen) as (service, http, issuer):
            _tell(screen, service, http, issuer)
            took = time.monotonic() - started
            screen.say(f"Every step had exactly the outcome it must have ({took:.1f} s).", "green")
            if keep:
                wait_with_curl(screen, service, issuer)
    except (Unexpected, ServiceFailed, httpx.HTTPError, jwt.PyJWTError) as error:
        raise refused(f"the demo went wrong: {error}") from None
    if not keep:
        screen.say("Next: `make serve` keeps a service running; docs/tutorial.md walks through it by hand.")


def _end(number: int, _: object) -> NoReturn:
    """By an exception, so that what was started ends with us and its files go."""
    sys.exit(128 + number)


@contextmanager
def _stage(screen: Screen) -> Iterator[tuple[RunningService, httpx.Client, str]]:
    screen.title("Counterfoil", "keeps the stub of every token it tears off")
    with (
        identity_provider() as provider,
        running_service(lambda url: sample_policy(url, provider.issuer)) as service,
        httpx.Client(base_url=service.url, trust_env=False) as http,
    ):
        screen.chapter("The stage", "Everything below is real: processes, a file, signatures, HTTP.")
        screen.facts(
            [
                ("service", f"{service.url}   counterfoil serve, process {service.process.pid}"),
                ("event store", str(service.store)),
                ("sign-in", f"{provider.issuer}   a small OpenID provider"),
                ("policy", "travel → agent → hr → payroll; see api/sample_policy.toml"),
            ]
        )
        yield service, http, provider.issuer


def _tell(screen: Screen, service: RunningService, http: httpx.Client, issuer: str) -> None:
    with closing(open_ledger(service.store)) as ledger:
        log = LogReader(ledger.recorder)
        cast = Cast(
            narrator=Narrator(screen, log, ResourceServer(http, service.url)),
            travel=_client(service, http, "travel-system"),
            agent=_client(service, http, "agent"),
            hr=_client(service, http, "hr-service"),
        )
        tokens = journey(cast, sign_in(http, issuer, EMPLOYEE, "travel"))
        refusals(cast, tokens)
        chain, revoked_at = pulled_plug(cast, tokens)
        _read_back(screen, service, log, chain, revoked_at)


def _client(service: RunningService, http: httpx.Client, name: str) -> OAuthClient:
    return OAuthClient(name=name, secret=service.secrets[name], http=http)


def _read_back(
    screen: Screen, service: RunningService, log: LogReader, chain: Jti, revoked_at: Position
) -> None:
    """The tree, by the command that an auditor types, as it was before the revocation and as it is; the timeline."""
    screen.chapter(
        "The whole story, read back from the log", "Each answer above stood in the log before it left."
    )
    for arguments in (["audit", "chain", chain, "--at", str(revoked_at - 1)], ["audit", "chain", chain]):
        screen.command(" ".join(["counterfoil", *arguments]))
        must_be("exit code", 0, service.run_command(*arguments, columns=screen.width))
    screen.say(f"The timeline; `counterfoil audit log --chain {chain}` has all of it:")
    print_timeline(screen, log.chain(chain))
