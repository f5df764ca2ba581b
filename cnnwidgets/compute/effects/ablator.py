"""Switches off one channel of a layer after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..core import Prepare, plain
from ..interventions import Ablate
from ..scoring import Score, choose_targets, parse_single_target
from ..steps import Stepwise
from .channels import ChannelEffects
from .replacing import Value, replacing_maps
from .tail import Batches, Tail

PROOF = 1
"""Edits in the first batch behind a cut, which runs whole too: something is to be seen soon."""


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
