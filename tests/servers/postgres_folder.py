"""What a PostgreSQL server needs on disk: its data, its certificate, its superuser's password."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from tests.servers.certificate_authority import CertificateAuthority
from tests.servers.postgres_programs import Programs

DATA: Final = "data"
PID_FILE: Final = f"{DATA}/postmaster.pid"
CA_FILE: Final = "ca.pem"
LOG_FILE: Final = "postgres.log"
KEY_FILE: Final = "server.key"
CERTIFICATE_FILE: Final = "server.pem"


def fill_folder(folder: Path, programs: Programs, superuser: str, password: str) -> None:
    """A new data folder with that superuser, and a certificate. Raises subprocess.CalledProcessError with a note."""
    authority = CertificateAuthority()
    key, certificate = authority.loopback_server()
    _publish(folder / CA_FILE, authority.pem)
    _publish(folder / CERTIFICATE_FILE, certificate)
    _keep_secret(folder / KEY_FILE, key, programs)
    _keep_secret(folder / "password", password.encode(), programs)
    (folder / DATA).mkdir()
    programs.account.takes_over(folder / DATA)
    _initialize(folder, programs, superuser)
    (folder / "password").unlink()


def _publish(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    # Whatever our umask says.
    path.chmod(0o644)


def _keep_secret(path: Path, content: bytes, programs: Programs) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    programs.account.takes_over(path)


def _initialize(folder: Path, programs: Programs, superuser: str) -> None:
    options = [
        f"--pgdata={folder / DATA}",
        f"--username={superuser}",
        f"--pwfile={folder / 'password'}",
        "--auth-host=scram-sha-256",
        "--auth-local=reject",
        "--encoding=UTF8",
        "--locale=C",
        # Nothing is in there yet that a crash of the machine could take away.
        "--no-sync",
    ]
    try:
        subprocess.run(
            [programs.folder / "initdb", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            cwd=folder,
            env=programs.environment,
            start_new_session=True,
            **programs.account.identity,
        )
    except subprocess.CalledProcessError as error:
        error.add_note((error.stdout + error.stderr).decode(errors="replace")[-2000:])
        raise
