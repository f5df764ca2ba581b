"""The overview as a picture, for pages that cannot draw it and for files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..render.color import DARK, LIGHT, palette
from ..render.text import Pen

WIDTH, THUMB, LEFT, TEXT = 740, 44, 26, 210
"""Widths of the picture, of a thumbnail, of the thread, and of the texts, in px."""
HIGH, HEAD = 52, 24
"""Heights of the row of a stage, and of the heading of an open one, in px."""


def picture(sheet: dict[str, Any], colormaps: tuple[str, str], dark: bool) -> NDArray[np.uint8]:
    """Draw what a page is told in `sheet`, (H, W, 3); `colormaps` without and with negative values."""
    theme = DARK if dark else LIGHT
    rows: Sequence[dict[str, Any]] = sheet["stages"]
    heights = [HEAD if row["opened"] else HIGH for row in rows]
    tops = list(accumulate(heights, initial=0))
    middles = [top + height // 2 for top, height in zip(tops, heights, strict=False)]
    image = Image.new("RGB", (WIDTH, max(HIGH, tops[-1])), theme.ground)
    pen = Pen(image, ImageDraw.Draw(image), theme)
    codes = np.frombuffer(sheet["codes"], np.uint8)
    colors = [palette(name)[:, :3] for name in colormaps]
    if len(rows) > 1:
        pen.draw.line((LEFT - 8, middles[0], LEFT - 8, middles[-1]), fill=theme.muted)
    for start, end, _ in sheet["edges"]:
        box = (4, middles[start] + 4, 2 * (LEFT - 8) - 4, middles[end] - 4)
        pen.draw.arc(box, 90, 270, fill=theme.accent)
    for row, top in zip(rows, tops, strict=False):
        _draw_row(pen, row, top, codes, colors[row["signed"]])
    if not rows:
        pen.text(LEFT, HIGH // 2, sheet["empty"], WIDTH - LEFT, 12, theme.muted)
    return np.asarray(image)


def _draw_row(pen: Pen, row: dict[str, Any], top: int, codes: NDArray[np.uint8], colors: NDArray[np.uint8]) -> None:
    theme, middle = pen.theme, top + HIGH // 2
    if top:
        pen.draw.line((LEFT, top, WIDTH, top), fill=theme.track)
    if row["opened"]:
        pen.heading(LEFT + 6 + 10 * min(row["depth"], 5), top + 18, f"▾ {row['label']} · {row['kind']}", TEXT, 12)
        return
    pen.draw.ellipse((LEFT - 11, middle - 3, LEFT - 5, middle + 3), fill=theme.ground, outline=theme.muted)
    left = LEFT + 6 + 10 * min(row["depth"], 5)
    mark = "" if row["opened"] is None else "▸ "
    room = TEXT - left + LEFT
    pen.heading(left, top + 19, f"{mark}{row['label']} · {row['kind']}", room, 12)
    pen.text(left, top + 33, row["line"], room, 10, theme.text)
    sizes = " · ".join(filter(None, [row["shape"], row["ends"]]))
    taken = pen.text(left, top + 46, sizes, room, 10, theme.muted)
    if row["notes"]:
        pen.text(left + taken + 6, top + 46, row["notes"][0], room - taken - 6, 10, theme.wrong)
    x, stop = LEFT + TEXT + 14, WIDTH
    height, width = row["size"]
    if row["units"]:
        wide = min(stop - x, max(60, 24 * row["units"]))
        _paste(pen, colors[codes[row["at"] : row["at"] + width]][None], (x, middle - 11, wide, 22))
    for at in range(0 if row["units"] else len(row["channels"])):
        wide = round(THUMB * min(2.0, max(0.35, width / height)))
        if x + wide > stop:
            break
        first = row["at"] + at * height * width
        map_ = codes[first : first + height * width].reshape(height, width)
        _paste(pen, colors[map_], (x, middle - THUMB // 2, wide, THUMB))
        x += wide + 5
    if not row["channels"]:
        pen.text(x, middle + 4, row["why"], stop - x, 11, theme.muted)


def _paste(pen: Pen, pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    image = Image.fromarray(np.ascontiguousarray(pixels))
    larger = width >= image.width and height >= image.height
    method = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    pen.image.paste(image.resize((width, height), method), (x, y))
    pen.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=pen.theme.line)
