"""A real rsyslog for tests: RFC 5424 over TLS and over TCP, what it received in a file, no Docker, not as root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from tests.servers.certificate_authority import CertificateAuthority
from tests.servers.free_port import free_port
from tests.servers.orphan_guard import OrphanGuard
from tests.servers.server_account import Unavailable, new_folder, server_account

HOST: Final = "localhost"
PID_FILE: Final = "rsyslog.pid"
SECONDS: Final = 30.0
CONFIGURATION: Final = """
global(workDirectory="{folder}/spool" maxMessageSize="64k" net.enableDNS="off"
       parser.escapeControlCharactersOnReceive="off"
       defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem"
       defaultNetstreamDriverKeyFile="{folder}/server.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{client}")
module(load="imptcp")
template(name="facts" type="list") {{
    constant(value="{{") property(outname="priority" name="pri" format="jsonf")
    constant(value=",") property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
    constant(value=",") property(outname="host" name="hostname" format="jsonf")
    constant(value=",") property(outname="app" name="app-name" format="jsonf")
    constant(value=",") property(outname="kind" name="msgid" format="jsonf")
    constant(value=",") property(outname="data" name="structured-data" format="jsonf")
    constant(value=",") property(outname="message" name="msg" format="jsonf")
    constant(value=",") property(outname="raw" name="rawmsg" format="jsonf") constant(value="}}\\n")
}}
ruleset(name="keep") {{ action(type="omfile" file="{folder}/spool/received" template="facts") }}
input(type="imtcp" port="{tls_port}" address="127.0.0.1" ruleset="keep")
input(type="imptcp" port="{tcp_port}" address="127.0.0.1" ruleset="keep")
"""


class Rsyslog:
    """A context manager. Ports and what was received stay through a restart."""

    def __init__(self, *, client_certificates: bool = False) -> None:
        """`client_certificates`: whether TLS clients must have one of the authority's."""
        self.tls_port, self.tcp_port = free_port(), free_port()
        self.authority = CertificateAuthority()
        self._client = "x509/certvalid" if client_certificates else "anon"
        self._resources = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._account = server_account()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            self.folder = resources.enter_context(new_folder("rsyslog"))
            self._fill_folder()
            guard = OrphanGuard(self.folder, f"spool/{PID_FILE}", "KILL")
            resources.callback(guard.release)
            resources.callback(self.kill)
            self.start()
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    @property
    def ca_file(self) -> Path:
        """What clients check its certificate against."""
        return self.folder / "ca.pem"

    def received(self, at_least: int = 0) -> list[dict[str, Any]]:
        """What stands in its file, once there are so many; what there is after a while."""
        path = self.folder / "spool" / "received"
        deadline = time.monotonic() + SECONDS
        while True:
            content = path.read_bytes() if path.exists() else b""
            lines = content.split(b"\n")[:-1]
            if len(lines) >= at_least or time.monotonic() > deadline:
                return [json.loads(line) for line in lines]
            time.sleep(0.02)

    def start(self) -> None:
        """Until both ports are listened on. Raises Unavailable."""
        program, modules = _programs()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    "-n",
                    "-f",
                    self.folder / "conf",
                    "-i",
                    self.folder / "spool" / PID_FILE,
                    "-M",
                    modules,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(modules.parent)},
                start_new_session=True,
                **self._account.identity,
            )
        deadline = time.monotonic() + SECONDS
        while not self._listens():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """An orderly end: what it has read, it writes."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it has not written is lost, and a line that it was writing does not count."""
        self._end(signal.SIGKILL)
        kept = self.folder / "spool" / "received"
        if kept.exists():
            with kept.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(SECONDS)
            (self.folder / "spool" / PID_FILE).unlink(missing_ok=True)

    def _listens(self) -> bool:
        wanted = {f"{port:04X}" for port in (self.tls_port, self.tcp_port)}
        listening = {
            columns[1].rpartition(":")[2]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if (columns := line.split())[3] == "0A"
        }
        return wanted <= listening

    def _fill_folder(self) -> None:
        key, certificate = self.authority.loopback_server()
        (self.folder / "ca.pem").write_bytes(self.authority.pem)
        (self.folder / "server.pem").write_bytes(certificate)
        secret = self.folder / "server.key"
        secret.touch(mode=0o600)
        secret.write_bytes(key)
        self._account.takes_over(secret)
        (self.folder / "spool").mkdir()
        self._account.takes_over(self.folder / "spool")
        conf = CONFIGURATION.format(
            folder=self.folder, client=self._client, tls_port=self.tls_port, tcp_port=self.tcp_port
        )
        (self.folder / "conf").write_text(conf)


def _programs() -> tuple[Path, Path]:
    """The program and the folder of its modules, also where a package was only unpacked. Raises Unavailable."""
    program = Path(shutil.which("rsyslogd") or "rsyslogd").resolve()
    places = (*program.parents[1].glob("lib/*/rsyslog"), Path("/usr/lib/rsyslog"), Path("/usr/lib64/rsyslog"))
    for modules in places:
        if (modules / "lmnsd_gtls.so").exists():
            return program, modules
    raise Unavailable("rsyslog is here, and its module for TLS is not (package rsyslog-gnutls)")
