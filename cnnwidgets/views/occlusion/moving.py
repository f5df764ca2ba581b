"""The patch moves in the page: photo and filling go there once, and what a move shows then needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ...compute.occlusion import Occluder, Patches
from ...render import encode_png
from ...render.color import ACCENT, DIVERGING
from ...render.static import Moves, Panel
from ...widgets import steered
from ...widgets.painter import possible
from ...widgets.panels import PHOTO, enlarged, padded_palette
from ...widgets.steered import STEERED, Message, Steered, moves, new_name
from ...widgets.surface import joined
from .controls import OcclusionControls
from .heat import LEAST, Heat
from .panels import HEAT, HeatPanel

IN_PAGE = 2**16
"""Places of a map up to which a page that is exported moves the patch."""
HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class PatchSheet:
    """What the page needs to show the patch anywhere.

    Attributes
    ----------
    key : str
        Names the image under its settings in the page.
    patches : Patches
        Where a patch may be.
    photo : ndarray of uint8
        (H, W, 3).
    fill : ndarray of uint8
        (H', W', 3): what a patch shows of it, at the size of the screen.
    heat : Heat
        The map.
    overlay : bool
        Whether it lies over the photo.
    opacity : float
        Of it, 0 to 1.
    """

    key: str
    patches: Patches
    photo: NDArray[np.uint8]
    fill: NDArray[np.uint8]
    heat: Heat
    overlay: bool
    opacity: float

    def message(self, holds: str = "") -> Message:
        """Header and buffers."""
        patches = self.patches
        header = {
            "kind": "numbers",
            "size": patches.size,
            "window": patches.window,
            "stride": patches.stride,
            "grid": patches.grid,
            "pixels": self.fill.shape[:2],
            "rooms": [PHOTO, HEAT],
            "spans": [_span(row) for row in patches.mask.numpy()],
            "accent": ACCENT,
            "least": LEAST,
            "overlay": self.overlay,
            "opacity": self.opacity,
        }
        parts = {
            "photo": encode_png(self.photo),
            "fill": encode_png(self.fill),
            "colors": padded_palette(DIVERGING).tobytes(),
            "fall": self.heat.fall.astype("<f4").tobytes(),
            "known": self.heat.known.astype(np.uint8).tobytes(),
        }
        return self._with(header, parts)

    def grown(self, before: PatchSheet) -> Message | None:
        """The numbers that the map of `before` had not; None for none."""
        heat, old = self.heat, before.heat
        if heat is old:
            return None
        at = np.flatnonzero(heat.known & ~(old.known & (heat.fall == old.fall)))
        parts = {"at": at.astype("<u4").tobytes(), "fall": heat.fall.ravel()[at].astype("<f4").tobytes()}
        return self._with({"kind": "grown"}, parts)

    def _with(self, header: dict[str, Any], parts: dict[str, bytes]) -> Message:
        return header | {"key": self.key, "names": list(parts)}, list(parts.values())


def moved(view: Any, photo: NDArray[np.uint8], fill: NDArray[np.uint8], heat: Heat, found: float) -> Moves | None:
    """What an exported page needs to move the patch over the places of the map; None without a whole map."""
    if not heat.complete or heat.fall.size > IN_PAGE:
        return None
    patches, seen = heat.patches, view.seen
    sheet = PatchSheet(new_name(), patches, photo, enlarged(fill), heat, view.overlay, view.opacity)
    header, buffers = sheet.message()
    place = (view.top, view.left)
    header["score"] = {"unit": seen.unit, "whole": float(seen.whole[seen.target]), "at": place, "found": found}
    shown = {panel.key: panel for column in view.static().columns for panel in column}
    tops, lefts = ((count - 1) * step for count, step in zip(patches.grid, patches.stride, strict=True))
    return moves(
        "patch",
        code(),
        (header, buffers),
        place,
        {key: shown[key] for key in ("photo", "map", "score", "best") if key in shown},
        {"row": ("Top", tops, patches.stride[0]), "column": ("Left", lefts, patches.stride[1])},
    )


def _span(row: NDArray[np.bool_]) -> tuple[int, int]:
    """The columns that a row of the window hides: the first, and the one after the last."""
    hidden = np.flatnonzero(row)
    return (int(hidden[0]), int(hidden[-1]) + 1) if len(hidden) else (0, 0)


@cache
def code() -> str:
    """The JavaScript, as one module."""
    painter = [f"../../widgets/painter/{name}" for name in ("numbers", "heat")]
    return joined(HERE, *painter, *STEERED, "places", "lit", "patch")


class PatchScript(Steered):
    """Moves the patch in the page."""

    _anywidget_id = T.Unicode("cnnwidgets.Patch").tag(sync=True)


class PatchSlot(steered.Slot):
    """Where the script stands in a card.

    Parameters
    ----------
    view : OcclusionView
        Whose `top` and `left` it moves.
    sliders : sequence of Widget
        Those of `top` and of `left`.
    laid : mapping of Widget
        Those by which the map is laid over the photo: `overlay` and `opacity`.
    """

    def __init__(self, view: Any, sliders: Sequence[W.Widget], laid: Mapping[str, W.Widget]) -> None:
        self._sheet: PatchSheet | None = None
        self._mapped: Heat | None = None  # the map that the kernel has drawn
        steering = dict(zip(("row", "column"), sliders, strict=True)) | dict(laid)
        make = partial(PatchScript, code(), steering, on_move=lambda place: view.move_to_cell(*place))
        super().__init__(view, ["top", "left"], lambda: (view.top, view.left), make)

    @classmethod
    def beside(cls, view: Any, controls: OcclusionControls) -> PatchSlot | None:
        """The slot of a view; None where there is no page that could run a script."""
        return cls(view, controls.place, controls.laid) if possible() else None

    def rested(
        self,
        occluder: Occluder,
        picture: NDArray[np.uint8],
        fill: NDArray[np.uint8],
        heat: Heat,
        photo: Panel,
        map_: HeatPanel,
    ) -> list[Panel]:
        """Photo and map of a drawing: with a page that draws both by itself, what changes in the map is its texts."""
        view, mapped = self._view, self._mapped
        self._mapped = heat
        if self.live:
            key = view.remember("patch", (occluder,), new_name)
            hidden = view.remember("hidden", (fill,), partial(enlarged, fill))
            shown = (key, picture, hidden, heat, view.overlay, view.opacity)
            self._sheet = view.remember("sheet", shown, lambda: PatchSheet(key, occluder.patches, *shown[1:]))
        if not self.script.moves(self._sheet):
            return [photo, map_]
        return [replace(photo, resting=True), replace(map_, resting=heat is mapped, painted=True)]

    def drawn(self) -> None:
        """What was described is drawn."""
        self.show(self._sheet, "photo", "map")
