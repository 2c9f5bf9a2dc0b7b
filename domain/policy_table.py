"""One table of a policy document, read key by key. A wrong value is a problem, and the reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from domain.policy_problems import KeyPath, Problems, did_you_mean, listed, quoted
from domain.policy_values import Unreadable, kind, one_of

T = TypeVar("T")
S = TypeVar("S")
C = TypeVar("C", bound=str)
Reader = Callable[[object], T]
"""From what the parser returned to the value; raises Unreadable."""


class Table:
    """Reads values by their key. Whoever reads gets a harmless stand-in for a wrong one: all problems are found."""

    def __init__(
        self, unverified: object, path: KeyPath, problems: Problems, keys: Collection[str] | None = None
    ) -> None:
        """`keys` are those that the table may have; `None` where the writer of the file chooses them."""
        self.path = path
        self.problems = problems
        self._values: Mapping[str, object] = {}
        if isinstance(unverified, Mapping):
            self._values = unverified
        else:
            self.problem((), f"must be a table, not {kind(unverified)}", "Write its keys below a [header].")
        if keys is not None:
            self._refuse_unknown(keys)

    def _refuse_unknown(self, keys: Collection[str]) -> None:
        for key in self._values:
            if key not in keys:
                mend = did_you_mean(key, keys, f"Remove it; the keys here are {listed(keys)}.")
                self.problem((key,), "is an unknown key", mend)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def problem(self, below: KeyPath, what: str, mend: str) -> None:
        """A problem below this table."""
        self.problems.add((*self.path, *below), what, mend)

    def required(self, key: str, reader: Reader[T], stand_in: S) -> T | S:
        """The value of a key that must be there."""
        if key not in self._values:
            self.problem((key,), "is missing", f"Add {key} = ... to this table.")
        return self.optional(key, reader, stand_in)

    def optional(self, key: str, reader: Reader[T], default: S) -> T | S:
        """The value of a key that need not be there."""
        return self._read((key,), reader, self._values[key], default) if key in self._values else default

    def items(
        self, key: str, reader: Reader[T], stand_in: S, *, required: bool = False, filled: bool = False
    ) -> tuple[T | S, ...]:
        """The items of an array, each at its own index; an item that cannot be read leaves its stand-in there.

        At least one where the array must be `filled`; none may stand there twice.
        """
        if required and key not in self._values:
            self.problem((key,), "is missing", f"Add {key} = [...] to this table.")
        items = self._array(key) if key in self._values else []
        if filled and key in self._values and not items and not self.problems.within((*self.path, key)):
            self.problem((key,), "is empty", "Name at least one.")
        read = tuple(self._read((key, index), reader, item, stand_in) for index, item in enumerate(items))
        self._refuse_repeated(key, read, stand_in)
        return read

    def choices(self, key: str, *known: C, required: bool = False, filled: bool = False) -> tuple[C, ...]:
        """An array of some of these words; what is none of them is left out."""
        read = self.items(key, one_of(*known), None, required=required, filled=filled)
        return tuple(word for word in read if word is not None)

    def _refuse_repeated(self, key: str, read: Sequence[object], stand_in: object) -> None:
        seen: set[object] = {stand_in}
        for index, item in enumerate(read):
            if item in seen and item != stand_in:
                self.problem((key, index), f"{quoted(str(item))} stands here twice", "Remove one of them.")
            seen.add(item)

    def _array(self, key: str) -> list[object]:
        value = self._values[key]
        if isinstance(value, list):
            return value
        self.problem((key,), f"must be an array, not {kind(value)}", f"Write {key} = [...].")
        return []

    def _read(self, below: KeyPath, reader: Reader[T], value: object, stand_in: S) -> T | S:
        try:
            return reader(value)
        except Unreadable as unreadable:
            self.problem((*below, *unreadable.below), unreadable.what, unreadable.mend)
            return stand_in

    def table(self, key: str, keys: Collection[str] | None = None) -> Table:
        """The table of that key; an empty one where there is none."""
        return Table(self._values.get(key, {}), (*self.path, key), self.problems, keys)

    def tables(self, key: str, keys: Collection[str]) -> list[Table]:
        """An array of tables."""
        items = self._array(key) if key in self._values else []
        return [Table(item, (*self.path, key, i), self.problems, keys) for i, item in enumerate(items)]

    def named_tables(self, key: str, keys: Collection[str]) -> dict[str, Table]:
        """A table of tables, each under the name that it gives to its thing."""
        outer = self.table(key)
        return {name: outer.table(name, keys) for name in outer}

    def raw(self, key: str) -> object:
        """The value as the parser returned it, for a key that may hold more than one kind; `None` without it."""
        return self._values.get(key)
