"""Standard output as a sink."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.delivery import ACCEPTED
from consumers.sinks.payload import BROKEN_LINE
from consumers.sinks.standard_output import StandardOutputSink
from tests.consumers.sinks.deliveries import deliveries, delivery
from tests.source_tree import ROOT

PROGRAM = """
from consumers.sinks.standard_output import Options, open_sink
from tests.consumers.sinks.deliveries import deliveries
print("first")
open_sink(Options()).deliver(deliveries(1, 500))
"""


def test_each_record_is_a_line_behind_what_was_printed_before() -> None:
    """In a process of its own, whose output goes into a pipe."""
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert printed.splitlines() == [b"first", *(record.value for record in deliveries(1, 500))]


def test_a_reader_that_has_gone_ends_it() -> None:
    """Nothing that is tried again would bring it back."""
    reading, writing = os.pipe()
    os.close(reading)
    sink = StandardOutputSink(lambda record: record.value, writing)
    with pytest.raises(BrokenPipeError):
        sink.deliver([delivery(1)])
    sink.close()
    os.close(writing)


def test_a_stream_into_a_pipe_ends_with_its_reader_and_loses_nothing(tmp_path: Path) -> None:
    """`counterfoil stream … | head`: exit code 1, no traceback, and the next start delivers what was not taken."""
    counterfoil = str(Path(sys.executable).with_name("counterfoil"))
    store = ["--store", str(tmp_path / "log.db")]
    (tmp_path / "sinks.toml").write_text('[sinks.pipe]\nkind = "stdout"\n')
    subprocess.run([counterfoil, "init", *store], check=True, capture_output=True)
    stream = [counterfoil, "stream", "--from-log", "--sink", "pipe", *store]
    environment = {**os.environ, "COUNTERFOIL_SINKS": str(tmp_path / "sinks.toml")}
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(stream, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (1, False)
    with subprocess.Popen(
        stream, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as again:
        assert again.stdout is not None
        first = json.loads(again.stdout.readline())
        again.terminate()
        again.stdout.read()
    assert first["seq"] == 1


def test_a_payload_with_a_line_break_is_refused_alone() -> None:
    """One record is one line; the others are written."""
    reading, writing = os.pipe()
    sink = StandardOutputSink(lambda record: record.value, writing)
    broken = replace(delivery(1), value=b"two\nlines")
    assert sink.deliver([broken, delivery(2)]) == [BROKEN_LINE, ACCEPTED]
    os.close(writing)
    with os.fdopen(reading, "rb") as read:
        assert read.read() == delivery(2).value + b"\n"
