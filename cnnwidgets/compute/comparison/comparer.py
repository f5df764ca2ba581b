"""Two networks compared over a data set, batch by batch: how alike, how changed, where they disagree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..core import Bar, Prepare, Report, plain, same_random_state, weights_version, whole
from ..dataset import Item, Items, OutputNames
from ..layers import LayerTable
from .changes import Moments, ResponseChange, ResponseChanges
from .disagreement import Disagreements, Votes, class_names_of
from .pairing import pair_layers
from .passes import (
    Network,
    check_networks,
    chosen_indices,
    chosen_layers,
    comparable,
    layers_of,
    letters,
    own_layers,
    sampled,
)
from .similarity import FEWEST, Hsic, Similarity, centred, mini_batches

MEASURES = ("similarity", "responses", "disagreements")
TURN = 0.3
"""Seconds of a step, where nobody says."""
Layers = Sequence[str] | str | None


class Comparer:
    """Runs two networks on the same images, batch by batch; each step gives what has been found so far.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module
        Any networks that take these images; the same one twice is run once.
    dataset : indexable
        Gives (image, label), or images, all of one size.
    layers : sequence of str, optional
        Layers of the first network, or blocks of them, as in `layer_table`; by default every module that gives
        something of its own.
    layers_b : sequence of str, optional
        Those of the second; by default the partners of `layers`, or with None for both, every module.
    indices : sequence of int, optional
        Which images, in which order; all of them by default.
    measures : sequence of str
        Some of `similarity`, `responses`, `disagreements`.
    batch_size : int
        Images of a mini-batch, 4 or more.
    classes : sequence of str, or two of them, optional
        What both networks call their classes, or each of them.
    prepare : callable, optional
        As for `activations`.

    Attributes
    ----------
    done, total : int
        Images that have been run, and that there are.
    pairing : Pairing
        Which layer stands beside which.
    notes : list of str
        What could not be compared, and why.

    Raises
    ------
    TypeError, ValueError
        A model, the data set or an option is not what it must be; there are fewer than 4 images, for `similarity`.
    LookupError, IndexError
        No such layer or image.
    ForwardError
        A network refuses an image; says which network (A, B) and image.
    """

    def __init__(
        self,
        model_a: nn.Module,
        model_b: nn.Module,
        dataset: Any,
        layers: Layers = None,
        layers_b: Layers = None,
        *,
        indices: Sequence[int] | None = None,
        measures: Sequence[str] = MEASURES,
        batch_size: int = 32,
        classes: Any = None,
        prepare: Prepare | None = None,
    ) -> None:
        size = whole(batch_size)
        if size is None or size < FEWEST:
            raise ValueError(f"batch_size is a whole number, {FEWEST} or more, not {batch_size!r}")
        check_networks((model_a, model_b), layers=bool({"similarity", "responses"} & set(measures)))
        names = class_names_of(classes)
        self._items = Items(dataset, classes=names[0], prepare=prepare, model=model_a)
        self._indices = chosen_indices(self._items, indices)
        self.notes: list[str] = []
        self.done, self.total = 0, len(self._indices)
        self._measures = set(measures)
        if "similarity" in self._measures and self.total < FEWEST:
            raise ValueError(f"CKA needs {FEWEST} images at least, not {self.total}")
        self._batches = mini_batches(self._indices, size)
        self._models = model_a, model_b
        self._once = plain(model_a) is plain(model_b)
        a, b = letters(model_a, model_b)
        first = layers_of(model_a, self._items, self._indices[0], prepare, a)
        tables = first, first if self._once else layers_of(model_b, self._items, self._indices[0], prepare, b)
        of = own_layers if layers is None and layers_b is None else comparable
        self.pairing = pair_layers(of(tables[0]), of(tables[1]))
        rows_a = chosen_layers(tables[0], layers)
        if layers_b is None and layers is not None:
            partners = [pair.b for row in rows_a if (pair := self.pairing.partner(row.name)) is not None]
            if not partners:
                raise LookupError(f"none of the layers has a partner in {type(plain(model_b)).__name__}: give layers_b")
            rows_b = chosen_layers(tables[1], partners)
        else:
            rows_b = chosen_layers(tables[1], layers_b)
        if self._once:
            every = [row for row in tables[0] if row in rows_a or row in rows_b]
            self._networks = [Network(model_a, every, prepare)]
        else:
            self._networks = [Network(model_a, list(rows_a), prepare, a), Network(model_b, list(rows_b), prepare, b)]
        self._hsic = Hsic(rows_a.names, rows_b.names) if "similarity" in self._measures else None
        self._pairs = [p for p in self.pairing if p.a in rows_a.names and p.b in rows_b.names]
        self._moments: dict[str, Moments] = {}
        self.left_out: dict[str, str] = {}
        if "responses" in self._measures:
            self._pair_responses(tables, rows_a.names)
        self._votes: Votes | None = None
        self._named = names, (names[1] is not None)
        self._version = self._weights

    def __repr__(self) -> str:
        names = " and ".join(type(plain(model)).__name__ for model in self._models)
        return f"Comparer of {names}: {self.done:,} of {self.total:,} images done"

    @property
    def current(self) -> bool:
        """Whether the networks have the weights that they had at the beginning."""
        return self._version == self._weights

    def step(self, seconds: float | None = None) -> int:
        """Run some mini-batches, for about so long and at least one; how many images that were.

        Raises
        ------
        RuntimeError
            The weights changed since the beginning; an image cannot be read or run. What is done is kept.
        """
        before, until = self.done, time.monotonic() + (TURN if seconds is None else seconds)
        with same_random_state():
            while self._batches:
                self._batch(self._batches[0])
                self.done += len(self._batches.pop(0))
                if time.monotonic() >= until:
                    break
        return self.done - before

    def finish(self, progress: bool | Report = False) -> None:
        """Run the rest; `progress` is as for `Bar`."""
        with Bar(self.total, "images", progress) as bar:
            while self._batches:
                bar.add(self.step(0))

    @property
    def similarity(self) -> Similarity | None:
        """CKA so far; None before the first step."""
        return self._hsic.result if self._hsic is not None and self.done else None

    @property
    def responses(self) -> ResponseChanges | None:
        """The changes of the responses so far; None before the first step, and where they are not measured."""
        if not self.done or "responses" not in self._measures:
            return None
        found: dict[str, ResponseChange] = {}
        for pair in self._pairs:
            if pair.a in self._moments and self._moments[pair.a].count:
                found[pair.a] = self._moments[pair.a].result(pair.a, pair.b)
        return ResponseChanges(found, dict(self.left_out), self.done)

    @property
    def disagreements(self) -> Disagreements | None:
        """The disagreements so far; None before the first step, and where a network gives no class scores."""
        return None if self._votes is None else self._votes.result

    @property
    def _weights(self) -> tuple[int, ...]:
        return tuple(weights_version(plain(model)) for model in self._models)

    def _pair_responses(self, tables: tuple[LayerTable, LayerTable], asked: Sequence[str]) -> None:
        for pair in self._pairs:
            one, other = tables[0].find(pair.a), tables[1].find(pair.b)
            if one.channels == other.channels and one.size == other.size:
                self._moments[pair.a] = Moments()
            else:
                self.left_out[pair.a] = f"{one.form} here, {other.form} there"
        self.left_out |= {name: "no partner" for name in self.pairing.only_a if name in asked}

    def _batch(self, indices: list[int]) -> None:
        items = [self._items[index] for index in indices]
        seen = [self._look(at, items, indices) for at in range(len(self._networks))]
        (responses, grams, scores), (others, other_grams, other_scores) = seen[0], seen[-1]
        if not self.current:
            raise RuntimeError(
                f"the weights changed during the comparison, after {self.done:,} of {self.total:,} images: compare "
                "again when the training has ended"
            )
        if self._hsic is not None:
            self._hsic.add(grams, other_grams, len(indices))
        for pair in self._pairs:
            if pair.a in self._moments and pair.a in responses and pair.b in others:
                self._moments[pair.a].add(responses[pair.a], others[pair.b])
        if "disagreements" in self._measures:
            self._vote(items, indices, scores, other_scores)

    def _look(
        self, at: int, items: list[Item], indices: list[int]
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], torch.Tensor | None]:
        """Responses, Gram matrices and scores of one of the networks; the only one is both."""
        network = self._networks[at]
        pairs = [pair for pair in self._pairs if pair.a in self._moments]
        wanted = {name for pair in pairs for name in ((pair.a, pair.b) if self._once else ((pair.a, pair.b)[at],))}
        responses: dict[str, torch.Tensor] = {}
        grams: dict[str, torch.Tensor] = {}

        def take(name: str, values: torch.Tensor) -> None:
            if name in wanted:
                responses[name] = sampled(values)
            if self._hsic is not None:
                grams[name] = centred(values)

        scores = network.look(items, indices, take)
        silent = [row.name for row in network.rows if row.name not in grams]
        if silent and self._hsic is not None:
            raise LookupError(f"layer {silent[0]!r} does not run for image {indices[0]}")
        return responses, grams, scores

    def _vote(self, items: list[Item], indices: list[int], a: torch.Tensor | None, b: torch.Tensor | None) -> None:
        if a is None or b is None:
            which = "the first network" if a is None else "the second network"
            name = type(plain(self._models[0 if a is None else 1])).__name__
            self._note(f"{which}, {name}, gives no class scores (images x classes)")
            return
        (first, second), apart = self._named
        outputs = OutputNames(plain(self._models[0]), self._items)
        if self._votes is None:
            known = outputs.of(a.shape[1]), OutputNames(plain(self._models[1]), self._items).of(b.shape[1])
            known = known if not apart else (first or known[0], second or known[1])
            try:
                self._votes = Votes(known, (a.shape[1], b.shape[1]))
            except ValueError as error:
                if len(self._measures) == 1:
                    raise
                self._note(str(error))  # the other measures need no classes
                return
        truths = [outputs.truth(item, a.shape[1]) for item in items]
        self._votes.add(indices, truths, (a, b))

    def _note(self, words: str) -> None:
        self.notes = [*self.notes, words] if words not in self.notes else self.notes
