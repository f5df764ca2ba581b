"""The sample of images that a CompareView compares beside its drawing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...compute.comparison import FEWEST, Comparer
from ...compute.overview import worth_choosing
from ...live import Pace, Portions, weakly
from ...render.static import Panel
from ...widgets.state import Subject, Thumbnails
from ...widgets.surface import markup
from .survey import WIDTH, disagreement_panel, similarity_panel

BATCH = 8
"""Images of a mini-batch."""
SHOWN = 0.5
"""Seconds between two drawings of what has been found."""
Make = Callable[[], Comparer]


class GrowingComparison:
    """Runs both networks on one mini-batch after another, between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw; the run ends where it returns False.

    Attributes
    ----------
    comparer : Comparer or None
        What has been found; None before the first portion.
    error : Exception or None
        What ended the last run before its time.
    """

    def __init__(self, on_progress: Callable[[], bool]) -> None:
        self.comparer: Comparer | None = None
        self.error: Exception | None = None
        self.total = 0
        self._key: Any = None
        self._make: Make | None = None
        self._on_progress = weakly(on_progress)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at = 0.0

    @property
    def done(self) -> int:
        """Images that have been compared."""
        return 0 if self.comparer is None else self.comparer.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self._make is None or self.done == self.total

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        return self._pace.left(self.total - self.done)

    def follow(self, key: Any, make: Make | None, total: int, wanted: bool) -> None:
        """Compare what `make()` gives, or go on with it where the `key` is the same, if it is `wanted`; else stop."""
        if key != self._key:
            self.stop()
            self._key, self._make, self.total = key, make, total
            self.comparer, self.error, self._pace = None, None, Pace()
        if wanted and not self.complete and self.error is None:
            self._portions.start()
        elif not wanted:
            self.stop()

    def again(self) -> None:
        """Forget an error, so that the next `follow` goes on."""
        self.error = None

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    def finish(self) -> None:
        """Do the rest now; raises what goes wrong."""
        self.settle()
        if self.error is not None:
            raise self.error

    def settle(self) -> None:
        """Do the rest now, as far as it goes: what ends it before its time is the `error`."""
        self.stop()
        self.error = None
        try:
            while not self.complete:
                self._advance(None)
        except Exception as error:
            self.error = error

    def _portion(self) -> bool:
        key, self.error = self._key, None
        try:
            self._advance(self._portions.seconds)
        except Exception as error:
            self.error = error
        if key != self._key:
            return False
        more = self.error is None and self.running and not self.complete
        if not more:
            self.stop()
        if not more or time.monotonic() - self._drawn_at > SHOWN:
            self._drawn_at = time.monotonic()
            more = bool(self._on_progress()) and more and self.running
        return more

    def _advance(self, seconds: float | None) -> None:
        if self.comparer is None:
            assert self._make is not None
            self.comparer = self._make()
            self.total = self.comparer.total
            return
        start = time.monotonic()
        made = self.comparer.step(seconds)
        self._pace.took(made, start, time.monotonic())


class Sample:
    """Has the first column and another compared over the first images of the data set, and shows what that tells.

    Parameters
    ----------
    view : CompareView
        Whose columns.
    on_progress : callable
        As for `GrowingComparison`, which is `growing`.
    """

    def __init__(self, view: Any, on_progress: Callable[[], bool]) -> None:
        self._view, self.growing = view, GrowingComparison(on_progress)
        self._thumbnails = Thumbnails(view.subject.items)

    def follow(self, weights: Any) -> None:
        """Have the sample compared that is wanted now; `weights` tell what the networks are."""
        view, growing = self._view, self.growing
        other = view.subjects[view.network(view.second)]
        count = min(view.sample, view.most) if view.sample >= FEWEST else 0
        key = (weights, view.network(view.second), count)
        growing.follow(key, (lambda: self._comparer(other, count)) if count else None, count, view.survey)

    def forget(self) -> None:
        """Begin again: weights or data may be others."""
        self.growing.follow(None, None, 0, False)
        self._thumbnails.clear()

    def panels(self, progress: Any) -> list[Panel]:
        """What the sample of images tells, as far as it is known."""
        view, growing = self._view, self.growing
        progress.show(growing.done, growing.total, growing.seconds_left, growing.running)
        comparer = growing.comparer
        letters = view.columns[0].letter + view.columns[view.second].letter
        if view.sample < FEWEST:
            return []
        problem = "" if growing.error is None else f"not compared further: {markup.in_words(growing.error)}"
        if comparer is None or comparer.similarity is None:
            words = "not yet known: the sample is compared in a moment" if view.survey else "the sample is not compared"
            words = problem or words
            alike = Panel("Are they alike · linear CKA", width=WIDTH, lines=[words], controls=[progress], key="cka")
            return [alike, *filter(None, [self._no_votes(problem)])]
        other = view.columns[view.second].row
        pair = view.layer, "" if other is None else other.name
        alike = similarity_panel(comparer.similarity, pair, letters, view.look_at)
        lines = [*alike.lines, *filter(None, [problem])]
        found: list[Panel] = [replace(alike, lines=lines, controls=[progress])]
        if (votes := comparer.disagreements) is not None:
            found.append(disagreement_panel(votes, self._thumbnails, view.index, letters, self._look_at_image))
        elif (unknown := self._no_votes("; ".join(comparer.notes) or problem)) is not None:
            found.append(unknown)
        return found

    def _no_votes(self, reason: str) -> Panel | None:
        """Says why it is not known on which images two networks disagree; nothing of one network with itself."""
        view = self._view
        if not reason or view.network(view.second) == 0:
            return None
        return Panel("They disagree", width=WIDTH, lines=[reason], key="disagreements")

    def _comparer(self, other: Subject, count: int) -> Comparer:
        view = self._view
        first, snapshot = view.subject, view.columns[view.second].snapshot
        same = other is first
        layers = [
            [
                row.name
                for row in each.modules
                if row.name in worth_choosing(each.modules) and row.batch_axis is not None
            ]
            for each in (view.snapshot, snapshot)
        ]
        return Comparer(
            first.model,
            other.model,
            first.items.dataset,
            *layers,
            indices=range(count),
            measures=["similarity"] if same else ["similarity", "responses", "disagreements"],
            batch_size=BATCH,
            classes=(first.given.get("classes"), other.given.get("classes")),
            prepare=first.prepare,
        )

    def _look_at_image(self, index: int) -> None:
        self._view.index = index
