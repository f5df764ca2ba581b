"""The left side of a TrainingView: how far it is, its curves, and what is done to gradients."""

from __future__ import annotations

import ipywidgets as W

from ...compute.gradients import GradientEdits
from ...render.static import Panel
from ...training.loop import Step, Trainer
from ...widgets.panels import CardPanel
from ...widgets.surface import markup, number
from .curves import CurveFigure, Track

CURVES, HEIGHT = 312, 184
"""Size of a chart in px."""


class CoursePanel(CardPanel):
    """Bars for epoch and batch, the curves of loss and accuracy, the gradients that are edited."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._track = trainer, Track(trainer.history)
        self._progress, self._below = W.HTML(), W.HTML()
        self.loss = CurveFigure("Loss", CURVES, HEIGHT)
        self.accuracy = CurveFigure("Accuracy", CURVES, HEIGHT)
        self.loss.layout.margin = self.accuracy.layout.margin = "8px 0 0 0"
        self._below.layout.margin = "8px 2px 0 2px"
        super().__init__(CURVES, self._progress, self.loss, self.accuracy, self._below)

    def draw(self, log: bool, edits: list[GradientEdits]) -> None:
        """Show the present state; `log` is for the loss."""
        self._track.update()
        goal = max(self._trainer.goal, len(self._trainer.history.epochs))
        self.loss.draw(self._track.chart("loss", goal, log=log))
        self.accuracy.draw(self._track.chart("accuracy", goal))
        self._bars = bars(self._trainer, goal)
        self._progress.value = markup.heading("Progress", state(self._trainer)) + markup.bars(
            [(name, share) for name, share, _ in self._bars], [text for _, _, text in self._bars], 1.0
        )
        self._facts = [fact for edit in edits for fact in told(edit)]
        self._below.value = markup.facts(self._facts) if edits else ""

    def static(self, *, dark: bool) -> list[Panel]:
        """The same for the static picture, one above the other."""
        charts = [figure.static(dark=dark) for figure in (self.loss, self.accuracy) if figure.shown]
        progress = Panel(f"Progress · {state(self._trainer)}", width=CURVES, bars=self._bars, lines=self._facts)
        return [progress, *charts]


def bars(trainer: Trainer, goal: int) -> list[tuple[str, float, str]]:
    """Name, share and text of the two bars."""
    last: Step | None = trainer.history.steps[-1] if trainer.history.steps else None
    epochs, batch, batches = len(trainer.history.epochs), 0, None
    if last is not None:
        batches = last.batches
        batch = last.batch + 1 if last.epoch >= epochs else batches or last.batch + 1
    inside = batch / batches if last is not None and batches and last.epoch >= epochs else 0.0
    of_batches = f"{batch:,} of {batches:,}" if batches else f"{batch:,}"
    return [
        ("epoch", (epochs + inside) / goal if goal else 0.0, f"{epochs:,} of {goal:,} done"),
        ("batch", batch / batches if batches else 0.0, of_batches if last is not None else "none yet"),
    ]


def state(trainer: Trainer) -> str:
    """What the trainer is doing, in a word."""
    if trainer.running:
        return "paused" if trainer.paused else "training"
    if not trainer.history.steps:
        return "not yet trained"
    return "stopped" if trainer.goal > len(trainer.history.epochs) else "done"


def told(edit: GradientEdits) -> list[tuple[str, str]]:
    """What an edit does, and what it did last."""
    facts = [(f"gradient of {edit.layer}", edit.words)]
    return [*facts, ("its norm", f"{number(edit.before[-1])} → {number(edit.after[-1])}")] if edit.count else facts
