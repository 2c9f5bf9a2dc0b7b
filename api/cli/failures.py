"""The one table from what can go wrong below the command line to how the command ends."""

from __future__ import annotations

from api.cli.exit_codes import MISTAKE, UNAVAILABLE, CommandFailed
from api.exporting import NothingToExport
from api.ledger import NotInitialised
from api.note_keys import NoteForged, NoteMalformed
from api.operator_log import OperatorMistake
from api.policy_file import PolicyFileError
from api.private_keys import KeyUnavailable
from api.sealing import SealBroken, WrongKeyEncryptionKey
from api.sequencer import SigningRefused
from api.settings import SettingInvalid
from api.workers import WorkerFailed
from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.errors import KafkaUnavailable, StreamMisconfigured
from domain.apply_policy import IssuerChanged
from domain.tiles import TileMissing
from eventstore.codec import UnknownEventType, UnreadableEvent
from eventstore.errors import StoreError
from eventstore.postgres_copy import CopyRefused
from eventstore.postgres_migration import SchemaMissing, UnsafeDatabase

MISTAKES = (
    SettingInvalid,
    NotInitialised,
    PolicyFileError,
    OperatorMistake,
    IssuerChanged,
    KeyUnavailable,
    WrongKeyEncryptionKey,
    SchemaMissing,
    UnsafeDatabase,
    CopyRefused,
    NothingToExport,
    NoteMalformed,
    StreamMisconfigured,
    SinkMisconfigured,
)
OUTAGES = (
    StoreError,
    UnknownEventType,
    UnreadableEvent,
    SealBroken,
    WorkerFailed,
    SigningRefused,
    NoteForged,
    TileMissing,
    KafkaUnavailable,
    SinkUnavailable,
)


def failure_of(error: Exception) -> CommandFailed | None:
    """How the command ends; `None` for a bug, which keeps its traceback."""
    if isinstance(error, MISTAKES):
        return CommandFailed(str(error), MISTAKE)
    if isinstance(error, OUTAGES):
        return CommandFailed(str(error), UNAVAILABLE)
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        named = f"{error.filename}: {what}" if error.filename else what
        return CommandFailed(named, UNAVAILABLE)
    return None
