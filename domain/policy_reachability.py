"""Exchange rules that no chain of tokens could ever arrive at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.identifiers import ResourceName
from domain.policy import Client, Policy, Resource
from domain.policy_problems import Problems


def check_reachability(policy: Policy, problems: Problems) -> None:
    """Add a problem for every rule that starts where no token is ever given, however deep chains may get."""
    nearest = nearest_tokens(policy)
    for client in policy.clients.values():
        for index, rule in enumerate(client.exchange):
            if not any(source in nearest for source in rule.sources):
                what = f"can never apply: no token for {' or '.join(rule.sources)} is ever given"
                mend = "Add a first token or a rule that leads there, or remove this one."
                problems.add(("clients", client.name, "exchange", index), what, mend)


def out_of_depth(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Client, target and why, for rules whose tokens would all be too deep.

    No problem but a warning: who lowers a limit in an emergency must not have to take the policy apart first.
    """
    nearest = nearest_tokens(policy)
    for client in policy.clients.values():
        for rule in client.exchange:
            target = policy.resources.get(rule.to)
            depths = [nearest[source] for source in rule.sources if source in nearest]
            if target is None or not depths:
                continue
            limit, key = _strictest(policy, client, target)
            if min(depths) + 1 > limit:
                yield client.name, rule.to, f"the depth would be {min(depths) + 1}, and {key} is {limit}"


def nearest_tokens(policy: Policy) -> Mapping[ResourceName, int]:
    """The least depth at which a token for a resource could exist, limits aside; no entry where none could."""
    grants = [g for c in policy.clients.values() for g in c.first_tokens]
    grants += [g for i in policy.trusted_issuers.values() for g in i.grants]
    nearest = {grant.to: 0 for grant in grants}
    ways = [way for client in policy.clients.values() for way in _ways(policy, client)]
    depth, frontier = 0, set(nearest)
    while frontier:
        depth += 1
        frontier = {to for source, to in ways if source in frontier and to not in nearest}
        nearest |= dict.fromkeys(frontier, depth)
    return nearest


def _ways(policy: Policy, client: Client) -> Iterator[tuple[ResourceName, ResourceName]]:
    """From where to where the client's tokens get, be it only in audit mode."""
    yield from ((source, rule.to) for rule in client.exchange for source in rule.sources)
    if client.mode == "audit":
        serves = [r.name for r in policy.resources.values() if r.served_by == client.name]
        audited = [r.name for r in policy.resources.values() if r.mode == "audit"]
        yield from ((source, to) for source in serves for to in audited)


def _strictest(policy: Policy, client: Client, target: Resource) -> tuple[int, str]:
    """The depth that a token of this client for this target may have, and the key that says so."""
    limits = [
        (policy.limits.depth, "limits.depth"),
        (client.depth, f"clients.{client.name}.depth"),
        (target.depth, f"resources.{target.name}.depth"),
    ]
    return min((limit, key) for limit, key in limits if limit is not None)
