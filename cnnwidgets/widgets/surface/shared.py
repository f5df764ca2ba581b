"""Layouts and styles that widgets of one view share: each is a widget too, and half of a view would be these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

import ipywidgets as W

Kind = TypeVar("Kind", bound=W.Widget)


Key = tuple[Any, tuple[tuple[str, Any], ...]]
"""A class of widgets and traits."""


class _Pool(dict[Key, Any]):
    """Class and traits -> the one widget of these; unless it is `shared`, a new one each time."""

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared

    def __missing__(self, key: Key) -> Any:
        kind, traits = key
        made = kind(**dict(traits))
        if self._shared:
            made.observe(_refuse)
            self[key] = made
        return made


def _refuse(change: Any) -> None:
    look, name = change["owner"], change["name"]
    if name in look.keys:
        raise TypeError(
            f"{name} is written to a {type(look).__name__} that several widgets of the view have: give the widget one "
            "of its own first"
        )


_pool: ContextVar[_Pool] = ContextVar("pool", default=_Pool(shared=False))  # noqa: B039 (it stays empty)


@contextmanager
def sharing() -> Iterator[None]:
    """Inside, all that ask for the same layout or style get one widget; outside, each gets its own."""
    before = _pool.set(_Pool(shared=True))
    try:
        yield
    finally:
        _pool.reset(before)


def layout(**traits: str) -> W.Layout:
    """A layout with these traits, which nobody writes to."""
    found: W.Layout = _pool.get()[W.Layout, tuple(sorted(traits.items()))]
    return found


def plain(kind: type[Kind], *args: Any, **traits: Any) -> Kind:
    """A widget whose style, and whose layout if none is given, are shared and stay as they are."""
    pool = _pool.get()
    known = _looks(kind)  # type: ignore[arg-type]
    looks = {name: pool[of, ()] for name, of in known.items() if name not in traits}
    return kind(*args, **looks, **traits)


@cache
def _looks(kind: Any) -> dict[str, Any]:
    """The traits of a class that are how its widgets look: name -> the class of that."""
    traits = kind.class_traits()
    return {name: traits[name].klass for name in ("layout", "style") if name in traits}
