"""The widget that paints in the page, and what it is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from ...render.color import ACCENT, COLORMAPS, DIVERGING, SEQUENTIAL, choose, is_diverging, palette
from ..surface import Scripted, Sides, front_end, joined, run_once
from .numbers import Numbers
from .page import pages
from .series import Series

State = Mapping[str, Any]
HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Painting:
    """What a painter shows: the maps of a layer in a grid, or one of them large.

    Attributes
    ----------
    numbers : Numbers
        Of the layer.
    role : str
        `"grid"`, `"map"`, `"curtain"`: the map of two layers in one place, or `"heat"`: one map over a grey picture.
    state : mapping
        `channel`, `colormap`, `scale` and `columns`, as the traits have them; in a series, `frame` too; of a curtain,
        `curtain`, the percent of the first left of it; of a heat map, `sign`, `outliers` and `opacity`.
    links : mapping
        For each name of `state` the controls that have it in the page, from which it is read there: a slider, a menu,
        a box, a menu with two boxes; for the frame, and the curtain, all that move it.
    width, tall : int
        Room of the picture in px; beyond its height a grid scrolls, while a map fits.
    reserve : int
        Height in px that is kept for it.
    heading : sequence of str
        Parts of the heading; before that of the channel, for a map.
    hint : str
        What the mouse does.
    what : str
        What a map is called.
    pixel : (row, column), optional
        Whose value is told.
    words : str
        What the status line says of the scale, as of `scale_words`: a page without a kernel keeps it true.
    order : sequence of int
        Of a grid, the number of the map at each place; empty: as they are numbered.
    series : Series, optional
        That it is part of.
    movers : mapping
        For each part of an address (see `Painter`) the controls by which a hand asks for another one.
    name : str
        Of the layer, where a card shows several of them.
    other : Numbers, optional
        Of the layer right of a curtain, or of the picture below a heat map; it has the same shape.
    letters : sequence of str
        What the two layers of a curtain are called.
    note : str or mapping of str
        What stands below a heat map; or for each sign that may be drawn.
    """

    numbers: Numbers
    role: str
    state: State
    links: Mapping[str, Sequence[W.Widget]] = field(default_factory=dict)
    width: int = 240
    tall: int = 240
    reserve: int = 0
    heading: Sequence[str] = ()
    hint: str = ""
    what: str = "Channel"
    pixel: tuple[int, int] | None = None
    words: str = ""
    order: Sequence[int] = ()
    series: Series | None = None
    movers: Mapping[str, Sequence[W.Widget]] = field(default_factory=dict)
    name: str = ""
    other: Numbers | None = None
    letters: Sequence[str] = ()
    note: str | Mapping[str, str] = ""

    @property
    def every(self) -> list[Numbers]:
        """The numbers of all that is shown."""
        return [self.numbers, *filter(None, [self.other])]

    @property
    def sheet(self) -> dict[str, Any]:
        """What the page is told besides the numbers."""
        sheet = {name: getattr(self, name) for name in ("role", "width", "tall", "reserve", "hint", "what")}
        pixel = None if self.pixel is None else list(self.pixel)
        more: dict[str, Any] = {} if self.series is None else {"series": self.series.told}
        if self.order:
            more["order"] = list(self.order)
        if self.name:
            more["name"] = self.name
        if self.other is not None:
            more |= {"other": self.other.key, "letters": list(self.letters)}
        if self.note:
            more["note"] = self.note if isinstance(self.note, str) else dict(self.note)
        return sheet | {"key": self.numbers.key, "heading": list(self.heading), "pixel": pixel} | more


def possible() -> bool:
    """Whether there may be a page that paints: a notebook's kernel, with anywidget beside it."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel") and front_end() is not None


@cache
def code() -> str:
    """The JavaScript, as one module."""
    shown = ("numbers", "curtain", "heat", "store", "zoom", "lens", "side", "series", "book", "copies", "card", "panel")
    return joined(HERE, *shown)


@cache
def _shared_code() -> str:
    return run_once(code())


def palettes(names: Sequence[str]) -> tuple[dict[str, Any], list[bytes]]:
    """The tables of these colour maps as a message to a page; header and buffers."""
    header = {"kind": "palettes", "names": list(names), "auto": [SEQUENTIAL, DIVERGING], "accent": ACCENT}
    diverging = [is_diverging(name) for name in names]
    return header | {"diverging": diverging}, [np.concatenate([palette(name) for name in names]).tobytes()]


def _ids(widgets: Mapping[str, Sequence[W.Widget]]) -> dict[str, list[str]]:
    return {name: [part.model_id for part in parts] for name, parts in widgets.items()}


class Painter(Scripted, Sides):
    """Paints a `Painting` in the page, once the page has said that it can.

    It is made beside the panel that it paints for, and shown only when its code runs in a page. A page without that
    code never answers; there the pictures of the panel stay.

    Parameters
    ----------
    links : mapping
        As of a `Painting`: all that this painter shows have the same.
    movers : mapping
        As of a `Painting`.
    on_hello : callable
        Called when a page says for the first time that it can paint.
    on_wait : callable
        Called when a page says that it has been told of the painter, but not where it belongs.
    on_cell, on_place : callable
        Called with the number of a map, and with (x, y) in a map, where the mouse pressed it.
    on_switch : callable, optional
        Called with the number of a map that was pressed with Alt, or chosen when the key x was.

    Attributes
    ----------
    live : bool
        Whether a page can paint.
    painted : int
        Number of the newest state that a page says it has painted; `newest` is that of the last one that it was sent.
    address : dict or None
        Where the view stands: layer, image, slice, how all of it is drawn, and by which weights (`valid`); None while
        it is being drawn. What a page has shown at an address it shows again at once when a hand asks for it.
    """

    paints = True
    on_numbers: Callable[[str, bool], object] | None = None
    """Called with the name of the numbers that are shown, and whether every page holds them already."""

    on_painted: Callable[[], object] | None = None
    """Called when a page says what it has painted."""

    _anywidget_id = T.Unicode("cnnwidgets.Painter").tag(sync=True)

    sides: Any = T.List(T.Unicode(), help="classes of the two places of which one is seen").tag(sync=True)
    controls = T.Dict(help="ids of the widgets that each part of the state is read from").tag(sync=True)
    sheets: Any = T.List(help="what each of the two places shows").tag(sync=True)
    movers = T.Dict(help="ids of the widgets by which a hand asks for another part of the address").tag(sync=True)
    address: Any = T.Any(None, help="where the view stands; None while it is drawn").tag(sync=True)
    reel = T.Dict(help="keys of the frames that come next, and the name of the series that all of them are of").tag(
        sync=True
    )

    def __init__(
        self,
        links: Mapping[str, Sequence[W.Widget]],
        movers: Mapping[str, Sequence[W.Widget]] | None = None,
        *,
        on_hello: Callable[[], object],
        on_wait: Callable[[], object],
        on_cell: Callable[[int], object],
        on_place: Callable[[float, float], object],
        on_switch: Callable[[int], object] = lambda cell: None,
    ) -> None:
        self.live, self.painted, self.newest = False, -1, -1
        self._painting: Painting | None = None
        self._address: dict[str, Any] | None = None
        self._movers = [control for parts in (movers or {}).values() for control in parts]
        self._on_hello, self._on_wait, self._on_cell, self._on_place = on_hello, on_wait, on_cell, on_place
        self._on_switch = on_switch
        self.swapped = self  # the stage takes it for what has two places in the page
        self.name_sides()
        super().__init__(
            _shared_code(),
            controls=_ids(links),
            movers=_ids(movers or {}),
            sheets=[None, None],
            _dom_classes=("cnnw-painter",),
            layout=W.Layout(flex="0 0 auto"),
        )
        self.on_msg(self._heard)

    def show(self, painting: Painting | None) -> None:
        """Show this, or nothing; what the page has is not sent again."""
        before, self._painting = self._painting, painting
        if painting is None:
            if self._shown is not None:
                self._write(None)
            return
        self._provide(painting)
        sheet = painting.sheet | {"state": dict(painting.state)}
        if before is None or self._shown is None or not self._same(self._shown, sheet):
            self._write(sheet)

    def ahead(self, numbers: Numbers, channel: int) -> None:
        """Send the numbers of what may be shown next, unless every page has them or nobody looks."""
        with pages.turn:
            if not self._holding_sync and pages.seen and not pages.hold(numbers.key):
                self._send_numbers(numbers, channel)

    def stand(self, address: dict[str, Any] | None) -> None:
        """Tell pages at which address the view stands, of all that they were told before; None: it is being drawn."""
        self._address = address
        if self.live:
            self.address = address

    def tidy(self) -> None:
        """What is out of sight costs nothing."""

    @property
    def _shown(self) -> dict[str, Any] | None:
        """The newest sheet."""
        return self.sheets[1 - self.side if self.written else self.side]

    def _write(self, sheet: dict[str, Any] | None) -> None:
        self.newest += 1
        if self.held:
            self.written = True
        at = 1 - self.side if self.written else self.side
        sheets = list(self.sheets)
        sheets[at] = None if sheet is None else sheet | {"number": self.newest}
        self.sheets = sheets

    def _same(self, shown: dict[str, Any], sheet: dict[str, Any]) -> bool:
        """Whether the page would paint the same: what it reads from its controls it knows already.

        The scale is said all the same: the page waits for it where a menu alone does not say which range is meant. And
        the frame: of all that the controls ask for, the page must know which one this is.
        """
        known = [name for name in self.controls if name not in ("scale", "frame")]

        def rest(each: dict[str, Any]) -> dict[str, Any]:
            state = {name: value for name, value in each["state"].items() if name not in known}
            return each | {"state": state, "number": 0}

        return rest(shown) == rest(sheet)

    def _provide(self, painting: Painting) -> None:
        """Send the numbers and the colours that some page has not."""
        if self._holding_sync or not pages.seen:  # if this state stays, a page says what it needs, or that it is seen
            return
        with pages.turn:
            self._send_colours(str(painting.state["colormap"]))
            key = painting.numbers.key
            if self.on_numbers is not None:
                self.on_numbers(key, pages.hold(key))
            for numbers in painting.every:
                if not pages.hold(numbers.key):
                    self._send_numbers(numbers, int(painting.state["channel"]))

    def _send_colours(self, colormap: str) -> None:
        names = list(COLORMAPS[1:]) if not pages.hold(f"palette {SEQUENTIAL}") else []
        if (name := choose(colormap, signed=False)) not in names:
            names.append(name)
        if missing := [name for name in names if not pages.hold(f"palette {name}")]:
            self.send(*palettes(missing))
            for name in missing:
                pages.sent(f"palette {name}")

    def _send_numbers(self, numbers: Numbers, channel: int) -> None:
        # Not deflated: a page inflates in its own time, while the next state may already be written to the side that it
        # still shows.
        header, buffers = numbers.message(channel)
        self.send(header, buffers)
        pages.sent(numbers.key)

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """What the page says."""
        getattr(self, f"_heard_{content['kind']}")(content)

    def _heard_hello(self, content: dict[str, Any]) -> None:
        holds, ratio = map(str, content["holds"]), float(content["ratio"] or 1)
        pages.heard(str(content["page"]), holds, inflates=bool(content["inflates"]), ratio=ratio)
        pages.look(str(content["page"]), seen=bool(content.get("seen", True)))
        if not self.live:
            self.live = True
            self._on_hello()
            self.address = self._address
        elif self._painting is not None:
            self._provide(self._painting)

    def _heard_waits(self, content: dict[str, Any]) -> None:
        self._on_wait()

    def _heard_painted(self, content: dict[str, Any]) -> None:
        self.painted = int(content["number"])
        pages.gone(str(content["page"]), map(str, content["gone"]))
        if self.on_painted is not None:
            self.on_painted()

    def _heard_asks(self, content: dict[str, Any]) -> None:
        """A hand has moved a control on, which itself sends that only after an answer: it is drawn all the same."""
        for control in self._movers:
            if control.model_id == content["id"]:
                name, value = str(content["name"]), content["value"]
                with control._lock_property(**{name: value}):  # the page has it, or a newer one
                    setattr(control, name, value)

    def _heard_recalled(self, content: dict[str, Any]) -> None:
        """A page shows what it has shown before, and waits for nothing; `Traffic` counts that."""

    def _heard_seen(self, content: dict[str, Any]) -> None:
        pages.look(str(content["page"]), seen=bool(content["seen"]))
        if self._painting is not None:
            self._provide(self._painting)

    def _heard_need(self, content: dict[str, Any]) -> None:
        names = [str(content["key"])]
        if content.get("missing") == "palettes" and self._painting is not None:
            chosen = choose(str(self._painting.state["colormap"]), signed=False)
            names = [f"palette {name}" for name in (*COLORMAPS, chosen)]
        pages.gone(str(content["page"]), names)
        if self._painting is not None and content["key"] in [numbers.key for numbers in self._painting.every]:
            self._provide(self._painting)

    def _heard_want(self, content: dict[str, Any]) -> None:
        key, channel = content["key"], int(content["channel"])
        shown = [] if self._painting is None else self._painting.every
        numbers = next((each for each in shown if each.key == key), None)
        if numbers is None:
            self.send({"kind": "none", "key": key, "channel": channel})
            return
        header, buffers = numbers.map(channel, deflate=pages.inflate)
        self.send(header, buffers)

    def _heard_cell(self, content: dict[str, Any]) -> None:
        self._on_cell(int(content["cell"]))

    def _heard_switch(self, content: dict[str, Any]) -> None:
        self._on_switch(int(content["cell"]))

    def _heard_place(self, content: dict[str, Any]) -> None:
        self._on_place(float(content["x"]), float(content["y"]))
