"""A place that is moved in an exported page: the script of the notebook's page, with its numbers in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...render.static import Moves, Panel
from ..painter import page_style
from ..surface import joined
from .steered import Message, Place

HERE = Path(__file__).parent
STYLE = """
main.cnnw .cnnw-slides > div { left: 0; top: 0; }
main.cnnw .cnnw-figure { position: relative; }
main.cnnw .cnnw-of-tables { container-type: inline-size; }
main.cnnw .widget-html > .cnnw-heading, main.cnnw .cnnw-heading { margin: 0 0 6px; }
main.cnnw .widget-html .panel { margin-bottom: 8px; }
main.cnnw .cnnw-alone { height: auto; }
main.cnnw .cnnw-alone > div { position: relative; margin-bottom: 8px; outline: 1px solid var(--line); }
"""
Control = tuple[str, int, int]
"""Label, largest value and step of a slider."""


@dataclass(frozen=True, eq=False)
class Own:
    """What such a page has besides a place to be moved, which answers the script in the place of a kernel.

    Attributes
    ----------
    name, code : str
        JavaScript: a function of that name, and the modules it stands in, to be put behind those of the script.
    given : mapping
        What it is given, as JSON.
    buffers : sequence of bytes
        Numbers, in the place of those of the script's message.
    style : str
        More rules of CSS.
    """

    name: str
    code: str
    given: Mapping[str, Any]
    buffers: Sequence[bytes]
    style: str = ""


def moves(
    name: str,
    code: str,
    message: Message,
    place: Place,
    boxes: Mapping[str, Panel],
    controls: Mapping[str, Control],
    *,
    play: Control | None = None,
    widths: Mapping[str, int] | None = None,
    style: str = "",
    own: Own | None = None,
) -> Moves:
    """What an exported page needs to move a place by itself.

    Parameters
    ----------
    name, code : str
        Of the script, whose default is what `steeredBy` makes.
    message : tuple
        Header and buffers, as its sheet gives them.
    place : (row, column)
        Where it stands.
    boxes : mapping
        The panels that the script draws in, by key.
    controls : mapping
        The sliders `row` and `column`.
    play : tuple, optional
        What the player counts, in `position`.
    widths : mapping
        Of boxes that are not as wide as their panels, in px.
    style : str
        More rules of CSS.
    own : Own, optional
        What the page has besides.
    """
    header, buffers = message
    given: dict[str, Any] = {
        "header": header,
        "place": list(place),
        "controls": [_control(name, *control) for name, control in controls.items()],
        "play": None if play is None else _control("position", *play),
    }
    if own is not None:
        given["own"], buffers = own.given, list(own.buffers)
        name, code, style = own.name, f"{code}\n{own.code}", style + own.style
    script = _script(code, "" if own is None else own.name)
    return Moves(name, script, page_style() + STYLE + style, boxes, given, buffers, widths or {})


def _control(name: str, label: str, most: int, step: int) -> dict[str, object]:
    return {"name": name, "label": label, "most": most, "step": step}


def _script(code: str, more: str) -> str:
    """An expression of JavaScript that is a function; it leaves no name behind."""
    own = code.replace("export default ", "const widget = ")
    rest = joined(HERE, "../painter/inflate", "../painter/standin", "exported")
    back = f"return (given, parts, el) => moved(widget, given, parts, el{more and ', ' + more});"
    return f'(() => {{\n"use strict";\n{own}\nreturn (() => {{\n{rest}\n{back}\n}})();\n}})()'
