"""The `_bulk` of Elasticsearch and OpenSearch as documented, for what a real one cannot be made to say."""

from __future__ import annotations

import json
from typing import Any

from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, Seen


class FakeBulk(ScriptedReceiver):
    """Keeps documents by index and id."""

    def __init__(self, *, largest: int = 100_000_000, authorization: str = "") -> None:
        super().__init__(self._answer)
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.errors: dict[str, list[tuple[int, str]]] = {}
        """By id, what is said of it the next times: status and type."""
        self._largest, self._authorization = largest, authorization

    def _answer(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization", "") != self._authorization:
            return Reply(status=401, body=b'{"error":{"type":"security_exception"}}')
        if len(seen.body) > self._largest:
            return Reply(status=413)
        assert seen.path == "/_bulk"
        assert seen.body.endswith(b"\n")
        lines = [json.loads(line) for line in seen.body.splitlines()]
        items = [self._item(*both) for both in zip(lines[::2], lines[1::2], strict=True)]
        answer = {"errors": any("error" in item["create"] for item in items), "items": items}
        return Reply(body=json.dumps(answer).encode())

    def _item(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        index, id = action["create"]["_index"], action["create"]["_id"]
        if self.errors.get(id):
            status, kind = self.errors[id].pop(0)
            return {"create": {"status": status, "error": {"type": kind, "reason": "scripted"}}}
        if (index, id) in self.documents:
            error = {"type": "version_conflict_engine_exception", "reason": "document already exists"}
            return {"create": {"status": 409, "error": error}}
        self.documents[index, id] = document
        return {"create": {"status": 201}}
