"""Points on a plane made of vectors: by PCA at once, by a method that takes its time in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.embedding import Clusters, Embedding, clusters, embed, silhouettes
from ...live import Background
from ...widgets.base import log
from .gathering import Gathering


class Vectors:
    """The vectors that become points, with what follows from them at once.

    Parameters
    ----------
    gathering : Gathering
        What the layer puts out for many images in every frame.
    channels : bool
        Whether the channels of the layer are the points, not the images.

    Attributes
    ----------
    key : object
        The same for equal vectors.
    channels : bool
        Whether the channels are the points.
    indices : list of int
        The images in the data set, ascending.
    values : ndarray of float32
        (F, N, D): N vectors in F frames.
    responses : torch.Tensor
        (F, images, channels): mean response of each channel to each image.
    labels : ndarray of int64 or None
        (N,) class of each point, -1 for none; None where points have no classes.
    pca : Embedding
        The points by PCA.
    """

    def __init__(self, gathering: Gathering, *, channels: bool) -> None:
        self.key = (gathering.key, gathering.done, channels)
        self.channels, self.indices = channels, gathering.indices
        every = gathering.answers()  # (F, images, channels, positions)
        self.values: NDArray[np.float32] = (every.transpose(1, 2) if channels else every).flatten(2).numpy()
        self.responses: torch.Tensor = every.mean(3)
        self.labels: NDArray[np.int64] | None = None
        if not channels and any(label is not None for label in gathering.labels):
            self.labels = np.array([-1 if label is None else label for label in gathering.labels])
        self.pca = embed(self.values, "pca")
        self._scores: dict[int, NDArray[np.float64]] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return self.values.shape[1]

    def number(self, point: int) -> int:
        """The image or channel that a point is: its index in the data set, or in the layer."""
        return point if self.channels else self.indices[point]

    def place(self, number: int) -> int | None:
        """The point that is this image or channel, or None."""
        if self.channels:
            return number if number < self.count else None
        return self.indices.index(number) if number in self.indices else None

    def image(self, point: int, frame: int) -> int:
        """Index of the image that stands for a point: its own, or that with the strongest response of a channel."""
        return self.indices[int(self.responses[frame, :, point].argmax()) if self.channels else point]

    def clusters(self, number: int) -> Clusters:
        """At most `number` k-means clusters in every frame."""
        return clusters(self.values, min(number, self.count))

    def by_class(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Class of each point, and its silhouette in a frame: (N,) and (N,)."""
        assert self.labels is not None
        if frame not in self._scores:
            self._scores[frame] = silhouettes(self.values[frame], self.labels)
        return self.labels, self._scores[frame]


class Projection:
    """The points of a method that takes its time.

    Parameters
    ----------
    on_landed : callable
        Called when they are there, or cannot be had; not within `want`.

    Attributes
    ----------
    progress : str
        How far the method is, behind a comma; empty where it does not say.
    """

    def __init__(self, on_landed: Callable[[], object]) -> None:
        self._on_landed = on_landed
        self._background = Background(self._landed, self._reported)
        self._found: tuple[Any, Embedding] | None = None
        self._failed: tuple[Any, str] | None = None
        self._within = False
        self.progress = ""

    def want(self, vectors: Vectors, method: str) -> None:
        """Have the points worked out, unless they are there, under way, or cannot be had."""
        if self.points(vectors, method) is not None or self.failure(vectors, method):
            return
        self.progress, self._within = "", True
        try:
            values = vectors.values
            self._background.start((vectors.key, method), lambda report: embed(values, method, progress=report))
        finally:
            self._within = False

    def cancel(self) -> None:
        """Want nothing any more."""
        self._background.cancel()

    def forget(self) -> None:
        """Forget what was worked out, and what is under way."""
        self._background.cancel()
        self._found = self._failed = None

    def points(self, vectors: Vectors, method: str) -> Embedding | None:
        """The points, or None where they are not there."""
        found = self._found
        return found[1] if found is not None and found[0] == (vectors.key, method) else None

    def failure(self, vectors: Vectors, method: str) -> str:
        """Why they cannot be had; empty where they can."""
        failed = self._failed
        return failed[1] if failed is not None and failed[0] == (vectors.key, method) else ""

    def _landed(self, key: Any, outcome: Any) -> None:
        if isinstance(outcome, Embedding):
            self._found = (key, outcome)
        else:
            self._failed = (key, " ".join(str(outcome).split()))
            log.error("%s could not be worked out", key[1], exc_info=outcome)
        if not self._within:
            self._on_landed()

    def _reported(self, done: int, frames: int) -> None:
        self.progress = f", {done} of {frames} frames" if frames > 1 else ""
