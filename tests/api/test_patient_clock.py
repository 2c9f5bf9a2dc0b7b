"""What is forgotten is forgotten by time that has passed, not by what a clock says for a moment."""

from __future__ import annotations

from api.patient_clock import PatientClock


class Clocks:
    """A wall clock that can be set, beside time as it passes."""

    def __init__(self) -> None:
        self.wall = 1_000_000_000
        self.passed = 50.0
        self.patient = PatientClock(lambda: self.wall, lambda: self.passed)

    def wait(self, seconds: float) -> None:
        self.wall += round(seconds * 1000)
        self.passed += seconds


def test_it_goes_with_the_wall_clock() -> None:
    """In seconds, where nobody sets the clock."""
    clocks = Clocks()
    clocks.wait(90)
    assert clocks.patient.seconds() == 1_000_090


def test_a_jump_ahead_is_not_believed() -> None:
    """An hour that has not passed makes nothing forgotten, whether it is taken back or not."""
    clocks = Clocks()
    clocks.wall += 3_600_000
    clocks.wait(10)
    assert clocks.patient.seconds() == 1_000_010


def test_a_clock_that_is_put_back_is_followed() -> None:
    """Later is always safe."""
    clocks = Clocks()
    clocks.wait(60)
    clocks.wall -= 3_600_000
    assert clocks.patient.seconds() == 1_000_060 - 3600
