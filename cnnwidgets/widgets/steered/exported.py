"""A place that is moved in an exported page: the script of the notebook's page, with its numbers in the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
"""
Control = tuple[str, int, int]
"""Label, largest value and step of a slider."""


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
    """
    header, buffers = message
    given = {
        "header": header,
        "place": list(place),
        "controls": [_control(name, *control) for name, control in controls.items()],
        "play": None if play is None else _control("position", *play),
    }
    return Moves(name, _script(code), page_style() + STYLE + style, boxes, given, buffers, widths or {})


def _control(name: str, label: str, most: int, step: int) -> dict[str, object]:
    return {"name": name, "label": label, "most": most, "step": step}


def _script(code: str) -> str:
    """An expression of JavaScript that is a function; it leaves no name behind."""
    own = code.replace("export default ", "const widget = ")
    rest = joined(HERE, "../painter/inflate", "../painter/standin", "exported")
    back = "return (given, parts, el) => moved(widget, given, parts, el);"
    return f'(() => {{\n"use strict";\n{own}\nreturn (() => {{\n{rest}\n{back}\n}})();\n}})()'
