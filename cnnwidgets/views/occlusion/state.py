"""What OcclusionView looks at: the image, the class, the patch and where it stands, and what the network says of it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import traitlets as T

from ...compute.core import nearest, weights_version
from ...compute.dataset import Item, of_images, predict
from ...compute.occlusion import Occluder, pair, patches
from ...widgets.base import ModelView
from ...widgets.panels import with_truth
from ...widgets.state import Given, ScoreOf, Subject, Whole
from .filling import baseline_of, filling, fits

TOP = 5
"""So many classes are listed."""
SETTINGS = ("index", "target", "score", "window", "stride", "shape", "baseline")


@dataclass(frozen=True)
class Settings:
    """All that an occlusion map depends on."""

    weights: Any
    index: int
    target: Any
    score: Any
    window: Any
    stride: Any
    shape: str
    baseline: Any


@dataclass(frozen=True)
class Seen:
    """An image under these settings: its occluder, the scores (K,) of the whole image, and the class looked at."""

    settings: Settings
    item: Item
    occluder: Occluder
    whole: torch.Tensor
    target: int


class OcclusionState(ModelView):
    """The traits of OcclusionView. What `occlusion` takes means the same here."""

    index = Whole(0, help="which image of the data set, from 0").tag(source=True)
    target = T.Any(None, help="class number or name; None: the predicted one").tag(source=True)
    score = ScoreOf("logit", help="'logit', 'probability', or a function of the model's output").tag(source=True)
    window = T.Any(None, help="height and width of the patch in pixels; None: a seventh of the image").tag(source=True)
    stride = T.Any(None, help="pixels from one place of the map to the next; None: half the window").tag(source=True)
    shape = T.Enum(("square", "disc"), "square", help="what of the window is hidden").tag(source=True)
    baseline = Given(0.0, help="filling: a number, one a channel, 'mean', 'blur', 'noise' or an image").tag(source=True)
    top = Whole(0, help="upper edge of the patch in pixels, from 0; by default in the middle").tag(source=True)
    left = Whole(0, help="left edge of the patch in pixels, from 0; by default in the middle").tag(source=True)

    def look_at(self, subject: Subject, traits: dict[str, Any]) -> None:
        """Run the network for the initial `traits`, before a widget exists; raises for what does not fit."""
        self._subject, self._refreshed = subject, 0
        self._place: tuple[Any, ...] = ()
        given = {name: traits.get(name, self.traits()[name].default_value) for name in SETTINGS}
        given["baseline"] = filling(given["baseline"])
        named = given["target"] if isinstance(given["target"], str) else None
        given["target"] = None if named is not None else _target(given["target"], [])
        self._seen = self._see(Settings(self._weights(), **given))
        if named is not None:  # what names there are hangs on how many outputs there are
            given["target"] = _target(named, self._output_names())
            self._seen = self._see(Settings(self._weights(), **given))
        (height, width), window = self._seen.occluder.patches.size, self._seen.occluder.patches.window
        traits.setdefault("top", (height - window[0]) // 2)
        traits.setdefault("left", (width - window[1]) // 2)

    def compute(self) -> None:
        """Make a new occluder where a setting changed, and run the network for the place of the patch.

        Another target alone takes up its map as far as it is done, where the scores of all classes were kept.
        """
        settings, seen = Settings(self._weights(), *(getattr(self, name) for name in SETTINGS)), self._seen
        if settings != seen.settings:
            known = replace(settings, target=seen.settings.target) == seen.settings
            if known and seen.occluder.set_target(settings.target):
                self._seen = replace(seen, settings=settings, target=_target_of(seen.occluder))
            else:
                self._seen = self._see(settings)
        self._fit_place()
        place = (self._seen.occluder, self.top, self.left)
        if not self._place or place[0] is not self._place[0] or place[1:] != self._place[1:]:
            self._found = self._seen.occluder.at(self.top, self.left)[0].cpu()
            self._place = place

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._refreshed += 1
        super().refresh()

    def move_to(self, top: float, left: float) -> None:
        """Put the patch there, in pixels, as far as the image goes."""
        (height, width), (high, wide) = self._seen.occluder.patches.size, self._seen.occluder.patches.window
        with self.hold_trait_notifications():
            self.top = min(max(round(top), 0), height - high)
            self.left = min(max(round(left), 0), width - wide)

    def move_to_cell(self, top: float, left: float) -> None:
        """Put the patch at a place of the map, where it may be cut off at the border."""
        with self.hold_trait_notifications():
            self.top, self.left = int(top), int(left)

    # ------------------------------------------------------------------ what is known

    def _see(self, settings: Settings) -> Seen:
        item = self._subject.items[settings.index]
        if item.image is None:
            raise TypeError(f"item {settings.index} of the data set has no image to hide a part of")
        options = {name: getattr(settings, name) for name in SETTINGS if name != "index"}
        options["baseline"] = baseline_of(settings.baseline)
        prepare = None if self._subject.prepare is None else of_images(self._subject.prepare, item)
        occluder = Occluder(self._subject.model, item.image[None], prepare=prepare, **options)
        return Seen(settings, item, occluder, occluder.whole[0].cpu(), _target_of(occluder))

    def _weights(self) -> tuple[int, int]:
        return self._refreshed, weights_version(self._subject.module)

    def _fit_place(self) -> None:
        """Keep the patch on an image that may have become smaller."""
        height, width = self._seen.occluder.patches.size
        self.top, self.left = min(self.top, height - 1), min(self.left, width - 1)

    @property
    def _unit(self) -> str:
        return self.score if isinstance(self.score, str) else "score"

    @property
    def _target_name(self) -> str:
        return self._class_name(self._seen.target)

    def _class_name(self, target: int) -> str:
        count = len(self._seen.whole)
        return "the output" if count == 1 else self._subject.names.called(target, count)

    def _output_names(self) -> list[str]:
        return self._subject.names.of(len(self._seen.whole))

    def _bars(self, scores: torch.Tensor) -> tuple[list[tuple[int, float, float]], tuple[int, bool] | None]:
        """(class, value, change against the whole image) of the best classes and of the true one, and which that is.

        Values are probabilities, or the scores of `score=`.
        """
        true = self._subject.names.truth(self._seen.item, len(scores)) if len(scores) > 1 else None
        if callable(self.score):
            shown, truth = with_truth(scores.topk(min(TOP, len(scores))).indices.tolist(), true)
            return [(n, float(scores[n]), float(scores[n] - self._seen.whole[n])) for n in shown], truth
        with_patch, whole = predict(scores, TOP), predict(self._seen.whole)
        if with_patch is None or whole is None:
            return [], None
        shown, truth = with_truth(with_patch.targets, true)
        return [(n, with_patch.shares[n], with_patch.shares[n] - whole.shares[n]) for n in shown], truth

    # ------------------------------------------------------------------ what traits may be

    @T.validate("index")
    def _validate_index(self, proposal: Any) -> int:
        return self._subject.items.checked(proposal["value"])

    @T.validate("target")
    def _validate_target(self, proposal: Any) -> int | None:
        target = _target(proposal["value"], self._output_names())
        count = len(self._seen.whole)
        if target is not None and not 0 <= target < count:
            raise ValueError(f"no target {target}; allowed: 0 to {count - 1}")
        return target

    @T.validate("window", "stride")
    def _validate_pixels(self, proposal: Any) -> Any:
        value, name = proposal["value"], proposal["trait"].name
        if value is None:
            return None
        both = pair(value, name)
        if name == "window" and self.index == self._seen.settings.index:
            patches(self._seen.occluder.patches.size, both)
        return both if isinstance(value, Sequence) else both[0]

    @T.validate("baseline")
    def _validate_baseline(self, proposal: Any) -> Any:
        value = filling(proposal["value"])
        if self.index == self._seen.settings.index:
            fits(value, self._seen.occluder.images, self._seen.occluder.patches.window)
        return value

    @T.validate("top", "left")
    def _validate_place(self, proposal: Any) -> int:
        number, name = proposal["value"], proposal["trait"].name
        size = self._seen.occluder.patches.size[0 if name == "top" else 1]
        if not 0 <= number < size and self.index == self._seen.settings.index:
            raise ValueError(f"{name} must be 0 to {size - 1}, a pixel of the image, not {number}")
        return int(number)


def _target_of(occluder: Occluder) -> int:
    targets = occluder.result.targets
    return 0 if targets is None else int(targets[0])


def _target(value: Any, classes: list[str]) -> int | None:
    """The number of a class that is given by number or name; None for the predicted one."""
    if value is None:
        return None
    if isinstance(value, str):
        if value in classes:
            return classes.index(value)
        near = nearest(value, classes)
        raise ValueError(f"no class {value!r}{f'; did you mean {near!r}?' if near else ''}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"target is a class number, a class name or None, not {value!r}") from None
