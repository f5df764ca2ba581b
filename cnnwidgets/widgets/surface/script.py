"""Widgets whose page side is JavaScript of our own, which anywidget's code loads and runs."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ipywidgets as W
import traitlets as T


@cache
def front_end() -> str | None:
    """The version of anywidget's code that the page is to load; None where anywidget is not installed.

    The Python part of anywidget is not imported: it takes 0.2 s, and of it nothing is needed but a few names.
    """
    try:
        found = version("anywidget")
    except PackageNotFoundError:
        return None
    return "~" + ".".join([*found.split(".")[:2], "*"])


def joined(here: Path, *names: str) -> str:
    """These modules of the folder `here`, or of one beside it, as one, in which each name stands once."""
    whole = "\n".join((here / f"{name}.mjs").read_text(encoding="utf-8") for name in names)
    whole = re.sub(r"^import (\{[^}]*\}|\w+) from '\.[./\w]*\.mjs';\n", "", whole, flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", whole, flags=re.MULTILINE)


def run_once(code: str) -> str:
    """The module `code`, whose default is the same object in all widgets of a page that were sent the same.

    Each widget has the page run its module anew, as functions of its own that no browser has compiled yet. What one has
    run often is quick in all where they share it.
    """
    name = f"cnnwidgets.code.{hashlib.sha256(code.encode()).hexdigest()[:16]}"
    own = re.sub(r"^export default (?=\{)", "const own = ", code, flags=re.MULTILINE)
    return f"{own}export default globalThis[Symbol.for('{name}')] ??= own;\n"


class Scripted(W.DOMWidget):
    """A widget that a module of JavaScript shows; a class names itself in `_anywidget_id`.

    Parameters
    ----------
    code : str
        The module.
    **traits
        Of the widget.
    """

    _model_name = T.Unicode("AnyModel").tag(sync=True)
    _model_module = T.Unicode("anywidget").tag(sync=True)
    _model_module_version = T.Unicode().tag(sync=True)
    _view_name = T.Unicode("AnyView").tag(sync=True)
    _view_module = T.Unicode("anywidget").tag(sync=True)
    _view_module_version = T.Unicode().tag(sync=True)
    _esm = T.Unicode().tag(sync=True)

    def __init__(self, code: str, **traits: Any) -> None:
        seen = front_end() or ""
        super().__init__(_model_module_version=seen, _view_module_version=seen, _esm=code, **traits)
