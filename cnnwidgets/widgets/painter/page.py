"""What the pages that are open hold already: it is not sent again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

MOST_PAGES = 8
"""Pages that are remembered; one that was closed says nothing."""


class Pages:
    """The names of what each page holds, as the pages acknowledge it.

    A message goes to all pages. So a page that was closed, of which nobody hears, does no harm: it is taken to have
    received what the others did.

    Attributes
    ----------
    turn : threading.RLock
        Held from the question what pages hold until the rest is sent: painters are told by pages, and drawn, in two
        threads, and would send the same twice.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self._held: OrderedDict[str, set[str]] = OrderedDict()
        self._options: dict[str, tuple[bool, float]] = {}
        self._unseen: set[str] = set()

    def heard(self, page: str, holds: Iterable[str], *, inflates: bool, ratio: float) -> None:
        """A page says that it is there, and what it holds; said again by the same page, it is nothing new.

        Parameters
        ----------
        page : str
            Its name.
        holds : iterable of str
            Names of what it holds.
        inflates : bool
            Whether it can inflate.
        ratio : float
            Pixels of its screen for one of the page.
        """
        with self.turn:
            if page not in self._held:
                self._held[page], self._options[page] = set(holds), (inflates, ratio)
            self._held.move_to_end(page)
            while len(self._held) > MOST_PAGES:
                page, _ = self._held.popitem(last=False)
                del self._options[page]
                self._unseen.discard(page)

    def look(self, page: str, *, seen: bool) -> None:
        """Whether anybody looks at a page, which it says when that changes."""
        with self.turn:
            (self._unseen.discard if seen else self._unseen.add)(page)

    @property
    def seen(self) -> bool:
        """Whether anybody looks at any page."""
        with self.turn:
            return any(page not in self._unseen for page in self._held)

    def sent(self, name: str) -> None:
        """All pages hold `name` now."""
        with self.turn:
            for held in self._held.values():
                held.add(name)

    def gone(self, page: str, names: Iterable[str]) -> None:
        """A page holds these no longer."""
        with self.turn:
            self._held.get(page, set()).difference_update(names)

    def hold(self, name: str) -> bool:
        """Whether every page holds `name`."""
        with self.turn:
            return bool(self._held) and all(name in held for held in self._held.values())

    @property
    def inflate(self) -> bool:
        """Whether every page can inflate."""
        with self.turn:
            return all(inflates for inflates, _ in self._options.values())

    @property
    def ratio(self) -> float:
        """Pixels of the finest screen for one of the page."""
        with self.turn:
            return max((ratio for _, ratio in self._options.values()), default=1.0)


pages = Pages()
"""The pages of this process."""
