"""The left column of a film: the image that the maps are of, and which moment of the training it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.core import digest
from ...render.color import fitted, to_picture
from ...render.static import Panel
from ...training.recording import Frame, Recording
from ...widgets.panels import INPUT
from ...widgets.surface import markup, number
from .shots import Shot

Remember = Callable[[str, tuple[Any, ...], Callable[[], Any]], Any]
"""As `ModelView.remember`."""


def image_panel(recording: Recording, moment: Frame, shot: Shot, remember: Remember) -> Panel:
    """The image that a shot is of; without a picture for filters, so that the page need not be laid out again.

    An image that `remember` knows is the same array again, also where another frame was trained on it.
    """
    if shot.what == "filters":
        return Panel("No image", width=INPUT, key="image")
    key: tuple[Any, ...]
    if shot.what == "maps":
        image, name, label = recording.probes[shot.probe], f"Probe {shot.probe}", _label(recording, shot.probe)
        key = ("probe", shot.probe)
    elif "input" in moment.ranges:
        image, name, label = remember("input", (moment,), lambda: recording.inputs(moment)), "Batch image", "the first"
        key = ("input", digest(image).hex())
    else:
        return Panel("Batch image · not recorded", width=INPUT, key="image")
    if image.ndim != 3:
        return Panel(f"{name} · no picture", width=INPUT, key="image")
    pixels = remember("pixels", key, lambda: _pixels(recording, image))
    return Panel(" · ".join(filter(None, [name, label])), pixels, width=INPUT, key="image")


def moment_panel(moment: Frame) -> Panel:
    """What is known of a moment of the training."""
    facts = [("step", f"{moment.step:,}")]
    if moment.step:
        facts = [("epoch", str(moment.epoch)), ("batch", str(moment.batch)), *facts]
    if moment.loss is not None:
        facts.append(("loss", number(moment.loss, 4)))
    return Panel("Moment", width=INPUT, lines=facts, key="moment")


def _pixels(recording: Recording, image: torch.Tensor) -> NDArray[np.uint8]:
    if recording.normalization is not None:
        mean, std = (torch.tensor(part).reshape(-1, 1, 1) for part in recording.normalization)
        image = image * std + mean
    return fitted(to_picture(image.numpy()).pixels, INPUT, INPUT)


def _label(recording: Recording, probe: int) -> str:
    if not recording.labels:
        return ""
    label = recording.labels[probe]
    return markup.labelled(recording.classes[label] if 0 <= label < len(recording.classes) else str(label))
