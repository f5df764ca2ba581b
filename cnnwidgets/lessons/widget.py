"""The widget that shows a question in the page and takes the answer, and the code that does it in any page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as W
import traitlets as T

from ..widgets.surface import Scripted, joined

HERE = Path(__file__).parent


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(HERE, "answering", "card")


@cache
def style() -> str:
    """How a question looks, as a style sheet."""
    return (HERE / "card.css").read_text(encoding="utf-8")


class QuestionCard(Scripted):
    """Shows the questions of a sheet, one at a time; what a hand does there comes back as messages.

    Parameters
    ----------
    heard : mapping
        Kind of a message -> what is called with it: `answer`, `go`, `again`, `closer`.
    """

    _anywidget_id = T.Unicode("cnnwidgets.QuestionCard").tag(sync=True)

    sheet: Any = T.Dict(help="the questions, as `sheet` tells them").tag(sync=True)
    number: Any = T.Int(help="which question is seen, from 0").tag(sync=True)
    answers: Any = T.List(help="the choice for each question, -1 for none").tag(sync=True)
    closer: Any = T.Bool(help="whether the view that explains is open").tag(sync=True)

    def __init__(self, heard: Mapping[str, Callable[[dict[str, Any]], object]]) -> None:
        self._hearing = heard
        super().__init__(code(), layout=W.Layout(width="100%"))
        self.on_msg(self._heard)

    def show(self, sheet: dict[str, Any], number: int, answers: Sequence[int], closer: bool) -> None:
        """Show this; a sheet that is shown already is not sent again."""
        with self.hold_sync():
            if sheet is not self.sheet:
                self.sheet = sheet
            self.number, self.answers, self.closer = number, list(answers), closer

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        self._hearing[content["kind"]](content)
