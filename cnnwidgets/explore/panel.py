"""The panels of the overview.

The stages are drawn by the page where it can, and as a picture everywhere else; left of them stands the image with what
is predicted of it, right of them the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..render.static import Panel
from ..widgets.panels import PanelBox, ScriptedBox, image_panels
from ..widgets.state import Snapshot
from ..widgets.surface import markup
from .widget import Overview

TWO_LINES = 64
"""Height in px of a heading and of two lines below it, which a long name takes."""


class OverviewBox(ScriptedBox):
    """Shows an `OverviewPanel`."""

    script: Overview | None

    def make_script(self, panel: Panel) -> Overview:
        """What draws the stages in the page."""
        assert isinstance(panel, OverviewPanel)
        return Overview(panel.heard)

    def tell(self, panel: Panel) -> None:
        """Have the page draw the stages."""
        assert isinstance(panel, OverviewPanel) and self.script is not None
        self.script.show(panel.sheet, panel.selected)

    def text(self, panel: Panel) -> str:
        """HTML of what the colours mean."""
        assert isinstance(panel, OverviewPanel)
        bars = "".join(markup.colorbar(*scale, 190) for scale in panel.scales)
        return f'<div class="cnnw-legend">{bars}</div>'


@dataclass(frozen=True, eq=False)
class OverviewPanel(Panel):
    """The stages of a network.

    Attributes
    ----------
    sheet
        All that the page needs to draw them, in one message.
    selected
        Layer and channel that are looked at.
    heard
        As of an `Overview`.
    scales
        Name of a colour map and what stands below it at its left, in its middle, and at its right.
    """

    box: ClassVar[type[PanelBox]] = OverviewBox
    sheet: dict[str, Any] = field(default_factory=dict)
    selected: tuple[str, int] = ("", 0)
    heard: Mapping[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    scales: Sequence[tuple[str, str, str | None, str]] = ()


def image_and_scores(snapshot: Snapshot) -> list[Panel | list[Panel]]:
    """The image above the class that is predicted, and the scores of the best; no scores where there are none."""
    image, found = image_panels(snapshot)
    if snapshot.prediction is None:
        return [[image, found]]
    heading, _, source = found.heading.rpartition(" · ")  # the verdict is of the class, the source of the numbers
    predicted = Panel(heading, width=found.width, lines=[found.bars[0][0]], key="predicted", room=TWO_LINES)
    return [[image, predicted], replace(found, heading=f"Scores · {source}")]
