"""The points of an exported page, which name themselves under the mouse, and whose groups stand out by the legend."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from ...render.color import ACCENT
from ...render.static import Card, Moves, extent, group_color
from ...widgets.painter import page_style
from ...widgets.panels import GRID
from ...widgets.surface import joined
from .panels import PointsPanel

MOST = 20_000
"""Points of a page beyond which it has a picture alone."""
STYLE = """
main.cnnw .cnnw-pointed img { visibility: hidden; }
main.cnnw .cnnw-points { position: absolute; inset: 0; width: 100%; height: 100%; cursor: crosshair; }
main.cnnw .cnnw-of-groups tr { cursor: pointer; }
main.cnnw .cnnw-of-groups tr[aria-pressed=true] { font-weight: 600; }
main.cnnw .cnnw-of-groups tr:focus-visible { outline: 2px solid var(--accent); }
"""


@cache
def script() -> str:
    """An expression of JavaScript that is the function `points`; it leaves no name behind."""
    code = joined(Path(__file__).parent, "../../widgets/steered/over", "points")
    return f'(() => {{\n"use strict";\n{code}\nreturn points;\n}})()'


def pointing(card: Card, words: Callable[[int], str]) -> Moves | None:
    """What an exported page needs to name the points of a card, each by `words(point)`; None where it has too many."""
    shown = {panel.key: panel for column in card.columns for panel in column}
    panel = shown["points"]
    assert isinstance(panel, PointsPanel)
    points, groups = panel.points[panel.frame], panel.groups.tolist()
    if len(points) > MOST:
        return None
    left, bottom, right, top = extent(panel.points)
    given = {
        "side": GRID,
        "places": [
            [round(float(GRID * (x - left) / (right - left)), 1), round(float(GRID * (top - y) / (top - bottom)), 1)]
            for x, y in points
        ],
        "groups": groups,
        "words": [words(point) for point in range(len(points))],
        "colors": {str(group): group_color(group) for group in set(groups)},
        "legend": sorted(set(groups)),
        "chosen": panel.selected,
        "accent": ACCENT,
    }
    keys: tuple[str, ...] = ("points", "groups")
    boxes = {key: shown[key] for key in keys if key in shown}
    return Moves("points", script(), page_style() + STYLE, boxes, given, [], {})
