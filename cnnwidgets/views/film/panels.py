"""The left panel of a film: the image that the maps are of, and which moment of the training it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...render import encode_png
from ...render.color import fitted, to_picture
from ...render.static import Panel
from ...training.recording import Frame, Recording
from ...widgets.panels import INPUT, CardPanel
from ...widgets.surface import Swapped, Text, markup, number
from .shots import Shot


class MomentPanel(CardPanel):
    """Image, epoch, batch, step and loss."""

    def __init__(self) -> None:
        self._text, self._below = Text(), Text()
        layout = {"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px 3px 8px"}
        self._picture = Swapped(layout, "cnnw-input")
        self._drawn: object = ""
        super().__init__(INPUT, self._text, *self._picture.pictures, self._below)

    def draw(self, recording: Recording, frame: Frame, shot: Shot) -> None:
        """Show a moment; an image that is there already is not sent again."""
        self._heading, self._pixels = picture_of(recording, frame, shot)
        self._facts = facts_of(frame)
        self._text.value = markup.heading(*self._heading) if self._heading[0] else ""
        self._below.value = markup.heading("Moment") + markup.facts(self._facts)
        key = None if self._pixels is None else self._pixels.tobytes()
        if key != self._drawn:
            self._picture.put(None if self._pixels is None else encode_png(self._pixels))
            self._drawn = key

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        return panels_of(self._heading, self._pixels, self._facts)


def panels_of(
    heading: Sequence[str], pixels: NDArray[np.uint8] | None, facts: Sequence[tuple[str, str]]
) -> list[Panel]:
    """Image and moment for a static picture, one above the other."""
    image = [] if pixels is None else [Panel(" · ".join(filter(None, heading)), pixels, width=INPUT)]
    return [*image, Panel("Moment", width=INPUT, lines=list(facts))]


def picture_of(recording: Recording, frame: Frame, shot: Shot) -> tuple[tuple[str, str], NDArray[np.uint8] | None]:
    """Heading and pixels of the image that a shot is of; none for filters, or where it was not recorded."""
    if shot.what == "filters":
        return ("", ""), None
    if shot.what == "maps":
        image, heading = recording.probes[shot.probe], (f"Probe {shot.probe}", _label(recording, shot.probe))
    elif "input" in frame.ranges:
        image, heading = recording.inputs(frame), ("Batch image", "the first")
    else:
        return ("Batch image", "not recorded"), None
    if recording.normalization is not None:
        mean, std = (torch.tensor(part).reshape(-1, 1, 1) for part in recording.normalization)
        image = image * std + mean
    if image.ndim != 3:
        return (heading[0], "no picture"), None
    return heading, fitted(to_picture(image.numpy()).pixels, INPUT, INPUT)


def facts_of(frame: Frame) -> list[tuple[str, str]]:
    """What is known of a moment."""
    rows: list[tuple[str, Any]] = [("step", f"{frame.step:,}")]
    if frame.step:
        rows = [("epoch", frame.epoch), ("batch", frame.batch), *rows]
    if frame.loss is not None:
        rows.append(("loss", number(frame.loss, 4)))
    return [(name, str(value)) for name, value in rows]


def _label(recording: Recording, probe: int) -> str:
    if not recording.labels:
        return ""
    label = recording.labels[probe]
    return markup.labelled(recording.classes[label] if 0 <= label < len(recording.classes) else str(label))
