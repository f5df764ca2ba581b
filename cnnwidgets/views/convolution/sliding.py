"""The window slides in the page: all numbers of a map go there once, and what moves then needs no kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.convolution import Taps, WholeMap
from ...render.color import ACCENT, DIVERGING, PADDED, Shaded, css_gradient, palette, rgb
from ...render.static import Moves, Panel
from ...widgets import steered
from ...widgets.controls import PlaceControl
from ...widgets.painter import possible
from ...widgets.panels import TABLE_STYLE, MapPanel
from ...widgets.steered import STEERED, Message, Own, Steered, moves, new_name
from ...widgets.surface import joined, markup
from .arithmetic import STYLE

MOST = 2**20
"""Numbers of an input, or of an output, beyond which they do not go to the page: 4 MB."""
IN_PAGE = 2**18
"""The same for a page that is exported, which has many maps."""
FORMULA = 480
"""Width in px of window × kernel = product in such a page."""
HERE = Path(__file__).parent
PAINTER = "../../widgets/painter"
OWN = ("closer", "window", "words", "slide")


@dataclass(frozen=True, eq=False)
class InputMaps:
    """The input of a layer with its colours, which is the same for many maps of the output.

    Attributes
    ----------
    shaded : Shaded
        Its maps.
    name : str
        Names it in the page.
    """

    shaded: Shaded
    name: str = field(default_factory=new_name)


@dataclass(frozen=True, eq=False)
class Sheet:
    """What the page needs to explain every number of one map.

    Attributes
    ----------
    whole : WholeMap
        The numbers.
    given : InputMaps
        The input, of which `whole` has a part.
    bounds : ndarray
        (C', 2): largest magnitude of the kernel's colours, and of the product's, for each input channel.
    input, output : MapPanel
        As they are on the card.
    subject, title : str
        What is explained, and what the output is called.
    chosen : int or None
        The input channel that is shown; None: at each place the one that adds most.
    marks : bool
        Whether it is marked among the contributions.
    key : str
        Names the sheet in the page.
    """

    whole: WholeMap
    given: InputMaps
    bounds: NDArray[np.floating]
    input: MapPanel
    output: MapPanel
    subject: str
    title: str
    chosen: int | None = None
    marks: bool = False
    key: str = field(default_factory=new_name)

    @property
    def input_name(self) -> str:
        """Names the part of the input in the page."""
        return f"{self.given.name} {self.whole.inputs.start}"

    def message(self, holds: str = "") -> Message:
        """Header and buffers; without the input, where the page holds that one."""
        whole, shaded, channels = self.whole, self.given.shaded, list(self.whole.inputs)
        wide = whole.output.dtype == torch.float64
        parts = {
            "output": _bytes(whole.output, wide=wide),
            "colors": palette(shaded.colormap).tobytes(),
            "signed": palette(DIVERGING).tobytes(),
            "levels": _raw(self.output.pixels),
            "paint": _raw(self.output.palette),
        }
        if whole.kernel is not None:
            parts["kernel"] = _bytes(whole.kernel, wide=wide)
        if holds != self.input_name:
            tiles = [shaded.tile(channel) for channel in channels]
            parts |= {"given": _bytes(whole.given, wide=wide), "tiles": np.stack(tiles).tobytes()}
        header = {
            "kind": "numbers",
            "names": list(parts),
            "wide": wide,
            "key": self.key,
            "input": self.input_name,
            "subject": self.subject,
            "what": whole.kind,
            "checked": whole.checked,
            "first": whole.inputs.start,
            "count": len(channels),
            "size": list(shaded.maps.shape[1:]),
            "whole": list(whole.given.shape[1:]),
            "before": whole.before,
            "out": list(whole.output.shape),
            "taps": list(whole.kernel.shape[1:]) if whole.kernel is not None else [0, 0],
            "axes": [_axis(taps) for taps in whole.axes],
            "bias": whole.bias,
            "counted": whole.counted,
            "slack": whole.slack,
            "chosen": self.chosen,
            "marks": self.marks,
            "title": self.title,
            "heading": self.input.key,
            "around": self.input.around,
            "room": self.input.width,
            "note": "; ".join(filter(None, [self.input.hint, *map(str, self.input.lines)])),
            "scales": [_scale(shaded, channel) for channel in channels],
            "scale": {"colormap": shaded.colormap, "ramp": css_gradient(shaded.colormap)},
            "diverging": {"ramp": css_gradient(DIVERGING)},
            "centred": shaded.centred,
            "ranges": shaded.ranges[channels].tolist(),
            "bounds": np.asarray(self.bounds, np.float64).tolist(),
            "padded": rgb(PADDED),
            "accent": ACCENT,
            "over": [panel.cells is not None and panel.on_hover is not None for panel in (self.input, self.output)],
        }
        return header, list(parts.values())

    def grown(self, before: Any) -> None:
        """Nothing: all of it is there at once."""


def fits(whole: WholeMap | None) -> TypeGuard[WholeMap]:
    """Whether the numbers of a map are few enough for the page."""
    return whole is not None and max(whole.given.numel(), whole.output.numel()) <= MOST


def moved(sheet: Sheet | None, place: tuple[int, int], view: Any, own: Own | None = None) -> Moves | None:
    """What an exported page needs to slide the window; None where it has no numbers, or too many."""
    if sheet is None or max(sheet.whole.given.numel(), sheet.whole.output.numel()) > IN_PAGE:
        return None
    rows, columns = sheet.whole.output.shape
    rules = (TABLE_STYLE + STYLE).replace("<style>", "").replace("</style>", "")
    return moves(
        "slide",
        code(),
        sheet.message(),
        place,
        {key: view.panel(key) for key in (sheet.input.key, "output", "tables", "sum")},
        {"row": ("Row", rows - 1, 1), "column": ("Column", columns - 1, 1)},
        play=("Slide the window", rows * columns - 1, 1),
        widths={"tables": FORMULA},
        style=rules,
        own=own,
    )


def _bytes(values: torch.Tensor, *, wide: bool) -> bytes:
    numbers = values.detach().to(torch.float64 if wide else torch.float32).contiguous().numpy()
    return bytes(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes())


def _raw(pixels: NDArray[np.uint8] | None) -> bytes:
    assert pixels is not None
    return bytes(np.ascontiguousarray(pixels).tobytes())


def _axis(taps: Sequence[Taps]) -> dict[str, list[list[int]]]:
    return {name: [list(getattr(tap, name)) for tap in taps] for name in ("positions", "sources", "weights")}


def _scale(shaded: Shaded, channel: int) -> list[str]:
    return [text for text in markup.scale_texts(*shaded.ends(channel), shaded.beyond(channel)) if text is not None]


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(HERE, *(f"{PAINTER}/{name}" for name in ("numbers", "zoom", "lens")), *STEERED, *OWN)


class Sliding(Steered):
    """Slides the window in the page."""

    _anywidget_id = T.Unicode("cnnwidgets.Sliding").tag(sync=True)


class Slot(steered.Slot):
    """Where the script stands in a card.

    Parameters
    ----------
    view : ModelView
        Whose `pixel` it moves.
    player : PlaceControl
        What steers it too.
    """

    def __init__(self, view: Any, player: PlaceControl) -> None:
        self._sheet: Sheet | None = None
        move = partial(view.set_trait, "pixel")
        make = partial(Sliding, code(), player.ranges, on_move=move)
        super().__init__(view, ["pixel"], lambda: view.pixel, make)

    @classmethod
    def beside(cls, view: Any, player: PlaceControl) -> Slot | None:
        """The slot of a view; None where there is no page that could run a script."""
        return cls(view, player) if possible() else None

    def rested(self, sheet: Sheet | None, *groups: Sequence[Panel]) -> list[list[Any]]:
        """The panels of a drawing: with a page that shows by itself what changes in them, they rest."""
        self._sheet = sheet
        resting = self.script.moves(sheet)
        return [[replace(panel, resting=True) if resting else panel for panel in group] for group in groups]

    def drawn(self) -> None:
        """What was described is drawn."""
        keys = [] if self._sheet is None else [self._sheet.input.key, "output", "tables", "sum"]
        self.show(self._sheet, *keys)
