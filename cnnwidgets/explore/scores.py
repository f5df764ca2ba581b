"""The image with what is predicted of it, at the left of the stages, and the scores, at their right."""

from __future__ import annotations

from dataclasses import replace

from ..render.static import Panel
from ..widgets.panels import image_panels
from ..widgets.state import Snapshot

TWO_LINES = 64
"""Height in px of a heading and of two lines below it, which a long name takes."""


def image_and_scores(snapshot: Snapshot) -> list[Panel | list[Panel]]:
    """The image above the class that is predicted, and the scores of the best; no scores where there are none."""
    image, found = image_panels(snapshot)
    if snapshot.prediction is None:
        return [[image, found]]
    heading, _, source = found.heading.rpartition(" · ")  # the verdict is of the class, the source of the numbers
    predicted = Panel(heading, width=found.width, lines=[found.bars[0][0]], key="predicted", room=TWO_LINES)
    return [[image, predicted], replace(found, heading=f"Scores · {source}")]
