"""Data classes from JSON: what is missing or of another type is named, what is not known is left out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import MISSING, fields
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@lru_cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


class Damaged(ValueError):
    """A file that is truncated, was changed since it was written, or is of another kind."""


class Unreadable(Damaged):
    """A file of a recording is there, and cannot be read now."""


@lru_cache
def _parts(hint: Hashable) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


def built(kind: type[T], record: Any, where: str) -> T:
    """An instance of a data class from what a file says of it.

    Keys that it does not know, as a later version may have, are left out; fields with a default may be missing, as an
    earlier version did not know them.

    Parameters
    ----------
    kind : type
        The data class.
    record : object
        Field -> value.
    where : str
        What the record is part of, for the message.

    Raises
    ------
    Damaged
        `record` is no mapping, or a field is missing or of another type.
    """
    if not isinstance(record, dict):
        raise Damaged(f"{where} is a {type(record).__name__}, not the fields of one")
    known: dict[str, Any] = {}
    hints = _hints(kind)  # type: ignore[arg-type]
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in record:
            check(record[field.name], hints[field.name], f"{where}: {field.name}")
            known[field.name] = record[field.name]
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Damaged(f"{where} has no {field.name}")
    return kind(**known)


def check(value: Any, hint: Any, where: str) -> None:
    """Raise Damaged unless `value` is of the type that `hint` says."""
    if not _fits(value, hint):
        raise Damaged(f"{where} is {value!r:.60}")


def _fits(value: Any, hint: Any) -> bool:
    if type(hint) is type and hint not in (int, float):  # most, and every frame has a dozen
        return isinstance(value, hint)
    origin, inner = _parts(hint)
    if origin is Literal:
        return value in inner
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin in (list, tuple):
        return isinstance(value, (list, tuple)) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if hint is Any:
        return True
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, type(None) if hint is None else hint)
