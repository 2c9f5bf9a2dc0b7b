"""A real PostgreSQL server for tests, started by the tests: TLS, passwords, a data folder of its own, no Docker."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import psycopg

from tests.servers import postgres_folder as names
from tests.servers.free_port import HOST, free_port
from tests.servers.orphan_guard import OrphanGuard
from tests.servers.postgres_database import Database, create_database
from tests.servers.postgres_folder import fill_folder
from tests.servers.postgres_programs import Programs, find_programs
from tests.servers.postmaster import Postmaster, StartFailed
from tests.servers.server_account import new_folder, server_account

SUPERUSER: Final = "postgres"
NOT_DURABLE: Final[Mapping[str, str]] = {"fsync": "off", "full_page_writes": "off"}
"""Faster. A kill still loses nothing that was committed; a crash of the machine would."""
NO_RIGHTS_BY_DEFAULT: Final = "REVOKE ALL ON SCHEMA public FROM PUBLIC"


class PostgresServer:
    """A context manager; elsewhere, `close` it."""

    def __init__(
        self, programs: Programs, folder: Path, guard: OrphanGuard, password: str, settings: Mapping[str, str]
    ) -> None:
        """Over a folder that is filled, and not started."""
        self.programs, self.folder = programs, folder
        self.ca_file = folder / names.CA_FILE
        self.log_file = folder / names.LOG_FILE
        self.port = free_port()
        self._password = password
        self._postmaster = Postmaster(
            [programs.folder / "postgres", "-D", folder / names.DATA, *self._options(settings)],
            log=self.log_file,
            account=programs.account,
            environment=programs.environment,
            guard=guard,
            answers=self._answers,
        )
        self._resources = ExitStack()

    @classmethod
    def start(cls, *, fsync: bool = True, settings: Mapping[str, str] | None = None) -> Self:
        """A server that has answered, on a free loopback port. Raises Unavailable, StartFailed.

        `fsync=False` is for tests of anything but durability. `settings` are PostgreSQL's own, and win.
        """
        programs = find_programs(server_account())
        password = secrets.token_urlsafe(18)
        with ExitStack() as resources:
            folder = resources.enter_context(new_folder("postgres"))
            guard = OrphanGuard(folder, names.PID_FILE)
            resources.callback(guard.release)
            fill_folder(folder, programs, SUPERUSER, password)
            chosen = {**({} if fsync else NOT_DURABLE), **(settings or {})}
            server = cls(programs, folder, guard, password, chosen)
            resources.callback(server._end)
            server._postmaster.start()
            with psycopg.connect(server.superuser_url("template1")) as connection:
                connection.execute(NO_RIGHTS_BY_DEFAULT)
            server._resources = resources.pop_all()
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing of it is left, whatever state it was in."""
        self._resources.close()

    def create_database(self) -> Database:
        """A new one, with roles of its own. Raises psycopg.Error."""
        return create_database(self.url, SUPERUSER, self._password)

    def superuser_url(self, database: str = "postgres") -> str:
        """For whatever nobody else may do."""
        return self.url(SUPERUSER, self._password, database)

    def url(self, user: str, password: str, database: str) -> str:
        """Demands TLS, and that the certificate is this server's."""
        authority = quote(str(self.ca_file), safe="")
        return (
            f"postgresql://{quote(user)}:{quote(password)}@{HOST}:{self.port}/{quote(database)}"
            f"?sslmode=verify-full&sslrootcert={authority}"
        )

    # What can happen to a server

    @property
    def pid(self) -> int:
        """The id of its first process; a new one after each start."""
        return self._postmaster.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._postmaster.is_running

    def stop(self) -> None:
        """An orderly end: sessions are cut, everything is written."""
        self._postmaster.quit(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL for all its processes at once: the next start has to recover."""
        self._postmaster.kill()

    def start_again(self) -> None:
        """Serving, on the same port and data, whether it was stopped, killed, paused or nothing. Raises StartFailed."""
        self._postmaster.resume()
        if not self.is_running:
            self._postmaster.start()

    def restart_immediately(self) -> None:
        """SIGQUIT, which ends it as a crash would, and a start that recovers. Raises StartFailed."""
        self._postmaster.quit(signal.SIGQUIT)
        self._postmaster.start()

    def pause(self) -> None:
        """SIGSTOP for all its processes: connections stay open, and nobody gets an answer."""
        self._postmaster.pause()

    def resume(self) -> None:
        """The end of a pause."""
        self._postmaster.resume()

    # Inside

    def _options(self, settings: Mapping[str, str]) -> list[str]:
        all_settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            # In the data folder instead of /dev/shm, where a kill would leave it behind.
            "dynamic_shared_memory_type": "mmap",
            "ssl": "on",
            "ssl_key_file": str(self.folder / names.KEY_FILE),
            "ssl_cert_file": str(self.folder / names.CERTIFICATE_FILE),
            **settings,
        }
        return [part for name, value in all_settings.items() for part in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.superuser_url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self) -> None:
        if (self.folder / names.PID_FILE).exists() and not self.is_running:
            # It was killed. A few bytes of shared memory that mark the data as in use outlive it, until the next start.
            with suppress(StartFailed):
                self._postmaster.start()
        self._postmaster.quit(signal.SIGQUIT)
