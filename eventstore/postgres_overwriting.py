"""Takes what was forgotten out of the files of the shared store, where the role may.

An UPDATE leaves the old row in its page. VACUUM only frees its place; VACUUM FULL writes the table anew, without it.
"""

from __future__ import annotations

from typing import Final

from eventstore.errors import StoreError
from eventstore.postgres_connections import Datastore

STATEMENT: Final = "VACUUM FULL counterfoil.pseudonyms"
# MAINTAIN is a right since PostgreSQL 17; an older server would refuse the question.
_MAY: Final = """
SELECT CASE WHEN current_setting('server_version_num')::int >= 170000
    THEN has_table_privilege('counterfoil.pseudonyms', 'MAINTAIN') ELSE false END
"""
_LEFT: Final = (
    f"the old row is in the table's file until the owner of the database runs `{STATEMENT}`, "
    "while no older transaction is open"
)


def vacuum_pseudonyms(store: Datastore) -> str:
    """Run it; what to do where that is not possible. Raises StoreError where the store cannot be asked."""
    if not store.rows(_MAY)[0][0]:
        return _LEFT
    try:
        store.change(STATEMENT)
    except StoreError as error:
        return f"{_LEFT} ({error})"
    return ""
