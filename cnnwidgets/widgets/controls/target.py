"""A menu of classes: what the network predicts first, then every other."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.dataset import Prediction
from .basic import hint

NONE = -1
"""What the menu calls None, which a Dropdown takes for no choice at all."""


class ClassMenu(W.Dropdown):
    """Menu linked to a trait that holds a class number, or None.

    Parameters
    ----------
    view, trait
        What is linked.
    tip : str
        Tooltip.
    """

    def __init__(self, view: T.HasTraits, trait: str, *, tip: str) -> None:
        wanted = getattr(view, trait)
        options = [("", NONE)] if wanted is None else [("", NONE), (str(wanted), wanted)]
        super().__init__(options=options, value=_number(wanted), layout=W.Layout(width="190px"))
        self._link = T.link((view, trait), (self, "value"), transform=(_number, _class))
        hint(self, tip)

    def offer(self, first: str, prediction: Prediction | None, names: list[str]) -> None:
        """Show the choice None as `first`, then the best classes of `prediction`, then all of `names`, by number."""
        best = [] if prediction is None else list(zip(prediction.targets, prediction.probabilities, strict=True))
        top = [(f"{names[target]} · {100 * share:.1f} %", target) for target, share in best]
        rest = [(name, number) for number, name in enumerate(names) if number not in dict(best)]
        options: list[tuple[str, Any]] = [(first, NONE), *top, *rest]
        if tuple(self.options) == tuple(options):  # type: ignore[has-type]
            return
        value = self.value  # type: ignore[has-type]
        self._link.unlink()  # new options would choose the first of them
        try:
            with self.hold_sync():
                self.options = options
                self.value = value
        finally:
            self._link.link()


def _number(target: int | None) -> int:
    return NONE if target is None else target


def _class(number: int) -> int | None:
    return None if number == NONE else number
