"""What the page is told of the overview: every stage with its thumbnails, in one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..render.color import choose, is_diverging, palette
from ..widgets.surface import number
from .stages import Row
from .thumbnails import Strip, common_range, fitting

Edge = tuple[int, int, str]
"""Places of two stages among those shown, and what goes from the first to the second."""


def colormaps(colormap: str) -> tuple[str, str]:
    """Names of the colour maps of layers without negative values, and with."""
    return choose(colormap, False), choose(colormap, True)


def sheet_of(
    shown: Sequence[tuple[Row, Strip | None, str]],
    edges: Sequence[Edge],
    *,
    scale: str,
    colormap: str,
    empty: str = "no stage matches",
    image: int = 0,
) -> dict[str, Any]:
    """The sheet of an `Overview`.

    Parameters
    ----------
    shown
        Rows from top to bottom, each with its thumbnails, or None where it has none, and a line on what it did.
    edges
        Besides those from each stage to the next.
    scale, colormap
        As the traits of the view.
    empty
        What stands there where nothing is shown.
    image
        A number that two sheets share if they are of one image, as the network saw it.
    """
    strips = [strip for _, strip, _ in shown if strip is not None]
    common, side = common_range(strips, colormap), fitting(strips)
    codes: list[NDArray[np.uint8]] = []
    rows: list[dict[str, Any]] = []
    at = 0
    for each, strip, line in shown:
        row = _row(each) | {"line": line}
        if strip is not None:
            levels, ends = strip.within(side).codes(scale, common)
            size, signed = levels.shape[1:], strip.signed or (scale == "network" and common[0] < 0)
            row |= {"channels": list(strip.channels), "units": strip.units, "size": size, "at": at, "signed": signed}
            row["notes"] = list(strip.notes)
            row["ends"] = ends_text(*ends)
            codes.append(levels.ravel())
            at += levels.size
        rows.append(row)
    return {
        "stages": rows,
        "edges": list(edges),
        "codes": np.concatenate(codes).tobytes() if codes else b"",
        "palettes": b"".join(palette(name).tobytes() for name in colormaps(colormap)),
        "common": common,
        "empty": empty,
        "image": image,
    }


def legend(sheet: dict[str, Any], scale: str, colormap: str) -> list[tuple[str, str, str | None, str]]:
    """The colour scales of what is shown: name, and what stands at the left, in the middle and at the right."""
    names, used = colormaps(colormap), {bool(row["signed"]) for row in sheet["stages"] if row["channels"]}
    found: list[tuple[str, str, str | None, str]] = []
    for signed in sorted(used):
        name = names[signed]
        if scale == "network":
            low, high = map(number, sheet["common"])
            found.append((name, low, "0" if is_diverging(name) else None, high))
        elif is_diverging(name):
            found.append((name, f"each {scale}'s −max", "0", "+max"))
        else:
            found.append((name, f"each {scale}'s lowest", None, "highest"))
    return found


def ends_text(low: float, high: float) -> str:
    """`±2.3` or `0…1.6`."""
    return f"±{number(high)}" if low == -high and high > 0 else f"{number(low)}…{number(high)}"


def _row(row: Row) -> dict[str, Any]:
    stage, layer = row.stage, row.layer
    reason = "" if stage.layer is None or row.opened else stage.layer.reason or ""
    return {
        "name": stage.name,
        "label": _label(stage.name, stage.label),
        "layer": "" if layer is None else layer.name,
        "kind": stage.kind,
        "shape": row.shape,
        "notes": [],
        "depth": row.depth,
        "opened": row.opened,
        "channels": [],
        "units": 0,
        "size": (1, 1),
        "at": 0,
        "signed": False,
        "ends": "",
        "why": f"not shown: it {reason}" if reason else "",
    }


def _label(name: str, label: str) -> str:
    """A number alone says nothing: `layer1.0` for `0`."""
    return ".".join(name.split(".")[-2:]) if label.isdecimal() else label
