"""Which layers and channels changed most: what is ranked, and the panels that lead there."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.comparison import Pairing, ResponseChanges, WeightChanges
from ...render.color import SEQUENTIAL, Shaded, palette
from ...render.mosaic import Strip, strip
from ...render.static import Panel
from ...widgets.state import Snapshot
from ...widgets.surface import markup, number
from .columns import numbers

WIDTH = 288
SHOWN = 6
"""Of a ranking, the first ones stand as bars."""
BY = {
    "outputs": "outputs for this image",
    "weights": "weights",
    "responses": "responses over the sample",
}
MEANS = {
    "outputs": "‖B − A‖ / ‖A‖ of what it puts out",
    "weights": "‖B − A‖ / ‖A‖ of its weights",
    "responses": "1 − correlation, mean over channels",
}
SHIFTS = "|difference of the means| / spread, mean over channels"
"""What a ranking by scans says."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """A change by layer, and by channel of the present one.

    Attributes
    ----------
    by : str
        One of `BY`.
    layers : dict of str to float
        Layer -> change, in running order.
    channels : ndarray
        (C,): of the present layer; empty where it has none.
    lines : list of str
        What is to be known.
    means : str
        What the numbers are.
    """

    by: str
    layers: Mapping[str, float]
    channels: NDArray[Any]
    lines: Sequence[str] = ()
    means: str = ""


def of_weights(changes: WeightChanges, layer: str) -> Ranked:
    """By the weights."""
    layers = {name: change.relative for name, change in changes.items()}
    channels = changes[layer].channels.numpy() if layer in changes else np.empty(0)
    lines = []
    kept = [name for name, change in changes.items() if change.buffers and not change.relative]
    if changes.same:
        lines.append("every weight is the same: all changes are 0")
    elif still := sum(not change.relative for change in changes.values()):
        lines.append(f"{still} of {len(changes)} layers did not change at all")
    if kept:
        lines.append(f"weights the same, running statistics not: {', '.join(kept[:4])}{' …' if len(kept) > 4 else ''}")
    if changes.only_a or changes.only_b:
        alone = len(changes.only_a), len(changes.only_b)
        lines.append(f"without a partner: {alone[0]} layers of A, {alone[1]} of B")
    return Ranked("weights", layers, channels, lines)


def of_outputs(a: Snapshot, b: Snapshot, pairing: Pairing, layer: str, names: Collection[str]) -> Ranked:
    """By what the layers put out for the present image."""
    layers: dict[str, float] = {}
    channels = np.empty(0)
    for pair in pairing:
        one, other = a.find(pair.a), b.find(pair.b)
        if pair.a not in names or one.shape != other.shape or one.layout != other.layout:
            continue
        before, after = numbers(a.output(pair.a)), numbers(b.output(pair.b))
        if before.shape != after.shape:
            continue
        norm, change = float(before.norm()), float((after - before).norm())
        layers[pair.a] = change / norm if norm else math.inf if change else change
        if pair.a == layer:
            first, apart = (
                each.movedim(-1, 0) if one.layout == "last" and each.ndim > 1 else each
                for each in (before, after - before)
            )
            first, apart = (each.reshape(len(each), -1).norm(dim=1) for each in (first, apart))
            channels = np.where(
                apart == 0, 0.0, np.divide(apart, first, where=np.asarray(first) > 0, out=np.full(len(first), np.inf))
            )
    return Ranked("outputs", layers, channels)


def of_responses(changes: ResponseChanges | None, layer: str) -> Ranked:
    """By the responses over the sample, as far as they are known."""
    if changes is None:
        return Ranked("responses", {}, np.empty(0), ["not yet known: they come with the comparison over the sample"])
    layers = {name: change.change for name, change in changes.items()}
    channels = changes[layer].channels.numpy() if layer in changes else np.empty(0)
    return Ranked("responses", layers, channels, [f"over {_images(changes)}", *_left_out(changes)])


def of_scans(changes: ResponseChanges, layer: str) -> Ranked:
    """By how far the means of responses shifted, which scans know."""
    layers = {name: change.shift for name, change in changes.items()}
    channels = changes[layer].shifts.numpy() if layer in changes else np.empty(0)
    said = [f"from the scans, over {_images(changes)}; correlations they do not know"]
    if layer not in changes and layer not in changes.left_out:
        said.append(f"{layer} was not scanned")
    return Ranked("responses", layers, channels, [*said, *_left_out(changes)], SHIFTS)


def _images(changes: ResponseChanges) -> str:
    return markup.counted(changes.images, "image")


def _left_out(changes: ResponseChanges) -> list[str]:
    """The first layer without a change, and why."""
    if not changes.left_out:
        return []
    name, why = next(iter(changes.left_out.items()))
    return [f"left out: {name} ({why}){' …' if len(changes.left_out) > 1 else ''}"]


def layers_panel(ranked: Ranked, layer: str, on_layer: Callable[[str], object], controls: Sequence[Any] = ()) -> Panel:
    """All layers as a strip in running order, and the first of the ranking as bars."""
    names = list(ranked.layers)
    values = np.array([ranked.layers[name] for name in names])
    means = ranked.means or MEANS[ranked.by]
    made = _panel("Which layers changed most", values, names, "layers", means, lambda at: on_layer(names[at]), ranked)
    return replace(_chosen(made, names.index(layer) if layer in names else None, names), controls=controls)


def channels_panel(ranked: Ranked, layer: str, on_channel: Callable[[int], object]) -> Panel | None:
    """The same for the channels of a layer; None where nothing is known of them."""
    if not len(ranked.channels):
        return None
    return _panel(f"Channels of {layer}", ranked.channels, _called(ranked), "channels", "", on_channel)


def channel_chosen(panel: Panel, ranked: Ranked, channel: int | None) -> Panel:
    """The panel of the channels with one of them marked, or none."""
    chosen = channel if channel is not None and channel < len(ranked.channels) else None
    return _chosen(panel, chosen, _called(ranked))


def _panel(
    heading: str,
    values: NDArray[Any],
    names: Sequence[str],
    key: str,
    means: str,
    on_cell: Callable[[int], object],
    ranked: Ranked | None = None,
) -> Panel:
    lines = [] if ranked is None else list(ranked.lines)
    if not len(values):
        return Panel(heading, width=WIDTH, lines=lines or ["nothing to rank"], key=key)
    shaded = Shaded.of(values.reshape(-1, 1, 1).astype(np.float32), colormap=SEQUENTIAL)
    order = sorted(range(len(values)), key=lambda at: (not math.isnan(values[at]), -values[at], at))
    order = [at for at in order if values[at] != 0][:SHOWN]
    top = max((values[at] for at in order if math.isfinite(values[at])), default=1.0) or 1.0
    note = [means] if means else []
    if not order:
        note.append("no change at all")
    return Panel(
        heading,
        strip(shaded.tiles().ravel()),
        palette=palette(shaded.colormap),
        width=WIDTH,
        colorbar=(shaded.colormap, *markup.scale_texts(*shaded.ends(), shaded.beyond())),
        bars=[(names[at], _share(values[at] / top), _text(values[at])) for at in order],
        lines=[*note, *lines],
        cells=Strip.fit(len(values)),
        describe=lambda at: f"{names[at]}: {_text(values[at])}",
        on_cell=on_cell,
        hint="click one",
        key=key,
    )


def _chosen(panel: Panel, at: int | None, names: Sequence[str]) -> Panel:
    """The same with one of what is ranked marked in the strip, and in the bars where it stands there."""
    if at is None or panel.cells is None:
        return panel
    bars = [name for name, _, _ in panel.bars]
    return replace(panel, marks=[panel.cells.box(at)], chosen=bars.index(names[at]) if names[at] in bars else None)


def _called(ranked: Ranked) -> list[str]:
    return [f"channel {at}" for at in range(len(ranked.channels))]


def _share(value: float) -> float:
    return min(1.0, float(value)) if not math.isnan(value) else math.nan


def _text(value: float) -> str:
    return number(float(value))
