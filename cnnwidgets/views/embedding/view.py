"""EmbeddingView: the vectors of a layer as points on a plane, and how they move as the network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ...compute.embedding import methods, states_of
from ...render.static import Card
from ...training.recording import Recorder, Recording
from ...widgets import controls
from ...widgets.controls import LayerPicker, Player
from ...widgets.panels import INPUT
from ...widgets.state import Thumbnails
from ...widgets.surface import Text, markup, number
from .panels import ChosenPanel, GroupsPanel, PointsPanel, tip
from .state import POINTS, EmbeddingState

NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
PLAYED = 700
"""Milliseconds from one frame to the next."""


class EmbeddingView(EmbeddingState):
    """Vectors of a layer as points, in one projection for all states of the network, coloured by class or by cluster.

    PCA is drawn at once; t-SNE (or UMAP) is worked out in the background, while the notebook goes on, and takes its
    place. Hovering a point shows its image, a click chooses it (`selected`), also in views joined by `link`.

    Parameters
    ----------
    source : torch.nn.Module, list of them, Recording, Recorder, str or Path
        One network, its states in the order of the training, or a recording (or its recorder or folder), which brings
        its own images.
    dataset : indexable, optional
        Gives (image, label); for models.
    layer : str, optional
        By default the first that gives a vector.
    states : sequence of mappings, optional
        State dicts of the one network, in the order of the training.
    classes, denormalize, prepare
        As for `ActivationView`.
    **traits
        Initial `points`, `pooling`, `count`, `method`, `color`, `clusters`, `frame`, `selected`.

    Raises
    ------
    TypeError, ValueError
        Source, data set or states are not what they must be; a keyword is misspelt or out of range.
    LookupError
        No such layer.
    ForwardError
        The model refused an image; says which layer, what it got and what it wants.
    """

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
        self.check_keywords(traits)
        if isinstance(source, (str, Path)):
            source = Recording.open(source)
        elif isinstance(source, Recorder):
            source = source.recording
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        frames = states_of(source, dataset, states=states, **options)
        self._thumbnails = Thumbnails(frames.items)
        self._links: list[tuple[T.HasTraits, Any, list[str]]] = []
        super().__init__(frames, **(traits if layer is None else traits | {"layer": layer}))
        self._build()
        self.start()

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
        if not isinstance(other, T.HasTraits) or not any(map(other.has_trait, POINTS.values())):
            raise TypeError(f"{other!r:.60} has no index and no channel to link")

        def back(change: Any) -> None:
            if change["name"] == POINTS[self.points]:
                self.selected = change["new"]

        names = [trait for trait in POINTS.values() if other.has_trait(trait)]
        other.observe(back, names)
        self._links.append((other, back, names))

    @T.observe("selected")
    def _tell_others(self, change: Any) -> None:
        trait = POINTS[self.points]
        for other, _, _ in self._links:
            if not other.has_trait(trait) or getattr(other, trait) == self.selected:
                continue
            if trait == "channel" and other.has_trait("layer"):
                other.set_trait("layer", self.layer)
            other.set_trait(trait, self.selected)

    def refresh(self) -> None:
        """Look anew: for weights, data or frames that changed where traits cannot see it."""
        self._thumbnails.clear()
        super().refresh()

    def close(self) -> None:
        """Close every widget of the view; linked views stay."""
        if not self._closed:  # a refused keyword comes before there are links
            for other, back, names in self._links:
                other.unobserve(back, names)
            self._links.clear()
        super().close()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        last, most = len(self._frames.names) - 1, len(self._frames.items)
        play = Player(value=self.frame, min=0, max=last, interval=PLAYED, layout=W.Layout(width="auto"))
        T.link((self, "frame"), (play, "value"))
        self._frame_slider = controls.slider(self, "frame", maximum=last, tip="State of the network (arrow keys work)")
        self._film = controls.labelled("State", self._frame_slider, play)
        self._film.layout.display = "" if last else "none"
        names = [(NAMES[name], name) for name in methods()]
        method = controls.dropdown(
            self,
            "method",
            names,
            width=90,
            tip="PCA preserves distances, as far as two axes can; t-SNE and UMAP neighbourhoods",
        )
        points = controls.dropdown(self, "points", list(POINTS), width=100, tip="What the points are")
        pooling = controls.dropdown(
            self,
            "pooling",
            ["mean", "max", "none"],
            width=80,
            tip="How each map is reduced to one number; none: all its values are used",
        )
        self._pooling = controls.labelled("Pool maps by", pooling)
        count = controls.entry(self, "count", maximum=most, width=76, tip="Images, evenly spread over the data set")
        count.min = 2
        color = controls.dropdown(self, "color", ["class", "cluster"], width=90, tip="What the colours mean")
        self._color = controls.labelled("Colour by", color)
        number_of = controls.slider(self, "clusters", maximum=20, width=100, tip="Number of k-means clusters")
        number_of.min = 2
        self._number_of = controls.labelled("Clusters", number_of)
        bar = [
            controls.labelled("Layer", LayerPicker(self, "layer", self._frames.layers)),
            self._film,
            controls.labelled("Method", method),
            controls.labelled("Points", points),
            self._pooling,
            controls.labelled("Images", count),
            self._color,
            self._number_of,
        ]
        self._title = Text()
        self._chosen = ChosenPanel()
        self._plane = PointsPanel(self._tip, self._choose, self._stop_or_go)
        self._groups = GroupsPanel()
        self._body.children = controls.card_body(self._title, bar, [self._chosen, self._plane, self._groups])

    def _choose(self, point: int) -> None:
        self.selected = self.indices[point] if self.points == "images" else point

    def _tip(self, point: int) -> str:
        groups, _ = self.grouped(self.frame)
        if self.points == "images":
            index = self.indices[point]
            text = self._frames.items[index].text
            words = markup.pictured(index, text)
        else:
            index = self._strongest(point)
            words = f"channel {point}, strongest for image {index}"
        if self._grouping == "cluster":
            words += f" · {self._name(int(groups[point]))}"
        return tip(self._thumbnails, index, words)

    # ------------------------------------------------------------------ one way: render, picture

    def render(self) -> None:
        """Draw the panels."""
        embedding, groups, scores = self.embedding, *self.grouped(self.frame)
        row, place = self._frames.layers.find(self.layer), self._place()
        self._plane.draw(embedding.points, self.frame, groups, place, self._words())
        self._groups.draw(groups, scores, self._name)
        self._draw_chosen(place, groups, scores)
        self._pooling.layout.display = "none" if row.kind == "vector" else ""
        self._color.layout.display = "none" if self._labels is None else ""
        self._number_of.layout.display = "" if self._grouping == "cluster" else "none"
        self.tell_progress()
        source = markup.source("computed" if self._fresh else "cached", self.milliseconds)
        said = ""
        self._fresh = False
        if embedding.method != self.method:
            running = "waits for all vectors" if self._portions.running else f"running{self._progress}"
            said = f"{NAMES[self.method]}: {self.failure or running}"
        self._title.value = markup.title(self.layer, *self._said(), status=said, source=source)

    def tell_progress(self) -> None:
        """Show how many vectors are there, and a button, where it is not all."""
        gathering = self._gathering
        if gathering is not None:
            left = gathering.seconds_left
            self._plane.progress.show(gathering.done, gathering.total, left, self._portions.running)

    def _stop_or_go(self) -> None:
        if self._portions.running:
            self.cancel()
        else:
            self.go_on()

    def _draw_chosen(self, place: int | None, groups: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        items = self._frames.items
        facts: list[tuple[str, str]] = []
        if place is not None:
            score = "–" if np.isnan(scores[place]) else number(float(scores[place]))
            facts = [("group", self._name(int(groups[place]))), ("silhouette", score)]
        if self.points == "channels":
            if place is None:
                self._chosen.draw(f"Channel {self.selected} · not in this layer", None, [])
                return
            index = self._strongest(place)
            heading, facts = f"Channel {place} · image {index}", [*facts, ("image", "strongest response")]
        else:
            index = min(self.selected, len(items) - 1)
            text = items[index].text
            heading = " · ".join(filter(None, [f"Image {index}", markup.labelled(text)]))
            if place is None:
                facts = [("", "not among the points")]
        self._chosen.draw(heading, self._thumbnails(index, INPUT), facts)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        panels = (self._chosen.static(), self._plane.static(), self._groups.static())
        return Card(" · ".join([self.layer, *self._said()]), panels)

    # ------------------------------------------------------------------ words

    def _name(self, group: int) -> str:
        if group < 0:
            return "no class"
        return f"cluster {group}" if self._grouping == "cluster" else self._frames.items.class_name(group)

    def _said(self) -> list[str]:
        assert self._answered is not None
        frames, count, numbers = self._answered[1].shape
        row = self._frames.layers.find(self.layer)
        state = [self._frames.names[self.frame]] if frames > 1 else []
        if self.points == "images" and count < self.count:
            return [row.type, f"{count:,} of {self.count:,} images as vectors of {numbers:,} numbers", *state]
        return [row.type, f"{count:,} {self.points} as vectors of {numbers:,} numbers", *state]

    def _words(self) -> list[str]:
        embedding = self.embedding
        states = len(self._frames.names)
        also = f"one projection for all {states} states" if states > 1 else ""
        if embedding.explained is not None:
            shares = " + ".join(f"{100 * share:.0f} %" for share in embedding.explained)
            note = f"the two axes explain {shares} of the variance"
        else:
            note = "neighbourhoods are preserved; the axes and distances between groups have no meaning"
        return [NAMES[embedding.method], *filter(None, [also]), note]
