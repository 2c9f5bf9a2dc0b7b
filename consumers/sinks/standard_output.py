"""One line for each record on standard output. Nobody acknowledges it: accepted is what the pipe or file took."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkUnavailable, Verdict
from consumers.sinks.payload import BROKEN_LINE, Formatter, line_of, native

_STANDARD_OUTPUT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A `[sinks.NAME]` table with `kind = "stdout"` has no keys of its own."""


class StandardOutputSink:
    """Writes to a descriptor without a buffer of its own: what was not taken is known at once."""

    largest_batch = 500
    largest_bytes = 1_048_576

    def __init__(self, formatter: Formatter, descriptor: int = _STANDARD_OUTPUT) -> None:
        """The descriptor stays open at the end: it is not ours."""
        self._formatter, self._descriptor = formatter, descriptor

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Write all of it. Raises SinkUnavailable; BrokenPipeError, which ends the process, where nobody reads."""
        lines = [line_of(self._formatter(delivery)) for delivery in batch]
        left = memoryview(b"".join(line for line in lines if line is not None))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BrokenPipeError:
            # Nothing brings a reader back, so there is nothing to wait for: the process ends, as in any pipe, and what
            # was not taken is delivered at its next start.
            raise
        except OSError as error:
            raise SinkUnavailable(f"standard output: {error.strerror}") from None
        return [BROKEN_LINE if line is None else ACCEPTED for line in lines]

    def close(self) -> None:
        """Nothing to let go of."""


def open_sink(options: Options, formatter: Formatter = native) -> Sink:  # noqa: ARG001 - as every kind is opened
    """The sink; raises nothing."""
    sys.stdout.flush()  # what was printed before comes before
    return StandardOutputSink(formatter)
