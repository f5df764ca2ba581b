"""What pages need to paint a film: the frame that is seen, and those that come next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import ipywidgets as W

from ...live import Portions
from ...training.recording import Damaged, Frame
from ...widgets.painter import Numbers, Painter, Series, drawn_size, pages, possible
from ...widgets.panels import GRID, Paint, PaintedBox, PanelBox
from .scene import Scene

AHEAD, MOST = 4, 4_000_000
"""Frames that are sent ahead at most, and their bytes."""


class Shown(Protocol):
    """A view of a film."""

    channel: int

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""

    def box(self, key: str) -> PanelBox:
        """The widget of a panel."""

    def remember(self, name: str, key: Sequence[Any], make: Any) -> Any:
        """As of every view."""

    def scene(self, frame: int) -> Scene:
        """What would be seen of another frame."""


class Reel:
    """Has pages paint the frames of a film, and sends them the next ones before they are asked for.

    Which frames come next is known from the last move. They are read and sent between two cells, one a portion, where
    the pages have not got them, and no more than `AHEAD` or `MOST` bytes of them. Then the pages are told which numbers
    belong to which frame of the series: what is seen of one frame after the other. A page shows no frame of another.

    Parameters
    ----------
    view : Shown
        Of the film.
    links : mapping
        As of a `Painting`.
    """

    def __init__(self, view: Any, links: Mapping[str, Sequence[W.Widget]]) -> None:
        self._view: Shown = view
        self._links = links
        self._portions = Portions(self._portion)
        self._possible = possible()
        self._numbers: Numbers | None = None  # of the frame that is seen
        self._seen: int | None = None
        self._forward = True
        self._next: list[int] = []
        self._left: list[int] = []
        self._of: tuple[Any, ...] = ()  # what of all frames is seen: shot, slice and size
        self._frames: Sequence[Frame] = []
        self._count = 0  # of such series so far
        self._keys: dict[int, str] = {}  # of the frames of the series

    def paint(self, scene: Scene) -> Paint | None:
        """What a page needs to paint a scene; None where it is shown as pictures."""
        if not self._possible or scene.row.kind == "vector":
            self._begin((), [])
            return None
        maps = scene.shaded.maps
        size = drawn_size(*maps.shape, columns=scene.columns or None, room=GRID, ratio=pages.ratio)
        self._begin((scene.shot, scene.slice, size), scene.recording.frames)
        key = (scene.value, scene.slice, size)
        self._numbers = self._view.remember("numbers", key, lambda: Numbers(maps, size))
        state = {name: getattr(scene, name) for name in ("colormap", "scale", "columns", "frame")}
        state["channel"] = min(self._view.channel, scene.row.channels - 1)
        series = Series(str(self._count), scene.shots.signed(scene.shot), scene.shots.scales(scene.shot))
        return Paint(self._numbers, state, self._links, series=series)

    def follow(self, frame: int, frames: Sequence[int]) -> None:
        """A frame was drawn, one of `frames`: where it is another than before, have those sent that come next."""
        before, self._seen = self._seen, frame
        if self._numbers is None or before in (None, frame):
            return
        again = (before, frame) == (frames[-1], frames[0])  # the player begins once more
        self._forward = again or frame > before
        after = [at for at in frames if at > frame] if self._forward else [at for at in frames[::-1] if at < frame]
        self._next = after[: min(AHEAD, MOST // self._numbers.nbytes)]
        self._left = list(self._next)
        if self._left and pages.seen and self._painters():
            self._portions.start()

    def stop(self) -> None:
        """Send nothing any more."""
        self._portions.stop()
        self._left = []

    def _begin(self, of: tuple[Any, ...], frames: Sequence[Frame]) -> None:
        """What is seen from now on; where that is something else, nothing that was to come next does."""
        if of == self._of and self._goes_on(frames):
            self._frames = frames
            return
        self.stop()
        self._of, self._frames, self._numbers, self._keys = of, frames, None, {}
        self._count += 1

    def _goes_on(self, frames: Sequence[Frame]) -> bool:
        """Whether the film has the frames that it had, and perhaps more since: it may still be recorded."""
        return frames[: len(self._frames)] == self._frames

    def _portion(self) -> bool:
        """Send the next frame, and tell the pages of all behind the last; whether there is more to do."""
        painters = [] if self._view.closed or not pages.seen else self._painters()
        if not painters or not self._left:
            return False
        frame = self._left.pop(0)
        key = self._keys.get(frame)
        if key is None or not pages.hold(key):
            with suppress(Damaged, LookupError, OSError):  # said when it is seen
                scene = self._view.scene(frame)
                shot, plane, size = self._of
                if (scene.shot, scene.slice) != (shot, plane) or not self._goes_on(scene.recording.frames):
                    return False  # that is drawn in a moment
                numbers = Numbers(scene.shots.maps(shot, scene.value, plane=plane), size)
                self._keys[frame] = numbers.key
                painters[0].ahead(numbers, min(self._view.channel, numbers.shape[0] - 1))
        if self._left:
            return True
        keys = {str(at): self._keys[at] for at in self._next if at in self._keys}
        for painter in painters:
            painter.reel = {"of": str(self._count), "keys": keys}
        return False

    def _painters(self) -> list[Painter]:
        boxes = [self._view.box(key) for key in ("maps", "channel")]
        found = [box.painter for box in boxes if isinstance(box, PaintedBox)]
        return [painter for painter in found if painter is not None and painter.live]
