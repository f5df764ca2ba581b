"""What an InterventionView does beside its drawing: the ranking, the table of carried layers, the accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...compute.accuracy import AccuracyMeter
from ...compute.dataset import Prediction, of_images
from ...compute.effects import ChannelAblator, LayerPatcher
from ...compute.layers import LayerTable
from ...compute.overview import worth_choosing
from ...render.static import Panel
from ...widgets.state import Snapshot
from .carried import carried_panel, other_panel
from .edits import by_channel
from .growing import Background
from .panels import accuracy_panel
from .ranking import Ranking, curve_of, ranking_panel


@dataclass(frozen=True)
class Present:
    """What is looked at.

    Attributes
    ----------
    place : tuple
        Weights, image, layer, replacement, other image.
    edits : tuple
        What is off, and by what the other channels are multiplied.
    instead : torch.Tensor or None
        As `replacement` gives it.
    other : Snapshot or None
        The image whose values are carried over, where they are.
    unfit : str
        Why they cannot be; empty where they can.
    """

    place: tuple[Any, ...]
    edits: tuple[Any, ...]
    instead: torch.Tensor | None
    other: Snapshot | None
    unfit: str = ""


class Beside:
    """Three pieces of work of a view, each with its panels; each is done in portions, and stopped by its button."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self.present = Present((), (), None, None)
        self.ranking: Background[Ranking] = Background(view, "ranking")
        self.carrying: Background[LayerPatcher] = Background(view, "carried")
        self.measuring: Background[AccuracyMeter] = Background(view, "measured")
        self._all = (self.ranking, self.carrying, self.measuring)

    def look_at(self, present: Present) -> None:
        """Somebody moves the view: wait a little with the next portion."""
        self.present = present
        for work in self._all:
            work.growing.hold()

    def stop(self) -> None:
        """Do nothing further; what is done stays."""
        for work in self._all:
            work.growing.stop()

    def forget(self) -> None:
        """Begin anew: the weights, or the data, are no longer what they were."""
        for work in self._all:
            work.growing.follow(None, None, False)

    def settle(self) -> None:
        """Do now what is wanted."""
        for work in self._all:
            if work.wanted:
                work.finish()

    # ------------------------------------------------------------------ the ranking

    def ranking_panels(self, row: Any) -> list[Panel]:
        """The channels by their effect, with the `row` of the progress, and the curve when it is known."""
        view, growing = self._view, self.ranking.growing
        prediction, target = view.snapshot.prediction, (view.target, view.score)
        ranked = self._scored and not self.present.unfit
        self.ranking.follow((self.present.place, target), self._ranking if ranked else None)
        self.ranking.show(view.layer_row.channels if ranked else 0)
        if not ranked:
            return []
        panel = ranking_panel(growing.result, view.channel, view.score, self._target(prediction), [row])
        if growing.work is None or (curve := growing.work.curve) is None:
            return [panel]
        return [panel, view.remember("curve", (curve, view.score), lambda: curve_of(curve, view.score))]

    def _ranking(self) -> Ranking:
        view, instead = self._view, self.present.instead
        value: Any = "zero" if instead is None else by_channel(instead, view.layer_row)
        return Ranking(
            ChannelAblator(view.subject.model, view.item.image[None], view.layer, value=value, **self._options())
        )

    # ------------------------------------------------------------------ the table of carried layers

    def other_panels(self) -> list[Panel]:
        """The image whose values are carried over."""
        other = self.present.other
        return [] if other is None else [self._view.remember("other", (other.item,), lambda: other_panel(other))]

    def carried_panels(self, row: Any) -> list[Panel]:
        """How much of the score of the other image each layer restores, with the `row` of the progress."""
        view, other, found = self._view, self.present.other, self.carrying.growing
        if other is None or other.prediction is None or not self._scored:
            self.carrying.follow(None, None)
            self.carrying.show(0)
            return []
        problem = self._why_not(other)
        key = (view.subject.weights, view.index, view.other, view.target, view.score)
        self.carrying.follow(key, None if problem else self._patcher)
        layers = found.work.layers if found.work is not None else self._layers(view.snapshot.known)
        self.carrying.show(0 if problem else len(layers))
        what = f"{view.score} of {self._target(other.prediction)}"
        panel = carried_panel(
            found.result, layers, view.layer, what, on_layer=view.carry, controls=[row], problem=problem
        )
        return [panel]

    def _why_not(self, other: Snapshot) -> str:
        view = self._view
        if other.item.image is None or view.item.image.shape != other.item.image.shape:
            return "the two images have different sizes"
        return "both are the same image: choose another one" if view.other == view.index else ""

    def _layers(self, table: LayerTable) -> list[str]:
        """The main layers of a table that can be edited, in running order."""
        worth = worth_choosing(table)
        return [row.name for row in table if row.name in worth and self._view.choosable(row)]

    def _patcher(self) -> LayerPatcher:
        view, other = self._view, self.present.other
        assert other is not None
        layers = self._layers(view.snapshot.table)
        return LayerPatcher(view.subject.model, other.item.image, view.item.image, layers, **self._options())

    # ------------------------------------------------------------------ the accuracy

    def accuracy_panels(self, button: Any, row: Any) -> list[Panel]:
        """The accuracy before and after, with the `button` that begins and the `row` of the progress."""
        view, measuring = self._view, self.measuring
        edited = view.edited is not view.subject and view.snapshot.prediction is not None
        weights, _, *place = self.present.place
        measuring.follow((weights, *place, *self.present.edits) if edited else None, self._meter if edited else None)
        begun = measuring.growing.running or measuring.growing.done > 0
        measuring.show(len(view.subject.items) if begun else 0)
        button.layout.display = "" if edited and not begun else "none"
        if view.snapshot.prediction is None:
            return []
        return [accuracy_panel(measuring.growing.result, [button, row], edited=edited)]

    def _meter(self) -> AccuracyMeter:
        subject = self._view.subject
        return AccuracyMeter(subject.model, subject.items, self._view.edited.module)

    # ------------------------------------------------------------------ parts

    @property
    def _scored(self) -> bool:
        """Whether there are class scores, and an image that a pass can be made of."""
        return self._view.snapshot.prediction is not None and self._view.item.image is not None

    def _options(self) -> dict[str, Any]:
        view, prepare = self._view, self._view.subject.prepare
        given = None if prepare is None else of_images(prepare, view.item)
        return {"target": view.target, "score": view.score, "prepare": given}

    def _target(self, prediction: Prediction) -> str:
        view = self._view
        target = prediction.targets[0] if view.target is None else view.target
        return str(view.subject.names.called(target, len(prediction.shares)))
