"""The controls of EmbeddingView."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from ...compute.dataset import POOLINGS
from ...compute.embedding import methods
from ...live import Linked
from ...widgets import controls
from ...widgets.controls import LayerPicker, Player
from .links import POINTS

NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
PLAYED = 700
"""Milliseconds from one frame to the next."""


class Controls:
    """Layer, state, method, what the points are, and what their colours mean.

    Attributes
    ----------
    widgets : list of Widget
        In the order in which they stand.
    """

    def __init__(self, view: Any) -> None:
        last, most = len(view.frames.names) - 1, len(view.frames.items)
        play = Player(value=view.frame, min=0, max=last, interval=PLAYED, layout=W.Layout(width="auto"))
        Linked((view, "frame"), (play, "value"))
        frame = controls.slider(view, "frame", maximum=last, tip="State of the network (arrow keys work)")
        film = controls.labelled("State", frame, play)
        film.layout.display = "" if last else "none"
        tip = "PCA preserves distances, as far as two axes can; t-SNE and UMAP neighbourhoods"
        method = controls.dropdown(view, "method", [(NAMES[name], name) for name in methods()], width=90, tip=tip)
        points = controls.dropdown(view, "points", list(POINTS), width=100, tip="What the points are")
        tip = "How each map is reduced to one number; none: all its values are used"
        pooling = controls.dropdown(view, "pooling", list(POOLINGS), width=80, tip=tip)
        count = controls.entry(view, "count", maximum=most, width=76, tip="Images, evenly spread over the data set")
        color = controls.dropdown(view, "color", ["class", "cluster"], width=90, tip="What the colours mean")
        clusters = controls.slider(view, "clusters", maximum=20, width=100, tip="Number of k-means clusters")
        count.min = clusters.min = 2
        self._pooling = controls.labelled("Pool maps by", pooling)
        self._color = controls.labelled("Colour by", color)
        self._clusters = controls.labelled("Clusters", clusters)
        self.widgets: list[W.Widget] = [
            controls.labelled("Layer", LayerPicker(view, "layer", view.frames.layers, main=view.main.names)),
            film,
            controls.labelled("Method", method),
            controls.labelled("Points", points),
            self._pooling,
            controls.labelled("Images", count),
            self._color,
            self._clusters,
        ]

    def fit(self, *, maps: bool, classes: bool, clusters: bool) -> None:
        """Show only what has an effect: where the layer gives maps, points have classes, clusters are shown."""
        for control, useful in ((self._pooling, maps), (self._color, classes), (self._clusters, clusters)):
            control.layout.display = "" if useful else "none"
