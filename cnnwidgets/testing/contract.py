"""Hold a view, ours or your own, to the contract of `ModelView`: `check_view(make)`, in one line of a test."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from PIL import Image
from torch import nn

from ..compute.core import counting
from ..render.static import Panel
from ..widgets.base import ModelView
from ..widgets.panels import PanelBox
from ..widgets.state import Colormap, Scale, Subject
from ..widgets.surface import tree
from .state import deep_state, different

MARKUP = "<img src=x onerror=alert(1)>"
MOST = 4
"""Values of a trait that are tried."""


class ContractError(AssertionError):
    """A view breaks its contract; says which rule, and how."""


def check_view(make: Callable[[], ModelView]) -> None:
    """Check that a view keeps the contract of `ModelView`.

    - Looking changes nothing: what the modules of the model hold, however deep, hooks and random states stay.
    - A trait tagged `display=True` runs no pass of the model; a view of a `Subject` that knows the image runs none.
    - A value that is refused leaves the state and the picture as they were; a misspelt keyword is named.
    - The static picture has the very panels of the page; `save`, `to_html` and the notebook's picture show them.
    - `refresh` draws the same state again.
    - Names that look like HTML are text.
    - Nothing is written to a layout or style that several widgets have.
    - Closing leaves no widget.

    Parameters
    ----------
    make : callable
        Makes the view, each time a new one, of a small model and a few images; called without arguments.

    Raises
    ------
    ContractError
        The view breaks a rule; says which.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> from cnnwidgets.testing import check_view
    >>> check_view(lambda: cw.ActivationView(cw.models.lenet5(), cw.data.digits()))
    """
    for check in (
        _closes,
        _changes_nothing,
        _display_runs_nothing,
        _shares,
        _refuses,
        _names_keywords,
        _shows_alike,
        _escapes,
        _keeps_shared_looks,
    ):
        with _made(make) as view:
            check(view)


@contextmanager
def _made(make: Callable[[], ModelView]) -> Iterator[ModelView]:
    view = make()
    if not isinstance(view, ModelView):
        raise TypeError(f"make() must give a ModelView, not {type(view).__name__}")
    try:
        yield view
    finally:
        view.close()


def _require(kept: bool, view: ModelView, words: str) -> None:
    if not kept:
        raise ContractError(f"{type(view).__name__}: {words}")


def _model(view: ModelView) -> nn.Module | None:
    """The model that a view looks at, where it says so."""
    subject = getattr(view, "subject", None)
    return subject.module if isinstance(subject, Subject) else None


# ---------------------------------------------------------------------- the rules


def _closes(view: ModelView) -> None:
    parts = tree(view)
    view.close()
    left = [part for part in parts if part.comm is not None]
    _require(
        not left, view, f"close() leaves {len(left)} widgets open, a {type(left[0]).__name__ if left else ''} first"
    )


def _changes_nothing(view: ModelView) -> None:
    model = _model(view)
    before = deep_state(model)
    for name in view.trait_names(source=True) + view.trait_names(display=True):
        for value in _values(view, name):
            _try(view, name, value)
    view.refresh()
    changed = different(before, deep_state(model))
    _require(not changed, view, f"looking changed {', '.join(changed[:5])}")


def _keeps_shared_looks(view: ModelView) -> None:
    looks = [look for part in tree(view) for look in _looks(part)]
    held = Counter(map(id, looks))
    shared = {id(look): (look, look.get_state()) for look in looks if held[id(look)] > 1}
    for name in view.trait_names(source=True) + view.trait_names(display=True):
        for value in _values(view, name):
            _try(view, name, value)
            changed = [look for look, before in shared.values() if look.get_state() != before]
            _require(not changed, view, f"{name}={value!r} writes to a look that several widgets have: {changed[:1]}")


def _looks(part: W.Widget) -> list[W.Widget]:
    """The layout and the style of a widget."""
    return [look for name in ("layout", "style") if isinstance(look := getattr(part, name, None), W.Widget)]


def _display_runs_nothing(view: ModelView) -> None:
    with _counted(view) as passes:
        for name in view.trait_names(display=True):
            for value in _values(view, name):
                _try(view, name, value)
                _require(not passes, view, f"{name} is a display trait, and {name}={value!r} ran the model")


def _shares(view: ModelView) -> None:
    subject = getattr(view, "subject", None)
    if isinstance(subject, Subject):
        before = subject.passes
        with suppress(TypeError):  # a view that is made otherwise
            other = type(view)(subject, **_traits(view))  # type: ignore[call-arg]
            other.close()
        _require(subject.passes == before, view, "a second view of the same Subject runs the model once more")


def _refuses(view: ModelView) -> None:
    for name in view.trait_names(source=True) + view.trait_names(display=True):
        state, picture = repr(view), view.picture()
        try:
            setattr(view, name, _Nothing())
        except Exception:  # any error is fine, if it loses nothing
            _require(repr(view) == state, view, f"a refused value for {name} changes the state")
            _require(np.array_equal(view.picture(), picture), view, f"a refused value for {name} changes the picture")
        else:
            raise ContractError(f"{type(view).__name__}: {name} accepts any object at all")


def _names_keywords(view: ModelView) -> None:
    for name in view.trait_names(source=True) + view.trait_names(display=True):
        try:
            type(view).check_keywords({name + "x": None})
        except TypeError as error:
            _require(repr(name) in str(error), view, f"the misspelt keyword {name}x is not told {name!r}: {error}")
        else:
            raise ContractError(f"{type(view).__name__}: the misspelt keyword {name}x is accepted")


def _shows_alike(view: ModelView) -> None:
    view.settle()
    shown = {id(part.panel): part for part in tree(view) if isinstance(part, PanelBox)}
    described = view.static().panels  # not the columns of the card: they have the parts of a panel in its place
    panels = [panel for item in described for panel in ([item] if isinstance(item, Panel) else item)]
    _require(bool(panels), view, "there is no panel")
    for panel in panels:
        box = shown.get(id(panel))
        _require(box is not None, view, f"the panel {panel.heading!r} of the static picture is not on the page")
        _same_pixels(view, panel, box)
    _require(len(shown) == len(panels), view, "the page has panels that the static picture has not")
    picture = view.picture()
    with tempfile.TemporaryDirectory() as folder:
        saved = np.asarray(Image.open(BytesIO(view.save(Path(folder) / "view.png").read_bytes())).convert("RGB"))
        _require(np.array_equal(saved, picture), view, "save() writes another picture than picture()")
        present: dict[str, Any] = {name: [getattr(view, name)] for name in view.sliders}
        page = view.to_html(Path(folder) / "view.html", progress=False, **present)
        _require(page.frames > 0 and page.path.stat().st_size == page.bytes, view, "to_html() writes no page")
    _require(np.array_equal(view.picture(), picture), view, "to_html() leaves another picture")
    view.refresh()
    view.settle()
    _require(np.array_equal(view.picture(), picture), view, "refresh() draws another picture of the same state")


def _same_pixels(view: ModelView, panel: Panel, box: Any) -> None:
    """That the page has the pixels of a panel, where it shows them as a picture."""
    pixels = panel.drawn() if panel.chart is None and type(box).show_picture is PanelBox.show_picture else None
    if pixels is None:
        return
    values = [bytes(part.value) for part in tree(box) if isinstance(part, W.Image) and part.value]
    pictures = [np.asarray(Image.open(BytesIO(value)).convert("RGBA")) for value in values]
    wanted = pixels if pixels.shape[2] == 4 else np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    alike = any(np.array_equal(picture, wanted) for picture in pictures)
    _require(alike, view, f"the panel {panel.heading!r} has other pixels on the page than in the static picture")


def _escapes(view: ModelView) -> None:
    subject = getattr(view, "subject", None)
    if not isinstance(subject, Subject):
        return
    marked = Subject(subject.model, subject.items.dataset, classes=[MARKUP] * 1000, prepare=subject.prepare)
    try:
        other = type(view)(marked, **_traits(view))  # type: ignore[call-arg]
    except (TypeError, ValueError, LookupError):  # made otherwise, or another number of classes is refused
        return
    texts = [part.value for part in tree(other) if isinstance(part, W.HTML)]
    other.close()
    _require(
        not any(MARKUP in text for text in texts),
        view,
        "a class name that looks like HTML is put into the page as such",
    )


# ---------------------------------------------------------------------- parts


class _Nothing:
    """A value that no trait can mean."""


def _traits(view: ModelView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.trait_names(source=True)}


def _values(view: ModelView, name: str) -> Sequence[Any]:
    """Some values that a trait may have, as the view now stands."""
    trait = view.traits()[name]
    if isinstance(trait, Colormap):
        return ["magma", "auto"]
    if isinstance(trait, Scale):
        return ["map", "layer"]
    try:
        values = list(view.choices(name))
    except LookupError:
        return []
    present = getattr(view, name)
    at = values.index(present) if present in values else 0
    first = max(0, at - MOST // 2)  # neighbours: far away, a number of images may take very long
    return values[first : first + MOST + 1]


def _try(view: ModelView, name: str, value: Any) -> None:
    with suppress(LookupError, ValueError, TypeError, T.TraitError):  # what other traits do not allow now
        setattr(view, name, value)


@contextmanager
def _counted(view: ModelView) -> Iterator[list[None]]:
    """The passes of the model meanwhile, one entry each."""
    model = _model(view)
    with counting(nn.Identity() if model is None else model) as passes:
        view.refresh()
        view.settle()
        passes.clear()
        yield passes
