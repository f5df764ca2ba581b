"""The state of EmbeddingView: what its traits may be, and what follows from them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.dataset import POOLINGS
from ...compute.embedding import Clusters, Embedding, States, clusters, embed, methods, silhouettes
from ...live import Background, Portions, cell_thread
from ...widgets.base import ModelView, log
from ...widgets.state import Whole
from .gathering import Gathering

PIXELS, FEWEST, MOST = 3_000_000, 30, 200
"""So many pixels are taken at first: all images of a small data set, and at least and at most so many images."""
FIRST, FIRST_OF_ALL = 0.3, 1.0
"""Seconds of vectors that are taken before a notebook sees the points: after a move, and when the view is made."""
GROWS = 2
"""Points are drawn anew when they are so many times as many: all drawings together cost about two of the last."""
TOLD = 0.25
"""Seconds from one word about the progress to the next."""
POINTS = {"images": "index", "channels": "channel"}
"""What points can be, and the trait of other views that chooses one."""


class EmbeddingState(ModelView):
    """Traits of an EmbeddingView, and the points, groups and scores that they ask for."""

    sliders: ClassVar[dict[str, str]] = {"frame": "State"}

    layer = T.Unicode(help="name of the layer, as in the layer table").tag(source=True)
    points = T.Enum(tuple(POINTS), "images", help="what the points are: images, or channels of the layer").tag(
        source=True
    )
    pooling = T.Enum(POOLINGS, "mean", help="how a map becomes one number; none: all its values count").tag(source=True)
    count = Whole(MOST, help="images taken, evenly spread over the data set; at first fewer, where they are large").tag(
        source=True
    )
    method = T.Unicode("tsne", help="pca, tsne, or umap where umap-learn is installed").tag(source=True)
    color = T.Enum(("class", "cluster"), "class", help="what the colours mean").tag(source=True)
    clusters = Whole(5, help="number of k-means clusters").tag(source=True)
    frame = Whole(0, help="which state of the network, from 0").tag(display=True)
    selected = Whole(0, help="the chosen point: index of the image in the data set, or the channel").tag(display=True)

    def __init__(self, frames: States, **traits: Any) -> None:
        if len(frames.items) < 2:
            raise ValueError(f"{type(self).__name__} needs at least 2 images, and there is {len(frames.items)}")
        self._frames = frames
        self._landed_points: tuple[Any, Embedding] | None = None
        self._answered: tuple[Any, NDArray[np.float32], torch.Tensor] | None = None
        self._clustered: tuple[Any, Clusters] | None = None
        self._progress = ""
        self._failed: tuple[Any, str] | None = None
        self._background = Background(self._landed, self._reported)
        self._gathering: Gathering | None = None
        self._portions = Portions(self._portion)
        self._next, self._told = 0, 0.0  # how many images are drawn next, and when their number was last told
        self._wanted_all = False
        traits.setdefault("count", min(len(frames.items), _quick_count(frames)))
        if "layer" not in traits:
            rows = [row.name for row in frames.layers if row.reason is None and row.leaf]
            if not rows:
                raise ValueError(f"{type(self).__name__} finds no layer that it can show")
            traits["layer"] = next((row for row in rows if frames.layers.find(row).kind == "vector"), rows[0])
        super().__init__(**traits)

    # ------------------------------------------------------------------ what traits may be

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        row = self._frames.layers.find(proposal["value"])
        if row.reason is not None:
            raise LookupError(f"layer {row.name!r} cannot be shown: it {row.reason}")
        return row.name

    @T.validate("method")
    def _validate_method(self, proposal: Any) -> str:
        if proposal["value"] not in methods():
            hint = " (umap needs umap-learn: pip install umap-learn)" if proposal["value"] == "umap" else ""
            raise ValueError(f"method must be one of {', '.join(methods())}, not {proposal['value']!r}{hint}")
        return str(proposal["value"])

    @T.validate("count")
    def _validate_count(self, proposal: Any) -> int:
        return self._within("count", proposal["value"], 2, len(self._frames.items))

    @T.validate("clusters")
    def _validate_clusters(self, proposal: Any) -> int:
        return self._within("clusters", proposal["value"], 2, 20)

    @T.validate("frame")
    def _validate_frame(self, proposal: Any) -> int:
        return self._within("frame", proposal["value"], 0, len(self._frames.names) - 1)

    @T.validate("selected")
    def _validate_selected(self, proposal: Any) -> int:
        return self._within("selected", proposal["value"], 0, None)

    def _within(self, what: str, value: int, least: int, most: int | None) -> int:
        if value < least or (most is not None and value > most):
            ends = f"{least} or more" if most is None else f"{least} to {most}"
            raise ValueError(f"{what} must be {ends}, not {value}")
        return int(value)

    # ------------------------------------------------------------------ what follows

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` of `sliders` may be, as the view now stands."""
        return range(len(self._frames.names))

    @property
    def indices(self) -> list[int]:
        """The images in the data set whose vectors are there: `count` of them, in the end."""
        return [] if self._gathering is None else self._gathering.indices

    def compute(self) -> None:
        """Vectors and clusters; PCA at once, and what takes longer in the background."""
        self._gather(self.layer, self.pooling, self.count, self._frames.version)
        assert self._gathering is not None
        complete = self._gathering.complete
        key = (self.layer, self.points, self.pooling, self.count, self._frames.version, self._gathering.done)
        if self._answered is None or self._answered[0] != key:
            self._answered, self._fresh = (key, *self._vectors()), True
            self._pca = embed(self._answered[1], "pca")
            self._scores: dict[int, NDArray[np.float64]] = {}
        vectors = self._answered[1]
        self._grouping = "class" if self.color == "class" and self._labels is not None else "cluster"
        if self._grouping == "cluster":
            number = min(self.clusters, vectors.shape[1])
            if self._clustered is None or self._clustered[0] != (key, number):
                self._clustered = ((key, number), clusters(vectors, number))
        self._wanted = wanted = (*key, self.method)
        if self.method == "pca" or not (complete or self._cancelled):
            self._background.cancel()
        elif (self._landed_points is None or self._landed_points[0] != wanted) and not self.failure:
            method = self.method
            self._progress = ""
            self._background.start(wanted, lambda report: embed(vectors, method, progress=report))

    @property
    def embedding(self) -> Embedding:
        """The points that are on the screen: of `method`, or of `pca` while that one is not yet there."""
        if self._landed_points is not None and self._landed_points[0] == self._wanted:
            return self._landed_points[1]
        return self._pca

    @property
    def failure(self) -> str:
        """Why there are no points of `method`; empty where there are, or will be."""
        return self._failed[1] if self._failed is not None and self._failed[0] == self._wanted else ""

    def grouped(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Class or cluster of each point in a frame (-1: none), and its silhouette: (N,) and (N,)."""
        assert self._answered is not None
        if self._grouping == "cluster":
            assert self._clustered is not None
            return self._clustered[1].labels[frame], self._clustered[1].silhouettes[frame]
        labels = self._labels
        assert labels is not None
        if frame not in self._scores:
            self._scores[frame] = silhouettes(self._answered[1][frame], labels)
        return labels, self._scores[frame]

    @property
    def _labels(self) -> NDArray[np.int64] | None:
        """Class of each image, -1 for none; None where points have no classes."""
        if self.points != "images" or all(label is None for label in self._image_labels):
            return None
        return np.array([-1 if label is None else label for label in self._image_labels])

    def _vectors(self) -> tuple[NDArray[np.float32], torch.Tensor]:
        """(F, N, D) vectors of the points, and (F, images, channels): the mean answer of each channel to each image."""
        assert self._gathering is not None
        self._image_labels = self._gathering.labels
        every = self._gathering.answers()  # (F, N, C, P)
        rows = every if self.points == "images" else every.transpose(1, 2)
        return rows.flatten(2).numpy(), every.mean(3)

    # ------------------------------------------------------------------ portion by portion

    def _gather(self, *key: Any) -> None:
        """Begin with the vectors of these settings, unless they are under way; in a notebook the rest comes later."""
        if self._gathering is None or self._gathering.key != key:
            self._portions.stop()
            self._cancelled = False
            layer, pooling, count, _ = key
            spread = np.linspace(0, len(self._frames.items) - 1, count).round().astype(int).tolist()
            gathering = Gathering(self._frames, layer, spread, pooling, key)
            if cell_thread.loop() is None or self._wanted_all:
                gathering.all(bar=not self._ready)
            else:
                gathering.begin(FIRST if self._ready else FIRST_OF_ALL)
            self._gathering, self._next = gathering, GROWS * gathering.done  # last: errors leave all as it was
            self._portions.hold()
        if self._wanted_all and not self._cancelled:
            self._gathering.all()
        if self._gathering.complete or self._cancelled:
            self._portions.stop()
        else:
            self._portions.start()

    def _portion(self) -> bool:
        """The vectors of some more images; they are drawn when they are twice as many, and in the end."""
        gathering, fine = self._gathering, True
        assert gathering is not None
        if gathering.key[-1] != self._frames.version:  # a cell trained the network: what is there says nothing now
            self.refresh()
            return False
        fine = self._guarded(lambda: gathering.step(self._portions.seconds))
        more = fine and not gathering.complete
        if not fine:
            self._cancelled = True
        if gathering.done >= self._next or not more:
            self._next = GROWS * gathering.done
            if not more:
                self._portions.stop()
            self._computed = not fine
            if fine:
                self._newest.request()
        if time.monotonic() - self._told > TOLD or not more:
            self._told = time.monotonic()
            self.tell_progress()
        return more

    def tell_progress(self) -> None:
        """Show how many vectors are there."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Take no further images; those that are there stay, and are what the method gets."""
        self._portions.stop()
        self._cancelled = self._gathering is not None and not self._gathering.complete
        self._computed = False
        self._newest.request()

    def go_on(self) -> None:
        """Take the rest of the images, after `cancel`."""
        self._cancelled = False
        self._computed = False
        self._newest.request()

    def settle(self) -> None:
        """Draw the present state to the end, with all images; raises what goes wrong."""
        self._wanted_all = True
        self._computed = self._computed and (self._gathering is None or self._gathering.complete)
        try:
            super().settle()
        finally:
            self._wanted_all = False

    # ------------------------------------------------------------------ what is known of points

    def _strongest(self, channel: int) -> int:
        """Index of the image to which `channel` answers most in the present frame."""
        assert self._answered is not None
        return self.indices[int(self._answered[2][self.frame, :, channel].argmax())]

    def _place(self) -> int | None:
        """Number of the chosen point among those that are shown, or None."""
        assert self._answered is not None
        if self.points == "channels":
            return self.selected if self.selected < self._answered[1].shape[1] else None
        return self.indices.index(self.selected) if self.selected in self.indices else None

    def _landed(self, key: Any, outcome: Any) -> None:
        if self._closed:
            return
        if isinstance(outcome, Embedding):
            self._landed_points = (key, outcome)
        else:
            self._failed = (key, " ".join(str(outcome).split()))
            log.error("%s could not be worked out", self.method, exc_info=outcome)
        if self._ready and not self._is_quiet:  # else it is being drawn
            self._newest.request()

    def _reported(self, done: int, frames: int) -> None:
        self._progress = f", {done} of {frames} frames" if frames > 1 else ""

    def refresh(self) -> None:
        """Look anew: for weights, data or frames that changed where traits cannot see it."""
        self._answered = self._clustered = self._landed_points = self._failed = self._gathering = None
        super().refresh()

    def close(self) -> None:
        """Close every widget of the view; what is under way is dropped."""
        if not self._closed:
            self._background.cancel()
            self._portions.stop()
        super().close()


def _quick_count(frames: States) -> int:
    image = frames.items[0].image
    return MOST if image is None else max(FEWEST, min(MOST, PIXELS // (image.shape[-1] * image.shape[-2])))
