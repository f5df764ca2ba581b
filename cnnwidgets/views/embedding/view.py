"""EmbeddingView: the vectors of a layer as points on a plane, and how they move as the network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray
from torch import nn

from ...compute.dataset import POOLINGS
from ...compute.embedding import Embedding, ModelStates, States, methods, states_of
from ...compute.layers import LayerTable
from ...compute.overview import ordinary
from ...render.static import Moves, Panel
from ...training.recording import Recorder, Recording
from ...widgets.base import ModelView
from ...widgets.controls import ProgressRow
from ...widgets.state import Given, Index, Integer, Subject, Thumbnails
from ...widgets.surface import markup
from .code import points_in_code
from .controls import NAMES, Controls
from .growing import GrowingVectors
from .links import POINTS, Links
from .pointing import pointing
from .projection import Projection, Vectors
from .scene import Scene

PIXELS, FEWEST, MOST = 3_000_000, 30, 200
"""Images taken at first: as many as have `PIXELS` together, but at least `FEWEST` and at most `MOST`."""


def _states(view: EmbeddingView) -> tuple[int, str]:
    count = len(view.frames.names)
    return count, f"there {'is' if count == 1 else 'are'} {markup.counted(count, 'state')}"


class EmbeddingView(ModelView):
    """Vectors of a layer as points, in one projection for all states of the network, coloured by class or by cluster.

    PCA is drawn at once; t-SNE (or UMAP) is worked out in the background, while the notebook goes on, and takes its
    place. Hovering a point shows its image, a click chooses it (`selected`), also in views joined by `link`.

    Parameters
    ----------
    source : torch.nn.Module, Subject, list of modules, Recording, Recorder, str or Path
        One network; what another view already looks at; the states of a network in the order of the training; or a
        recording (or its recorder or folder), which brings its own images.
    dataset : indexable, optional
        Gives (image, label); for models.
    layer : str, optional
        By default the first that gives a vector.
    states : sequence of mappings, optional
        State dicts of the one network, in the order of the training.
    classes, denormalize, prepare
        As for `ActivationView`.
    **traits
        Initial `main_layers`, `points`, `pooling`, `count`, `method`, `color`, `clusters`, `frame`, `selected`.

    Attributes
    ----------
    subject : Subject or None
        The network and the data set, to share with other views; None for several networks, and for a recording.
    frames : States
        The states of the network.
    recorded : Recording or None
        The recording that they are of.
    recorded_as : object
        What was given as `source`.

    Raises
    ------
    TypeError, ValueError
        Source, data set or states are not what they must be; a keyword is misspelt or out of range.
    LookupError, IndexError
        No such layer or state.
    ForwardError
        The model refused an image; says which layer, what it got and what it wants.
    """

    sliders: ClassVar[dict[str, str]] = {"frame": "State"}

    layer = T.Unicode(help="name of the layer, as in the layer table").tag(source=True)
    main_layers = T.Bool(
        True, help="list only layers with something of their own to see; False: all that can be chosen"
    ).tag(display=True)
    points = T.Enum(tuple(POINTS), "images", help="what the points are: images, or channels of the layer").tag(
        source=True
    )
    pooling = T.Enum(POOLINGS, "mean", help="how a map becomes one number; none: all its values count").tag(source=True)
    count = Integer(MOST, help="images taken, evenly spread over the data set; at first fewer of large ones").tag(
        source=True
    )
    method = T.Unicode("tsne", help="pca, tsne, or umap where umap-learn is installed").tag(source=True)
    color = T.Enum(("class", "cluster"), "class", help="what the colours mean").tag(source=True)
    clusters = Integer(5, help="number of k-means clusters").tag(source=True)
    frame = Index(of=_states, help="which state of the network, from 0").tag(display=True)
    selected = Integer(0, help="the chosen point: index of the image in the data set, or the channel").tag(display=True)

    def __init__(
        self,
        source: Any,
        dataset: Any = None,
        layer: str | None = None,
        *,
        states: Any = None,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        **traits: Any,
    ) -> None:
        self._links = Links(self)
        self._growing = GrowingVectors(self.redraw, self.refresh, self._report)
        self._projection = Projection(self.redraw)
        self._progress: ProgressRow | None = None
        self.check_keywords(traits)
        self.recorded_as = source
        if isinstance(source, (str, Path)):
            source = Recording.open(source)
        elif isinstance(source, Recorder):
            source = source.recording
        self.recorded = source if isinstance(source, Recording) else None
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        self.subject: Subject | None = None
        if isinstance(source, Subject) or (isinstance(source, nn.Module) and dataset is not None):
            self.subject = Subject.of(source, dataset, **options)
            layers = self.subject.at(0).table
            self.frames: States = ModelStates(self.subject.model, self.subject.items, states, layers=layers)
        else:
            self.frames = states_of(source, dataset, states=states, **options)
        super().__init__(**(traits if layer is None else traits | {"layer": layer}))

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Choose a layer, and how many images, where nobody says which."""
        frames = self.frames
        if len(frames.items) < 2:
            raise ValueError(f"{type(self).__name__} needs at least 2 images, and there is {len(frames.items)}")
        self._thumbnails = Thumbnails(frames.items)
        traits.setdefault("count", min(len(frames.items), _quick_count(frames)))
        if "layer" not in traits:
            single = [row for row in frames.layers if row.reason is None and row.leaf]
            rows = [row for row in single if row.name in self.main.names] or single
            if not rows:
                raise ValueError(f"{type(self).__name__} finds no layer that it can show")
            traits["layer"] = next((row for row in rows if row.kind == "vector"), rows[0]).name

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        row = self.frames.layers.find(proposal["value"])
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
        return self._within("count", proposal["value"], 2, len(self.frames.items))

    @T.validate("clusters")
    def _validate_clusters(self, proposal: Any) -> int:
        return self._within("clusters", proposal["value"], 2, 20)

    @T.validate("selected")
    def _validate_selected(self, proposal: Any) -> int:
        return self._within("selected", proposal["value"], 0, None)

    def _within(self, what: str, value: int, least: int, most: int | None) -> int:
        if value < least or (most is not None and value > most):
            ends = f"{least} or more" if most is None else f"{least} to {most}"
            raise ValueError(f"{what} must be {ends}, not {value}")
        return int(value)

    # ------------------------------------------------------------------ what others may ask and do

    @property
    def main(self) -> LayerTable:
        """The layers with something of their own to see; of a recording, whose layers were chosen one by one, all."""
        layers = self.frames.layers
        return ordinary(layers, layers) if isinstance(self.frames, ModelStates) else layers

    @property
    def indices(self) -> list[int]:
        """The images in the data set whose vectors are there: `count` of them, in the end."""
        return [] if self._growing.gathering is None else self._growing.gathering.indices

    @property
    def embedding(self) -> Embedding:
        """The points that are on the screen: of `method`, or of `pca` while that one is not yet there."""
        return self._projection.points(self._vectors, self.method) or self._vectors.pca

    @property
    def failure(self) -> str:
        """Why there are no points of `method`; empty where there are, or will be."""
        return self._projection.failure(self._vectors, self.method)

    def grouped(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Class or cluster of each point in a frame (-1: none), and its silhouette: (N,) and (N,)."""
        if not self._clustered:
            return self._vectors.by_class(frame)
        vectors, number = self._vectors, self.clusters
        found = self.remember("clusters", (vectors, number), lambda: vectors.clusters(number))
        return found.labels[frame], found.silhouettes[frame]

    def cancel(self) -> None:
        """Take no further images; those that are there stay, and are what the method gets."""
        self._growing.stop()
        self.redraw()

    def go_on(self) -> None:
        """Take the rest of the images, after `cancel`."""
        self._growing.go_on()
        self.redraw()

    def settle(self) -> None:
        """Draw the present state to the end, with all images; raises what goes wrong."""
        with self._growing.at_once():
            super().settle()

    def link(self, other: T.HasTraits) -> None:
        """Join `selected` to another view: to its `index` where points are images, to layer and `channel` otherwise.

        Parameters
        ----------
        other : view
            For example an `ActivationView` of the same data set.

        Raises
        ------
        TypeError
            It has neither trait.
        """
        self._links.add(other)

    @T.observe("selected")
    def _selected(self, change: Any) -> None:
        self._links.follow()

    def refresh(self) -> None:
        """Compute and draw again: for weights, data or frames that changed where traits cannot see it."""
        self._thumbnails.clear()
        self._growing.forget()
        self._projection.forget()
        super().refresh()

    def close(self) -> None:
        """Close every widget of the view; what is under way is dropped, linked views stay."""
        if not self._closed:  # a call that lacks an argument comes before all these
            self._growing.stop()
            self._projection.cancel()
            self._links.clear()
        super().close()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The points, by `activations`, or from the recording, and `embed`."""
        return points_in_code(self, given)

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, state, method, what the points are, and what their colours mean."""
        self._controls = Controls(self)
        return self._controls.widgets

    def compute(self) -> None:
        """Take the vectors; in a notebook the first of them."""
        self._growing.want(self.frames, self.layer, self.pooling, self.count, new=not self.ready)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image of the chosen point, the points, and the groups with their silhouettes."""
        vectors = self._vectors = self._projected()
        embedding, place, clustered = self.embedding, vectors.place(self.selected), self._clustered
        scene = self._scene = Scene(
            self.frames, self.frame, vectors, embedding, *self.grouped(self.frame), clustered, self._thumbnails
        )
        grouping = (vectors, self.frame, clustered and self.clusters)
        points = self.remember(
            "plane",
            (*grouping, embedding, place),
            lambda: scene.points(place, on_choose=self._choose, above=self._progress_row()),
        )
        is_vector = self.frames.layers.find(self.layer).kind == "vector"
        self._controls.fit(maps=not is_vector, classes=vectors.labels is not None, clusters=clustered)
        self._report()
        return [scene.chosen(self.selected), points, self.remember("groups", grouping, scene.beside)]

    def page_moves(self) -> Moves | None:
        """An exported page names the points under the mouse, and shows the groups of the legend alone."""
        return pointing(self.static(), self._scene.words)

    def title(self) -> list[str]:
        """The layer, what it is, how many points there are of how many numbers, and in which state."""
        frames, count, numbers = self._vectors.values.shape
        row = self.frames.layers.find(self.layer)
        state = [self.frames.names[self.frame]] if frames > 1 else []
        what = f"{count:,} {self.points}"
        if self.points == "images" and count < self.count:
            what = f"{count:,} of {self.count:,} images"
        return [self.layer, row.type, f"{what} as vectors of {numbers:,} numbers", *state]

    def status(self) -> str:
        """What has become of the method, while the points are not by it."""
        if self.embedding.method == self.method:
            return ""
        running = "waits for all vectors" if self._growing.running else f"running{self._projection.progress}"
        return f"{NAMES[self.method]}: {self.failure or running}"

    def source(self) -> str:
        """How the picture came about, for the tooltip of the title line."""
        return markup.source("computed" if self._fresh else "cached", self.milliseconds)

    # ------------------------------------------------------------------ parts

    @property
    def _clustered(self) -> bool:
        return self.color == "cluster" or self._vectors.labels is None

    def _projected(self) -> Vectors:
        """The vectors that are there; the points of the method follow once no more are to come."""
        gathering, channels = self._growing.current(), self.points == "channels"
        self._fresh = False

        def make() -> Vectors:
            self._fresh = True
            return Vectors(gathering, channels=channels)

        vectors = self.remember("vectors", (gathering, gathering.done, channels), make)
        if self.method == "pca" or not self._growing.final:
            self._projection.cancel()
        else:
            self._projection.want(vectors, self.method)
        return vectors

    def _progress_row(self) -> ProgressRow:
        """Made with the panel that it stands in, so that an error before leaves no widget."""
        if self._progress is None:
            self._progress = ProgressRow("images", self._stop_or_go)
        return self._progress

    def _report(self) -> None:
        """Show how many vectors are there, and a button, where it is not all."""
        gathering = self._growing.gathering
        if self._progress is not None and gathering is not None:
            self._progress.show(gathering.done, gathering.total, gathering.seconds_left, self._growing.running)

    def _stop_or_go(self) -> None:
        if self._growing.running:
            self.cancel()
        else:
            self.go_on()

    def _choose(self, selected: int) -> None:
        self.selected = selected


def _quick_count(frames: States) -> int:
    image = frames.items[0].image
    return MOST if image is None else max(FEWEST, min(MOST, PIXELS // (image.shape[-1] * image.shape[-2])))
