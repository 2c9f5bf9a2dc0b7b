"""A whole story of a server, told by a process that is not root: `test_postgres_faults.py` starts it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import psycopg

from tests.servers.postgres import PostgresServer
from tests.servers.process_table import owner_of


def story() -> dict[str, Any]:
    """Start, write, crash, pause, read, end; and what was seen."""
    with PostgresServer.start(fsync=False) as server:
        database = server.create_database()
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        server.restart_immediately()
        with psycopg.connect(database.owner_url) as connection:
            server.pause()
            server.resume()
            rows = connection.execute("SELECT number FROM kept").fetchall()
        database.drop()
        return {
            "rows": rows,
            "pid": server.pid,
            "owner": owner_of(server.pid),
            "folder": str(server.folder),
        }


def main() -> None:
    """The arguments are the user and group ids of the account to become, or nothing to stay who we are."""
    if account := [int(argument) for argument in sys.argv[1:]]:
        # Once as root, so that all is imported: that account may not be able to enter Python's own folder.
        story()
        os.setgroups([])
        os.setgid(account[1])
        os.setuid(account[0])
    sys.stdout.write(json.dumps(story()))


if __name__ == "__main__":
    main()
