"""What OpenSearch does with `_bulk` and `create`, in memory: a document under each id, and the same id never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(slots=True, kw_only=True)
class BulkReceiver:
    """Where it listens, and what it has."""

    url: str
    documents: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By id: the index, and the document."""

    def create(self, index: str, id: str, document: dict[str, Any]) -> dict[str, Any]:
        """201, or 409 for an id that is there."""
        if id in self.documents:
            return {"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}
        self.documents[id] = (index, document)
        return {"create": {"status": 201}}


@contextmanager
def bulk_receiver() -> Iterator[BulkReceiver]:
    """One that listens on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
            items = []
            for action, document in zip(lines[::2], lines[1::2], strict=True):
                target = json.loads(action)["create"]
                items.append(receiver.create(target["_index"], target["_id"], json.loads(document)))
            failed = any(item["create"]["status"] >= 300 for item in items)
            body = json.dumps({"took": 1, "errors": failed, "items": items}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = BulkReceiver(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
