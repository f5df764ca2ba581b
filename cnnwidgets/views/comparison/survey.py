"""The panels of what a comparison over a sample of images has found: CKA, and the images on which they disagree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.comparison import Disagreements, Similarity
from ...render.color import SEQUENTIAL, palette, to_uint8
from ...render.mosaic import Grid
from ...render.static import Panel
from ...widgets.state import Thumbnails
from ...widgets.surface import markup, number

WIDTH = 288
LISTED, ACROSS = 12, 4
"""Images of the ranking that are shown, and in a row."""
SIDE, GAP = 64, 4
"""Of a small picture, and between two, in px."""
TOLD = 4
"""Pairs of classes, and images, that are told in words."""


def similarity_panel(
    found: Similarity, layers: tuple[str, str], letters: str, on_pair: Callable[[str, str], object]
) -> Panel:
    """CKA of every layer of A with every layer of B; a click looks at the two."""
    rows, columns = found.rows, found.columns
    values = found.values.numpy()
    cells = Grid(values.size, 1, 1, columns=len(columns), gap=0)
    at = rows.index(layers[0]) if layers[0] in rows else None
    to = columns.index(layers[1]) if layers[1] in columns else None

    def describe(cell: int) -> str:
        row, column = divmod(cell, len(columns))
        return f"{letters[0]} {rows[row]} · {letters[1]} {columns[column]}: {number(float(values[row, column]))}"

    marks = [] if at is None or to is None else [cells.box(at * len(columns) + to)]
    chosen = [] if not marks else [(f"{layers[0]} · {layers[1]}", number(float(values[at, to])))]
    return Panel(
        f"Are they alike · linear CKA, {markup.counted(found.images, 'image')}",
        to_uint8(values[None], np.array([[0.0, 1.0]]))[0],
        palette=palette(SEQUENTIAL),
        width=WIDTH,
        colorbar=(SEQUENTIAL, "0", None, "1"),
        lines=[f"down: layers of {letters[0]}, across: of {letters[1]}, in running order", *chosen],
        cells=cells,
        marks=marks,
        describe=describe,
        on_cell=lambda cell: on_pair(rows[cell // len(columns)], columns[cell % len(columns)]),
        hint="click one",
        key="cka",
    )


def disagreement_panel(
    found: Disagreements, thumbnails: Thumbnails, index: int, letters: str, on_image: Callable[[int], object]
) -> Panel:
    """The images on which two networks disagree, those first on which they are surest; a click looks at one."""
    shown = list(found)[:LISTED]
    heading = f"They disagree · {len(found):,} of {markup.counted(found.images, 'image')}"
    lines: list[Any] = []
    for each in shown[:TOLD]:
        truth = "" if each.truth is None else f" (label: {found.names[each.truth]})"
        words = [
            f"{letter} {name} {markup.percent(share)}"
            for letter, name, share in zip(letters, each.names, each.shares, strict=True)
        ]
        lines.append((f"image {each.index}", ", ".join(words) + truth))
    if found.labelled:
        right = [
            f"{letter} {markup.percent(count / found.labelled)}"
            for letter, count in zip(letters, found.right, strict=True)
        ]
        lines.append(("right", ", ".join(right)))
    lines += _most_confused(found, letters)
    moved = found.moved.nan_to_num(0.0)
    if len(moved) and float(moved.abs().max()) > 0:
        at = int(moved.abs().argmax())
        change = f"{100 * float(moved[at]):+.1f} points".replace("-", "−")
        lines.append(("moved most", f"{found.names[at]}: {change} from {letters[0]} to {letters[1]}"))
    pictures = [picture for each in shown if (picture := thumbnails(each.index, SIDE)) is not None]
    if not shown or len(pictures) < len(shown):
        return Panel(heading, width=WIDTH, lines=lines, key="disagreements")
    cells = Grid(len(shown), SIDE, SIDE, columns=ACROSS, gap=GAP)
    places = [each.index for each in shown]

    def describe(cell: int) -> str:
        each = shown[cell]
        return f"image {each.index}: {letters[0]} says {each.names[0]}, {letters[1]} says {each.names[1]}"

    return Panel(
        heading,
        _sheet(pictures, cells),
        width=WIDTH,
        lines=lines,
        cells=cells,
        marks=[cells.box(places.index(index))] if index in places else [],
        describe=describe,
        on_cell=lambda cell: on_image(places[cell]),
        hint="click one",
        key="disagreements",
    )


def _most_confused(found: Disagreements, letters: str) -> list[Any]:
    """The pairs of classes that most of these images are between."""
    counts: dict[tuple[str, str], int] = {}
    for each in found:
        counts[each.names] = counts.get(each.names, 0) + 1
    most = sorted(counts.items(), key=lambda each: -each[1])[:TOLD]
    first, second = letters[0], letters[1]
    return [(f"{first} {a}, {second} {b}", markup.counted(count, "image")) for (a, b), count in most]


def _sheet(pictures: Sequence[NDArray[np.uint8]], cells: Grid) -> NDArray[np.uint8]:
    """Small pictures on a clear ground, each in the middle of its cell."""
    sheet = np.zeros((*cells.shape, 4), np.uint8)
    for at, picture in enumerate(pictures):
        left, top, _, _ = cells.box(at)
        step = max(1, SIDE // max(picture.shape[:2]))
        large = picture.repeat(step, 0).repeat(step, 1)[:SIDE, :SIDE]
        height, width = large.shape[:2]
        y, x = top + (SIDE - height) // 2, left + (SIDE - width) // 2
        sheet[y : y + height, x : x + width, :3] = large[..., :3]
        sheet[y : y + height, x : x + width, 3] = 255
    return sheet
