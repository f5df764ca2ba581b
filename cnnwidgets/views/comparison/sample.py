"""The sample of images that a CompareView compares beside its drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from ...compute.comparison import FEWEST, Comparer
from ...compute.overview import worth_choosing
from ...live import GrowingWork
from ...render.static import Panel
from ...widgets.state import Subject, Thumbnails
from ...widgets.surface import markup
from .scans import Known
from .survey import WIDTH, disagreement_panel, similarity_panel

BATCH = 8
"""Images of a mini-batch."""


class GrowingComparison(GrowingWork[Comparer]):
    """Runs both networks on one mini-batch after another."""

    shown: ClassVar[float] = 0.5

    def __init__(self, on_progress: Callable[[], bool]) -> None:
        super().__init__(on_progress)
        self._expected = 0

    @property
    def comparer(self) -> Comparer | None:
        """What has been found; None before the first portion."""
        return self.work

    @property
    def total(self) -> int:
        """Images in all, before the first portion too."""
        return self._expected if self.work is None else self.work.total

    def expect(self, key: Any, make: Callable[[], Comparer] | None, total: int, wanted: bool) -> None:
        """Follow the work on `total` images."""
        if key != self._key:
            self._expected = total
        self.follow(key, make, wanted)

    def again(self) -> None:
        """Forget an error, so that the next `follow` goes on."""
        self.error = None

    def finish(self) -> None:
        """Do the rest now; raises what goes wrong."""
        self.settle()
        if self.error is not None:
            raise self.error

    def settle(self) -> None:
        """Do the rest now, as far as it goes: what ends it before its time is the `error`."""
        self.stop()
        self.error = None
        while not self._ended:
            self._try(None)


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
        measures = self._measures(other)
        key = (weights, view.network(view.second), count, measures)
        growing.expect(key, (lambda: self._comparer(other, count, measures)) if count else None, count, view.survey)

    def forget(self) -> None:
        """Begin again: weights or data may be others."""
        self.growing.expect(None, None, 0, False)
        self._thumbnails.clear()

    def panels(self, progress: Any) -> list[Panel]:
        """What the sample of images tells, as far as it is known, and scans; the same ones until more is known."""
        view, growing = self._view, self.growing
        progress.show(growing.done, growing.total, growing.seconds_left, growing.running)
        problem = "" if growing.error is None else f"not compared further: {markup.in_words(growing.error)}"
        other = view.columns[view.second]
        looked = view.layer, "" if other.row is None else other.row.name
        letters = view.columns[0].letter + other.letter
        key = (growing.comparer, growing.done, problem, view.survey, view.sample, view.scanned, looked, letters)
        return view.remember("sample", (*key, view.index), lambda: self._panels(problem, looked, letters, progress))

    def _panels(self, problem: str, looked: tuple[str, str], letters: str, progress: Any) -> list[Panel]:
        view, comparer = self._view, self.growing.comparer
        if view.sample < FEWEST:
            return self._votes(letters)
        similarity = None if comparer is None else comparer.similarity
        if comparer is None or similarity is None:
            words = "not yet known: the sample is compared in a moment" if view.survey else "the sample is not compared"
            words = problem or words
            if view.scanned is not None and not problem:
                words += "; scans do not know it"
            alike = Panel("Are they alike · linear CKA", width=WIDTH, lines=[words], controls=[progress], key="cka")
            return [alike, *(self._votes(letters) or filter(None, [self._no_votes(problem)]))]
        alike = similarity_panel(similarity, looked, letters, view.look_at)
        lines = [*alike.lines, *filter(None, [problem])]
        found: list[Panel] = [replace(alike, lines=lines, controls=[progress])]
        if told := self._votes(letters):
            found += told
        elif (unknown := self._no_votes("; ".join(comparer.notes) or problem)) is not None:
            found.append(unknown)
        return found

    def _votes(self, letters: str) -> list[Panel]:
        """The images on which two networks disagree: from scans, where they know it, of all images."""
        known, comparer = self._view.scanned, self.growing.comparer
        votes, said = (None, "") if known is None else (known.votes, known.unknown.get("disagreements", ""))
        if votes is not None:
            said = "from the scans; how probabilities moved they do not know"
        elif comparer is not None:
            votes = comparer.disagreements
        if votes is None:
            return []
        panel = disagreement_panel(votes, self._thumbnails, self._view.index, letters, self._look_at_image)
        return [replace(panel, lines=[*panel.lines, *filter(None, [said])])]

    def _measures(self, other: Subject) -> tuple[str, ...]:
        """What is compared over the sample: what scans do not know."""
        view = self._view
        if other is view.subject:
            return ("similarity",)
        known = view.scanned or Known()
        told = {"responses": known.changes, "disagreements": known.votes}
        return "similarity", *(name for name, found in told.items() if found is None)

    def _no_votes(self, reason: str) -> Panel | None:
        """Says why it is not known on which images two networks disagree; nothing of one network with itself."""
        view = self._view
        if not reason or view.network(view.second) == 0:
            return None
        return Panel("They disagree", width=WIDTH, lines=[reason], key="disagreements")

    def _comparer(self, other: Subject, count: int, measures: tuple[str, ...]) -> Comparer:
        view = self._view
        first, snapshot = view.subject, view.columns[view.second].snapshot
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
            measures=measures,
            batch_size=BATCH,
            classes=(first.given.get("classes"), other.given.get("classes")),
            prepare=first.prepare,
        )

    def _look_at_image(self, index: int) -> None:
        self._view.index = index
