"""The stages of an exchange, by the functions that are theirs, and the few that they come down to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.sampling import Profile

STAGES: Final = (
    ("verify the signature", ("api/verification_keys.py", "api/algorithms.py:Ecdsa.verifier")),
    ("sign", ("api/signing_keys.py",)),
    (
        "look the birth up in the log",
        ("projections/births.py", "eventstore/postgres_online.py:PostgresOnline._read_tokens"),
    ),
    ("parse and remember the token", ("api/jose.py", "api/own_tokens.py:OwnTokens.genuine")),
    ("read the form", ("api/forms.py", "api/request_body.py", "api/token_endpoint.py:_asked_for")),
    ("authenticate the client", ("api/service.py:Service._for_clients.<locals>.authenticate",)),
    ("answer", ("api/answers.py", "api/token_endpoint.py:_granted")),
    ("SQL in the loop's thread", ("eventstore/sqlite",)),
    ("encode the event", ("eventstore/codec.py",)),
    ("decide", ("domain/decide_request.py",)),
    ("remember what was issued", ("api/token_desk.py:TokenDraft.appended",)),
    ("send and receive at the database", ("eventstore/postgres_link.py", "asyncpg/")),
    ("group commit", ("eventstore/writer.py", "eventstore/postgres")),
    ("endpoint and desk", ("api/app.py", "api/endpoints.py")),
    ("HTTP and event loop", ("",)),
)
"""A sample belongs to the first that is on its stack."""
OTHER_THREADS: Final = "commit, checkpoint, index (other threads)"
DATABASE: Final = "processes of the database"
_SPLIT: Final[Mapping[str, tuple[str, ...]]] = {
    "HTTP": ("HTTP and event loop", "read the form", "answer"),
    "client authentication": ("authenticate the client",),
    "verify": ("verify the signature", "look the birth up in the log", "parse and remember the token"),
    "decide": ("decide",),
    "store": (
        "SQL in the loop's thread",
        "encode the event",
        "remember what was issued",
        "send and receive at the database",
        "group commit",
        OTHER_THREADS,
    ),
    "sign": ("sign",),
    "between these": ("endpoint and desk",),
    "database": (DATABASE,),
}


def stages_of(profile: Profile) -> dict[str, float]:
    """Microseconds of processor time of an exchange in each stage, the database's included where there is one."""
    database = {DATABASE: profile.database_microseconds} if profile.database_microseconds else {}
    return {**profile.stages(STAGES), OTHER_THREADS: profile.thread_microseconds, **database}


def split_of(profile: Profile) -> dict[str, float]:
    """The same, in the words of a plan: HTTP, client authentication, verify, decide, store, sign."""
    found = stages_of(profile)
    return {name: sum(found.get(stage, 0.0) for stage in stages) for name, stages in _SPLIT.items()}
