"""What views of images have besides: a button that opens a strip of pictures to choose from."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from ...compute.scan import Scan, checked_scan
from ..surface import front_end, layout, plain, sharing
from .sheet import is_pictured
from .strip import Strip

TIP = "Small pictures of the data set to choose from, all or by class; those that the network gets wrong are marked"


class PicksImages:
    """Mixed into a view with a `subject` and the trait `index`."""

    if TYPE_CHECKING:
        subject: Any
        index: Any

        def observe(self, handler: Any, names: Any) -> None:
            """See traitlets."""

        def insert(self, part: Any, place: str = "") -> None:
            """See `ModelView`."""

    _strip: Strip | None = None
    _scan: Scan | None = None

    def strip_button(self) -> W.ToggleButton | None:
        """The button that opens the strip; None where there are no pictures, or no code for the page.

        Nothing is read, and no widget made, before it is pressed.
        """
        if front_end() is None or len(self.subject.items) < 2 or not self._is_pictured():
            return None
        button = plain(W.ToggleButton, description="pictures", tooltip=TIP, layout=layout(width="auto"))
        button.add_class("cnnw-opens")
        button.observe(self._toggle_strip, "value")
        return button

    @property
    def apart(self) -> list[W.Widget]:
        """The strip, in the card or not: it goes with the view."""
        return [] if self._strip is None else [self._strip]

    def pick_by(self, scan: Scan) -> None:
        """Let the filters of the strip (a class, wrong, least certain) go by a scan, which knows all images at once.

        Without, or once the weights have changed, the images are looked at one after the other.

        Parameters
        ----------
        scan : Scan
            Of this model and these images.

        Raises
        ------
        TypeError
            It is no scan.
        ValueError
            It is of other weights or images, or has no predictions; the view looks at an edited network.
        """
        if self.subject.edits:
            raise ValueError(f"the scan is of the network as it is, and this view has {self.subject.edited}")
        self.subject.check_scan(checked_scan(scan))
        if not scan.predictions:
            raise ValueError(f"{scan!r} has no predictions: the network gives no class scores, or predictions=False")
        self._scan = scan
        if self._strip is not None:
            self._strip.use(scan.predictions)

    def _is_pictured(self) -> bool:
        snapshot, items = getattr(self, "snapshot", None), self.subject.items
        try:
            return is_pictured(items, items[self.index] if snapshot is None else snapshot.item)
        except Exception:  # the view says what is wrong with it
            return False

    def _toggle_strip(self, change: Any) -> None:
        if not change["new"]:
            self.insert(None, "strip")
            if self._strip is not None:
                self._strip.reading.stop()
            return
        if self._strip is None:
            with sharing():
                self._strip = Strip(self.subject, self._framed(), self._pick)
            if self._scan is not None:
                with suppress(ValueError):  # of weights that have changed meanwhile
                    self.pick_by(self._scan)
            self.observe(self._frame_chosen, "index")
        self.insert(self._strip, "strip")

    def _framed(self) -> int:
        return max(-1, self.index)  # an own image is none of the strip

    def _frame_chosen(self, change: Any) -> None:
        if self._strip is not None:
            self._strip.chosen = self._framed()

    def _pick(self, index: int) -> None:
        self.index = index

    def render(self) -> None:
        """Draw what `compute` found as the display traits say."""
        super().render()  # type: ignore[misc]
        if self._strip is not None:
            self._strip.reading.follow()

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if self._strip is not None:
            self._strip.reading.stop()
        super().close()  # type: ignore[misc]
