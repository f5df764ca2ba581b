"""The panels of MaximizeView: optimised pictures, real images, how both compare, and how the activation grew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.dataset import Items
from ...compute.maximization import MaximizedPicture
from ...compute.receptive_field import ReceptiveField
from ...render.color import to_picture
from ...render.mosaic import Grid, rgb_mosaic
from ...render.static import Chart, Line, Panel
from ...widgets.panels import CurvePanel, curve_panel
from ...widgets.state import Thumbnails
from ...widgets.surface import markup, number
from .strongest import Strongest

WIDTH = 288
SIDE = 92
"""Width of a real image, in px; three of them stand in a row."""
SHOWN = 9
"""Real images that are shown."""
GREY = 128
COMPARED = 3
"""Real images whose values are shown as bars."""
DRIVES = "What drives it, not what it means: real images that fire it may look quite different"


def picture_panel(
    picture: MaximizedPicture | None,
    blank: tuple[int, int, int],
    items: Items,
    what: str,
    note: str,
    controls: Sequence[Any],
) -> Panel:
    """The optimised pictures, as the network sees them, in one mosaic; before the first, grey ones of the form `blank`.

    The page has a place for them from the beginning: a picture that comes later would be out of sight.
    """
    heading = f"Optimised · {what}"
    lines: list[str | tuple[str, str]] = [note] if note else []
    tiles = np.full((*blank, 3), GREY, np.uint8)
    if picture is not None:
        tiles = np.stack([to_picture(items.picture(image).numpy()).pixels for image in picture.images])
        lines = [("step", f"{picture.step:,} of {picture.steps:,}"), *lines]
        if picture.note:
            lines.append(picture.note)
    pixels = tiles[0] if len(tiles) == 1 else rgb_mosaic(tiles, Grid.fit(*tiles.shape[:3]))
    return Panel(heading, pixels, width=WIDTH, lines=lines, controls=controls, key="optimised")


def real_panel(strongest: Strongest | None, thumbnails: Thumbnails, progress: str) -> Panel:
    """The real images that fire the channel most, with the pixels that the strongest unit sees outlined."""
    places = [] if strongest is None else strongest.places[:SHOWN]
    count = min(SHOWN, len(thumbnails.items))
    grid = Grid(count, SIDE, SIDE, columns=min(3, count), zoom=1, gap=6)
    sheet = np.zeros((*grid.shape, 4), np.uint8)
    marks, texts = [], []
    for at, place in enumerate(places):
        left, top, *_ = grid.box(at)
        small = thumbnails(place.image, SIDE)
        texts.append(f"{markup.image_name(place.image)}: {number(place.value)}")
        if small is None:
            continue
        height, width = small.shape[:2]
        y, x = int(top) + (SIDE - height) // 2, int(left) + (SIDE - width) // 2
        sheet[y : y + height, x : x + width, :3], sheet[y : y + height, x : x + width, 3] = small, 255
        field = None if strongest is None else strongest.field
        if field is not None and (box := _box(field, place.row, place.column)) is not None:
            up, across = height / field.image[0], width / field.image[1]
            marks.append((x + box[1] * across, y + box[0] * up, x + box[3] * across, y + box[2] * up))
    heading, lines = "Real images", []
    if strongest is not None and places:
        heading += f" · strongest of {strongest.images:,}"
        lines = [strongest.source, *(["outlined: what the unit sees that fires most"] if marks else [])]
    elif not progress:
        lines = ["none could be run"]
    return Panel(
        heading,
        sheet,
        width=sheet.shape[1],
        marks=marks,
        cells=grid,
        describe=partial(_text, texts),
        lines=[*lines, *([progress] if progress else [])],
        key="real",
    )


def _text(texts: Sequence[str], cell: int) -> str:
    return texts[cell] if cell < len(texts) else ""


def _box(field: ReceptiveField, row: int, column: int) -> tuple[int, int, int, int] | None:
    if not (row < field.grid[0] and column < field.grid[1]):
        return None
    top, left, bottom, right = field.box(row, column)
    if bottom <= top or (bottom - top, right - left) == field.image:
        return None
    return top, left, bottom, right


def compared_panel(picture: MaximizedPicture | None, strongest: Strongest | None, of: str) -> Panel:
    """What the channel gives for the optimised pictures, and for the strongest real images."""
    statistic = "maximum" if strongest is None else strongest.statistic
    what = {"maximum": "largest value", "mean": "mean", "norm": "norm"}[statistic]
    heading = f"{what.capitalize()} of {of}"
    optimised = [] if picture is None else picture.statistic(statistic).tolist()
    real = [] if strongest is None else [(place.image, place.value) for place in strongest.places[:COMPARED]]
    values = [*optimised, *(value for _, value in real)]
    limit = max((abs(value) for value in values if np.isfinite(value)), default=0.0) or 1.0
    names = ["optimised"] if len(optimised) == 1 else [f"optimised {at + 1}" for at in range(len(optimised))]
    bars = [(name, _share(value, limit), number(value)) for name, value in zip(names, optimised, strict=True)]
    bars += [(markup.image_name(index).lower(), _share(value, limit), number(value)) for index, value in real]
    lines = []
    if optimised and strongest is not None and real:
        best, strong = max(optimised), real[0][1]
        if best > 0 and strong > 0:
            lines.append(f"{number(best / strong, 2)} times the strongest of {strongest.images:,} real images")
        elif strong <= 0:
            lines.append(f"no real image of {strongest.images:,} fires it")
    return Panel(heading, width=WIDTH, bars=bars, lines=lines, key="compared")


def _share(value: float, limit: float) -> float:
    return value / limit if np.isfinite(value) else float("nan")


def course_panel(course: Sequence[tuple[int, float]], steps: int) -> CurvePanel:
    """How what is driven grew, step by step."""
    x: NDArray[np.float64] = np.array([at for at, _ in course], dtype=np.float64)
    y: NDArray[np.float64] = np.array([value for _, value in course], dtype=np.float64)
    nothing = np.empty(0)
    chart = Chart([Line(x, y), Line(nothing, nothing)], (0.0, float(max(1, steps))), "step")
    return curve_panel("What is driven", chart, ["mean"], key="course")
