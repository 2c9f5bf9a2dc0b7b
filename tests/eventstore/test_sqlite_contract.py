"""The embedded store keeps the contract that the library's own tests lay down for every DCB recorder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from eventsourcing.dcb.tests import DCBRecorderTestCase

from eventstore.sqlite import SQLiteRecorder


class TestSQLiteRecorder(DCBRecorderTestCase):
    """The library's test case, against a file."""

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.recorder = SQLiteRecorder(folder / "log.db")
        self.addCleanup(self.recorder.close)

    def test_append_and_read(self) -> None:
        """Queries, conditions, order, limits and heads are as the library says."""
        self._test_append_read(self.recorder)

    def test_append_and_subscribe(self) -> None:
        """A subscription gives what is there, blocks, and gives what is appended then."""
        self._test_append_subscribe(self.recorder)


class TestSQLiteRecorderWithEverythingIndexed(TestSQLiteRecorder):
    """The same while the tag index is brought up to the log after every append."""

    def setUp(self) -> None:
        super().setUp()
        append = self.recorder.append

        def append_and_index(*args, **kwargs):
            position = append(*args, **kwargs)
            self.recorder.index_tags(limit=10)
            return position

        self.recorder.append = append_and_index  # type: ignore[method-assign]
