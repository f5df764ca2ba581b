"""Outputs for a batch of images: class scores, or the output of a layer."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from ..core import (
    ForwardError,
    Prepare,
    alone,
    are_probabilities,
    call,
    capture,
    describe,
    find_layer,
    module_names,
    plain,
)
from ..layers import layer_table, mixes_images
from ..shadow import Unshadowed, looking, shadow_of
from .batching import out_of_memory
from .folding import agrees, folded

Score = Literal["logit", "probability"] | Callable[[Any], torch.Tensor]
Paint = Callable[[torch.Tensor], None]


class Scorer:
    """Runs a network on batches of images with fixed settings.

    On the CPU the images are in channels-last format, which reduces the time of convolutions to a half or two thirds; a
    network that raises on it (`x.view(...)` after a convolution) gets contiguous images from its first error on. One
    whose results depend on the other images of the batch (see `mixes_images`) gets one image at a time.

    Parameters
    ----------
    model, layer, score, prepare
        As for `occlusion`.
    instead : str, optional
        What an output that is no class scores calls for, where nobody can choose them with `score=`.

    Attributes
    ----------
    axis : int
        Index of the channel axis of a layer's output.
    """

    def __init__(
        self, model: nn.Module, *, layer: str | None, score: Score, prepare: Prepare | None, instead: str | None = None
    ) -> None:
        module = plain(model)
        if layer is not None:
            name = find_layer(module_names(module), layer)[0]
            if isinstance(dict(module.named_modules())[name], torch.jit.ScriptModule):
                raise ValueError(f"layer {layer!r} is TorchScript, which cannot be looked into; choose a target")
        if not callable(score) and score not in ("logit", "probability"):
            raise ValueError(f"score is 'logit', 'probability' or a function of the model's output, not {score!r}")
        self.model, self.layer, self.score, self.prepare = model, layer, score, prepare
        self.axis = 1
        self._instead = instead
        self._axis_known = layer is None
        self._quick: nn.Module | None = None
        self._channels_last: bool | None = None
        self._are_probabilities: bool | None = None

    def __call__(self, images: torch.Tensor, number: torch.Tensor, paint: Paint) -> torch.Tensor:
        """Scores (len(number), K), or the layer's output; ordinary tensors on the model's device.

        Parameters
        ----------
        images : torch.Tensor
            (N, C, H, W), on the model's device.
        number : torch.Tensor
            (B,) indices of the images in the batch.
        paint : callable
            Modifies the batch (B, C, H, W), a copy, in place.

        Raises
        ------
        ForwardError
            The model raised an error, or memory ran out (see `out_of_memory`).
        ValueError
            The output is not class scores.
        """
        if self._channels_last is None:
            self._channels_last = images.device.type == "cpu"
        if len(number) > 1 and mixes_images(self.model, images[:1], prepare=self.prepare):
            batch = images[number]
            paint(batch)
            return torch.cat([self(image, number[:1] * 0, lambda _: None) for image in batch.split(1)])
        try:
            return self._run(images, number, paint, self._quick)
        except ForwardError as error:
            if not self._channels_last or out_of_memory(error):
                raise
        self._channels_last = False
        return self._run(images, number, paint, self._quick)

    def use_fused_copy(self, image: torch.Tensor, wanted: torch.Tensor) -> bool:
        """Switch to a copy with fused BatchNorm if its output for `image` (1, C, H, W) agrees with `wanted`."""
        if self.layer is not None or image.device.type != "cpu":
            return False
        with alone(self.model) as module:
            try:
                quick = folded(shadow_of(module), channels_last=bool(self._channels_last))
            except Unshadowed:
                return False
        try:
            if quick is not None and agrees(self._run(image, torch.tensor([0]), lambda batch: None, quick), wanted):
                self._quick = quick
        except (ForwardError, ValueError):
            return False
        return self._quick is not None

    def take_over(self, other: Scorer) -> None:
        """Take over what another scorer of the same network has found out about it."""
        self._channels_last, self._are_probabilities = other._channels_last, other._are_probabilities

    def runs_as_given(self, images: torch.Tensor) -> bool:
        """Whether a pass over `images` here gives the same numbers as an ordinary one, to the last bit.

        Not where their memory format changes, which changes the rounding; nor in a network with attention, which has
        other kernels where nothing is captured.
        """
        if self.prepare is not None or any(
            isinstance(part, nn.MultiheadAttention) for part in plain(self.model).modules()
        ):
            return False
        same = images.contiguous(memory_format=torch.channels_last).stride() == images.contiguous().stride()
        return same or images.device.type != "cpu"

    def _run(self, images: torch.Tensor, number: torch.Tensor, paint: Paint, quick: nn.Module | None) -> torch.Tensor:
        layout = torch.channels_last if self._channels_last else torch.contiguous_format
        count = len(number)
        with alone(self.model), looking(quick or self.model, self.layer and [self.layer]) as network:

            def run(batch: torch.Tensor) -> Any:
                paint(batch)
                return network(batch) if self.prepare is None else call(network, batch, self.prepare)

            batch = images if len(images) == 1 else images[number]
            batch = batch.contiguous(memory_format=layout).expand(count, -1, -1, -1)  # `call` makes the copy
            if self.layer is None:
                found = self.read(call(network, batch, run=run))
            else:
                with capture(network, self.layer, stop=True) as captured:
                    call(network, batch, run=run)
                found = captured[self.layer]
                if not self._axis_known and found.ndim > 2:
                    seen = captured.find(self.layer)
                    self.axis = self._channel_axis(images[:1], seen.module, seen.call, seen.path)
                    self._axis_known = True
        if found.ndim == 0 or len(found) != count:
            raise ValueError(f"for {count} images the model gives {describe(found)}, which is not one result each")
        return found

    def _channel_axis(self, image: torch.Tensor, module: str, call: int, path: str) -> int:
        """Which axis of the layer's output is the channels, as its row in the layer table says."""
        rows = layer_table(self.model, image, operations=False, prepare=self.prepare)
        here = [row for row in rows if (row.module, row.call) == (module, call)]
        row = next((row for row in here if row.name.rstrip("]").endswith(path)), None)
        return -1 if row is not None and row.layout == "last" and row.kind != "vector" else 1

    def read(self, output: Any) -> torch.Tensor:
        """Scores (N, K) from the model output, according to `score`; raises ValueError if there are none."""
        scores = self.score(output) if callable(self.score) else output
        if not isinstance(scores, torch.Tensor):
            parts = f" with {', '.join(map(str, scores))}" if isinstance(scores, Mapping) and scores else ""
            raise ValueError(f"{self._giver} a {type(scores).__name__}{parts}, not class scores{self._advice(output)}")
        if callable(self.score) and scores.ndim == 1:
            scores = scores[:, None]
        if scores.ndim > 2 and scores.shape[2:].numel() == 1:
            scores = scores.flatten(1)
        if scores.ndim != 2 or scores.is_complex() or scores.shape[1] == 0:
            raise ValueError(
                f"{self._giver} {describe(scores)}, not class scores (images x classes){self._advice(output)}"
            )
        scores = scores if scores.dtype == torch.float64 else scores.float()
        if self.score != "probability":
            return scores
        if self._are_probabilities is None:
            self._are_probabilities = are_probabilities(scores)
        if scores.shape[1] == 1 and not self._are_probabilities:
            raise ValueError(
                "the softmax of a single score is always 1; take the score as it is with score='logit', or choose with "
                "score=, such as score=lambda output: output.sigmoid()"
            )
        return scores if self._are_probabilities else scores.softmax(1)

    @property
    def _giver(self) -> str:
        return "the function given as score= makes" if callable(self.score) else "the model gives"

    def _advice(self, output: Any) -> str:
        """What to do about an output that is no class scores, behind a semicolon."""
        if self._instead is not None:
            return f"; {self._instead}"
        example = next(_examples(output, "output"), None)
        such = f", such as score=lambda output: {example}" if example else ", a function of the output"
        return f"; choose them with score={such}"


def _examples(output: Any, called: str) -> Iterator[str]:
    """How scores (N, K) could be made of each tensor in an output, where it is `called` so."""
    if isinstance(output, torch.Tensor):
        if output.ndim >= 2 and not output.is_complex():
            axes = tuple(range(2, output.ndim))
            yield called + (f".mean({axes if len(axes) > 1 else axes[0]})" if axes else "")
    elif isinstance(output, Mapping):
        for key, value in output.items():
            yield from _examples(value, f"{called}[{key!r}]")
    elif isinstance(output, (list, tuple)):
        for at, value in enumerate(output):
            yield from _examples(value, f"{called}[{at}]")
    else:
        for name, value in getattr(output, "__dict__", {}).items():
            yield from _examples(value, f"{called}.{name}") if isinstance(value, torch.Tensor) else ()


def parse_target(target: Any) -> tuple[list[int] | None, bool]:
    """Class numbers, None for the predicted class, and whether a single class was given."""
    if target is None:
        return None, True
    if isinstance(target, (torch.Tensor, np.ndarray)):
        target = target.tolist()
    single = not isinstance(target, Sequence)
    try:
        classes = [operator.index(number) for number in ([target] if single else target)]
    except TypeError:
        raise TypeError(f"target is a class number or several, not {target!r}") from None
    if not classes:
        raise ValueError("target is an empty list; leave it out for the predicted class")
    return classes, single


def parse_single_target(target: Any) -> list[int] | None:
    """As `parse_target`, for where one class is asked about."""
    wanted, single = parse_target(target)
    if not single:
        raise ValueError(f"target is one class, not {target!r}")
    return wanted


def choose_targets(scores: torch.Tensor, wanted: list[int] | None) -> torch.Tensor:
    """Target classes (N, K'): the `wanted` ones for every image, or the highest of `scores` (N, K) of each image.

    Raises
    ------
    ValueError
        Unknown class, or the scores are not finite and have no maximum.
    """
    images, classes = scores.shape
    if wanted is None:
        if not scores.isfinite().all():
            raise ValueError("the scores of the whole image are not finite, so none is the highest; give a target")
        return scores.argmax(1, keepdim=True)
    for number in wanted:
        if not 0 <= number < classes:
            raise ValueError(f"no target {number}; allowed: 0 to {classes - 1}")
    return torch.tensor(wanted, device=scores.device).expand(images, -1)


def map_differences(found: torch.Tensor, whole: torch.Tensor, axis: int) -> torch.Tensor:
    """Mean absolute difference of each map of a layer's output, with channel axis `axis`: (N, K)."""
    if not (found.is_floating_point() or found.is_complex()):
        found, whole = found.float(), whole.float()
    difference = (found - whole).abs()
    difference = difference if difference.dtype == torch.float64 else difference.float()
    if difference.ndim == 1:
        return difference[:, None]
    difference = difference.movedim(axis, 1)
    return difference.reshape(*difference.shape[:2], -1).mean(2)
