"""The panels of ExamplesView: the patches of a channel, and one of them in its whole picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.scan import LayerScan
from ...render.color import fitted
from ...render.static import Panel
from ...widgets.panels import DETAIL, image_panel
from ...widgets.patches import Example, described, patch_sheet
from ...widgets.state import Snapshot
from ...widgets.surface import markup, number

COLUMNS, SIDE = 4, 76
"""Patches in a row, and px of each."""
WIDTH = COLUMNS * (SIDE + 6)
DIM = 0.3
"""Brightness of what a place does not see."""
Pixels = NDArray[np.uint8]


def patches_panel(
    heading: str,
    examples: Sequence[Example],
    key: str,
    *,
    lines: Sequence[str | tuple[str, str]],
    controls: Sequence[Any] = (),
    on_choose: Callable[[int], object],
    on_hover: Callable[[int], object],
) -> Panel:
    """The patches of a channel in rows, with value and class under each, all on one scale of the image.

    Parameters
    ----------
    heading, key, lines, controls
        As of every `Panel`.
    examples : sequence of Example
        What is shown, in order.
    on_choose, on_hover : callable
        Called with the number of a patch in `examples` that is clicked, or that the mouse comes over.
    """
    if not examples:
        return Panel(heading, width=WIDTH, lines=lines, controls=controls, key=key)
    pixels, cells = patch_sheet(examples, side=SIDE, columns=COLUMNS)
    clipped = sum(bool(example.edge) for example in examples)
    said = [f"{clipped} of {len(examples)} clipped at the edge of the image"] if clipped else []
    return Panel(
        heading,
        pixels,
        width=WIDTH,
        lines=[*said, *lines],
        cells=cells,
        describe=lambda cell: described(examples[cell]),
        on_cell=on_choose,
        on_hover=on_hover,
        controls=controls,
        hint="click one",
        key=key,
        scrolls=WIDTH * 2,
    )


def detail_panel(example: Example | None, image: int) -> Panel:
    """The whole picture of an example: its place framed, what lies outside dimmed; `image` is the chosen one."""
    if example is None:
        return Panel("Image · none yet", width=DETAIL, key="detail")
    place, shown = example.place, example.shown
    heading = " · ".join(filter(None, [markup.image_name(place.image), markup.labelled(shown.text)]))
    facts: list[str | tuple[str, str]] = [("value", f"{number(place.value)}, no. {example.rank + 1} of those kept")]
    if shown.pixels is None:
        return Panel(heading, width=DETAIL, lines=[shown.reason, *facts], key="detail")
    top, left, bottom, right = example.box
    height, width = shown.pixels.shape[:2]
    whole = (top, left, bottom, right) == (0, 0, height, width)
    facts.append(("at", f"row {place.row}, column {place.column}"))
    if example.patch is None:
        facts.append(("sees", "which part cannot be told for this kind of image"))
    elif whole:
        facts.append(("sees", "the whole image"))
    else:
        facts.append(("sees", f"rows {top} to {bottom - 1}, columns {left} to {right - 1}"))
    if example.edge:
        facts.append(("clipped", example.edge))
    if place.image == image:
        facts.append("the chosen image")
    pixels = fitted(_dimmed(shown.pixels, example.box), DETAIL, DETAIL)
    down, across = pixels.shape[0] / height, pixels.shape[1] / width
    marks = [] if whole or bottom <= top else [(left * across, top * down, right * across, bottom * down)]
    return Panel(heading, pixels, width=DETAIL, lines=facts, marks=marks, key="detail")


def chosen_panel(snapshot: Snapshot, layer: LayerScan | None, channel: int, value: float) -> Panel:
    """The chosen image, and how strongly the channel answers it, among all images that were scanned."""
    facts = [("here", number(value))]
    if layer is not None and int(layer.images[channel]):
        below = layer.histogram[channel][layer.edges[channel, 1:] <= value].sum()
        facts.append(("above", f"{markup.percent(float(below / layer.images[channel]))} of images"))
    return replace(image_panel(snapshot), lines=facts, key="chosen")


def facts_of(layer: LayerScan, channel: int, names: Callable[[int], str]) -> list[tuple[str, str]]:
    """What a scan says of a channel in a few lines."""
    facts = [("fires for", f"{markup.percent(float(layer.fires[channel]))} of the images")]
    if bool(layer.dead[channel]):
        return [("dead", "0 everywhere in every image")]
    facts.append(("zeros", markup.percent(float(layer.zeros[channel]))))
    facts.append(("mean", f"{number(float(layer.mean[channel]))}, at most {number(float(layer.maximum[channel]))}"))
    if (best := int(layer.best_class[channel])) >= 0:
        facts.append(("knows best", f"{names(best)}, area {number(float(layer.roc_area[best, channel]))}"))
    return facts


def _dimmed(pixels: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    top, left, bottom, right = box
    dimmed = (pixels * DIM).astype(np.uint8)
    dimmed[top:bottom, left:right] = pixels[top:bottom, left:right]
    return dimmed
