"""Optimises pictures step by step; each step can be the last."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from ..core import ForwardError, Prepare, device_of, dtype_of, plain, weights_version
from ..dataset import Items
from ..inputs import as_images
from ..layers import mixes_images
from ..shadow import looking
from .canvas import SIDES, Canvas
from .goal import Driven, Goal, PlaceOf
from .hooks import without_nan
from .moving import Moving
from .opening import Opening
from .picture import MaximizedPicture
from .spectrum import Spectrum

RATE = 0.05
"""Size of a step (Adam), for spectra; half of it for each time that the run began anew."""
RESTARTS = 4
"""How often a run begins anew, with steps half as large, after a NaN."""
NEAR = 0.01
"""Mean squared difference to the given image that costs as much as `near` times the activation."""


class Maximizer:
    """Pictures that are optimised: `step` makes some steps, `picture` tells how they look now.

    Parameters
    ----------
    model, layer, **options
        As for `maximize`.

    Attributes
    ----------
    canvas : Canvas
        The form of the pictures.
    words : str
        What is driven: `channel 3 of layer4`.
    done, total : int
        Steps that were made, and that there are.
    note : str
        That the run began anew, and why; what was done until there was a gradient; or that no step had one. Empty for
        nothing.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> maximizer = cw.Maximizer(cw.models.lenet5(pretrained=True), "C3", channel=3, steps=8)
    >>> maximizer.step(steps=8)
    8
    >>> maximizer.picture().images.shape
    torch.Size([1, 1, 28, 28])
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        *,
        channel: int | None = None,
        direction: Any = None,
        target: int | None = None,
        place: PlaceOf = None,
        dataset: Any = None,
        size: int | tuple[int, int] | None = None,
        normalization: tuple[Any, Any] | None = None,
        start: torch.Tensor | None = None,
        near: float = 0.0,
        count: int = 1,
        diversity: float = 0.5,
        steps: int = 256,
        jitter: float | None = None,
        rotate: float | None = None,
        scale: float | None = None,
        generator: torch.Generator | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        for name, value in (("count", count), ("steps", steps)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")
        moves = {"jitter": jitter, "rotate": rotate, "scale": scale}
        given_moves = {name: number for name, number in moves.items() if number is not None}
        for name, number in {"near": near, "diversity": diversity, **given_moves}.items():
            limit = 1 if name == "scale" else math.inf
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < limit:
                words = "0 to less than 1" if name == "scale" else "a number, 0 or more"
                raise ValueError(f"{name} must be {words}, not {number!r}")
        self._model, self._module, self._prepare = model, plain(model), prepare
        items = self._items = (
            dataset if dataset is None or isinstance(dataset, Items) else Items(dataset, model=self._module)
        )
        given = None if start is None else as_images(self._module, start)[:1].float().cpu()
        if given is not None and not given.isfinite().all():
            raise ValueError("start must be an image of finite numbers, and it holds NaN or infinity")
        known = size is not None or items is not None or given is not None
        options = (layer, channel, direction, target, place, prepare)
        self._device, self._dtype = device_of(self._module), dtype_of(self._module)
        self.canvas, self._goal = self._formed(items, [size] if known else SIDES, normalization, given, options)
        if given is not None and tuple(given.shape[1:]) != self.canvas.shape:
            raise ValueError(f"start is {tuple(given.shape[1:])}, and size says {self.canvas.shape}: leave size out")
        self._start = None if given is None else self.canvas.pixels(given)
        self.words, self.done, self.total, self.note = self._goal.words, 0, steps, ""
        self._count, self._diversity = count, diversity if count > 1 else 0.0
        self._near = near if given is not None else 0.0
        empty = self._grey(self.canvas)
        self._alone = count > 1 and mixes_images(self._module, empty, prepare=prepare)
        seen = 0.0 if None not in moves.values() else self._goal.seen(self._module, empty)
        self._moving = Moving.fitting(seen, **moves)
        self._generator = torch.Generator().manual_seed(0) if generator is None else generator
        self._rate, self._restarts, self._careful = RATE, 0, False
        self._began_with = self._generator.get_state()
        self._begin()
        self._weights = weights_version(self._module)

    def __repr__(self) -> str:
        return f"Maximizer of {self.words}: {self.done:,} of {self.total:,} steps done"

    def __iter__(self) -> Iterator[MaximizedPicture]:
        """The pictures before the first step, and after each; leave the loop to stop, iterate again to go on."""
        yield self.picture()
        while self.done < self.total:
            self.step()
            yield self.picture()

    def step(self, steps: int = 1, *, seconds: float | None = None) -> int:
        """Make so many steps, or as many as fit into so many `seconds`, at least one; how many that were.

        Raises
        ------
        RuntimeError
            What is to be driven does not answer to any picture; or is NaN however small the steps are; or the network
            was trained meanwhile.
        ForwardError
            The network raised an error.
        """
        before, until = self.done, None if seconds is None else time.monotonic() + seconds
        last = self.total if seconds is not None else min(self.total, self.done + steps)
        with torch.inference_mode(False), self._looking() as shadow, torch.enable_grad():
            while self.done < last:
                self._step(shadow)
                if self._opening.silent == self.total:
                    self.note = f"{self.words} may be impossible to drive: its gradient was 0 in each of the steps"
                if until is not None and time.monotonic() >= until:
                    break
        return self.done - before

    def picture(self) -> MaximizedPicture:
        """The pictures as they are now, and what they give: one pass."""
        with self._looking() as shadow:
            pixels = self._spectrum.pixels()
            images = self.canvas.images(pixels)
            found = self._driven(shadow, images)
        held = [each.detach().float().cpu() for each in (images, pixels, found.activation, found.maps)]
        return MaximizedPicture(held[0], held[1], self.done, self.total, held[2], held[3], self.note)

    @contextmanager
    def _looking(self) -> Iterator[nn.Module]:
        """As `looking`, at a network with the weights that the run began with."""
        if weights_version(self._module) != self._weights:
            raise RuntimeError(
                f"the network was trained meanwhile: a picture for {self.words} as it was has no next step"
            )
        try:
            with looking(self._model, self._goal.until) as shadow:
                yield shadow
        finally:
            self._weights = weights_version(self._module)  # what a look restores counts as written

    # ------------------------------------------------------------------ what they are like

    def _formed(
        self,
        items: Items | None,
        sizes: Sequence[int | tuple[int, int] | None],
        normalization: tuple[Any, Any] | None,
        given: torch.Tensor | None,
        options: tuple[Any, ...],
    ) -> tuple[Canvas, Goal]:
        """The form of the pictures, by the first size that the network takes, and what they are to drive."""
        for last, size in enumerate(sizes, 1 - len(sizes)):
            canvas = Canvas.of(self._module, items, size, normalization, given)
            try:
                return canvas, Goal(self._module, self._grey(canvas), *options)
            except ForwardError:
                if not last:
                    raise
        raise AssertionError("there is a size")

    def _grey(self, canvas: Canvas) -> torch.Tensor:
        return canvas.images(torch.full((1, *canvas.shape), 0.5)).to(self._device, self._dtype)

    # ------------------------------------------------------------------ a step

    def _begin(self) -> None:
        """Begin with the same random numbers: what is drawn then is the same in each run."""
        self._generator.set_state(self._began_with)
        with torch.inference_mode(False):
            self._spectrum = Spectrum(self._count, self.canvas.shape, self._generator, self._device, self._start)
            self._optimizer = torch.optim.Adam([self._spectrum.values], lr=self._rate)
        self._opening = Opening(self.words, self.total, self._spectrum, self._items, self.canvas)
        self.done = 0

    def _driven(self, shadow: nn.Module, images: torch.Tensor) -> Driven:
        images = images.to(self._dtype)
        if not self._alone:
            return self._goal(shadow, images)
        return Driven(*map(torch.cat, zip(*(self._goal(shadow, image) for image in images.split(1)), strict=True)))

    def _step(self, shadow: nn.Module) -> None:
        with without_nan() if self._careful else nullcontext():
            pixels = self._spectrum.pixels()
            found = self._driven(shadow, self.canvas.images(self._moving(pixels, self._generator)))
        if not found.activation.requires_grad:
            raise RuntimeError(f"{self.words} cannot be driven: it has no gradient with respect to the picture")
        loss, values, opening = self._loss(found, pixels), self._spectrum.values, self._opening
        (gradient,) = torch.autograd.grad(loss, values, retain_graph=opening.closed)
        each = gradient.abs().flatten(1).amax(1)  # NaN where one of them is
        largest = float(each.amax())
        if not (math.isfinite(largest) and math.isfinite(float(loss.detach()))):
            self._begin_smaller(bool(found.activation.detach().isfinite().all()))
            return
        self.done += 1
        led: torch.Tensor | None = gradient
        closed = each == 0
        if self._diversity:  # which alone is a gradient too
            closed |= found.activation.detach() == 0
        if bool(closed.any()):
            led = opening.lead(found.activation, gradient, closed, lambda images: self._driven(shadow, images))
        else:
            opening.over()
        self.note = opening.note or self.note
        if led is None:
            return
        values.grad = led
        self._optimizer.step()
        values.grad = None

    def _loss(self, found: Driven, pixels: torch.Tensor) -> torch.Tensor:
        """What a step makes smaller."""
        loss = -found.activation.sum()
        if self._diversity or self._near:
            worth = found.activation.detach().abs()
        if self._diversity:
            features = found.features.nan_to_num(0.0, 0.0, 0.0) if self._careful else found.features
            loss = loss + self._diversity * worth.sum() * likeness(features)
        if self._near and self._start is not None:
            apart = (pixels - self._start.to(pixels)).square().flatten(1).mean(1)
            loss = loss + self._near * (worth * apart).sum() / NEAR
        return loss

    def _begin_smaller(self, finite: bool) -> None:
        """Begin anew after a NaN; where what is driven is `finite` itself, first without the NaN of other channels."""
        if finite and not self._careful:
            self._careful = True
            self._begin()
            return
        at, self._restarts = self.done, self._restarts + 1
        if self._restarts > RESTARTS:
            what = f"the gradient of {self.words}" if finite else self.words
            raise RuntimeError(
                f"{what} is NaN or infinite after {at:,} steps, also with steps of 1/{2**RESTARTS} of their size"
            )
        self._rate /= 2
        self.note = f"began anew with steps of 1/{2**self._restarts} of their size: NaN or infinity at step {at + 1:,}"
        self._begin()


def likeness(features: torch.Tensor) -> torch.Tensor:
    """How alike N pictures are, 0 to 1: the mean cosine between the Gram matrices of every two of them.

    Parameters
    ----------
    features : torch.Tensor
        (N, C, P): the channels of a layer at all places. Their Gram matrix tells which channels fire together, wherever
        that is: the texture (Olah et al. 2017, after Gatys et al. 2015).
    """
    count = len(features)
    gram = torch.nn.functional.normalize((features @ features.transpose(1, 2)).flatten(1), dim=1)
    cosines = gram @ gram.T
    return (cosines.sum() - cosines.diagonal().sum()) / (count * (count - 1))
