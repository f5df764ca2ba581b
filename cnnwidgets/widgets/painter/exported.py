"""What an exported page paints with: the same code and the same numbers, and nothing that asks a kernel."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from ...render.color import COLORMAPS
from ...render.static import Painted, Paints, Panel
from ..surface import joined, markup
from .numbers import Numbers, drawn_size
from .painter import HERE, Painting, code, palettes

FULL = 2**18
"""Values of a layer up to which its maps lie in the page in full; else, at the size at which they are drawn."""
LABELS = {
    "sign": "Sign",
    "outliers": "Outliers %",
    "opacity": "Overlay",
    "colormap": "Colours",
    "scale": "Scale",
    "columns": "Columns",
    "curtain": "Curtain",
}
"""Of the controls that the page has for what is painted."""

# Named thrice: the rules of a notebook, which come first, name as much.
STYLE = """
main.cnnw.cnnw.cnnw { --cnnw-text: var(--text); --cnnw-muted: var(--muted); --cnnw-accent: var(--accent);
  --cnnw-ground: var(--ground); --cnnw-line: var(--line); --cnnw-track: var(--track); --cnnw-error: var(--wrong);
  padding: 14px 18px; }
.cnnw .cnnw-side.cnnw-shown { display: block; }
.cnnw .cnnw-full { margin: 0; }
.cnnw .cnnw-heading { margin-bottom: 6px; color: var(--muted); font-size: 12px; }
.cnnw .cnnw-scale { font-size: 11px; }
.cnnw .cnnw-facts { grid-template-columns: max-content 1fr; }
.cnnw .cnnw-says { max-width: 100vw; }
"""


@cache
def script() -> str:
    """An expression of JavaScript that is the function `exported`; it leaves no name behind."""
    painter, rest = (
        code().replace("export default {", "const widget = {"),
        joined(HERE, "inflate", "standin", "exported"),
    )
    return f'(() => {{\n"use strict";\n{painter}\nreturn (() => {{\n{rest}\nreturn exported;\n}})();\n}})()'


def paints(start: Mapping[str, Any], chosen: Mapping[str, Sequence[Any]], sliders: Sequence[str]) -> Paints:
    """What a page needs once to paint.

    Parameters
    ----------
    start : mapping
        Of `channel` and of what `LABELS` names those that the page moves, as it begins.
    chosen : mapping
        For some of these, the values that the page is to offer, besides the one that it begins with.
    sliders : sequence of str
        Which of these the page has sliders for; of the others it gets controls.
    """
    offered = {name: {str(value): _plain(value) for value in (start[name], *chosen[name])} for name in chosen}
    named = [str(name) for name in (start.get("colormap", "auto"), *chosen.get("colormap", ()))]
    menu = list(dict.fromkeys([*COLORMAPS, *named]))
    given = {
        "start": {name: _plain(value) for name, value in start.items()},
        "controls": [[name, label] for name, label in LABELS.items() if name in start and name not in sliders],
        "values": {name: list(map(list, values.items())) for name, values in offered.items()},
        "colormaps": menu,
        "palettes": packed(*palettes([name for name in menu if name != "auto"])),
    }
    return Paints(script(), page_style(), given)


def page_style() -> str:
    """How what the notebook's code makes looks in a page that was exported."""
    return markup.STYLE.removeprefix("<style>").removesuffix("</style>") + STYLE


def painted(paintings: Mapping[Panel, Painting], moved: Sequence[str] = ()) -> Painted:
    """What a page paints of a card, in place of these panels; what it `moved` of their state it says itself."""
    room = max(painting.width for painting in paintings.values())
    # each once: what the panels share is the same object
    shown = dict.fromkeys(numbers for painting in paintings.values() for numbers in painting.every)
    each = {numbers: exported(numbers, room) for numbers in shown}
    sheets: dict[Panel, dict[str, Any]] = {}
    for at, (panel, painting) in enumerate(paintings.items()):
        place = {"place": panel.key or str(at), "key": each[painting.numbers].key}
        other = {} if painting.other is None else {"other": each[painting.other].key}
        kept = {name: _plain(value) for name, value in painting.state.items() if name not in moved}
        sheets[panel] = painting.sheet | place | other | ({"state": kept} if kept else {})
    first = next(iter(paintings.values()))
    return Painted(
        sheets,
        {numbers.key: partial(_message, numbers) for numbers in each.values()},
        count=first.numbers.shape[0],
        words=first.words,
    )


def exported(numbers: Numbers, room: int) -> Numbers:
    """The numbers at the size at which they lie in a page, whose grid has so many px."""
    count, height, width = numbers.shape
    whole = count * height * width <= FULL
    return numbers.resized((height, width) if whole else drawn_size(count, height, width, columns=None, room=room))


def packed(header: Mapping[str, Any], buffers: Sequence[bytes]) -> dict[str, Any]:
    """A message to a page as it lies in a page: the buffers together deflated, in base64."""
    data = base64.b64encode(zlib.compress(b"".join(buffers), 9)).decode()
    return {"header": dict(header), "sizes": [len(buffer) for buffer in buffers], "data": data}


def _message(numbers: Numbers) -> dict[str, Any]:
    return packed(*numbers.message(None))


def _plain(value: Any) -> str | float | list[float]:
    """A name, a number or a pair of numbers, as JSON can hold it."""
    if isinstance(value, (str, float)):
        return value
    return [float(end) for end in value] if np.ndim(value) else int(value)
