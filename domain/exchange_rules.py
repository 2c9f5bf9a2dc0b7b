"""Which rule lets a client exchange this token for that target: recipient, outbound grant, inbound consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.authority import Authority
from domain.lineage import Birth
from domain.policy import Client, ExchangeRule, Resource
from domain.refusals import Reason, Refusal
from domain.values import made_quickly


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One target and the rule that leads there; `softened` is what audit mode let through on the way."""

    target: Resource
    rule: ExchangeRule
    softened: tuple[Reason, ...] = ()

    @property
    def audited(self) -> bool:
        """Whether both parties' rules say `mode = "audit"`."""
        return self.rule.mode == "audit" and self.target.mode == "audit"

    def circles(self, subject: Birth) -> bool:
        """Whether the target's audience stands in the lineage already and the rule does not say that it may."""
        if self.rule.circular:
            return False
        audience = self.target.audience
        for entry in subject.path:  # noqa: SIM110 - a generator would cost more than all that it looks at
            if audience in entry.audiences:
                return True
        return False


def find_routes(
    authority: Authority, client: Client, subject: Birth, targets: Sequence[Resource]
) -> tuple[Route, ...] | Refusal:
    """A route to every target, or the first refusal."""
    held = [r for r in map(authority.resource_for, subject.audiences) if r is not None]
    if any(resource.disabled for resource in held):
        return Refusal(Reason.RESOURCE_DISABLED, "subject_token")
    if not _is_recipient(client, held):
        return Refusal(Reason.CLIENT_NOT_RECIPIENT, "subject_token")
    routes = []
    for target in targets:
        route = _route(client, held, target)
        if isinstance(route, Refusal):
            return route
        routes.append(route)
    return tuple(routes)


def _is_recipient(client: Client, held: Sequence[Resource]) -> bool:
    """The subject token must have been sent to this client: anything else is a confused deputy.

    Its audience names a resource that the client serves, or that a rule's `from` names.
    """
    return any(
        resource.served_by == client.name or any(resource.name in rule.sources for rule in client.exchange)
        for resource in held
    )


def _route(client: Client, held: Sequence[Resource], target: Resource) -> Route | Refusal:
    rule = next((r for r in client.exchange if r.to == target.name and _starts_at(r, held)), None)
    softened: list[Reason] = []
    if rule is None:
        rule = _audited_grant(client, held, target)
        if rule is None:
            return Refusal(Reason.TARGET_NOT_GRANTED)
        softened.append(Reason.TARGET_NOT_GRANTED)
    if client.name not in target.accepts:
        if not Route(target=target, rule=rule).audited:
            return Refusal(Reason.TARGET_NOT_CONSENTING)
        softened.append(Reason.TARGET_NOT_CONSENTING)
    return Route(target=target, rule=rule, softened=tuple(softened))


def _starts_at(rule: ExchangeRule, held: Sequence[Resource]) -> bool:
    return any(resource.name in rule.sources for resource in held)


def _audited_grant(client: Client, held: Sequence[Resource], target: Resource) -> ExchangeRule | None:
    """The rule that a client and a target in audit mode are missing: by name, what both sides declare."""
    served = [resource for resource in held if resource.served_by == client.name]
    if client.mode != "audit" or target.mode != "audit" or not served:
        return None
    declared = {scope for resource in served for scope in resource.scopes}
    return ExchangeRule(
        to=target.name,
        sources=tuple(resource.name for resource in served),
        by_name=tuple(scope for scope in target.scopes if scope in declared),
        mode="audit",
    )
