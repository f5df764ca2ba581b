"""The input image with its prediction, or large enough to point at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...render.color import fitted, to_picture
from ...render.static import Panel
from ..state import Snapshot
from ..surface import markup, number
from .column import BESIDE, INPUT
from .prediction import prediction_panel

PHOTO = 448
"""Width of a photo, in px."""


def enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As it is, if a whole number of times it nearly fills the panel; the browser enlarges it then, crisply."""
    share = PHOTO / max(pixels.shape[:2])
    return pixels if share >= 1 and int(share) >= 0.75 * share else fitted(pixels, PHOTO, PHOTO)


def image_panels(snapshot: Snapshot) -> list[Panel]:
    """The input image with its index and label, and the most probable classes, one above the other."""
    return [image_panel(snapshot), classes_panel(snapshot)]


def image_panel(snapshot: Snapshot) -> Panel:
    """The input image with its index and label."""
    items, item = snapshot.subject.items, snapshot.item
    label, pixels = markup.labelled(item.text), None
    if item.image is not None:
        picture = to_picture(items.picture(item.image).numpy())
        pixels = fitted(picture.pixels, INPUT, INPUT)
        if picture.rescaled:
            label += f"{' · ' if label else ''}{number(picture.vmin)} to {number(picture.vmax)}"
    heading = " · ".join(filter(None, [markup.image_name(snapshot.index), label]))
    return Panel(heading, pixels, width=INPUT, key="image")


def classes_panel(snapshot: Snapshot) -> Panel:
    """The most probable classes of the image; with it, it takes the same room for every image."""
    return prediction_panel(snapshot.prediction, snapshot.item, snapshot.subject.names, room=BESIDE - INPUT - 40)
