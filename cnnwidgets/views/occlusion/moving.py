"""The patch moves in the page: photo and filling go there once, and what a move shows then needs no kernel."""

from __future__ import annotations

from collections.abc import Sequence
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
from ...render.color import ACCENT
from ...render.static import Moves, Panel
from ...widgets import steered
from ...widgets.painter import possible
from ...widgets.panels import PHOTO, enlarged
from ...widgets.steered import STEERED, Message, Steered, moves, new_name
from ...widgets.surface import joined
from .heat import Heat
from .panels import HEAT

MOST = 4096
"""Places of a map up to which its numbers go to the page while it grows; of one with more, once it is complete."""
IN_PAGE = 2**16
"""The same for a page that is exported."""
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
    lit, fill : ndarray of uint8
        (H', W', 3): the photo as the map colours it, and what a patch shows of it, at the size of the screen.
    heat : Heat
        The map.
    """

    key: str
    patches: Patches
    lit: NDArray[np.uint8]
    fill: NDArray[np.uint8]
    heat: Heat

    def message(self, holds: str = "") -> Message:
        """Header and buffers."""
        patches = self.patches
        header = {
            "kind": "numbers",
            "heat": True,
            "size": patches.size,
            "window": patches.window,
            "stride": patches.stride,
            "grid": patches.grid,
            "pixels": self.lit.shape[:2],
            "rooms": [PHOTO, HEAT],
            "spans": [_span(row) for row in patches.mask.numpy()],
            "accent": ACCENT,
        }
        return self._with(header, {"lit": encode_png(self.lit), "fill": encode_png(self.fill), **self._numbers()})

    def grown(self, before: PatchSheet) -> Message:
        """The same of what is another than `before`."""
        lit = {} if self.lit is before.lit else {"lit": encode_png(self.lit)}
        another = self.heat is not before.heat
        return self._with({"kind": "grown", "heat": another}, lit | (self._numbers() if another else {}))

    def _with(self, header: dict[str, Any], parts: dict[str, bytes]) -> Message:
        return header | {"key": self.key, "names": list(parts)}, list(parts.values())

    def _numbers(self) -> dict[str, bytes]:
        heat = self.heat
        if heat.fall.size > MOST and not heat.complete:
            return {}
        return {"fall": heat.fall.astype("<f4").tobytes(), "known": heat.known.astype(np.uint8).tobytes()}


def moved(view: Any, lit: NDArray[np.uint8], fill: NDArray[np.uint8], heat: Heat, found: float) -> Moves | None:
    """What an exported page needs to move the patch over the places of the map; None without a whole map."""
    if not heat.complete or heat.fall.size > IN_PAGE:
        return None
    patches, seen = heat.patches, view.seen
    sheet = PatchSheet(new_name(), patches, enlarged(lit), enlarged(fill), heat)
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
    return joined(HERE, "../../widgets/painter/numbers", *STEERED, "places", "patch")


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
    """

    def __init__(self, view: Any, sliders: Sequence[W.Widget]) -> None:
        self._sheet: PatchSheet | None = None
        self._mapped: Heat | None = None  # the map that the kernel has drawn
        steering = dict(zip(("row", "column"), sliders, strict=True))
        make = partial(PatchScript, code(), steering, on_move=lambda place: view.move_to_cell(*place))
        super().__init__(view, ["top", "left"], lambda: (view.top, view.left), make)

    @classmethod
    def beside(cls, view: Any, sliders: Sequence[W.Widget]) -> PatchSlot | None:
        """The slot of a view; None where there is no page that could run a script."""
        return cls(view, sliders) if possible() else None

    def rested(
        self, occluder: Occluder, lit: NDArray[np.uint8], fill: NDArray[np.uint8], heat: Heat, *panels: Panel
    ) -> list[Panel]:
        """Photo and map of a drawing: with a page that shows by itself what changes in them, they rest."""
        remember = self._view.remember
        if self.live:
            key = remember("patch", (occluder,), new_name)
            large, hidden = (
                remember(name, (part,), partial(enlarged, part)) for name, part in (("large", lit), ("hidden", fill))
            )
            self._sheet = remember(
                "sheet", (key, large, hidden, heat), lambda: PatchSheet(key, occluder.patches, large, hidden, heat)
            )
        photo, map_ = panels
        moves = self.script.moves(self._sheet)
        resting = moves, moves and heat is self._mapped
        self._mapped = heat
        return [
            replace(panel, resting=True) if rests else panel
            for panel, rests in zip((photo, map_), resting, strict=True)
        ]

    def drawn(self) -> None:
        """What was described is drawn."""
        self.show(self._sheet, "photo", "map")
