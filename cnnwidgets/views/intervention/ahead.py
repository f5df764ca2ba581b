"""What the first tick needs, found between two cells before somebody ticks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from ...compute.interventions import Apply, arrangement_of, intervene
from ...compute.layers import activations
from ...live import Portions
from .edits import norms_of
from .later import blank_panels

log = logging.getLogger("cnnwidgets")
REST = 300.0
"""So many milliseconds after a drawing began, nobody seems to be moving the view."""


class Ahead:
    """The network beside the one that is looked at, what is known of the layer in it, and widgets for later layers.

    Each step is a portion. Where no event loop runs (a script, a test), all is done when it is needed.

    Parameters
    ----------
    view : InterventionView
        Whose.
    """

    def __init__(self, view: Any) -> None:
        self._view = view
        self._portions = Portions(self._portion)
        self._place: Any = None
        self._steps: Iterator[object] = iter(())

    def look_at(self, place: tuple[Any, ...]) -> None:
        """Find in a moment what is needed at this place: weights and layer."""
        if place != self._place:
            self._place, self._steps = place, self._needed()
            if self._portions.start():
                self._portions.hold()

    def stop(self) -> None:
        """Find nothing any more."""
        self._portions.stop()

    def _needed(self) -> Iterator[object]:
        view = self._view
        yield view.make_ready(blank_panels())
        twin = view.twin
        yield twin
        row, item = view.layer_row, view.item
        yield norms_of(view.subject, row)
        if row.operation:  # the first pass in which it is edited takes others, and so it is made here
            images, prepare = view.subject.items.batch(item), view.subject.prepare
            with intervene(twin.module, {view.layer: Apply(lambda value: value)}):
                yield activations(twin.module, images, view.layer, prepare=prepare)
        elif item.image is not None:
            output = view.snapshot.output(view.layer)
            output = output if row.batch_axis is None else output.unsqueeze(row.batch_axis)
            yield arrangement_of(twin.module, view.subject.items.batch(item), view.layer, output, view.subject.prepare)

    def _portion(self) -> bool:
        if self._view.milliseconds < REST:
            self._portions.hold()
            return True
        try:
            next(self._steps)
        except StopIteration:
            return False
        except Exception:  # it is said where it is needed
            log.debug("what a tick needs could not be found ahead", exc_info=True)
            return False
        return True
