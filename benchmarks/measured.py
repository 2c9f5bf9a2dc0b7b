"""A plan of slices, and a row of the table that they end in."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from benchmarks.slices import Series, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure: so many rounds with each of so many pairs of server and floor."""

    processes: int
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row of the table; latencies in milliseconds."""

    name: str
    connections: int
    per_second: float
    p50: float
    p99: float
    ratio: float


def row(series: Series, against: Series, connections: int, name: str) -> Measured:
    """A series, and its ratio to another."""
    return Measured(
        name=name,
        connections=connections,
        per_second=series.per_second,
        p50=series.percentile(0.5),
        p99=series.percentile(0.99),
        ratio=ratio(series, against),
    )


def table(rows: list[Measured], title: str, against: str) -> Table:
    """`against`: the heading over the ratios."""
    shown = Table(title=title)
    for column in ("connections", "what", "per second", "p50 ms", "p99 ms", against):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for number, measured in enumerate(rows, 1):
        shown.add_row(
            str(measured.connections),
            measured.name,
            f"{measured.per_second:,.0f}",
            f"{measured.p50:.2f}",
            f"{measured.p99:.2f}",
            f"{measured.ratio:.2f}",
            end_section=number == len(rows) or rows[number].connections != measured.connections,
        )
    return shown
