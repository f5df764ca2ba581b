"""The two views of a scan side by side in one HTML file, with sliders for layer and channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import traitlets as T
from torch import nn

from ..compute.scan import Scan, checked_scan
from ..render.static import Panel
from ..views import ChannelsView, ExamplesView
from ..widgets.base import ModelView
from ..widgets.state import Index, Subject


def report(
    scan: Scan,
    model: nn.Module | Subject,
    dataset: Any,
    path: str | Path,
    *,
    budget: int | str = "20MB",
    progress: bool = True,
    target: int | str | None = None,
    layers: Sequence[str] | str | None = None,
    **options: Any,
) -> Any:
    """Write what a scan found to one HTML file: the tables of `ChannelsView` and the patches of `ExamplesView`.

    The page needs no kernel, no network and no data set; its sliders choose layer and channel.

    Parameters
    ----------
    scan : Scan
        What `cw.scan` found.
    model, dataset
        What it was made of: the patches are cut out of the images.
    path : str or Path
        Where to; must end in `.html`.
    budget : int or str
        Largest size of the file, in bytes or as `"20MB"`; what is not in it, the page says.
    progress : bool
        A bar on stderr where it takes longer than a second.
    target : int or str, optional
        Class that channels are ranked for, by number or name; by default the first.
    layers : sequence of str, or str, optional
        By default all that were scanned.
    **options
        As of `ExamplesView`: `classes`, `denormalize`, `prepare`, `cache_bytes`.

    Returns
    -------
    Exported
        As of every view's `to_html`.

    Raises
    ------
    TypeError
        `scan` is no scan.
    ValueError
        The scan is of other weights or images; `layers` is empty; another ending; a budget that does not hold
        the first picture.
    LookupError
        A layer was not scanned.
    OSError
        The file cannot be written; what was there is left as it was.

    Examples
    --------
    >>> import tempfile, cnnwidgets as cw
    >>> model, data = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> scan = cw.scan(model, data, ["C1"], progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cw.report(scan, model, data, f"{folder}/scan.html", progress=False).frames
    6
    """
    checked_scan(scan)
    named = [layers] if isinstance(layers, str) else list(scan) if layers is None else list(layers)
    if not named:
        raise ValueError("layers is empty: give names, or None for all")
    wanted = [scan[layer].name for layer in named]
    examples = ExamplesView(model, dataset, scan, layer=wanted[0], **options)
    channels = ChannelsView(scan, layer=wanted[0], **({} if target is None else {"target": target}))
    both = ScanReport(channels, examples)
    try:
        return both.to_html(path, budget=budget, progress=progress, layer=wanted)
    finally:
        for view in (both, channels, examples):
            view.close()


class ScanReport(ModelView):
    """Both views of a scan, at one layer and channel."""

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "channel": "Channel"}

    layer = T.Unicode(help="name of the layer").tag(source=True)
    channel = Index(
        of=lambda view: (view.count, f"layer {view.layer!r} has {view.count}"), help="which channel, from 0"
    ).tag(display=True)

    def __init__(self, channels: ChannelsView, examples: ExamplesView) -> None:
        self._channels, self._examples = channels, examples
        super().__init__(layer=channels.layer)

    @property
    def count(self) -> int:
        """Channels of the layer."""
        return self._channels.scan[self.layer].channels

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():
                self.channel = min(self.channel, self.count - 1)

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self._channels.scan[proposal["value"]].name

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be."""
        return list(self._channels.scan) if name == "layer" else super().choices(name)

    def panels(self) -> list[Panel | Sequence[Panel]]:
        """Those of both views."""
        for view in (self._channels, self._examples):
            with view.quiet(), view.hold_trait_notifications():
                view.layer, view.channel = self.layer, self.channel
            view.settle()
        return [*self._channels.panels(), *self._examples.panels()]

    def title(self) -> Sequence[str]:
        """The network and the channel."""
        return [*self._channels.title(), *self._examples.title()[1:2]]

    def status(self) -> str:
        """What the images are ranked by."""
        return self._examples.status()
