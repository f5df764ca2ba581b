"""How far long work is: a button that stops it or goes on, a bar, and the time that is left."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from ..surface import layout, plain
from .basic import hint


class ProgressRow(W.VBox):
    """Hidden until `show` says that there is something to wait for.

    Parameters
    ----------
    what : str
        What is counted, in the plural.
    on_button : callable
        Called without arguments.
    """

    def __init__(self, what: str, on_button: Callable[[], object]) -> None:
        self._what = what
        self.bar = plain(W.IntProgress, min=0, max=1, value=0, layout=layout(width="208px", height="14px"))
        self.button = plain(W.Button, layout=layout(width="70px", padding="0"))
        self.button.on_click(lambda _: on_button())
        self.text = plain(W.HTML)
        row = W.HBox([self.button, self.bar], layout=layout(align_items="center", overflow="hidden"))
        super().__init__([row, self.text], layout=W.Layout(display="none", overflow="hidden"))

    def show(self, done: int, total: int, seconds: float | None, running: bool) -> None:
        """Say how far the work is; `seconds` are left, None where that is not known."""
        self.layout.display = "none" if done == total else ""
        self.bar.max, self.bar.value = max(1, total), done
        said = f"{done:,} of {total:,} {self._what}"
        if running and seconds is not None:
            said += f" · {duration(seconds)} left"
        self.text.value = f'<span class="cnnw-quiet">{said}{"" if running else " · stopped"}</span>'
        self.button.description = "Cancel" if running else "Go on"
        hint(self.button, "Stop; what is there stays" if running else f"Take the rest of the {self._what}")


def duration(seconds: float) -> str:
    """`12 s`, or `3 min`."""
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60)} min"
