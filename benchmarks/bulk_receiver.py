"""What stands for Elasticsearch where the sink is measured: it counts, creates everything and keeps nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

_CREATED: Final = b'{"create":{"status":201}}'


class BulkReceiver:
    """A context manager, in a thread of this process."""

    def __init__(self) -> None:
        self.bytes = 0
        self.items = 0
        receiver = self

        class Answers(BaseHTTPRequestHandler):
            """`_bulk` alone, whatever the address."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take the whole request, then answer for each item."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                count = body.count(b"\n") // 2
                answer = b'{"took":1,"errors":false,"items":[' + b",".join([_CREATED] * count) + b"]}"
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(answer), answer)
                )
                receiver.bytes += len(body)
                receiver.items += count

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def size(self) -> int:
        """Bytes so far."""
        return self.bytes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
