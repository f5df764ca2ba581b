"""A page that slides the window, as far as the kernel hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cnnwidgets.views.convolution import sliding as module
from cnnwidgets.views.convolution.sliding import Sliding
from cnnwidgets.widgets.surface import tree


@contextmanager
def sliding(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Views that are made inside may be shown by a page that runs scripts."""
    with monkeypatch.context() as patched:
        patched.setattr(module, "possible", lambda: True)
        yield


def script(view: Any) -> Sliding:
    """What slides the window of a view."""
    return next(part for part in tree(view) if isinstance(part, Sliding))


def say(view: Any, **content: Any) -> list[tuple[dict[str, Any], list[bytes]]]:
    """The page says something; what it is sent."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    part: Any = script(view)
    part.send = lambda content, buffers=None: sent.append((content, buffers))
    part._handle_custom_msg(content, [])
    del part.send
    return sent


def numbers_of(view: Any, holds: str = "") -> tuple[dict[str, Any], list[bytes]]:
    """What a page gets that asks for the numbers of what is shown."""
    say(view, kind="hello")
    view.flush()
    [message] = say(view, kind="want", key=script(view).key, holds=holds)
    return message
