"""Callbacks that do not keep their object alive."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any


def weakly(callback: Callable[..., Any]) -> Callable[..., Any]:
    """`callback`; where it is a method, one that does not hold its object, and does nothing once that is gone."""
    if not inspect.ismethod(callback):
        return callback
    method = weakref.WeakMethod(callback)

    def call(*values: Any) -> Any:
        living = method()
        return None if living is None else living(*values)

    return call
