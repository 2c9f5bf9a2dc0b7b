"""A real OpenTelemetry Collector on loopback: OTLP over HTTP in, a file out. Built once for a user, from `collector/`.

`go.sum` there says what every module has to be. The first build takes minutes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.servers.opensearch_jars import cache_folder
from tests.servers.server_account import PREFIX, Unavailable

SOURCE: Final = Path(__file__).with_name("collector")
SECONDS_TO_BUILD: Final = 900
SECONDS_TO_START: Final = 30.0
CONFIG: Final = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}", max_request_body_size: {largest}}}}}}}}}
exporters: {{file: {{path: "{folder}/logs.json", flush_interval: 50ms}}}}
service:
  pipelines: {{logs: {{receivers: [otlp], exporters: [file]}}}}
"""
GUARDED: Final = '"$@" </dev/null & read -r nothing; kill -9 $!; wait; rm -rf "$0"'
"""Input ends when we do, however we end."""


class OtelCollector:
    """Started by the constructor, and to be stopped."""

    def __init__(self, largest: int = 100_000) -> None:
        """`largest`: bytes of a request that it takes. Raises Unavailable."""
        program = _program()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}collector-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1/logs"
        config = self._folder / "config.yaml"
        config.write_text(CONFIG.format(port=self._port, folder=self._folder, largest=largest))
        with (self._folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                ["sh", "-c", GUARDED, str(self._folder), str(program), f"--config=file:{config}"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def records(self) -> list[dict[str, Any]]:
        """The log records that it has written, in order, as it understood them."""
        written = (self._folder / "logs.json").read_bytes()
        lines = [json.loads(line) for line in written.splitlines(keepends=True) if line.endswith(b"\n")]
        return [
            record
            for line in lines
            for resource in line["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def stop(self) -> None:
        """Ends it and removes its folder."""
        self._guard.communicate(timeout=30)

    def _wait(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"no collector: {(self._folder / 'log').read_text(errors='replace')[-3000:]}")


def _program() -> Path:
    """The built program, kept by what it is built from. Raises Unavailable."""
    if shutil.which("go") is None:
        raise Unavailable("the collector is built by go, which is not on the PATH")
    digest = hashlib.sha256(
        b"".join((SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
    )
    kept = cache_folder() / f"otel-collector-{digest.hexdigest()[:12]}"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            fresh = kept.with_suffix(".new")
            # The toolchain that is there, and what is locked.
            environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
            command = ["go", "build", "-o", str(fresh), "."]
            built = subprocess.run(
                command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False,
                timeout=SECONDS_TO_BUILD,
            )  # fmt: skip
            if built.returncode:
                raise Unavailable(f"the collector cannot be built: {built.stderr[-500:]}")
            fresh.rename(kept)
    return kept
