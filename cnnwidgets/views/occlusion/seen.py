"""What OcclusionView looks at: an image under settings, and what the network says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from ...compute.dataset import Item, of_images, predict
from ...compute.occlusion import Occluder
from ...widgets.panels import with_truth
from ...widgets.state import Subject
from .filling import baseline_of

TOP = 5
"""Classes that are listed."""


@dataclass(frozen=True)
class Settings:
    """All that an occlusion map depends on; each as `occlusion` takes it, the baseline as `filling` returns it."""

    weights: Any
    index: int
    target: int | None
    score: Any
    window: Any
    stride: Any
    shape: str
    baseline: Any

    @classmethod
    def of(cls, subject: Subject, refreshed: int, **settings: Any) -> Settings:
        """With the weights as they are now; `refreshed` is another number after each refresh."""
        return cls((refreshed, subject.weights), **settings)


@dataclass(frozen=True, eq=False)
class Seen:
    """An image under settings.

    Attributes
    ----------
    occluder : Occluder
        Hides parts of the image.
    whole : torch.Tensor
        (K,): the score of every class for the whole image.
    target : int
        The class that is looked at.
    """

    subject: Subject
    settings: Settings
    item: Item
    occluder: Occluder
    whole: torch.Tensor
    target: int

    @classmethod
    def of(cls, subject: Subject, settings: Settings, before: Seen | None = None) -> Seen:
        """Look at an image; the whole of it runs only where neither `before` nor the subject knows its scores.

        Raises
        ------
        TypeError
            The item has no image.
        ValueError, ForwardError
            As for `occlusion`.
        """
        item = subject.items[settings.index]
        if item.image is None:
            raise TypeError(f"item {settings.index} of the data set has no image to hide a part of")
        occluder = Occluder(
            subject.model,
            item.image[None],
            target=settings.target,
            score=settings.score,
            window=settings.window,
            stride=settings.stride,
            shape=settings.shape,
            baseline=baseline_of(settings.baseline),
            prepare=None if subject.prepare is None else of_images(subject.prepare, item),
        )
        if before is None or not (before.like(settings) and occluder.start_from(before.occluder)):
            returned = subject.returned(item, settings.index)
            if returned is not None and (item.image.is_floating_point() or item.image.dtype == torch.uint8):
                occluder.start_from(returned)
        return cls(subject, settings, item, occluder, occluder.whole[0].cpu(), _target_of(occluder))

    def like(self, settings: Settings) -> bool:
        """Whether the whole image has the same scores under other `settings`, if it is the same image."""
        mine = self.settings
        return (mine.weights, mine.index) == (settings.weights, settings.index) and mine.score == settings.score

    def under(self, settings: Settings) -> Seen:
        """The same under other settings; where only the target is another, with the map as far as it is done."""
        if settings == self.settings:
            return self
        if replace(settings, target=self.settings.target) == self.settings and self.occluder.set_target(
            settings.target
        ):
            return replace(self, settings=settings, target=_target_of(self.occluder))
        return Seen.of(self.subject, settings, self)

    @property
    def unit(self) -> str:
        """What the score is called."""
        return self.settings.score if isinstance(self.settings.score, str) else "score"

    @property
    def classes(self) -> dict[int, str]:
        """Number of each class -> its name."""
        return {number: self.class_name(number) for number in range(len(self.whole))}

    @property
    def target_name(self) -> str:
        """Name of the class that is looked at."""
        return self.class_name(self.target)

    def class_name(self, number: int) -> str:
        """Name of a class."""
        count = len(self.whole)
        return "the output" if count == 1 else self.subject.names.called(number, count)

    def predicted(self) -> int | None:
        """The class with the highest score for the whole image; None where the scores are not finite."""
        return int(self.whole.argmax()) if self.whole.isfinite().all() else None

    def best(self) -> list[int]:
        """The classes with the highest scores for the whole image."""
        most = min(TOP, len(self.whole))
        return list(range(most)) if self.predicted() is None else self.whole.topk(most).indices.tolist()

    def changes(self, scores: torch.Tensor) -> tuple[list[tuple[int, float, float]], tuple[int, bool] | None]:
        """The classes with the highest `scores` (K,) with a patch, and the true one.

        Returns
        -------
        list of (int, float, float)
            Class, its value with the patch, and the change against the whole image: of probabilities, or of the scores
            that a function makes.
        (int, bool) or None
            The row of the true class, and whether that is the first.
        """
        true = self.subject.names.truth(self.item, len(scores)) if len(scores) > 1 else None
        if callable(self.settings.score):
            shown, truth = with_truth(scores.topk(min(TOP, len(scores))).indices.tolist(), true)
            return [(n, float(scores[n]), float(scores[n] - self.whole[n])) for n in shown], truth
        with_patch, whole = predict(scores, TOP), predict(self.whole)
        if with_patch is None or whole is None:
            return [], None
        shown, truth = with_truth(with_patch.targets, true)
        return [(n, with_patch.shares[n], with_patch.shares[n] - whole.shares[n]) for n in shown], truth


def _target_of(occluder: Occluder) -> int:
    targets = occluder.result.targets
    return 0 if targets is None else int(targets[0])
