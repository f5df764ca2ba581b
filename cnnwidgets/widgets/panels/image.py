"""The input image with its prediction, or large enough to point at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...compute.dataset import Item, OutputNames, Prediction
from ...render.color import fitted, to_picture
from ...render.static import Panel
from ..state import Snapshot
from ..surface import markup, number
from .column import BESIDE, INPUT

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


def prediction_panel(
    prediction: Prediction | None, item: Item, names: OutputNames, *, width: int = INPUT, room: int = 0
) -> Panel:
    """The best classes, and the true one, with their probabilities; whether the prediction is right."""
    if prediction is None:
        return Panel("Prediction · no class scores", width=width, key="prediction")
    count = len(prediction.shares)
    targets, truth = with_truth(prediction.targets, names.truth(item, count))
    shares = [prediction.shares[target] for target in targets]
    bars = [
        (names.called(target, count), share, markup.percent(share))
        for target, share in zip(targets, shares, strict=True)
    ]
    verdict = "" if truth is None else "right" if truth[1] else "wrong"
    heading = " · ".join(filter(None, ["Prediction", verdict, prediction.source]))
    return Panel(heading, width=width, bars=bars, truth=truth, key="prediction", room=room)


def with_truth(best: Sequence[int], truth: int | None) -> tuple[list[int], tuple[int, bool] | None]:
    """The best classes and, below them, the true one if it is not among them; its place, and whether it is the best."""
    if truth is None:
        return list(best), None
    shown = [*best] if truth in best else [*best, truth]
    return shown, (shown.index(truth), truth == best[0])
