"""The register of all widgets, in which some are held weakly: garbage collection takes those, and closes them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from functools import partial
from typing import Any

import ipywidgets as W
from ipywidgets.widgets import widget as _module


class Register(MutableMapping[str, W.Widget]):
    """Every widget by its id, in the place of the dictionary of ipywidgets, which holds each until it is closed.

    Parameters
    ----------
    held : mapping
        The widgets that live already.
    made_in : callable
        Says, when a widget is made, which run of a cell makes it; None where no cell does.
    """

    def __init__(self, held: dict[str, W.Widget], made_in: Callable[[], Hashable] | None) -> None:
        self._held = held
        self._loose: weakref.WeakValueDictionary[str, W.Widget] = weakref.WeakValueDictionary()
        self._made: dict[str, Hashable] = {}
        self.made_in = made_in

    @classmethod
    def now(cls, made_in: Callable[[], Hashable] | None) -> Register:
        """The one of this process."""
        since_8 = hasattr(_module, "_instances")
        register = _module._instances if since_8 else W.Widget.widgets
        if not isinstance(register, cls):
            register = cls(register, made_in)
            if since_8:
                _module._instances = register
            else:
                W.Widget.widgets = register
        register.made_in = made_in
        return register

    @property
    def held(self) -> int:
        """How many are held until they are closed."""
        return len(self._held)

    def loosen(self, widgets: Iterable[W.Widget]) -> None:
        """Hold these no longer, nor let the manager of comms hold them."""
        for widget in widgets:
            if widget.comm is not None and self._held.pop(widget.model_id, None) is not None:
                self._loose[widget.model_id] = widget
                widget.comm.on_msg(partial(_handle, weakref.ref(widget)))

    def is_loose(self, widget: W.Widget) -> bool:
        """Whether it is not held here."""
        return widget.comm is not None and widget.model_id in self._loose

    def boxes(self, run: Hashable) -> list[W.Box]:
        """The boxes that were made in a run of a cell and are held here."""
        return [box for key, box in list(self._held.items()) if isinstance(box, W.Box) and self._made.get(key) is run]

    def run_of(self, key: str) -> Hashable:
        """The run of a cell in which a widget was made."""
        return self._made.get(key)

    def __getitem__(self, key: str) -> W.Widget:
        return self._held[key] if key in self._held else self._loose[key]

    def __setitem__(self, key: str, widget: W.Widget) -> None:
        self._held[key] = widget
        if self.made_in is not None:
            self._made[key] = self.made_in()

    def __delitem__(self, key: str) -> None:
        self._made.pop(key, None)
        if key in self._held:
            del self._held[key]
        else:
            del self._loose[key]

    def pop(self, key: str, *default: Any) -> Any:
        """As of a dictionary; what a widget calls when it is closed, maybe while it is being collected."""
        self._made.pop(key, None)
        return self._held.pop(key) if key in self._held else self._loose.pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, _ in self.items()])

    def items(self) -> Any:
        """Those that live; they do so at least as long as this list."""
        held = self._held.copy()  # in one piece: garbage collection may close widgets at any time
        loose = ((reference.key, reference()) for reference in self._loose.valuerefs())
        return [*held.items(), *((key, widget) for key, widget in loose if widget is not None)]

    def values(self) -> Any:
        """Those that live; they do so at least as long as this list."""
        return [widget for _, widget in self.items()]

    def __len__(self) -> int:
        return len(self._held) + len(self._loose)


def _handle(reference: weakref.ref[W.Widget], message: Any) -> None:
    """Pass a message of the page on to a widget that is held weakly; nothing where it is gone."""
    widget = reference()
    if widget is not None:
        widget._handle_msg(message)
