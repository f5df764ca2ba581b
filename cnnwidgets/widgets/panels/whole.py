"""A panel on the page in a single widget."""

from __future__ import annotations

from ...render import encode_png, png_address
from ...render.static import Panel
from ..surface import markup
from .box import PanelBox


class WholeBox(PanelBox):
    """Shows a panel whose picture does not answer the mouse in one widget, and so with one message.

    For pictures of which several change together. A box of the other kind takes six widgets, and sends three messages.
    """

    headed = False

    def heading_of(self, panel: Panel) -> str:
        """None of its own: see `text`."""
        return ""

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """None of its own: see `text`."""

    def text(self, panel: Panel) -> str:
        """HTML of all: heading, picture and what stands below it."""
        parts = [super().heading_of(panel)]
        if panel.pixels is not None:
            parts.append(markup.picture(png_address(encode_png(panel.pixels, panel.palette)), *panel.size))
        return "".join([*parts, super().text(panel)])
