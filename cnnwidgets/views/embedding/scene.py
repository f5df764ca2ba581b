"""What EmbeddingView shows at one moment, described as panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...compute.embedding import Embedding, States
from ...render.static import Panel
from ...widgets.panels import INPUT
from ...widgets.state import Thumbnails
from ...widgets.surface import markup, number
from .controls import NAMES
from .panels import PointsPanel, group_panels, points_panel, tip
from .projection import Vectors


@dataclass(frozen=True, eq=False)
class Scene:
    """The points of one frame, with what is known about each.

    Attributes
    ----------
    frames, frame
        The states of the network, and which of them is seen.
    vectors, embedding
        What became points, and the points.
    groups, scores, clustered
        Group and silhouette of each point, (N,); whether the groups are clusters, not classes.
    thumbnails
        Pictures of the images.
    """

    frames: States
    frame: int
    vectors: Vectors
    embedding: Embedding
    groups: NDArray[np.int64]
    scores: NDArray[np.float64]
    clustered: bool
    thumbnails: Thumbnails

    def chosen(self, selected: int) -> Panel:
        """The image of the chosen point, or of the strongest response to a channel, with what is known about it."""
        place, items = self.vectors.place(selected), self.frames.items
        facts: list[tuple[str, str]] = []
        if place is not None:
            score = "–" if np.isnan(self.scores[place]) else number(float(self.scores[place]))
            facts = [("group", self.name(int(self.groups[place]))), ("silhouette", score)]
        if self.vectors.channels:
            if place is None:
                return Panel(f"Channel {selected} · not in this layer", width=INPUT, key="chosen")
            index = self.vectors.image(place, self.frame)
            heading, facts = f"Channel {place} · image {index}", [*facts, ("image", "strongest response")]
        else:
            index = min(selected, len(items) - 1)
            heading = " · ".join(filter(None, [f"Image {index}", markup.labelled(items[index].text)]))
            if place is None:
                facts = [("", "not among the points")]
        return Panel(heading, self.thumbnails(index, INPUT), width=INPUT, lines=facts, key="chosen")

    def points(self, place: int | None, *, on_choose: Callable[[int], object], above: W.Widget) -> PointsPanel:
        """The points, with a ring around that at `place`; `on_choose` is called with what would be `selected`."""
        *heading, note = self._words()
        return points_panel(
            heading,
            note,
            self.embedding.points,
            self.frame,
            self.groups,
            place,
            describe=self._tip,
            on_point=lambda point: on_choose(self.vectors.number(point)),
            above=above,
        )

    def beside(self) -> list[Panel]:
        """The silhouettes and the groups."""
        return group_panels(self.groups, self.scores, self.name)

    def name(self, group: int) -> str:
        """What a group is called."""
        if group < 0:
            return "no class"
        return f"cluster {group}" if self.clustered else self.frames.items.class_name(group)

    def words(self, point: int) -> str:
        """What a point is."""
        index = self.vectors.image(point, self.frame)
        words = markup.pictured(index, self.frames.items[index].text)
        if self.vectors.channels:
            words = f"channel {point}, strongest for image {index}"
        if self.clustered:
            words += f" · {self.name(int(self.groups[point]))}"
        return words

    def _tip(self, point: int) -> str:
        """HTML that the mouse shows over a point."""
        return tip(self.thumbnails, self.vectors.image(point, self.frame), self.words(point))

    def _words(self) -> list[str]:
        """The method, whether one projection is for all states, and what the axes mean."""
        states = len(self.frames.names)
        also = f"one projection for all {states} states" if states > 1 else ""
        note = "neighbourhoods are preserved; the axes and distances between groups have no meaning"
        if self.embedding.explained is not None:
            shares = " + ".join(f"{100 * share:.0f} %" for share in self.embedding.explained)
            note = f"the two axes explain {shares} of the variance"
        return [NAMES[self.embedding.method], *filter(None, [also]), note]
