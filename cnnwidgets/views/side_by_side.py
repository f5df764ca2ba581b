"""Any two views side by side, moved by one set of controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ..compute.core import unknown
from ..files import write_whole
from ..render import encode_png
from ..render.color import COLORMAPS
from ..render.static import FORMATS, Card, Panel, encode_card
from ..widgets import controls
from ..widgets.base import ModelView
from ..widgets.controls import Group
from ..widgets.shown import Exports, Part, part_of
from ..widgets.state import call
from ..widgets.surface import close_tree, layout, markup, tree

LINK = ("layer", "channel", "index")
WORDS = {"layer": ("Layer",), "channel": ("Channel", "Unit"), "index": ("Image",)}
"""How the controls of these traits are labelled; of others, as `sliders` of the view says."""
STYLE = "<style>.cnnw-follows { display: none !important; }</style>"
"""Hides the controls of the second view that the first one has for both."""


def side_by_side(view_a: ModelView, view_b: ModelView, link: Sequence[str] = LINK) -> SideBySide:
    """Two views of any kind side by side, whose linked traits move together.

    What is set in one is set in the other; a value that the other refuses, such as a channel that it has not, leaves
    the other where it is, and a line says so. What is linked has controls in the first view alone.

    Parameters
    ----------
    view_a, view_b : ModelView
        The views; they stay usable by themselves, and are closed with what shows them.
    link : sequence of str
        Traits that both have; of the default ones, those that both have.

    Returns
    -------
    SideBySide
        A widget; `save` writes both into one picture, `to_html` into one page; `cnnwidgets.page` takes it as a part.

    Raises
    ------
    TypeError, ValueError
        One is no view, or was closed; both are the same view.
    LookupError
        A trait in `link` is none of both views.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model, digits = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> one, other = cw.ActivationView(model, digits), cw.OcclusionView(model, digits, window=8, stride=8)
    >>> both = cw.side_by_side(one, other)
    >>> one.index = 7
    >>> both.linked, other.index
    (('index',), 7)
    """
    return SideBySide(view_a, view_b, link)


class SideBySide(Exports, W.VBox):
    """What `side_by_side` gives.

    Attributes
    ----------
    views : tuple of ModelView
        The two.
    linked : tuple of str
        The traits that move together.
    said : str
        What one view refused of the other, in words; empty for nothing.
    """

    _closed = True  # until there is something to close: also of one that is refused, `__del__` closes it

    def __init__(self, view_a: ModelView, view_b: ModelView, link: Sequence[str] = LINK) -> None:
        for view in (view_a, view_b):
            if not isinstance(view, ModelView):
                raise TypeError(f"a view stands beside a view, not {type(view).__name__}")
            if view.closed:
                raise ValueError(f"this {type(view).__name__} is closed")
        if view_a is view_b:
            raise ValueError("two views stand side by side: make a second one")
        names = [link] if isinstance(link, str) else list(link)
        shared = [name for name in view_a.trait_names() if view_b.has_trait(name) and _moves(view_a, name)]
        if tuple(names) == LINK:
            names = [name for name in names if name in shared]
        for name in names:
            if name not in shared:
                words = f"{type(view_a).__name__} and {type(view_b).__name__} have no trait {name!r} in common"
                raise LookupError(unknown(words, name, shared, f"they have {', '.join(shared)}"))
        self.views, self.linked = (view_a, view_b), tuple(names)
        self.said, self._moving, self._closed = "", False, False
        self._said = W.HTML(layout=layout(display="none"))
        self._cell = W.HTML(layout=W.Layout(display="none"))
        self._asks = W.ToggleButton(description="both as code", layout=layout(width="auto"))
        self._asks.add_class("cnnw-as-code")
        controls.hint(self._asks, "The cell that makes both views as they are now")
        self._asks.observe(self._asked, "value")
        row = W.HBox([view_a, view_b], layout=layout(flex_flow="row wrap", align_items="flex-start"))
        for view in self.views:
            view.layout.flex, view.layout.min_width = "1 1 320px", "0"
            view.layout.width = "auto"
        style = W.HTML(STYLE, layout=layout(display="none"))
        super().__init__([style, row, self._said, self._asks, self._cell])
        self.add_class("cnnw")
        self._hide()
        if self.linked:
            self._meet(view_a, view_b, self.linked)
            view_a.observe(self._moved, list(self.linked))
            view_b.observe(self._moved, list(self.linked))

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""
        return self._closed

    def settle(self) -> None:
        """Draw the present state of both to the end, with all that is usually drawn later; raises what goes wrong."""
        for view in self.views:
            view.settle()

    def save(
        self,
        path: str | Path,
        *,
        width_mm: float | None = None,
        dpi: float | None = None,
        scale: float = 1.0,
        dark: bool = False,
    ) -> Path:
        """Write both views as they are now to one PNG, SVG or PDF file; options and errors are as of `ModelView.save`.

        In SVG and PDF, and where a width, a resolution or a scale is given, both stand under one title.
        """
        path = Path(path).expanduser()
        kind = path.suffix.lower()
        if kind not in FORMATS:
            raise ValueError(
                f"a picture is written as .png, .svg or .pdf, not {path.suffix or 'a name without an ending'!r}: {path}"
            )
        for view in self.views:
            view.flush()
        if kind == ".png" and width_mm is None and dpi is None and scale == 1:
            write_whole(path, encode_png(self.picture(dark=dark), level=6))
            return path
        dpi = dpi or (96.0 if width_mm is None else 300.0)
        card = SideBySidePage(*self.views, self.linked).static()
        write_whole(path, encode_card(card, kind, width_mm=width_mm, dpi=dpi, scale=scale, dark=dark))
        return path

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """Both views as one static picture, (H, W, 3)."""
        for view in self.views:
            view.flush()
        pictures = [view.picture(dark=dark) for view in self.views]
        height = max(len(picture) for picture in pictures)
        grown = [np.concatenate([p, np.broadcast_to(p[-1:, :1], (height - len(p), p.shape[1], 3))]) for p in pictures]
        return np.concatenate(grown, axis=1)

    def page_part(self, *, budget: int | str, progress: bool = False, **values: Any) -> Part:
        """Both views as a part of a page, whose sliders move what is linked, for `to_html`."""
        page: Any = SideBySidePage(*self.views, self.linked)  # its sliders are its own, not those of its class
        with ExitStack() as held:
            for part in tree(self):  # the page in the browser hears of nothing meanwhile
                held.enter_context(part.hold_sync())
            return part_of(page, budget, values, progress)

    def code(self, namespace: Mapping[str, Any] | None = None) -> str:
        """The cell that makes both views as they are now; `namespace` is as for `ModelView.code`."""
        names = "view_a", "view_b"
        cells = [
            view.code(namespace, called=name, numbers=False).splitlines()[:-1]
            for view, name in zip(self.views, names, strict=True)
        ]
        first = dict.fromkeys(line for cell in cells for line in cell if line.startswith(("import ", "# ")))
        heads = sorted({*first, "import cnnwidgets as cw"}, key=lambda line: line.startswith("#"))
        link = "" if self.linked == LINK else f"[{', '.join(map(repr, self.linked))}]".replace("'", '"')
        made = call("cw.side_by_side", *names, **({"link": link} if link else {}))
        return "\n".join([*heads, *(line for cell in cells for line in cell if line not in first), made])

    def close(self) -> None:
        """Close both views."""
        if self._closed:
            super().close()
            return
        self._closed = True
        for view in self.views:
            if not view.closed:
                if self.linked:
                    view.unobserve(self._moved, list(self.linked))
                view.close()
        close_tree(self)

    def _asked(self, change: Any) -> None:
        """Show the cell, as the views are now, or take it away."""
        if self._asks.value:
            self._cell.value = markup.code(self.code())
        self._cell.layout.display = "" if self._asks.value else "none"

    def _hide(self) -> None:
        """Hide the controls of the second view that move what is linked."""
        second = self.views[1]
        words = {
            word for name in self.linked for word in WORDS.get(name, (second.sliders.get(name, name.capitalize()),))
        }
        for part in tree(second):
            if isinstance(part, Group) and part.text in words:
                part.add_class("cnnw-follows")

    def _moved(self, change: Any) -> None:
        if self._moving:
            return
        source = change["owner"]
        other = self.views[0] if source is self.views[1] else self.views[1]
        names = [change["name"], *(name for name in self.linked if name != change["name"])]
        self._meet(source, other, names)

    def _meet(self, source: ModelView, other: ModelView, names: Sequence[str]) -> None:
        """Set the linked traits of one view as those of the other."""
        self._moving, refused = True, ""
        try:
            for name in names:
                value = getattr(source, name)
                if getattr(other, name) != value:
                    try:
                        setattr(other, name, value)
                    except (T.TraitError, LookupError, IndexError, ValueError, TypeError) as error:
                        refused = f"{type(other).__name__} stays at {name} {getattr(other, name)}: {error}"
        finally:
            self._moving = False
        self.said, self._said.value = refused, markup.note(refused) if refused else ""
        self._said.layout.display = "" if refused else "none"


class SideBySidePage:
    """Two views as one that can be written to a page: what is linked are its traits.

    Its panels are painted in the page where both views paint what is linked, in colours that every page has.

    Parameters
    ----------
    view_a, view_b : ModelView
        The views; what one of them refuses leaves it where it is.
    linked : sequence of str
        Traits of both.
    """

    def __init__(self, view_a: ModelView, view_b: ModelView, linked: Sequence[str]) -> None:
        self._views, self._linked = (view_a, view_b), tuple(linked)
        self._cards: tuple[Card, ...] = ()
        self._card = Card("")
        self.sliders = {name: label for name, label in view_a.sliders.items() if name in linked}
        common = {getattr(view, "colormap", "auto") for view in self._views} <= set(COLORMAPS)
        drawn = [name for name in view_a.painted if name in view_b.painted and name in linked]
        self.painted = tuple(drawn) if common else ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._linked:
            raise AttributeError(name)
        return getattr(self._views[0], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("_linked", ()):
            setattr(self._views[0], name, value)  # the other one follows
        else:
            super().__setattr__(name, value)

    @property
    def state(self) -> dict[str, Any]:
        """None: `cnnwidgets.open` opens a single view."""
        raise ValueError("two views side by side are no single state")

    @property
    def exporting(self) -> bool:
        """Whether a page is being made."""
        return any(view.exporting for view in self._views)

    @exporting.setter
    def exporting(self, value: bool) -> None:
        for view in self._views:
            view.exporting = value and bool(self.painted)

    def traits(self, **metadata: Any) -> dict[str, Any]:
        """Those that are linked, with these tags."""
        return {name: trait for name, trait in self._views[0].traits(**metadata).items() if name in self._linked}

    def choices(self, name: str) -> Sequence[Any]:
        """What a trait may be now."""
        return self._views[0].choices(name)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Traits set inside ask for no drawing."""
        with self._views[0].quiet(), self._views[1].quiet():
            yield

    def settle(self) -> None:
        """Draw the present state of both to the end."""
        for view in self._views:
            view.settle()

    def page_moves(self) -> None:
        """No place that a page moves by itself: there are two."""

    def static(self) -> Card:
        """What both show; the same object as long as neither shows something else."""
        cards = tuple(view.static() for view in self._views)
        if len(self._cards) != 2 or any(one is not other for one, other in zip(cards, self._cards, strict=True)):
            panels: list[list[Panel]] = [
                [replace(panel, key=f"{letter}{across}.{down}") for down, panel in enumerate(column)]
                for letter, card in zip("ab", cards, strict=True)
                for across, column in enumerate(card.columns)
            ]
            footers = dict.fromkeys(card.footer for card in cards if card.footer)
            self._card = Card(" | ".join(card.title for card in cards), panels, " | ".join(footers))
            self._cards = cards
        return self._card


def _moves(view: ModelView, name: str) -> bool:
    return bool({"source", "display"} & set(view.traits()[name].metadata))
