"""The audit routes in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from api.audit import as_of_route, events_route, lineage_route, tail
from api.metadata import AUDIT_AS_OF_PATH, AUDIT_EVENTS_PATH, AUDIT_LINEAGE_PATH, AUDIT_TAIL_PATH
from api.oauth_errors import (
    BUSY_READING,
    GET_ONLY,
    NO_SUCH_MOMENT,
    NO_SUCH_TYPE,
    NOT_FOUND,
    NOT_YET,
    TOO_FAST,
    OAuthError,
    bearer_error,
)

_TEXT: Final = {"type": "string"}
_POSITION: Final = {"type": "integer", "minimum": 0}
_TIME: Final = {"type": "string", "format": "date-time"}
_SAYS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "type": (_TEXT, "event types or groups (`token`), separated by commas"),
    "token": (_TEXT, "jti of a token: its birth and its revocation"),
    "chain": (_TEXT, "jti of a first token"),
    "subject": (_TEXT, "a subject"),
    "client": (_TEXT, "a client"),
    "audience": (_TEXT, "audience or name of a resource"),
    "outcome": ({"type": "string", "enum": ["success", "failure"]}, "only what went so"),
    "since": (_TIME, "from then on"),
    "until": (_TIME, "before then"),
    "cursor": (_TEXT, "`next` of a page with the same conditions"),
    "after": (_POSITION, "after this position"),
    "limit": ({"type": "integer", "minimum": 1}, "at most so many"),
    "min_position": (_POSITION, "503 unless the log has come so far within a second"),
    "at": (_TEXT, "a position, or a time: then the last position whose event is not later"),
    "expired": ({"type": "boolean"}, "list tokens that had expired, too"),
    "format": ({"type": "string", "enum": ["json", "dot", "svg"]}, "of the tree"),
}
_ERRORS: Final = (
    NO_SUCH_TYPE,
    bearer_error(401, "invalid_token"),
    bearer_error(403, "insufficient_scope", "audit:read"),
    GET_ONLY,
    BUSY_READING,
    TOO_FAST,
    NOT_YET,
)
_OBJECT: Final[dict[str, Any]] = {"schema": {"type": "object"}}


def audit_paths() -> dict[str, Any]:
    """Path → its operations."""
    return {
        AUDIT_EVENTS_PATH: _get(
            "searchEvents",
            "Search the log",
            events_route.PARAMETERS,
            {
                "application/json": {"schema": {"$ref": "#/components/schemas/EventPage"}},
                "application/x-ndjson": {"schema": _TEXT},
                "text/csv": {"schema": _TEXT},
            },
        ),
        AUDIT_TAIL_PATH: _get(
            "tail", "Events as they are recorded", tail.PARAMETERS, {"text/event-stream": {"schema": _TEXT}}
        ),
        AUDIT_LINEAGE_PATH: _get(
            "lineage",
            "The family of a token, a chain or a subject",
            lineage_route.PARAMETERS,
            {
                "application/json": _OBJECT,
                "text/vnd.graphviz": {"schema": _TEXT},
                "image/svg+xml": {"schema": _TEXT},
            },
            NOT_FOUND,
        ),
        AUDIT_AS_OF_PATH: _get(
            "asOf",
            "What was true at a moment",
            as_of_route.PARAMETERS,
            {"application/json": _OBJECT},
            NO_SUCH_MOMENT,
        ),
    }


def audit_schemas() -> dict[str, Any]:
    """What the answers are made of."""
    events = {"type": "array", "items": {"type": "object", "required": ["position", "type", "id", "at"]}}
    properties = {
        "events": events,
        "position": _POSITION,
        "end": _POSITION,
        "next": _TEXT,
        "more": {"type": "boolean"},
    }
    return {"EventPage": {"type": "object", "required": list(properties), "properties": properties}}


def _get(
    operation: str, summary: str, parameters: frozenset[str], content: dict[str, Any], *errors: OAuthError
) -> dict[str, Any]:
    position = {
        "schema": _POSITION,
        "description": "after it nothing was looked at; of a stream, where it starts or ends",
    }
    ok = {"description": "Done", "headers": {"Counterfoil-Position": position}, "content": content}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "security": [{"administrator": ["audit:read"]}],
            "parameters": [_parameter(name) for name in sorted(parameters)],
            "responses": {"200": ok, **_answers((*_ERRORS, *errors))},
        }
    }


def _parameter(name: str) -> dict[str, Any]:
    schema, description = _SAYS[name]
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _answers(errors: tuple[OAuthError, ...]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for error in errors:
        example = {"value": {"error": error.error, "error_description": error.description}}
        content = {
            "schema": {"$ref": "#/components/schemas/Error"},
            "examples": {error.error: example},
        }
        answer = {"description": error.error, "content": {"application/json": content}}
        answers.setdefault(str(error.status), answer)
    return dict(sorted(answers.items()))
