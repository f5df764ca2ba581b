"""The overview as a panel: drawn by the page where it can, and as a picture everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..render.static import Panel
from ..widgets.panels import PanelBox, ScriptedBox
from ..widgets.surface import markup
from .widget import Overview


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
