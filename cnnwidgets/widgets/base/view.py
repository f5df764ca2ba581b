"""What every view shares: state in traits, one way from a change to the picture, an error line, a static picture."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import ipywidgets as W
import traitlets as T

from ...compute.core import unknown
from ...live import Growing, Newest
from ...render.static import Card, Moves, Panel
from ..painter import Painter, pages
from ..panels import PanelBox
from ..shown import Part, Shown, lifetime, part_of, variables
from ..state import Given, Index, Memory, Subject, cell_of, told
from ..surface import close_tree, markup, sharing
from .contract import check_contract
from .frame import Frame
from .together import Together
from .traffic import Traffic

log = logging.getLogger("cnnwidgets")
log.addHandler(logging.NullHandler())  # a traceback goes where the user sends logs, never over the widget

Made = TypeVar("Made")


class ModelView(Together, Shown, W.VBox):
    """A card with controls and panels whose only state are its traits.

    A subclass

    - declares traits, each with a role: `.tag(source=True)` where the model must be asked again, `.tag(display=True)`
      where only the drawing changes;
    - writes `panels()`, which describes what is seen; and, where it needs them, `prepare(traits)`, `compute()`,
      `title()`, `status()` and `controls()`.

    The base makes the page, the static picture and the exported page from these, so that they cannot differ. Whatever
    sets a trait - a slider, a cell, a linked view - runs the same path, and the newest wins. It offers
    `remember(name, key, make)`, `quiet()`, `redraw()` and `refresh()`; everything with an underscore is its own.
    What is forgotten raises at once: a trait without a role, a view without panels, a slider that is no trait.

    Parameters
    ----------
    **traits
        Initial values of the view's traits.

    Raises
    ------
    TypeError
        A keyword is misspelt; the class breaks a rule above.

    Examples
    --------
    >>> import cnnwidgets as cw, traitlets
    >>> class Parameters(cw.ModelView):
    ...     layer = traitlets.Unicode("C1").tag(source=True)
    ...     def panels(self):
    ...         return [cw.Panel(f"Layer · {self.layer}", lines=[("parameters", "156")])]
    >>> Parameters().static().panels[0].heading
    'Layer · C1'
    """

    _closed = True  # until there is something to close: __init__ may raise before it gets here
    exporting = False
    """Whether a page is being made of the view: then `panels()` gives all that such a page needs to paint."""
    panels_height: ClassVar[int] = 400
    """Room in px that the panels take at least, so that nothing below them moves."""
    presented: ClassVar[Collection[str]] = ()
    """Keys of the panels that explain most: on a projector that has no room for all, the others go before these."""

    def __new__(cls, *given: Any, **options: Any) -> Any:
        """Remember what the class was called with, for `code`."""
        view = super().__new__(cls, *given, **options)
        view._made_with = given, options
        return view

    def __init__(self, **traits: Any) -> None:
        check_contract(type(self), ModelView)  # type: ignore[arg-type]
        self._ready = False
        self._computed = False
        self._widgets = 0
        self._painters: list[Painter] = []  # those of the view, which say what a page has painted
        self._started = time.perf_counter()
        self._newest = Newest(self._redraw, on_way=self._on_way)
        self._traffic = Traffic(self._newest)
        self._memory = Memory()
        self.check_keywords(traits)
        self.prepare(traits)
        super().__init__(**traits)  # before the first widget: a trait that is refused leaves none behind
        self._closed = False
        with sharing():
            self._frame = Frame(self.panels_height, self.code, self.presented)
            self.children = self._frame.parts
            self._error = self._frame.error_line
            self.add_class("cnnw")
            self.layout.overflow = "hidden"
            self.observe(self._changed, self.tagged)
            self._start()

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.tagged)
        return f"{type(self).__name__}({state})"

    @property
    def state(self) -> dict[str, Any]:
        """Where the view stands, as plain data for JSON; `cnnwidgets.open(state, model, dataset)` opens that place.

        Raises
        ------
        ValueError
            A trait has a value that cannot be told in data, such as a function.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> cw.KernelPlayground(stride=2).state["traits"]["stride"]
        2
        """
        return told(type(self).__name__, {name: getattr(self, name) for name in self.tagged})

    def code(self, namespace: Mapping[str, Any] | None = None, *, called: str = "view", numbers: bool = True) -> str:
        """The cell that makes what is seen: the numbers behind the picture, and a view in the same state.

        Parameters
        ----------
        namespace : mapping, optional
            Variable -> value, to call the model, the data set and whatever else the view was given by their names; by
            default the variables of the notebook. What has no name there stands under that of its parameter, and a
            comment says so.
        called : str
            The variable of the view.
        numbers : bool
            Whether the cell computes the numbers behind the picture too.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> print(cw.KernelPlayground(bias=2.0, kernel=[[1.0, 0.0]]).code().splitlines()[1])
        output = cw.slide(((1.0, 0.0, 0.0, 0.0), ...
        """
        names = variables() if namespace is None else namespace
        traits = {name: getattr(self, name) for name in self.tagged}
        public = type(self).__module__.startswith(f"{__package__.partition('.')[0]}.")
        given = Given(self, self._made_with, traits, names)
        lines = self.numbers_in_code(given) if numbers and not given.edited else []
        then = self.then_in_code(given, called)
        return cell_of(type(self).__name__, given, lines, public=public, called=called, then=then)

    @classmethod
    def check_keywords(cls, keywords: dict[str, Any]) -> None:
        """Raise TypeError for a keyword that is no trait of the view, with the nearest that is."""
        known = [name for name, trait in cls.class_traits().items() if {"source", "display"} & set(trait.metadata)]
        for name in keywords:
            if name not in known and name != "layout":
                there = f"there are {', '.join(known)}"
                raise TypeError(unknown(f"{cls.__name__} has no keyword {name!r}", name, known, there))

    # ------------------------------------------------------------------ what a view writes

    def prepare(self, traits: dict[str, Any]) -> None:
        """Check and complete the initial `traits`, before they are set and before a widget exists."""

    def compute(self) -> None:
        """Ask the model for what the source traits say; results go into plain attributes."""

    def controls(self) -> Sequence[W.Widget]:
        """The controls, made once; they stand in rows above the panels."""
        return []

    def panels(self) -> Sequence[Panel | Sequence[Panel]]:
        """What is seen, from left to right, as `compute` found it and the display traits say; a sequence is a column.

        What it shares with the description before (pixels that are the same array) is not sent to the page again.
        """
        raise NotImplementedError

    def title(self) -> Sequence[str]:
        """What the title line says: a name, and quieter parts."""
        return [type(self).__name__]

    def notes(self) -> Sequence[str]:
        """More of the title line, behind what `title` says: what was done to an own image."""
        return []

    def _badge(self) -> list[str]:
        """What is edited in the model that is looked at, for the title line."""
        subject = getattr(self, "subject", None)
        return [f"edited: {subject.edited}"] if isinstance(subject, Subject) and subject.edited else []

    def status(self) -> str:
        """One quiet line below the title."""
        return ""

    def source(self) -> str:
        """How the picture came about, for the tooltip of the title line."""
        return markup.source("", self.milliseconds)

    def numbers_in_code(self, given: Given) -> Sequence[str]:
        """Lines for a notebook that compute the numbers behind the picture with public functions, for `code`.

        `given["model"]` is how the code calls what the view was given as `model`.
        """
        return []

    def then_in_code(self, given: Given, called: str) -> Sequence[str]:
        """Lines that follow the one that makes the view, for `code`: what it was given by its methods.

        `called` is the variable of the view.
        """
        return []

    # ------------------------------------------------------------------ what it is offered

    def remember(self, name: str, key: Sequence[Any], make: Callable[[], Made]) -> Made:
        """What was made under `name` for the same `key` last, or what `make()` gives now; `refresh` forgets it.

        Numbers, texts and tuples in the key are compared by value; all else, such as a tensor, must be the same object.
        """
        return self._memory.remember(name, key, make)

    def flush(self) -> None:
        """Draw at once what waits to be drawn: what is read then is of the present state."""
        self._newest.flush()

    def guarded(self, part: Callable[[], object]) -> bool:
        """Run `part`, which may draw beside the usual way, as a growing map does; False where it raised.

        What goes wrong in it goes to the error line, and traits set in it ask for no drawing.
        """
        with self.quiet():
            try:
                part()
            except Exception as error:
                if not self._newest.waiting:  # else the state changed meanwhile: the next drawing shows what is wrong
                    log.exception("%s could not draw", type(self).__name__)
                    self._frame.say(markup.in_words(error))
                return False
        return True

    def draw_grown(self, growing: Growing) -> bool:
        """Draw what long work has grown to, or say why it grows no more; whether that went well."""

        def draw() -> None:
            with self._frame.together():
                self.render()
            if growing.error is not None:
                raise growing.error

        return self.guarded(draw)

    def is_current(self) -> bool:
        """Whether long work still is of what is looked at; draws anew where a cell has changed that meanwhile."""
        same = not self.outdated()
        if not same:
            self.redraw()
        return same

    @property
    def ready(self) -> bool:
        """Whether the view has been drawn for the first time."""
        return self._ready

    @property
    def closed(self) -> bool:
        """Whether the view is on no page any more."""
        return self._closed

    @property
    def computed(self) -> bool:
        """Whether `compute` has run for the present source traits."""
        return self._computed

    @property
    def milliseconds(self) -> float:
        """Since the present drawing began."""
        return 1e3 * (time.perf_counter() - self._started)

    def draw_now(self, *, compute: bool = False) -> None:
        """Draw at once in this thread, whatever the cells do: only where that cannot be in the middle of a step.

        With `compute`, the model is asked again: its weights have changed.
        """
        if compute:
            self._computed = False
        self._newest.draw_now()

    def attempt(self, action: Callable[[], object]) -> None:
        """Call `action()`, as a button does; what goes wrong is in the error line until something goes well."""
        if self.guarded(action):
            self.say("")

    def insert(self, part: W.Widget | None, place: str = "") -> None:
        """Put a widget between the controls and the panels, or nothing, instead of what is there under this `place`."""
        self._frame.insert(part, place)

    def make_ready(self, panels: Sequence[Panel]) -> None:
        """Make what shows these panels, each under its `key`, before it is needed: widgets take longer than a drawing.

        Nothing of them is seen until `panels()` gives some of the same keys.
        """
        with sharing():
            self._frame.columns.ready(panels)
        self._loosen_new()

    def say(self, text: str) -> None:
        """Say in the error line what went wrong; with an empty text, that all is well."""
        self._frame.say(text)

    # ------------------------------------------------------------------ what everybody may ask

    def static(self) -> Card:
        """What the view shows, without the controls: the very panels that are on the page."""
        if self._frame.card is None:
            raise RuntimeError(f"{type(self).__name__} has drawn nothing")
        return self._frame.card

    def panel(self, key: str) -> Panel:
        """The panel that is on the page under `key`, such as `"maps"`, or under its place, such as `"0.1"`.

        Raises
        ------
        LookupError
            No such panel is shown; says which are.
        """
        return self.box(key).panel

    def box(self, key: str) -> PanelBox:
        """The widget that shows the panel `key` on the page; raises as `panel` does."""
        boxes = self._frame.columns.shown
        if key not in boxes:
            raise LookupError(f"{type(self).__name__} shows no panel {key!r}; there are {', '.join(boxes)}")
        return boxes[key]

    @property
    def traffic(self) -> Traffic:
        """Messages, bytes and round trips between the view and its pages: why it lags, where it does."""
        return self._traffic

    @property
    def error(self) -> str:
        """What went wrong with the last drawing, as the page says it; empty for nothing."""
        return self._frame.problem

    def render(self) -> None:
        """Draw what `compute` found as the display traits say."""
        panels, title, status = list(self.panels()), [*self.title(), *self.notes(), *self._badge()], self.status()
        if not panels:
            raise ValueError(f"{type(self).__name__}.panels() gave no panel")
        self._frame.show(panels, title, status, self.source())

    def present(self, on: bool = True) -> None:
        """Set the view for a projector, over the whole window in large type with few controls; `False` leaves it.

        The button `present` does the same, and the key Esc in the page leaves it. Nothing is computed or drawn anew.

        Raises
        ------
        TypeError
            Neither True nor False.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> view = cw.KernelPlayground()
        >>> view.present()
        >>> view.presenting
        True
        """
        if not isinstance(on, bool):
            raise TypeError(f"present takes True or False, not {on!r:.60}")
        self._frame.presents.value = on

    @property
    def presenting(self) -> bool:
        """Whether it is set for a projector."""
        return bool(self._frame.presents.value)

    def refresh(self) -> None:
        """Compute and draw again: for what traits cannot see, such as weights or data that changed."""
        self._computed = False
        self._memory.forget()
        self._newest.cancel()
        self._redraw()

    def page_part(self, *, budget: int | str, progress: bool = False, **values: Any) -> Part:
        """The view as a part of a page, for `to_html` and `cnnwidgets.page`; parameters and errors as of `to_html`."""
        return part_of(self, budget, values, progress)

    def page_moves(self) -> Moves | None:
        """What lets an exported page move a place in what is seen by itself; None where there is no such place."""
        return None

    sliders: ClassVar[dict[str, str]] = {}
    """The traits that a page made of the view has sliders for, outermost first, with their labels."""
    painted: ClassVar[Sequence[str]] = ()
    """The display traits that a page made of the view draws by itself where its panels are painted: every value."""

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands.

        Raises
        ------
        LookupError
            The view has no such trait, or that has no list of values.
        """
        trait = self.traits().get(name)
        if isinstance(trait, Index):
            return range(trait.count(self))
        if isinstance(trait, T.Enum):
            return list(trait.values or ())
        if isinstance(trait, T.Bool):
            return [False, True]
        raise LookupError(f"{type(self).__name__}.choices says nothing of {name!r}: extend it")

    def settle(self) -> None:
        """Draw the present state to the end, with all that is usually drawn later; raises what goes wrong."""
        with self.quiet():
            self._compute_and_render()
        self._newest.flush()

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self._closed:
            self._closed = True
            self._newest.cancel()
            lifetime.closed(self)
            close_tree(self)
        else:
            super().close()

    def _start(self) -> None:
        """Draw for the first time; after an error no widget is left."""
        self._started = time.perf_counter()
        try:
            self._frame.furnish(self.controls())
            self._compute_once()
            self.render()
            self._frame.turn()
        except BaseException:
            self.close()
            raise
        self._ready = True
        self._loosen()

    def _changed(self, change: Any) -> None:
        if self.trait_metadata(change["name"], "source"):
            self._computed = False
        if self._ready and not self.is_quiet and not self._closed:
            self.redraw()

    def redraw(self) -> None:
        """Have the state drawn, now or soon."""
        self._newest.request()

    def _redraw(self) -> None:
        self._started = time.perf_counter()
        with self._frame.held():
            drawn = self.guarded(self._compute_and_render)
        if drawn:
            self._frame.say("")
        self._loosen_new()

    def _loosen_new(self) -> None:
        if self._widgets != lifetime.count():  # there are new ones, perhaps of this view
            self._loosen()

    def _loosen(self) -> None:
        if heard_of := lifetime.loosen(self):
            self._traffic.follow(heard_of, self._frame.columns)
            if self._frame.parcel is not None:
                self._frame.parcel.follow(heard_of)  # last: what it takes passes as one message
            self._painters = [widget for widget in heard_of if isinstance(widget, Painter)]
            for painter in self._painters:
                painter.on_painted = self._newest.painted
        self._widgets = lifetime.count()

    def _on_way(self) -> int | None:
        """How many drawings no page has painted yet; None where none says so, or where nobody looks."""
        live = [painter.newest - painter.painted for painter in self._painters if painter.live]
        return max(live) if live and pages.seen else None

    def _compute_and_render(self) -> None:
        self._compute_once()
        self.render()

    def _compute_once(self) -> None:
        if not self._computed or self.outdated():
            self._computed = True  # first: a change from another thread in the middle of it undoes it
            try:
                self.look_and_compute()
            except BaseException:
                self._computed = False
                raise

    def outdated(self) -> bool:
        """Whether what was computed holds no longer, though no trait has moved: asked before each drawing."""
        return False

    def look_and_compute(self) -> None:
        """All that `compute` builds on, and `compute` itself."""
        self.compute()
