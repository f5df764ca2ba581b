"""Traits that are set as one or quietly, and that refuse a value in our words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, NoReturn

import ipywidgets as W
import traitlets as T

from ..state import refused


class _OfThread(threading.local):
    """What counts for its own thread alone."""

    quiet = False
    """Whether traits are set quietly."""


class Together(W.Widget):
    """What has traits with roles, of which several can be set as one: all, or none where one is refused."""

    _local: _OfThread
    _before: dict[str, Any]

    def __new__(cls, *given: Any, **options: Any) -> Any:
        """Before `__init__`, which may set traits."""
        made = super().__new__(cls, *given, **options)
        made._local = _OfThread()
        made._before = {}  # the traits before a `hold_trait_notifications`, until that is over
        return made

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for trait in vars(cls).values():
            if isinstance(trait, T.TraitType):
                trait.error = partial(_refuse, trait)  # type: ignore[method-assign]  # in our words

    @cached_property
    def tagged(self) -> list[str]:
        """The names of the traits that are its state: of those where the model is asked again, then of the others."""
        return [name for role in ("source", "display") for name in self.traits(**{role: True})]

    @property
    def ready(self) -> bool:
        """Whether it has been drawn for the first time."""
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Have the state drawn, now or soon."""
        raise NotImplementedError

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Traits set inside ask for no drawing: one follows anyway."""
        quiet, self._local.quiet = self._local.quiet, True
        try:
            yield
        finally:
            self._local.quiet = quiet

    @property
    def is_quiet(self) -> bool:
        """Whether traits are being set quietly, or several as one."""
        return self._local.quiet

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Set several traits as one: checked together at the end, drawn once; if one is refused, none is set."""
        if not self.ready or self.is_quiet:
            with super().hold_trait_notifications():
                yield
            return
        before = {name: getattr(self, name) for name in [*self.tagged, *self.traits(internal=True)]}
        self._before = before
        problem: BaseException | None = None
        try:
            with self.quiet(), super().hold_trait_notifications():
                try:
                    yield
                    for name in filter(self.set_together, before):  # against all the rest, as it will be
                        self.traits()[name]._cross_validate(self, getattr(self, name))
                except BaseException as error:
                    problem = error
                    raise T.TraitError("refused") from error  # which traitlets undoes without telling any observer
        except T.TraitError as error:
            raise problem or error from None
        finally:
            self._before = {}
            if not self.closed and any(getattr(self, name) != before[name] for name in self.tagged):
                self.redraw()

    def set_together(self, name: str) -> bool:
        """Whether the `hold_trait_notifications` that is being carried out gives the trait `name` another value."""
        return name in self._before and bool(getattr(self, name) != self._before[name])


def _refuse(trait: T.TraitType[Any, Any], obj: Any, value: Any, error: Any = None, info: Any = None) -> NoReturn:
    raise T.TraitError(refused(trait, value))
