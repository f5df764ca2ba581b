"""Patching: how much of another image's score each layer brings back, when its values are carried over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...compute.effects import Patching
from ...render.color import Shaded, palette
from ...render.mosaic import Strip, strip
from ...render.static import Panel
from ...widgets.panels import image_panel
from ...widgets.state import Snapshot
from ...widgets.surface import markup
from .panels import WIDTH

TALL = 72
"""Room of the strip, in px."""
LISTED = 10
"""Layers with a bar of their own; all are in the strip."""


def other_panel(other: Snapshot) -> Panel:
    """The image whose values are carried over."""
    panel = image_panel(other)
    return replace(panel, heading=f"Other: {panel.heading}", key="other")


def carried_panel(
    found: Patching | None,
    layers: Sequence[str],
    chosen: str,
    what: str,
    *,
    on_layer: Callable[[str], object],
    controls: Sequence[Any],
    problem: str = "",
) -> Panel:
    """A strip with a cell for each layer that a click goes to, and the restored share of some of them as bars.

    Parameters
    ----------
    found : Patching or None
        As far as it is known.
    layers : sequence of str
        All layers, in running order.
    chosen : str
        The layer that is looked at.
    what : str
        Whose score it is: `logit of class 3`.
    on_layer : callable
        Called with the name of a layer.
    controls : sequence of Widget
        Stand under the heading.
    problem : str
        Why there is no table.
    """
    heading, key = f"Restored by each layer · {what}", "carried"
    restored = {layer: float(share) for layer, share in (found.mean if found else {}).items() if share.isfinite()}
    if problem or not restored:
        problem = problem or ("not yet known" if found is None else "both images have the same score")
        return Panel(heading, width=WIDTH, lines=[problem], controls=controls, key=key)
    shares = np.array([restored.get(layer, np.nan) for layer in layers], np.float32)
    shaded = Shaded.of(shares[:, None, None], scale=(0.0, 1.0), colormap="viridis")
    names = listed([layer for layer in layers if layer in restored], chosen)
    bars = [(name, max(-1.0, min(1.0, restored[name])), told(restored[name])) for name in names]
    count = "" if len(names) == len(restored) else f" {len(names)} of {len(restored)} layers are listed;"
    return Panel(
        heading,
        strip(shaded.tiles().ravel()),
        palette=palette(shaded.colormap),
        width=WIDTH,
        colorbar=(shaded.colormap, "0 %", None, "100 %"),
        bars=bars,
        chosen=names.index(chosen) if chosen in names else None,
        marks=[Strip.fit(len(layers)).box(layers.index(chosen))] if chosen in layers else [],
        lines=[f"0 %: as for this image, 100 %: as for the other.{count} a click in the strip carries a layer over"],
        cells=Strip.fit(len(layers)),
        describe=lambda cell: described(layers[cell], restored.get(layers[cell])),
        on_cell=lambda cell: on_layer(layers[cell]),
        scrolls=TALL,
        controls=controls,
        key=key,
    )


def listed(layers: Sequence[str], chosen: str) -> list[str]:
    """At most `LISTED` of the layers, spread evenly, with the first, the last and the chosen one."""
    if len(layers) <= LISTED:
        return list(layers)
    places = {round(place) for place in np.linspace(0, len(layers) - 1, LISTED)}
    if chosen in layers and (at := layers.index(chosen)) not in places:
        inner = places - {0, len(layers) - 1}
        places = places - {min(inner, key=lambda place: abs(place - at))} | {at}
    return [layers[place] for place in sorted(places)]


def told(share: float) -> str:
    """A share in percent."""
    return markup.percent(share).replace("-", "−")


def described(layer: str, share: float | None) -> str:
    """What the mouse is told of a layer."""
    return f"{layer}: {'not yet known' if share is None else f'{told(share)} restored'}"
