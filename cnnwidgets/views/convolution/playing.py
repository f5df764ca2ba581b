"""A page without Python plays: it reads what is typed, computes the convolution and draws it, all by itself."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ...render.color import COLORMAPS, DIVERGING, PADDED, SEQUENTIAL, css_gradient, is_diverging, palette, rgb
from ...render.static import Moves
from ...widgets.steered import Own
from ...widgets.surface import joined
from .numbers import OWN, TIP, Numbers
from .sliding import HERE, Sheet, moved

STYLE = """
main.cnnw:has(.cnnw-editor) { width: calc(var(--width) + 240px); } .cnnw-editor { width: 176px; }
main.cnnw.cnnw-before :is(h1, .columns > :not(.cnnw-editor)) { opacity: 0.4; }
.cnnw-editor :is(select, textarea) { width: 100%; margin-bottom: 6px; font-size: 13px; }
.cnnw-editor textarea { display: block; padding: 4px; border: 1px solid var(--line); border-radius: 4px;
  background: var(--track); color: var(--text); font-family: ui-monospace, monospace; resize: vertical; }
main.cnnw form input:is([name=stride], [name=padding], [name=dilation]) { width: 56px; }
"""
SETTINGS = ("stride", "padding", "dilation", "bias")
SWITCH, PADDING, DRAG = "click a pixel to switch it", "grey: padding", "click a pixel, or drag the frame"
"""What stands below the maps."""
COLORS = "auto: diverging if signed"
"""Tooltip of the menu of colour maps."""
LINES = {"image": 8, "kernel": 5}
"""Of the boxes to type into."""


def played(sheet: Sheet | None, view: Any) -> Moves | None:
    """What an exported page needs to play.

    Parameters
    ----------
    sheet : Sheet or None
        Of what the view shows.
    view : KernelPlayground
        Whose settings the page begins with.
    """
    traits = view.traits()
    menu = list(dict.fromkeys([*COLORMAPS, view.colormap]))
    names = list(dict.fromkeys([SEQUENTIAL, DIVERGING, *menu]))
    names.remove("auto")
    given = {
        "settings": {name: getattr(view, name) for name in (*LINES, *SETTINGS, "colormap")},
        "boxes": [_box(name, traits[name], lines) for name, lines in LINES.items()],
        "numbers": [_number(name, traits[name]) for name in SETTINGS],
        "own": OWN,
        "notes": {"image": SWITCH, "padded": PADDING, "output": DRAG},
        "colormap": {"label": "Colours", "tip": COLORS, "names": menu},
        "tables": {
            "names": names,
            "diverging": [is_diverging(name) for name in names],
            "ramps": [css_gradient(name) for name in names],
            "auto": [SEQUENTIAL, DIVERGING],
            "padded": rgb(PADDED),
        },
    }
    tables = np.concatenate([palette(name) for name in names]).tobytes()
    own = Own("playground", _code(), given, [tables], STYLE)
    return moved(sheet, view.pixel, view, own=own)


def _box(name: str, trait: Numbers, lines: int) -> dict[str, Any]:
    return {"name": name, "label": name.capitalize(), "tip": TIP, "lines": lines, "presets": trait.presets}


def _number(name: str, trait: Any) -> dict[str, Any]:
    limits = {} if name == "bias" else {"least": trait.min, "most": trait.max}
    return {"name": name, "label": name.capitalize(), "tip": trait.help.capitalize(), **limits}


@cache
def _code() -> str:
    """The JavaScript that is put behind that of the window."""
    return joined(HERE, "typed", "playing", "editor")
