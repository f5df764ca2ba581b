"""Scores for many edits of one layer, running only what is behind it where the network can be cut there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..core import ForwardError, Prepare, alone, call, capture, device_of, plain, rerouted
from ..interventions import (
    Change,
    Cut,
    NoCut,
    arrangement_of,
    by_channel,
    find_edited,
    on_numbers,
    rerouted_operation,
)
from ..layers import activations, batched, mixes_images
from ..scoring import BatchSize, Score, Scorer, agrees, out_of_memory
from ..shadow import looking

AT_ONCE = 32
"""Images in a pass before the first edit."""


class Tail:
    """A network behind one of its layers, for given images.

    The cut is proved on the first batch: it is run whole too, and if the scores differ by more than rounding, or what
    is behind the cut does not run, the whole network runs from then on.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    images : torch.Tensor or object
        As for `activations`; a tensor (N, ...).
    layer : str
        As for `intervene`.
    score, prepare
        As for `occlusion`.

    Attributes
    ----------
    images : torch.Tensor
        (N, ...).
    whole : torch.Tensor
        (N, K): the scores without an edit.
    output : torch.Tensor
        What the layer gives for each image, (N, C, ...), the channels in the second axis; (N, 1) where it has none.
    """

    def __init__(self, model: nn.Module, images: Any, layer: str, *, score: Score, prepare: Prepare | None) -> None:
        self._model, self._prepare = model, prepare
        self.layer = layer
        self.images = _tensor(batched(model, images, None))
        self._scorer = Scorer(model, layer=None, score=score, prepare=prepare)
        self._place = find_edited(model, layer)
        self._alone: bool | None = None
        self._chunks = self.images.split(1 if len(self.images) > 1 and self._mixes_images() else AT_ONCE)
        scores, outputs = [], []
        for part in self._chunks:
            inside = self._place.site is not None
            with looking(model) as network, capture(network, [] if inside else layer) as captured:
                scores.append(self.read(call(network, part, prepare), len(part)))
            outputs.append(activations(model, part, layer, prepare=prepare) if inside else captured[layer])
        self.whole = torch.cat(scores)
        found = arrangement_of(model, self.images[:1], layer, outputs[0], prepare)
        sizes = [0 if found.batch is None else output.shape[found.batch] for output in outputs]
        if sizes != [len(part) for part in self._chunks]:
            raise ValueError(f"layer {layer!r} does not give one output for each image")
        self._arrangement = found
        self.output = torch.cat([by_channel(output, found) for output in outputs])
        self._cut: Cut | None = None
        self._proved = False
        self._words = ""

    @property
    def cut(self) -> Cut | None:
        """The part behind the layer; None where the whole network runs."""
        if not self._words:  # only who asks for scores needs the cut
            try:
                self._cut = self._made_cut()
                self._words = f"what is behind {self.layer} runs: {self._cut.words}"
            except NoCut as error:
                self._give_up(str(error))
        return self._cut

    @property
    def words(self) -> str:
        """What runs: only what is behind the layer, or the whole network and why."""
        _ = self.cut
        return self._words

    @property
    def is_cut(self) -> bool:
        """Whether only what is behind the layer runs."""
        return self.cut is not None

    @property
    def proves(self) -> bool:
        """Whether the next batch runs whole too, and proves the cut."""
        return self.is_cut and not self._proved

    def batch_size(self, size: int | None = None) -> BatchSize:
        """A search for the best number of edits at once; `size` fixes it."""
        places = self.output[0, 0].numel() if self.is_cut else self.images[0, 0].numel()
        return BatchSize(max(1, places), device_of(plain(self._model)), 1 if self._mixes_images() else size)

    def read(self, output: Any, count: int) -> torch.Tensor:
        """Scores (count, K) from what the network returns."""
        scores = self._scorer.read(output)
        if len(scores) != count:
            raise ValueError(f"for {count} images the model gives {len(scores)} scores, not one result each")
        return scores

    def __call__(self, number: torch.Tensor, change: Change) -> torch.Tensor:
        """Scores (B, K) for edits of the layer's output.

        Parameters
        ----------
        number : torch.Tensor
            (B,): which image each edit is about.
        change : callable
            Edits a copy of the layer's output for these images in place, (B, C, ...), the channels in the second axis.

        Raises
        ------
        ForwardError
            The network raised an error, or memory ran out.
        """
        cut = self.cut
        if cut is None:
            return self._run_whole(number, change)
        if self._proved:
            return self.read(cut(number, change), len(number))
        whole = self._run_whole(number, change)
        try:
            found = self.read(cut(number, change), len(number))
        except (ForwardError, ValueError) as error:
            if out_of_memory(error):
                raise
            self._give_up(f"what torch.fx traced behind the layer does not run ({error})")
            return whole
        if agrees(found, whole):
            self._proved = True
        else:
            self._give_up("what torch.fx traced behind the layer gives other scores")
        return whole

    def _run_whole(self, number: torch.Tensor, change: Change) -> torch.Tensor:
        def through(output: torch.Tensor) -> torch.Tensor:
            return on_numbers(output, changed)

        def changed(output: torch.Tensor) -> torch.Tensor:
            copy = output.clone()
            change(by_channel(copy, self._arrangement))
            return copy

        with alone(self._model), looking(self._model) as network:
            place = self._place
            with (
                rerouted(network, place.module, place.call or 1, through, place.path)
                if place.site is None
                else rerouted_operation(network, place, through)
            ):
                output = call(network, self.images[number], self._prepare)
            return self.read(output, len(number))

    def _made_cut(self) -> Cut:
        return Cut(self._model, self._chunks, self._place, self.output, self._arrangement, self._prepare)

    def _mixes_images(self) -> bool:
        """Whether edits of one batch change each other: asked of what runs, if it can be run by itself."""
        if self._alone is None:
            if len(self.images) == 1 and (cut := self.cut) is not None and cut.needs_layer_alone:
                self._alone = cut.mixes_edits(self.read)
            else:
                self._alone = mixes_images(self._model, self.images[:1], prepare=self._prepare)
        return self._alone

    def _give_up(self, why: str) -> None:
        self._cut, self._words = None, f"the whole network runs: {why}"
        self._alone = self._alone if len(self.images) > 1 else None  # was asked of what is given up


class Batches:
    """The edits of a tail in batches of the best size, smaller ones where memory does not suffice.

    Parameters
    ----------
    tail : Tail
        What runs.
    size : int, optional
        A fixed size.
    """

    def __init__(self, tail: Tail, size: int | None = None) -> None:
        self._tail, self._fixed = tail, size
        self._batch = tail.batch_size(size)

    @property
    def size(self) -> int:
        """How many edits are run at once, at present."""
        return self._batch.size

    def run(self, left: int, batch: Callable[[int], object], seconds: float | None = None, *, proof: int = 0) -> int:
        """Run one batch by `batch(count)`, as `BatchSize.run`; how many edits that were.

        The one that proves the cut runs whole too, which takes its time: it has at most `proof` edits, unless that is 0
        or the size is fixed.
        """
        cut, proves = self._tail.is_cut, self._tail.proves
        if proves and proof and self._fixed is None:
            left = min(left, proof)
        count = self._batch.run(left, batch, seconds, timed=not proves)
        if cut != self._tail.is_cut:
            self._batch = self._tail.batch_size(self._fixed)
        return count

    def all(self, count: int, scores: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """The scores of `count` edits one behind the other; `scores` gives those of some, by their numbers (B,)."""
        found: list[torch.Tensor] = []

        def batch(size: int) -> None:
            done = sum(map(len, found))
            found.append(scores(torch.arange(done, done + size)))

        while left := count - sum(map(len, found)):
            self.run(left, batch)
        return torch.cat(found)


def _tensor(images: Any) -> torch.Tensor:
    if not isinstance(images, torch.Tensor) or images.ndim < 2 or not len(images):
        raise TypeError(f"images must be a tensor of at least one image, (N, C, H, W), not {type(images).__name__}")
    return images
