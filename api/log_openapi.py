"""The part of the OpenAPI document that is about `/log`."""

from __future__ import annotations

from typing import Any

from api.log_endpoints import CHECKPOINT_PATH, CONSISTENCY_PATH, INCLUSION_PATH, KEY_PATH, TILE_PATH


def log_paths() -> dict[str, Any]:
    """Checkpoints, tiles and proofs; open to all."""
    place = {"type": "string", "description": "C2SP tlog-tiles: 000, x001/234, 000.p/7"}
    return {
        CHECKPOINT_PATH: _text("log-checkpoint", "The last signed checkpoint of the log"),
        KEY_PATH: _text("log-key", "The public key of the log"),
        TILE_PATH: _get(
            "log-tile",
            "Hashes of the Merkle tree over the log",
            {"application/octet-stream": {}},
            [
                _parameter("level", "path", {"type": "integer", "minimum": 0}),
                _parameter("place", "path", place),
            ],
        ),
        INCLUSION_PATH: _text(
            "log-inclusion",
            "A proof that an event stands in the log (C2SP tlog-proof)",
            _parameter("position", "query", {"type": "integer", "minimum": 1}),
        ),
        CONSISTENCY_PATH: _text(
            "log-consistency",
            "A proof that the last checkpoint continues the one of that size",
            _parameter("old", "query", {"type": "integer", "minimum": 0}),
        ),
    }


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": schema}


def _text(operation: str, summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return _get(operation, summary, {"text/plain": {"schema": {"type": "string"}}}, list(parameters))


def _get(
    operation: str, summary: str, content: dict[str, Any], parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers = {
        "200": {"description": "OK", "content": content},
        "404": {"description": "No checkpoint covers that", "content": error},
        "503": {"description": "The event store cannot be read", "content": error},
    }
    if parameters:
        answers["400"] = {"description": "invalid_request", "content": error}
    return {
        "get": {"operationId": operation, "summary": summary, "parameters": parameters, "responses": answers}
    }
