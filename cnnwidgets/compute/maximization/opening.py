"""Finds a gradient where the pictures that a run begins with have none, or says that there is none to be found."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from ..dataset import Items
from .canvas import Canvas
from .goal import Driven
from .hooks import past_relus
from .spectrum import DARKEST, Spectrum

SILENT = 16
"""So many random pictures in a row without any gradient, and what is to be driven counts as one that cannot be."""
LOUDER = 1.5
"""By so much the contrast of the next random picture is larger."""
LED = 64
"""So many steps in a row without a gradient at most, half of all at most, lead up what closed ReLUs cut off."""
IMAGES = 32
"""Images of a data set, evenly spread, that are tried after these."""
TOGETHER = 8
"""Of them in one pass."""


class Opening:
    """Pictures without a gradient are led up what closed ReLUs cut off, drawn anew, or begun with a real image.

    Parameters
    ----------
    words : str
        What is driven.
    total : int
        Steps of the run.
    spectrum : Spectrum
        The pictures.
    items : Items, optional
        Real images.
    canvas : Canvas
        The form of the pictures.

    Attributes
    ----------
    silent : int
        Steps in a row, up to now, in which no picture had a gradient.
    closed : bool
        Whether a picture had none in the last step, or there was no step: then the next has to keep its graph.
    note : str
        What was done until there was one. Empty for nothing.
    """

    def __init__(self, words: str, total: int, spectrum: Spectrum, items: Items | None, canvas: Canvas) -> None:
        self._words, self._spectrum, self._items, self._canvas = words, spectrum, items, canvas
        self._patience = max(SILENT, min(LED, total // 2))
        self.silent, self.closed, self.note = 0, True, ""
        self._lost = 0  # of the silent ones, in a row, those in which nothing was cut off by a ReLU either
        self._images: int | None = None  # so many have been looked at

    def over(self) -> None:
        """All pictures have a gradient."""
        if self.silent > self._lost and not self.note:
            led = self.silent - self._lost
            steps = "the first step" if led == 1 else f"{led:,} steps"
            self.note = f"{steps} drove what closed ReLUs cut off: there was no gradient before"
        self.silent, self._lost, self.closed = 0, 0, False

    def lead(
        self, activation: torch.Tensor, gradient: torch.Tensor, closed: torch.Tensor, give: Callable[..., Driven]
    ) -> torch.Tensor | None:
        """The gradient of a step in which pictures are closed; None for no step, since there are other pictures now.

        Parameters
        ----------
        activation : torch.Tensor
            (N,): what is driven, with its graph if the last pictures were closed too.
        gradient : torch.Tensor
            As the values of the spectrum.
        closed : torch.Tensor
            (N,): of which picture it is 0.
        give : callable
            `give(images)` gives what images drive.

        Raises
        ------
        RuntimeError
            No picture has a gradient, and none was found that has.
        """
        known, self.closed = self.closed, True
        every = bool(closed.all())
        self.silent = self.silent + 1 if every else 0
        if not known:
            return None if every else gradient
        found = past_relus(activation.sum(), self._spectrum.values)
        lost = closed & (found.flatten(1).abs().amax(1) == 0)
        self._lost = self._lost + 1 if bool(lost.all()) else 0
        if self._lost >= SILENT or self.silent >= self._patience:
            self._begin_with_images(float(activation.detach().amax()), give)
            return None
        for number in lost.nonzero().flatten().tolist():
            self._spectrum.redraw(number, LOUDER ** max(1, self.silent))
        if bool(lost.all()):
            return None
        return torch.where(closed.reshape(-1, *[1] * (gradient.ndim - 1)), -found, gradient)

    def _begin_with_images(self, most: float, give: Callable[..., Driven]) -> None:
        """Begin with the real images that give more than `most`, the strongest first."""
        found = [] if self._images is not None else self._strongest(most, give)
        if not found:
            raise RuntimeError(self._refusal())
        self._spectrum.begin_with([pixels for _, _, pixels in found])
        self.note = (
            f"begins with image {found[0][1]:,}, which gives most of {self._images:,} of the data set: "
            "no random picture had a gradient"
        )
        self.silent, self._lost = 0, 0

    def _strongest(self, most: float, give: Callable[..., Driven]) -> list[tuple[float, int, torch.Tensor]]:
        """What the strongest images give, their numbers and their pixels, at most one for each picture."""
        self._images = 0
        count, wanted = 0 if self._items is None else len(self._items), len(self._spectrum.values)
        spread = sorted({at * (count - 1) // (IMAGES - 1) for at in range(IMAGES)}) if count else []
        found: list[tuple[float, int, torch.Tensor]] = []
        for begin in range(0, len(spread), TOGETHER):
            read = {at: pixels for at in spread[begin : begin + TOGETHER] if (pixels := self._pixels(at)) is not None}
            if not read:
                continue
            self._images += len(read)
            with torch.no_grad():
                images = self._canvas.images(torch.stack(list(read.values())).to(self._spectrum.values.device))
                values = give(images).activation.float().tolist()
            found += [(value, *each) for value, each in zip(values, read.items(), strict=True) if value > most]
            found = sorted(found, key=lambda each: -each[0])[:wanted]
        return found

    def _pixels(self, index: int) -> torch.Tensor | None:
        """An image of the data set as a picture of the run can be; None where there is none."""
        assert self._items is not None
        try:
            image = self._items[index].image
        except Exception:  # whatever a data set raises: the others may do
            return None
        if image is None or image.ndim != 3 or len(image) != self._canvas.shape[0]:
            return None
        pixels = self._canvas.pixels(image.float()[None])
        if pixels.shape[1:] != self._canvas.shape:
            pixels = functional.interpolate(pixels, self._canvas.shape[1:], mode="bilinear", antialias=True)
        return pixels[0].clamp(DARKEST, 1 - DARKEST).cpu() if pixels.isfinite().all() else None

    def _refusal(self) -> str:
        tried = f"{self.silent} random pictures"
        if self.silent > self._lost:
            tried = f"{self.silent} pictures, led up what closed ReLUs cut off"
        words = f"{self._words} cannot be driven: its gradient was 0 for {tried}, as behind a ReLU that never opens"
        if self._images:
            after = ", also after one began with the strongest" if self.note else ", and none gave more"
            words += f"; {self._images:,} images of the data set were tried{after}"
        return words + "; a layer before it may be driven"
