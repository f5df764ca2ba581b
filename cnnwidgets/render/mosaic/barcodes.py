"""Bar codes of many vectors below each other, each with its image and number, under headings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..color import GAP, palette
from .grid import Grid
from .titles import HEAD, SIZE, write

HIGH, LEFT, BARS = 26, 86, 384
"""Height of a strip, where its bars begin behind the image and its number, and the width that these may take."""
MARGIN = 3
"""Ground around what is in a cell, so that a frame around it covers nothing; in pixels, as all here."""


ROW, ACROSS = HIGH + 2 * MARGIN, 15
"""Height of a row with its margins, and how many squares of that size lie in it: the picture has just that width."""


def barcodes(
    levels: Sequence[NDArray[np.uint8]],
    thumbnails: Sequence[NDArray[np.uint8] | None],
    texts: Sequence[str],
    headings: dict[int, str],
    colormap: str,
) -> tuple[NDArray[np.uint8], Grid, list[int | None]]:
    """Draw bar codes.

    Parameters
    ----------
    levels
        N vectors (D,) of palette indices, all of one length.
    thumbnails
        N pictures, uint8 (H, W, 3), at most 26 x 26; or None.
    texts
        N short ones.
    headings
        Row number -> what stands in a row of its own before it.
    colormap
        Name, as for `palette`.

    Returns
    -------
    pixels : ndarray of uint8, (H, 480, 4)
        RGBA on a transparent ground.
    cells : Grid
        Its rows, headings among them, as far as the bars reach.
    places : list of int or None
        For each of these rows the number of its vector, or None for a heading.
    """
    places: list[int | None] = []
    for number in range(len(levels)):
        places += [None, number] if number in headings else [number]
    bars = [_bars(values) for values in levels]
    width = LEFT + bars[0].shape[1] + 2 * MARGIN
    cells = Grid(len(places), ROW, width, columns=1, zoom=1, gap=0)
    pixels = _ground(len(places) * ROW, ACROSS * ROW)
    for row, place in enumerate(places):
        if place is None:
            continue
        top = cells.box(row)[1] + MARGIN
        _paste(pixels, palette(colormap)[bars[place]], MARGIN + LEFT, top)
        _paste(pixels, thumbnails[place], MARGIN, top)
    image = Image.fromarray(pixels)
    for row, place in enumerate(places):
        base = cells.box(row)[1] + HIGH
        if place is None:
            write(image, MARGIN, base, headings[places[row + 1] or 0], 11)
        else:
            write(image, LEFT - MARGIN, base - HIGH // 2 + MARGIN + 4, texts[place], 11, anchor="rs")
    return np.asarray(image), cells, places


def squares(cells: Grid) -> Grid:
    """`ACROSS` squares for each row of the picture, since only what is not wider than high answers the mouse."""
    return Grid(cells.count * ACROSS, ROW, ROW, columns=ACROSS, zoom=1, gap=0)


def bars_in_row(count: int) -> tuple[int, int]:
    """Bars in a row, and in how many rows, for a vector of `count` numbers; a row has 1 pixel of height or more."""
    rows = min(HIGH, -(-count // BARS))
    return -(-count // rows), rows


def shown_step(count: int) -> int:
    """Of so many numbers one is shown: 1, unless there are more than pixels."""
    return -(-count // (HIGH * BARS))


def _bars(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = levels[:: shown_step(len(levels))]
    across, rows = bars_in_row(len(levels))
    high, wide = HIGH // rows, max(1, BARS // across)
    padded = np.full(rows * across, GAP, np.uint8)
    padded[: len(levels)] = levels
    return padded.reshape(rows, across).repeat(high, 0).repeat(wide, 1)


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8] | None],
    titles: Sequence[str],
    *,
    side: int,
    columns: int,
    below: bool = False,
) -> tuple[NDArray[np.uint8], Grid]:
    """Small pictures in rows, each with a title.

    Parameters
    ----------
    pictures
        uint8 (H, W, 3), at most `side` pixels a side; None leaves the place empty.
    titles
        One for each.
    side, columns
        Of a picture, and in a row.
    below
        Whether titles stand below the pictures, not above.

    Returns
    -------
    pixels : ndarray of uint8, (H', W', 4)
        RGBA on a transparent ground.
    cells : Grid
        Where each is, with its title.
    """
    around = 2 * MARGIN
    cells = Grid(len(pictures), side + HEAD + around, side + around, columns=columns, zoom=1, gap=0)
    pixels = _ground(*cells.shape)
    for number, picture in enumerate(pictures):
        left, top = cells.box(number)[:2]
        _paste(pixels, picture, left + MARGIN, top + MARGIN + (0 if below else HEAD))
    image = Image.fromarray(pixels)
    for number, title in enumerate(titles):
        left, top = cells.box(number)[:2]
        write(image, left + MARGIN, top + MARGIN + HEAD - 4 + (side if below else 0), title, SIZE)
    return np.asarray(image), cells


def _ground(height: int, width: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 4), np.uint8)


def _paste(ground: NDArray[np.uint8], picture: NDArray[np.uint8] | None, left: int, top: int) -> None:
    """Lay an RGB or RGBA picture on RGBA ground."""
    if picture is not None:
        place = ground[top : top + picture.shape[0], left : left + picture.shape[1]]
        place[..., 3] = 255
        place[..., : picture.shape[2]] = picture
