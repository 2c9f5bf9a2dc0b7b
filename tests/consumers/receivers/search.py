"""A stand-in for the search of Elasticsearch: what `copy_of_index` uses of it, answered as the real one does.

`exists` and `range` on a dotted field, `sort`, `size`, `track_total_hits`, the `Authorization` header, failed shards,
404 for an index that there is not, and a window of `max_result_window` documents.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

WINDOW = 10_000


@dataclass(slots=True)
class SearchFake:
    """What it holds, and what was asked of it."""

    documents: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Index, `_id` and `_source`."""
    authorization: str | None = None
    """What the header must be; `None` lets everybody in."""
    failed_shards: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(
        self, path: str, body: dict[str, Any], authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Status and document."""
        self.asked.append(body)
        if self.authorization is not None and authorization != self.authorization:
            return 401, {"error": {"type": "security_exception"}, "status": 401}
        pattern = unquote(urlsplit(path).path).split("/")[1]
        if body["size"] > WINDOW:
            return 400, {"error": {"type": "illegal_argument_exception"}, "status": 400}
        found = [each for each in self.documents if fnmatchcase(each[0], pattern)]
        if not found and "*" not in pattern:
            return 404, {"error": {"type": "index_not_found_exception"}, "status": 404}
        return 200, self._found(found, body)

    def _found(self, found: list[tuple[str, str, dict[str, Any]]], body: dict[str, Any]) -> dict[str, Any]:
        matching = [each for each in found if _matches(each[2], body["query"])]
        if "sort" in body:
            ((name, _),) = body["sort"][0].items()
            matching.sort(key=lambda each: _value(each[2], name) or 0)
        else:
            name = ""
        hits = [
            {"_index": index, "_id": id, "_source": source, "sort": [_value(source, name)]}
            for index, id, source in matching[: body["size"]]
        ]
        total = {"total": {"value": len(matching), "relation": "eq"}} if body["track_total_hits"] else {}
        shards = {"total": 1, "successful": 1 - self.failed_shards, "failed": self.failed_shards}
        return {"took": 1, "timed_out": False, "_shards": shards, "hits": {**total, "hits": hits}}


def _matches(source: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    if "exists" in query:
        return _value(source, query["exists"]["field"]) is not None
    ((name, within),) = query["range"].items()
    value = _value(source, name)
    return value is not None and value > within["gt"] and value <= within.get("lte", value)


def _value(source: Any, name: str) -> Any:
    for part in name.split("."):
        source = source.get(part) if isinstance(source, dict) else None
    return source


@contextmanager
def search_fake() -> Iterator[SearchFake]:
    """It listens on a loopback port until it is left."""
    fake = SearchFake()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status, document = fake.answer(
                self.path, json.loads(self.rfile.read(length)), self.headers.get("Authorization")
            )
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
