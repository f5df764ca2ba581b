"""How much each channel of a layer changes a score: every channel is switched off by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from ..core import Prepare, Report, Stopped, describe, plain
from ..interventions import Ablate
from ..scoring import Score, choose_targets, parse_single_target
from ..steps import Stepwise, finish
from .tail import Batches, Tail

Value = Literal["zero", "mean"] | float
PROOF = 1
"""Edits in the first batch behind a cut, which runs whole too: something is to be seen soon."""


@dataclass(frozen=True)
class ChannelEffects:
    """Scores of a network while one channel of a layer after another is switched off.

    N counts the images and C the channels.

    Attributes
    ----------
    scores : torch.Tensor
        (N, C): the score of the target with that channel off; NaN for channels that have not been tried yet.
    whole : torch.Tensor
        (N,): the score with all channels.
    targets : torch.Tensor
        (N,): the class numbers.
    most_changed : torch.Tensor
        (N, C): the class whose score changes most, up or down; -1 for channels that have not been tried yet.
    most_change : torch.Tensor
        (N, C): by how much it does, with the sign of `change`.
    done : torch.Tensor
        (C,) bool: channels that have been tried for each image.
    layer : str
        The layer.
    value : str or float
        What replaces a channel.
    words : str
        What ran: only what is behind the layer, or the whole network and why.
    """

    scores: torch.Tensor
    whole: torch.Tensor
    targets: torch.Tensor
    most_changed: torch.Tensor
    most_change: torch.Tensor
    done: torch.Tensor
    layer: str
    value: Value | torch.Tensor
    words: str

    def __repr__(self) -> str:
        share = "" if self.complete else f", {int(self.done.sum()):,} of {len(self.done):,} channels done"
        return f"ChannelEffects of layer {self.layer}: scores {describe(self.scores)}{share}"

    @property
    def complete(self) -> bool:
        """Whether all channels have been tried."""
        return bool(self.done.all())

    @property
    def change(self) -> torch.Tensor:
        """(N, C): the score with all channels minus that without this one, as for `OcclusionMap.change`.

        Positive where the channel speaks for the class, negative where it speaks against it.
        """
        return self.whole[:, None] - self.scores

    @property
    def ranking(self) -> torch.Tensor:
        """Numbers of the channels that have been tried, by their mean change, the largest first."""
        tried = self.done.nonzero()[:, 0]
        return tried[self.change[:, tried].mean(0).argsort(descending=True, stable=True)]


class ChannelAblator(Stepwise[ChannelEffects]):
    """Switches off one channel after another; can be stopped, and continued.

    Iterate for partial results; leave the loop to stop, iterate again to continue. `step(seconds)` runs one batch, for
    callers with a time limit. After further training of the network a new one is needed.

    Parameters
    ----------
    value : {"zero", "mean"}, float or torch.Tensor
        As for `channel_effects`; or one number for each channel (C,), or what replaces its values (C, ...).
    **options
        As for `channel_effects`.

    Attributes
    ----------
    done, total : int
        Number of edits tried: one for each channel and image.
    words : str
        What runs: only what is behind the layer, or the whole network and why.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Any,
        layer: str,
        *,
        target: int | None = None,
        value: Value | torch.Tensor = "zero",
        score: Score = "logit",
        batch_size: int | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        wanted = parse_single_target(target)
        if not isinstance(value, torch.Tensor):
            Ablate(value)  # says what is wrong with it
        self._name, self.layer, self.value = type(plain(model)).__name__, layer, value
        self._tail = Tail(model, images, layer, score=score, prepare=prepare)
        self._targets = choose_targets(self._tail.whole, wanted)[:, 0]
        self._replacing = replacing_maps(self._tail.output, value)
        self._batch = Batches(self._tail, batch_size)
        count, channels = self._tail.output.shape[:2]
        self.total = count * channels
        self._scores = self._tail.whole.new_full((count, channels), torch.nan)
        self._most_change = self._scores.clone()
        self._most_changed = torch.full((count, channels), -1, device=self._scores.device)

    def __repr__(self) -> str:
        return f"ChannelAblator of {self._name}: layer {self.layer}, {self.done:,} of {self.total:,} edits done"

    @property
    def words(self) -> str:
        """What runs."""
        return self._tail.words

    def step(self, seconds: float | None = None) -> ChannelEffects:
        """Run one batch and return the partial result.

        Parameters
        ----------
        seconds : float, optional
            Approximate time limit, which limits the batch, at least one edit.

        Raises
        ------
        ForwardError, ValueError
            As for `channel_effects`. What is done is kept.
        """
        if left := self.total - self.done:
            self._batch.run(left, self._do, seconds, proof=PROOF)
        return self.result

    def without(self, sets: Sequence[Sequence[int]]) -> torch.Tensor:
        """The score of the target with each of some sets of channels switched off, in one batch.

        Parameters
        ----------
        sets : sequence of sequence of int
            Numbers of channels, for each of S edits of the whole layer.

        Returns
        -------
        torch.Tensor
            (S, N).
        """
        count = len(self._scores)
        off = torch.zeros(len(sets), self._scores.shape[1], dtype=torch.bool)
        for row, channels in zip(off, sets, strict=True):
            row[list(channels)] = True
        number = torch.arange(count).repeat(len(sets))

        def change(values: torch.Tensor) -> None:
            places = [1] * (values.ndim - 2)
            chosen = off.repeat_interleave(count, 0).reshape(*values.shape[:2], *places).to(values.device)
            values.copy_(torch.where(chosen, self._replacing[None].to(values), values))

        found = self._tail(number, change)
        return found.gather(1, self._targets[number][:, None].to(found.device)).reshape(len(sets), count)

    def _do(self, edits: int) -> None:
        """Try the next edits."""
        items, count = torch.arange(self.done, self.done + edits), len(self._scores)
        channels, number = items // count, items % count
        rows = torch.arange(len(items))

        def change(values: torch.Tensor) -> None:
            values[rows, channels] = self._replacing[channels].to(values)

        found = self._tail(number, change)
        targets, whole = self._targets[number], self._tail.whole[number]
        differences = whole - found
        most = differences.abs().nan_to_num(torch.inf).argmax(1)
        self._scores[number, channels] = found.gather(1, targets[:, None])[:, 0].to(self._scores)
        self._most_changed[number, channels] = most
        self._most_change[number, channels] = differences.gather(1, most[:, None])[:, 0].to(self._scores)
        self.done += edits

    @property
    def result(self) -> ChannelEffects:
        """A copy of the partial result."""
        done = torch.arange(self._scores.shape[1]) < self.done // len(self._scores)
        return ChannelEffects(
            self._scores.clone(),
            self._tail.whole.gather(1, self._targets[:, None])[:, 0],
            self._targets,
            self._most_changed.clone(),
            self._most_change.clone(),
            done,
            self.layer,
            self.value,
            self.words,
        )


def channel_effects(
    model: nn.Module,
    images: Any,
    layer: str,
    *,
    target: int | None = None,
    value: Value = "zero",
    score: Score = "logit",
    batch_size: int | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> ChannelEffects:
    """How much each channel of a layer changes the score of a class: each is switched off by itself.

    Only what is behind the layer runs for each channel, where the graph that `torch.fx` traces can be cut there; the
    first batch runs whole too, and proves it. Otherwise the whole network runs. It is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one.
    layer : str
        As for `intervene`: modules, and operations such as `add`.
    target : int, optional
        The class; by default the predicted class of each image.
    value : {"zero", "mean"} or float
        What replaces a channel; `"mean"` is its mean over `images` and all places.
    score : {"logit", "probability"} or callable
        As for `occlusion`.
    batch_size : int, optional
        Edits per batch; adaptive by default. Halved when memory runs out.
    prepare : callable, optional
        As for `activations`, for each batch of images.
    progress : bool or callable
        A bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total) that returns
        whether to continue. Stopped so, it gives what is done.

    Returns
    -------
    ChannelEffects
        `change` for each channel, `ranking`, and the class that changes most.

    Raises
    ------
    LookupError
        The layer does not exist, did not run, or runs several times and the name does not say which call.
    TypeError, ValueError
        `images` are not images; unknown target; an output that is not class scores; a layer that does not give one
        output for each image.
    ForwardError
        The model raised an error.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> effects = cw.channel_effects(cw.models.lenet5(), cw.data.digits()[0][0], "C3", progress=False)
    >>> effects.change.shape, len(effects.ranking)
    (torch.Size([1, 16]), 16)
    """
    ablator = ChannelAblator(
        model, images, layer, target=target, value=value, score=score, batch_size=batch_size, prepare=prepare
    )
    with suppress(Stopped):
        finish(ablator, "channels", progress)
    return ablator.result


def replacing_maps(output: torch.Tensor, value: Value | torch.Tensor) -> torch.Tensor:
    """What replaces each channel of a layer's output (N, C, ...): (C, ...), 1 in axes in which it is the same."""
    if not isinstance(value, torch.Tensor):
        value = replacing(output, value)
    elif value.shape not in (output.shape[1:2], output.shape[1:]):
        raise ValueError(
            f"what replaces the channels must be ({output.shape[1]},) or {tuple(output.shape[1:])}, "
            f"not {tuple(value.shape)}"
        )
    return value.reshape(-1, *[1] * (output.ndim - 2)) if value.ndim == 1 else value


def replacing(output: torch.Tensor, value: Value) -> torch.Tensor:
    """The number that replaces each channel of a layer's output (N, C, ...): (C,)."""
    if value == "mean":
        return output.transpose(0, 1).flatten(1).double().mean(1).to(output.dtype)
    return output.new_full((output.shape[1],), 0.0 if value == "zero" else float(value))
