"""What a scan of the data set adds to an ActivationView: orders of the maps, and the strongest patches of a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ...compute.dataset import channels_first
from ...compute.evidence import SCANNED, channel_order
from ...compute.scan import LayerScan, Scan
from ...render.static import Panel
from ...widgets.patches import StrongestPatches
from ...widgets.state import Given, Subject


class Scanned:
    """What a view with the traits `layer`, `channel`, `order` and `off` tells by a scan, once it has one.

    Parameters
    ----------
    view : ActivationView
        Whose layer, channel and image count.
    subject : Subject
        The network with every channel on, and its images: what was scanned.
    on_progress : callable
        Draws the view, since patches have come; returns whether that went well.

    Attributes
    ----------
    scan : Scan or None
        The one that was taken last.
    """

    def __init__(self, view: Any, subject: Subject, on_progress: Callable[[], bool]) -> None:
        self._view, self._subject, self._on_progress = view, subject, on_progress
        self.scan: Scan | None = None
        self._strongest: StrongestPatches | None = None  # until there is a scan

    def take(self, scan: Scan) -> None:
        """Go by this scan."""
        self.scan, view = scan, self._view
        if self._strongest is None or self._strongest.scan is not scan:
            self.stop()
            self._strongest = StrongestPatches(
                self._subject, scan, self._on_progress, view.is_current, lambda image: view.set_trait("index", image)
            )

    @property
    def current(self) -> bool:
        """Whether there is a scan, of the weights as they are."""
        return self.scan is not None and self._subject.is_scanned_by(self.scan)

    @property
    def layer(self) -> LayerScan | None:
        """What a scan of the network as it is says of the layer."""
        scan, name = self.scan, self._view.layer
        return scan[name] if scan and name in scan and self._subject.is_scanned_by(scan) else None

    @property
    def unknown(self) -> str:
        """Why a scan that there is says nothing of the layer; empty where it does."""
        if self.scan is None or self.layer is not None:
            return ""
        name = self._view.layer
        return "the weights have changed since the scan" if name in self.scan else f"{name} was not scanned"

    # ------------------------------------------------------------------ in which order the maps stand

    def order(self, output: torch.Tensor) -> tuple[int, ...]:
        """The channel at each place, for this output of the layer; empty where they stand by number."""
        view = self._view
        if view.order == "number":
            return ()
        values, layer, target = channels_first(output, view.layer_row), self.layer, self._class
        key = (view.order, output, layer, target)
        found: tuple[int, ...] = view.remember(
            "order", key, lambda: tuple(channel_order(view.order, values, layer, target).tolist())
        )
        return found

    @property
    def ordered_by(self) -> list[str]:
        """In which order the maps stand, or why they do not."""
        order = self._view.order
        if order == "number":
            return []
        if order not in SCANNED:
            return ["order: strongest here first"]
        if self.scan is None:
            return [f"order: by number; {order} asks a scan: view.pick_by(cw.scan(model, dataset))"]
        if self.unknown:
            return [f"order: by number; {self.unknown}"]
        if order == "sparsity":
            return ["order: most often 0 first, over the data set"]
        if self._class is None:
            return ["order: by number; the image has no class of the scan"]
        return [f"order: best for {self._view.item.text or self._class} first, over the data set"]

    @property
    def address(self) -> dict[str, Any]:
        """What the order depends on, for the address of a drawing."""
        order = self._view.order
        return {"order": order, "scan": id(self.scan) if order in SCANNED else 0}

    @property
    def _class(self) -> int | None:
        """The class of the image, as the scan counts it."""
        layer, label = self.layer, self._view.item.label
        return label if layer is not None and label is not None and label < len(layer.class_images) else None

    # ------------------------------------------------------------------ the strongest patches

    def patches(self) -> list[Panel]:
        """The strongest patches of the channel; none in an exported page, which goes on to other channels."""
        view, strongest = self._view, self._strongest
        if strongest is None or view.exporting:
            return []
        if why := self.unknown:
            return [strongest.nothing(why)]
        name = view.unit_names[view.channel] if view.unit_names else ""
        panel = strongest.panel(view.layer_row, view.channel, view.item, chosen=view.snapshot.index, name=name)
        return [replace(panel, lines=[*panel.lines, "of the network with every channel on"])] if view.off else [panel]

    def settle(self) -> bool:
        """Cut out all patches that are still to come; whether there is something new to draw."""
        if self._strongest is None or not self._strongest.running or self._view.exporting:
            return False
        self._strongest.settle()
        return True

    def stop(self) -> None:
        """Cut out no further patches."""
        if self._strongest is not None:
            self._strongest.stop()

    def forget(self) -> None:
        """Cut the patches out anew: the weights or the data may be others."""
        if self._strongest is not None:
            self._strongest.forget()

    # ------------------------------------------------------------------ as code

    def in_code(self, given: Given, called: str) -> list[str]:
        """A line that gives the scan to the view `called` so, as long as it is of these weights."""
        return [f"{called}.pick_by({given.named_as(self.scan, 'scan')})"] if self.current else []
