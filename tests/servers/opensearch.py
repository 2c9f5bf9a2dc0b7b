"""A real OpenSearch on loopback, one node, which ends with the process that started it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.servers.opensearch_jars import VERSION, opensearch_jars
from tests.servers.server_account import PREFIX, Unavailable

HOST: Final = "127.0.0.1"
MODULE: Final = "transport-netty4"
OF_THE_MODULE: Final = ("netty-*.jar", "transport-netty4-client-*.jar")
SECONDS_TO_START: Final = 120.0
JAVA: Final = range(17, 24)
"""From 24 on there is no security manager, without which 2.19 does not start."""
DESCRIPTION: Final = f"""description=HTTP
version={VERSION}
name={MODULE}
classname=org.opensearch.transport.Netty4Plugin
java.version=11
opensearch.version={VERSION}
"""
POLICY: Final = "grant { permission java.security.AllPermission; };\n"
LOGGING: Final = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
JVM: Final = (
    "-Xms256m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.security.manager=allow",
    "-Dlog4j2.disable.jmx=true",
    # Without native code it does not mind which account runs it, nor how many files that may open.
    "-Djna.nounpack=true",
    "-Djna.nosys=true",
    "-Djna.boot.library.path=none",
)
GUARDED: Final = '"$@" </dev/null & read -r nothing; kill -9 $!; wait; rm -rf "$0"'
"""Input ends when we do, however we end."""


class OpenSearchServer:
    """Started by the constructor, and to be stopped."""

    def __init__(self, **settings: Any) -> None:
        """With these settings beside those that every test needs. Raises Unavailable."""
        java = _java()
        jars = opensearch_jars()
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}opensearch-"))
        self._log = folder / "log"
        self.url = f"http://{HOST}:{_fill(folder, jars, settings)}"
        main = "org.opensearch.bootstrap.OpenSearch"
        places = [f"-Dopensearch.path.home={folder}", f"-Dopensearch.path.conf={folder / 'config'}"]
        command = [java, *JVM, *places, "-cp", f"{folder / 'lib'}/*", main]
        with self._log.open("ab") as log:
            self._guard = subprocess.Popen(
                ["sh", "-c", GUARDED, str(folder), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                # Ctrl-C in a terminal is for the tests, which still have to tidy up.
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """One request, and the document that it answers with. Raises httpx.HTTPError for any failure."""
        answer = httpx.request(method, f"{self.url}/{path}", json=document, timeout=60, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        """Ends the server and removes its folder."""
        self._guard.communicate(timeout=30)

    def _wait(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            try:
                self.ask("GET", "_cluster/health?wait_for_status=yellow&timeout=5s")
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"OpenSearch did not start: {self._log.read_text(errors='replace')[-3000:]}")


def _java() -> str:
    found = shutil.which("java") or ""
    said = subprocess.run([found or "false", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) not in JAVA:
        raise Unavailable(f"OpenSearch for tests needs Java {JAVA.start} to {JAVA.stop - 1} on the PATH")
    return found


def _fill(folder: Path, jars: Path, settings: Mapping[str, Any]) -> int:
    """What a server finds in its home; its port."""
    module, config = folder / "modules" / MODULE, folder / "config"
    for made in (module, config, folder / "plugins", folder / "lib"):
        made.mkdir(parents=True)
    own = {path for pattern in OF_THE_MODULE for path in jars.glob(pattern)}
    for jar in jars.iterdir():
        shutil.copy(jar, module if jar in own else folder / "lib")
    (module / "plugin-descriptor.properties").write_text(DESCRIPTION)
    (module / "plugin-security.policy").write_text(POLICY)
    (config / "log4j2.properties").write_text(LOGGING)
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as other:
        port, transport = one.getsockname()[1], other.getsockname()[1]
    chosen = {
        "cluster.name": "counterfoil-test",
        "discovery.type": "single-node",
        "network.host": HOST,
        "http.port": port,
        "transport.port": transport,
        # The disk of a machine that runs tests may be almost full.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **settings,
    }
    (config / "opensearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in chosen.items()))
    return int(port)
