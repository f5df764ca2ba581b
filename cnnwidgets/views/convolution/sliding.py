"""The window slides in the page: all numbers of a map go there once, and what moves then needs no kernel."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.convolution import Taps, WholeMap
from ...render.color import ACCENT, DIVERGING, PADDED, Shaded, css_gradient, palette, rgb
from ...render.static import Panel
from ...widgets.controls import PlaceControl
from ...widgets.painter import possible
from ...widgets.panels import MapPanel
from ...widgets.surface import Scripted, joined, layout, markup

MOST = 2**20
"""Numbers of an input, or of an output, beyond which they do not go to the page: 4 MB."""
HERE = Path(__file__).parent
PAINTER = "../../widgets/painter"

_numbers = itertools.count()
_process = secrets.token_hex(3)  # two notebooks may be open in one page


def _name() -> str:
    return f"{_process}-{next(_numbers)}"


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
    name: str = field(default_factory=_name)


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
    key: str = field(default_factory=_name)

    @property
    def input_name(self) -> str:
        """Names the part of the input in the page."""
        return f"{self.given.name} {self.whole.inputs.start}"

    def message(self, holds: str = "") -> tuple[dict[str, Any], list[bytes]]:
        """Header and buffers; without the input, where the page holds that one."""
        whole, shaded, channels = self.whole, self.given.shaded, list(self.whole.inputs)
        wide = whole.output.dtype == torch.float64
        parts = {
            "output": _bytes(whole.output, wide=wide),
            "colors": palette(shaded.colormap).tobytes(),
            "signed": palette(DIVERGING).tobytes(),
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


def fits(whole: WholeMap | None) -> TypeGuard[WholeMap]:
    """Whether the numbers of a map are few enough for the page."""
    return whole is not None and max(whole.given.numel(), whole.output.numel()) <= MOST


def _bytes(values: torch.Tensor, *, wide: bool) -> bytes:
    numbers = values.detach().to(torch.float64 if wide else torch.float32).contiguous().numpy()
    return bytes(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes())


def _axis(taps: Sequence[Taps]) -> dict[str, list[list[int]]]:
    return {name: [list(getattr(tap, name)) for tap in taps] for name in ("positions", "sources", "weights")}


def _scale(shaded: Shaded, channel: int) -> list[str]:
    return [text for text in markup.scale_texts(*shaded.ends(channel), shaded.beyond(channel)) if text is not None]


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(HERE, f"{PAINTER}/numbers", f"{PAINTER}/zoom", "window", "words", "slide")


class Sliding(Scripted):
    """Moves the window in the page, once the page has said that it can, and tells the view where it stands.

    A page without that code never answers; there the kernel draws, as it does for what has no sheet.

    Parameters
    ----------
    controls : mapping
        The controls of `row`, `column` and `position`, which steer it in the page.
    on_hello : callable
        Called when a page says for the first time that it can.
    on_wait : callable
        Called when a page says that it has been told of it, but not where it belongs.
    on_move : callable
        Called with (row, column) where a hand has moved the window to.

    Attributes
    ----------
    live : bool
        Whether a page can.
    """

    _anywidget_id = T.Unicode("cnnwidgets.Sliding").tag(sync=True)
    controls = T.Dict(help="ids of the widgets that steer it").tag(sync=True)
    key = T.Unicode(help="names what is shown; empty where the kernel draws it").tag(sync=True)
    moved: Any = T.List(help="key, number of the move, row, column: where the page moved it to").tag(sync=True)
    told: Any = T.List(["", 0, 0, 0], help="the same, as the kernel has it").tag(sync=True)

    def __init__(
        self,
        controls: Mapping[str, W.Widget],
        *,
        on_hello: Callable[[], object],
        on_wait: Callable[[], object],
        on_move: Callable[[tuple[int, int]], object],
    ) -> None:
        self.live = False
        self._sheet: Sheet | None = None
        self._sent = ""
        self._heard = 0
        self._on_hello, self._on_wait, self._on_move = on_hello, on_wait, on_move
        super().__init__(
            code(),
            controls={name: control.model_id for name, control in controls.items()},
            layout=layout(display="none"),
        )
        self.on_msg(self._hear)

    def moves(self, sheet: Sheet | None) -> bool:
        """Whether a page has the numbers of what is shown, and shows by itself what changes with the window."""
        return sheet is not None and self._sent == sheet.key == self.key

    def show(self, sheet: Sheet | None, place: tuple[int, int]) -> None:
        """Say, after it has been drawn, what is shown."""
        self._sheet = sheet
        key = sheet.key if sheet is not None else ""
        if key != self.key:
            self._sent = ""
            with self.hold_sync():
                self.key = key
                self.tell(place)

    def tell(self, place: tuple[int, int]) -> None:
        """Tell the page where the window stands."""
        if self.live and self.comm is not None:
            self.told = [self.key, self._heard, *place]

    @T.observe("moved")
    def _move(self, change: Any) -> None:
        key, number, row, column = change["new"]
        self._heard = int(number)
        if key == self.key:
            self._on_move((int(row), int(column)))

    def _hear(self, _: Any, content: Any, buffers: Any) -> None:
        if content["kind"] == "hello" and not self.live:
            self.live = True
            self._on_hello()
        elif content["kind"] == "waits":
            self._on_wait()
        elif content["kind"] == "want" and self._sheet is not None and content["key"] == self._sheet.key:
            self._sent = self._sheet.key
            self.send(*self._sheet.message(str(content["holds"])))


class Slot(W.VBox):
    """Where the script stands in a card: empty, until a page says that it can run it.

    Parameters
    ----------
    view : ModelView
        Whose `pixel` it moves.
    player : PlaceControl
        What steers it too.
    """

    def __init__(self, view: Any, player: PlaceControl) -> None:
        self._view = view
        self._sheet: Sheet | None = None
        self._sliding = Sliding(
            player.ranges,
            on_hello=self._begin,
            on_wait=lambda: self.send_state("children"),  # a page lost the message of `_begin`
            on_move=self._move,
        )
        self.apart: list[W.Widget] = [self._sliding]
        super().__init__([], layout=layout(display="none"))
        view.observe(self._moved, "pixel")

    @classmethod
    def beside(cls, view: Any, player: PlaceControl) -> Slot | None:
        """The slot of a view; None where there is no page that could run a script."""
        return cls(view, player) if possible() else None

    @property
    def live(self) -> bool:
        """Whether a page can slide the window by itself."""
        return self._sliding.live

    def rested(self, sheet: Sheet | None, *groups: Sequence[Panel]) -> list[list[Any]]:
        """The panels of a drawing: with a page that shows by itself what changes in them, they rest."""
        self._sheet = sheet
        resting = self._sliding.moves(sheet)
        return [[replace(panel, resting=True) if resting else panel for panel in group] for group in groups]

    def drawn(self) -> None:
        """What was described is drawn."""
        if self._sheet is not None:
            for key in (self._sheet.input.key, "output", "tables", "sum"):
                self._view.box(key).add_class(f"cnnw-of-{key}")  # by which the page finds them
        if self.live:
            self._sliding.show(self._sheet, self._view.pixel)

    def _begin(self) -> None:
        self.children, self.apart = [self._sliding], []
        self._view.redraw()

    def _move(self, place: tuple[int, int]) -> None:
        self._view.set_trait("pixel", place)

    def _moved(self, change: Any) -> None:
        if self._view.ready:
            self._sliding.tell(change["new"])
