"""How the demonstration looks: chapters, steps and facts, at most 100 columns wide, plain where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from api.cli.terminal_text import visible

WIDTH: Final = 100
_INDENT: Final = 5
_NAME: Final = 12


class Screen:
    """Standard output. What is printed is data: nothing in it is markup."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
        self.width = min(WIDTH, self._console.width) if self._console.is_terminal else WIDTH
        self._console.width = self.width
        self._chapters = self._steps = 0

    def title(self, name: str, words: str) -> None:
        """Once, at the top."""
        self._console.print(Text.assemble("\n", (name, "bold"), "  ", words))

    def chapter(self, title: str, words: str) -> None:
        """A numbered heading and what is about to happen."""
        self._chapters += 1
        self._steps = 0
        self._console.print()
        self._console.print(Rule(Text(f"{self._chapters}  {title}", "bold"), align="left", style="dim"))
        self._indented(Text(words, "dim"), 3)

    def step(self, words: str, outcome: str, *, good: bool) -> None:
        """Who asks whom for what, and the answer at the right edge."""
        self._steps += 1
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(width=3)
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True)
        number = Text(f"{self._chapters}.{self._steps}", "dim")
        line.add_row(number, Text(visible(words), "bold"), Text(outcome, "green" if good else "yellow"))
        self._console.print()
        self._console.print(line)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Names and values, one pair a line."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=_NAME, style="dim")
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(name, Text(visible(value)))
        self._indented(table, _INDENT)

    def table(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Place, time, kind and words; the words wrap within their column."""
        table = Table.grid(padding=(0, 1))
        for justify in ("right", "right", "left"):
            table.add_column(justify=justify, style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        self._console.print(table)

    def command(self, line: str) -> None:
        """A command as a user types it; what it prints follows."""
        self._console.print()
        self._console.print(Text.assemble(("$ ", "dim"), (line, "bold")), soft_wrap=True)
        sys.stdout.flush()

    def say(self, words: str, style: str = "") -> None:
        """A sentence of its own."""
        self._console.print()
        self._console.print(Text(words, style))

    def verbatim(self, text: str) -> None:
        """Lines to be copied: never wrapped."""
        self._console.print(Text(text), soft_wrap=True)

    def _indented(self, what: Text | Table, by: int) -> None:
        self._console.print(Padding(what, (0, 0, 0, by), expand=False))
