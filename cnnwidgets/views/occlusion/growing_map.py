"""How OcclusionView makes its map: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import traitlets as T

from ...compute.occlusion import Occluder, OcclusionMap
from ...live import Pace, Portions, cell_thread
from .state import OcclusionState

SHOWN = 0.250
"""So many seconds apart the growing map is drawn."""
AHEAD, AT_MOST = 0.500, 2.0
"""Seconds of the map that are worked off before a notebook stores the first static picture; up to the second number,
where it does not yet cover the frame."""


class OcclusionRun(OcclusionState):
    """The map of an OcclusionView, which draws it in `draw_map` and calls `follow_settings` in each drawing."""

    mapping = T.Bool(True, help="whether the heat map is made; False cancels it, and what is done stays").tag(
        display=True
    )

    def __init__(self, **traits: Any) -> None:
        self._portions = Portions(self._portion)
        self._begun: Occluder | None = None
        self._pace, self._shown, self._undrawn = Pace(), 0.0, False
        super().__init__(**traits)

    def draw_map(self, *, anew: bool = True) -> None:
        """Draw the map as far as it is done, and how far that is; unless `anew`, one that is a little older will do."""
        raise NotImplementedError

    @property
    def map(self) -> OcclusionMap:
        """The whole map; what is not yet done is done now."""
        self._newest.flush()
        self._portions.stop()
        for _ in self._seen.occluder:
            pass
        self._guarded(self.draw_map)
        return self._seen.occluder.result

    @property
    def partial_map(self) -> OcclusionMap:
        """The map as far as it is done; NaN where no patch has been."""
        self._newest.flush()
        return self._seen.occluder.result

    def start_map(self) -> None:
        """Make the map, or go on with it; from the beginning where it is done already."""
        occluder = self._seen.occluder
        with self.quiet():
            self.mapping = True
        if occluder.done == occluder.total:
            self.refresh()
        else:
            self._newest.request()

    def cancel(self) -> None:
        """Stop making the map; what is done stays. The same as `mapping = False`."""
        self._portions.stop()
        self.mapping = False

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self._closed:
            self._portions.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end, the whole map too where it is wanted; raises what goes wrong."""
        super().settle()
        if self.mapping:
            _ = self.map

    def save(self, path: str | Path, *, dark: bool = False) -> Path:
        """Write a PNG file as `ModelView.save` does: the view as it is in a notebook, elsewhere with the whole map."""
        if self.mapping and cell_thread.loop() is None:
            _ = self.map
        return super().save(path, dark=dark)

    def about_to_show(self) -> None:
        """Compute for a moment, so that the picture has more of the map."""
        if self.mapping:
            self._guarded(self._work_ahead)
        super().about_to_show()

    # ------------------------------------------------------------------ portion by portion

    def follow_settings(self) -> None:
        """Begin the map anew where a setting changed, stop it where it is not wanted."""
        self._portions.hold()
        occluder = self._seen.occluder
        if self._begun is not occluder:
            self._begun = occluder
            self._portions.stop()
            self._pace = Pace()
        if not self.mapping:
            self._portions.stop()
        elif occluder.done < occluder.total:
            self._portions.start()

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of the map will take; None where that is not known."""
        occluder = self._seen.occluder
        return self._pace.left(occluder.total - occluder.done)

    def _portion(self) -> bool:
        """Some places of the map, and its drawing from time to time; whether there are more."""
        if self._weights() != self._seen.settings.weights:  # a cell trained the network: the old map says nothing now
            self._computed = False
            self._newest.request()
            return False
        run, seen = self._portions, self._seen
        if self._undrawn and time.monotonic() - self._shown > SHOWN:  # a portion by itself, so that none is longer
            return self._show() and run.running
        fine = self._guarded(self._advance)
        self._undrawn = True
        if self._closed or seen.occluder is not self._seen.occluder:
            return False
        more = fine and run.running and seen.occluder.done < seen.occluder.total
        if not more:
            run.stop()
            with self.quiet():
                self.mapping = self.mapping and fine
            self._show()
        return more

    def _show(self) -> bool:
        fine = self._guarded(self.draw_map)
        self._undrawn, self._shown = False, time.monotonic()
        return fine

    def _advance(self) -> None:
        """Do a portion of the map."""
        occluder, start, done = self._seen.occluder, time.monotonic(), self._seen.occluder.done
        if done < occluder.total:
            occluder.step(self._portions.seconds)
            self._pace.took(occluder.done - done, start, time.monotonic())

    def _work_ahead(self) -> None:
        start, occluder = time.perf_counter(), self._seen.occluder
        while occluder.done < occluder.total:
            if time.perf_counter() - start > (AHEAD if occluder.done >= occluder.coarse else AT_MOST):
                break
            self._advance()
        self.draw_map()
