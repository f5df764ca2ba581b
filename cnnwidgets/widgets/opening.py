"""A view from the state that another one told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compute.core import unknown
from .base import ModelView
from .state import read


def open_state(state: Any, *looked_at: Any, **options: Any) -> ModelView:
    """Open a view at the place that `view.state` told, or that a page keeps which `view.to_html` wrote.

    Parameters
    ----------
    state : dict, str or Path
        What `view.state` gave, or that as JSON text; or the name of a page (.html): the view is opened where it stood
        when it was exported.
    *looked_at : object
        What a view of that class takes first: mostly the model and the data set.
    **options : object
        More keywords of that class, such as `classes` or `prepare`; traits among them replace those of the state.

    Returns
    -------
    ModelView
        Of the class that told the state; a class of your own is found by its name once it is defined.

    Raises
    ------
    TypeError, ValueError
        `state` is no state of a view, or one of a later version; a page is not one of ours, damaged, of a later
        version, or keeps no place.
    FileNotFoundError
        There is no such page.
    LookupError
        There is no view, or layer, of that name; the message says which is nearest.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model, dataset = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> state = cw.ActivationView(model, dataset, layer="C3", channel=5).state
    >>> cw.open(state, model, dataset).channel
    5
    """
    name, traits = read(state)
    kinds = {kind.__name__: kind for kind in _kinds(ModelView)}
    if name not in kinds:
        raise LookupError(unknown(f"there is no view {name!r}", name, kinds, f"there are {', '.join(sorted(kinds))}"))
    found: ModelView = kinds[name](*looked_at, **(traits | options))
    return found


def _kinds(kind: type[ModelView]) -> Iterator[type[ModelView]]:
    """The classes derived from a class; those defined last come last."""
    for derived in kind.__subclasses__():
        yield derived
        yield from _kinds(derived)
