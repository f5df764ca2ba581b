"""Reads what a strip has in sight, and then looks at it, in portions behind whatever the view has to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...compute.dataset import Item
from ...live import Portions, cell_thread
from ..state import Subject
from ..surface import markup
from .filters import Filter
from .sheet import Picture, picture_of
from .verdicts import Verdicts

MOST = 64
"""Images that are in sight at most: a strip as wide as four screens has no more marks."""
PATIENCE = 0.300
"""Seconds after which a page is answered with what is there; it then asks for what is in sight by then."""
SHOWN = 0.250
"""Seconds between two messages with verdicts."""
STILL = 0.500
"""Seconds that weights have to stay as they are before anything is looked at again."""
NOTHING = Item(None, None, "", None)
"""In the place of an image that cannot be read."""


@dataclass(eq=False)
class Asked:
    """What a page lacks."""

    page: str
    number: int
    missing: list[int]
    until: float = 0.0
    read: list[Picture] = field(default_factory=list)


class Reading:
    """Gives a strip the pictures that it lacks, and then what the network gets wrong of those in sight.

    Where no event loop turns (a script, a test) all is done at once.

    Parameters
    ----------
    subject : Subject
        Model and data set.
    on_pictures : callable
        Called with the page and the number of its question, and the pictures: at least one of those that it lacks.
    on_verdicts : callable
        Called with the images that were looked at.
    on_changed : callable
        Called when the weights have changed, with whether the data may have.
    on_found : callable
        Called when the filter has found more images, or has looked at all.

    Attributes
    ----------
    verdicts : Verdicts
        What is known.
    filter : Filter
        Which images are wanted.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        on_pictures: Callable[[str, int, Sequence[Picture]], object],
        on_verdicts: Callable[[Sequence[int]], object],
        on_changed: Callable[[bool], object],
        on_found: Callable[[], object],
    ) -> None:
        self.verdicts = Verdicts(subject)
        self.filter = Filter(subject, self.verdicts)
        self._subject = subject
        self._on_pictures, self._on_verdicts, self._on_changed = on_pictures, on_verdicts, on_changed
        self._on_found = on_found
        self._portions = Portions(self._portion)
        self._asked: dict[str, Asked] = {}  # by the page: the newest of each
        self._sight: list[int] = []
        self._items: dict[int, Item] = {}  # of those in sight that were read and not looked at
        self._found: list[int] = []  # whose verdicts are not told yet
        self._is_open = False  # whether a page shows the strip
        self._more = False  # whether the filter has looked at images of which nobody was told
        self._told = self._changed = float("-inf")

    def ask(self, page: str, number: int, sight: Sequence[int], missing: Sequence[int]) -> None:
        """Read the images `missing`, then look at those in `sight`: in place of what this page asked for before."""
        count = len(self._subject.items)
        self._sight = [index for index in sight if 0 <= index < count][:MOST]
        self._found, self._is_open = list(self._sight), True
        wanted = [index for index in missing if 0 <= index < count][:MOST]
        self._asked[page] = Asked(page, number, wanted)
        if cell_thread.turning_loop() is None:  # in a cell that trains, pictures do not wait for its end
            while self._asked:
                self._read(0.0)
        self._portions.stop()  # a portion that is under way in another thread may just have found nothing more to do
        self._start()

    def choose(self, name: str) -> None:
        """Look for other images, behind what is in sight."""
        self._is_open = True
        self._forget_old()
        self.filter.choose(name)
        self._portions.stop()
        self._on_found()
        self._start()

    def leave(self, page: str) -> None:
        """A page shows the strip no more: nobody waits for anything, unless another one asks."""
        self._asked.pop(page, None)
        if not self._asked:
            self.stop()

    def stop(self) -> None:
        """Do nothing any more, until a page asks."""
        self._portions.stop()
        self._asked.clear()
        self._items.clear()
        self._sight = []
        self._is_open = False

    def follow(self) -> None:
        """The view was drawn: it may be drawn again, and what was known may hold no longer."""
        self._portions.hold()
        if (self._sight or self._is_open) and self._forget_old():
            self._start()

    # ------------------------------------------------------------------ portions

    def _start(self) -> None:
        if not self._portions.start():
            for _ in range(2 * MOST):  # a thread may change the weights again and again
                if not self._portion():
                    break

    def _portion(self) -> bool:
        """Pictures first; whether there is more to do."""
        end = time.monotonic() + self._portions.seconds
        if self._asked:
            self._read(end)
            return True
        if not self._is_still():
            self._portions.hold()
            return True
        self._look(end)
        if self._next() is not None:
            return True
        self._search(end)
        return self._is_open and self.filter.searching

    def _read(self, end: float) -> None:
        asked = next(iter(list(self._asked.values())), None)
        if asked is None:  # another thread has just taken it back
            return
        asked.until = asked.until or time.monotonic() + PATIENCE
        while asked.missing:
            asked.read.append(self._picture(asked.missing.pop(0)))
            if time.monotonic() >= end:
                break
        if not asked.missing or time.monotonic() > asked.until:
            if self._asked.get(asked.page) is asked:
                del self._asked[asked.page]
            self._on_pictures(asked.page, asked.number, asked.read)

    def _picture(self, index: int) -> Picture:
        try:
            item = self._subject.items[index]
            picture = picture_of(self._subject.items, index, item)
        except Exception as error:  # the next one may be fine
            return Picture(index, reason=markup.in_words(error))
        if index in self._sight and not self.verdicts.known(index):
            self._items[index] = item
        return picture

    def _is_still(self) -> bool:
        """Whether the weights stay as they are."""
        self._forget_old()
        return not self._portions.running or time.monotonic() > self._changed + STILL

    def _forget_old(self) -> bool:
        """Forget what is known of other weights; whether that was anything."""
        if not self.verdicts.outdated:
            return False
        data = self.verdicts.data_changed
        known = self.verdicts.forget()
        self._found = list(self._sight)
        self._changed = time.monotonic()
        self.filter.use(None)  # a scan is of other weights too
        self._on_found()
        if data:
            self._items.clear()
        if known or data:
            self._on_changed(data)
        return True

    def _next(self) -> int | None:
        return next((index for index in self._sight if not self.verdicts.known(index)), None)

    def _look(self, end: float) -> None:
        sight = self._sight
        self._items = {index: item for index, item in self._items.items() if index in sight}
        while time.monotonic() < end and (index := self._next()) is not None and not self.verdicts.outdated:
            item = self._items.pop(index) if index in self._items else self._item(index)
            self.verdicts.find(index, item)
        known = [index for index in self._found if self.verdicts.known(index)]
        if known and (self._next() is None or time.monotonic() > self._told + SHOWN):
            self._found = [index for index in self._found if index not in known]
            self._told = time.monotonic()
            self._on_verdicts(known)

    def _search(self, end: float) -> None:
        """Look at further images for the filter, as long as a page shows the strip."""
        wanted = self.filter
        while self._is_open and wanted.searching and time.monotonic() < end and not self.verdicts.outdated:
            index = wanted.looked
            known = wanted.needs_verdict and self.verdicts.known(index)
            item = NOTHING if known else self._item(index)
            if wanted.needs_verdict and not known:
                self.verdicts.find(index, item)
            wanted.look(index, item)
            self._more = True
        if self._more and (not wanted.searching or time.monotonic() > self._told + SHOWN):
            self._more, self._told = False, time.monotonic()
            self._on_found()

    def _item(self, index: int) -> Item:
        try:
            return self._subject.items[index]
        except Exception:  # its tile says why
            return NOTHING
