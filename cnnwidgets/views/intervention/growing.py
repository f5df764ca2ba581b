"""Long work of InterventionView in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from ...compute.interventions import arrangement_of, norms_behind
from ...live import GrowingWork, Portions, Work
from ...widgets.controls import ProgressRow
from .later import blank_panels

log = logging.getLogger("cnnwidgets")
REST = 300.0
"""So many milliseconds after a drawing began, nobody seems to be moving the view."""


class Finding(Work, Protocol):
    """Work that tells what it has found so far."""

    @property
    def result(self) -> Any:
        """What is known."""


W = TypeVar("W", bound=Finding)


class GrowingFinding(GrowingWork[W]):
    """Work that tells what it has found so far."""

    @property
    def result(self) -> Any:
        """What is known; None before the first step is done."""
        return self.work.result if self.work is not None and self.work.done else None

    def finish(self) -> Any:
        """Do the rest now; the whole result, or None where there is nothing to do."""
        super().finish()
        return self.result


class Background(Generic[W]):
    """Growing work of a view, with a row that tells how far it is and has a button.

    Parameters
    ----------
    view : ModelView
        Draws what grows.
    wanted : str
        Its trait that says whether the work is to be done; False stops it.
    """

    def __init__(self, view: Any, wanted: str) -> None:
        self._view, self._wanted = view, wanted
        self.growing: GrowingFinding[W] = GrowingFinding(self._grown, view.is_current)
        self.progress: ProgressRow | None = None

    @property
    def wanted(self) -> bool:
        """Whether the work is to be done."""
        return bool(getattr(self._view, self._wanted))

    def row(self, what: str) -> ProgressRow:
        """Make the row; `what` is counted."""
        self.progress = ProgressRow(what, self.toggle)
        return self.progress

    def show(self, total: int) -> None:
        """Have the row say how much of `total` is done; 0 hides it."""
        if self.progress is not None:
            growing, done = self.growing, min(self.growing.done, total)
            self.progress.show(done, total, growing.seconds_left, growing.running)

    def follow(self, key: Any, make: Callable[[], W] | None) -> None:
        """Do the work that `make()` gives, if it is wanted; None for nothing to do."""
        self.growing.follow(key, make, self.wanted)

    def toggle(self) -> None:
        """Stop, or begin or go on."""
        if self.growing.running:
            setattr(self._view, self._wanted, False)
        else:
            self.growing.error = None
            with self._view.quiet():
                setattr(self._view, self._wanted, True)
            self._view.redraw()

    def finish(self) -> Any:
        """Do the rest now and draw it; the whole result, or None where there is nothing to do."""
        self._view.flush()
        found = self.growing.finish()
        self._view.guarded(self._view.render)
        return found

    def _grown(self) -> bool:
        return bool(self._view.draw_grown(self.growing))


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
        yield norms_behind(view.subject.module, row.module, row.call or 1)
        if item.image is not None:
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
