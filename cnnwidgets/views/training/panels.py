"""The left column of a TrainingView beside its curves: how far the training is, and how gradients are edited."""

from __future__ import annotations

from collections.abc import Sequence

from ...compute.gradients import GradientEdits
from ...render.static import Panel
from ...training.loop import Step, Trainer
from ...widgets.surface import number
from .curves import WIDTH


def progress_panel(trainer: Trainer, goal: int) -> Panel:
    """Bars for epoch and batch; `goal` is the number of epochs of a full bar."""
    last: Step | None = trainer.history.steps[-1] if trainer.history.steps else None
    epochs, batch, batches = len(trainer.history.epochs), 0, None
    if last is not None:
        batches = last.batches
        batch = last.batch + 1 if last.epoch >= epochs else batches or last.batch + 1
    inside = batch / batches if last is not None and batches and last.epoch >= epochs else 0.0
    of_batches = f"{batch:,} of {batches:,}" if batches else f"{batch:,}"
    bars = [
        ("epoch", (epochs + inside) / goal if goal else 0.0, f"{epochs:,} of {goal:,} done"),
        ("batch", batch / batches if batches else 0.0, of_batches if last is not None else "none yet"),
    ]
    return Panel(f"Progress · {state(trainer)}", width=WIDTH, bars=bars, key="progress")


def gradients_panel(edits: Sequence[GradientEdits]) -> Panel:
    """How the gradients of layers are edited, and their norms before and after the last edit."""
    facts: list[tuple[str, str]] = []
    for edit in edits:
        facts.append((f"gradient of {edit.layer}", edit.words))
        if edit.count:
            facts.append(("its norm", f"{number(edit.before[-1])} → {number(edit.after[-1])}"))
    return Panel("", width=WIDTH, lines=facts, key="gradients")


def state(trainer: Trainer) -> str:
    """What the trainer is doing, in a word."""
    if trainer.running:
        return "paused" if trainer.paused else "training"
    if not trainer.history.steps:
        return "not yet trained"
    return "stopped" if trainer.goal > len(trainer.history.epochs) else "done"
