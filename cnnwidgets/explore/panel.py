"""The overview as a panel: drawn by the page where it can, and as a picture everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..render import encode_png
from ..render.static import Panel
from ..widgets.painter import possible
from ..widgets.panels import PanelBox
from ..widgets.surface import Swapped, layout, markup
from .widget import Overview


class OverviewBox(PanelBox):
    """Shows an `OverviewPanel`; as wide as the page lets it be.

    Attributes
    ----------
    overview : Overview or None
        Draws in the page; None where there is no page that could.
    """

    def __init__(self, panel: Panel) -> None:
        assert isinstance(panel, OverviewPanel)
        self.overview = Overview(panel.heard) if possible() else None
        super().__init__(panel)
        self.layout.width, self.layout.min_width, self.layout.flex = "auto", "0", "1 1 420px"
        self.layout.padding = "0"
        self.heading.layout = layout(display="none")
        if self.overview is not None:
            self._insert(self.overview)

    def text(self, panel: Panel) -> str:
        """HTML of what the colours mean."""
        assert isinstance(panel, OverviewPanel)
        bars = "".join(markup.colorbar(*scale, 190) for scale in panel.scales)
        return f'<div class="cnnw-legend">{bars}</div>'

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Have the page draw the stages, or show them as a picture."""
        assert isinstance(panel, OverviewPanel)
        if self.overview is not None:
            self.overview.show(panel.sheet, panel.selected)
            return
        if self.picture is None:
            self.picture = Swapped({"flex": "0 1 auto", "align_self": "flex-start", "max_width": "100%"}, "cnnw-photo")
            self._insert(*self.picture.pictures)
        drawn = panel.drawn()
        assert drawn is not None
        self.picture.put(encode_png(drawn))


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
