"""The place of a view in the page that it wrote: data beside what the page shows, with a version and a checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...compute.core import unknown
from ...files import SEAL, UNSEALED, checked_version, seal_holds, sealed

FORMAT, VERSION = "cnnwidgets page", 1
ENDINGS = (".html", ".htm")
START, END = '<script type="application/json" id="cnnwidgets-place">', "</script>"
OURS = '<main class="cnnw"'
"""Stands in every page that was ever exported."""


def kept(state: Mapping[str, Any] | None, why: str = "") -> str:
    """The place as an element of a page that shows nothing; `why` there is none, where `state` is None."""
    told = {"format": FORMAT, "version": VERSION, "needs": VERSION, SEAL: UNSEALED, "why": why, "state": state}
    text = json.dumps(told, separators=(",", ":")).replace("<", "\\u003c")  # no text of a user ends the element
    return START + sealed(text.encode()).decode() + END


def is_page(state: Any) -> bool:
    """Whether what was given to be opened names a page, and is no state itself."""
    return isinstance(state, Path) or (isinstance(state, str) and state.strip().lower().endswith(ENDINGS))


def read_page(path: str | Path) -> Mapping[str, Any]:
    """The state that a page keeps.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no page that a view wrote, damaged, of a later version, or keeps no place.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        there = [each.name for each in path.parent.glob("*") if each.suffix.lower() in ENDINGS]
        raise FileNotFoundError(unknown(f"there is no page {path}", path.name, there))
    page = path.read_bytes().decode("utf-8", "replace")
    start = page.find(START)
    if start < 0:
        raise ValueError(f"{path} {_otherwise(page)}")
    end = page.find(END, start)
    text = page[start + len(START) : end if end >= 0 else None]
    where = f"the place that {path} keeps"
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError(f"{where} is damaged: it is truncated, or was changed")
    checked_version(told, VERSION, where)
    if not seal_holds(text.encode()):
        raise ValueError(f"{where} is damaged: its checksum is wrong")
    state = told.get("state")
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} keeps no place: {told.get('why') or 'none is in it'}")
    return state


def _otherwise(page: str) -> str:
    """What a page without a place is."""
    if OURS not in page:
        return "is no page that to_html of a view wrote"
    if "</html>" not in page:
        return "is truncated: nothing is left of the place that it kept"
    return "was written by an earlier cnnwidgets, whose pages keep no place: export the view again"
