"""The strip in the page: what it is told, and what a hand does there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from ...compute.predictions import Predictions
from ..state import Subject
from ..surface import Scripted, joined
from .reading import Reading
from .sheet import Picture, sheet


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(Path(__file__).parent, "../surface/newest", "sight", "strip")


@cache
def _style() -> str:
    return (Path(__file__).parent / "strip.css").read_text(encoding="utf-8")


class Strip(Scripted):
    """Small pictures of a data set in a row, of which the page asks for those that are in sight.

    The page says `look` (page, number of the question, the images in `sight`, what is `missing` of them), `choose`,
    `filter` and `gone`. It is told `pictures` (the answer to `look`: one file and where each lies in it), `verdicts`
    (what the network takes an image for that it gets wrong), and to `forget` them.

    Parameters
    ----------
    subject : Subject
        Model and data set.
    chosen : int
        The image that is framed; -1 for none.
    on_choose : callable
        Called with the number of an image.
    """

    _anywidget_id = T.Unicode("cnnwidgets.Strip").tag(sync=True)
    _css = T.Unicode().tag(sync=True)

    count = T.Int(help="images of the data set").tag(sync=True)
    chosen = T.Int(-1, help="the image that is framed; -1 for none").tag(sync=True)
    filters = T.List(T.List(T.Unicode()), help="the filters that can be chosen: [name, words] each").tag(sync=True)
    filter = T.Unicode(help="the one that is chosen; empty for all images").tag(sync=True)
    found = T.Bytes(help="the images that it finds, as int32, in their order").tag(sync=True)
    words = T.Unicode(help="what is said of it").tag(sync=True)

    def __init__(self, subject: Subject, chosen: int, on_choose: Callable[[int], object]) -> None:
        self._on_choose = on_choose
        self.reading = Reading(
            subject,
            on_pictures=self._pictures,
            on_verdicts=self._verdicts,
            on_changed=self._changed,
            on_found=self._filtered,
        )
        super().__init__(
            code(),
            _css=_style(),
            count=len(subject.items),
            chosen=chosen,
            filters=self._offered(),
            layout=W.Layout(width="100%", flex="0 0 auto", overflow="hidden"),
        )
        self.on_msg(self._heard)

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """What the page says."""
        getattr(self, f"_heard_{content['kind']}")(content)

    def _heard_look(self, content: dict[str, Any]) -> None:
        sight = [int(index) for index in content["sight"]]
        missing = [int(index) for index in content["missing"]]
        self.reading.ask(str(content["page"]), int(content["number"]), sight, missing)

    def _heard_choose(self, content: dict[str, Any]) -> None:
        self._on_choose(int(content["index"]))

    def _heard_filter(self, content: dict[str, Any]) -> None:
        name = str(content["name"])
        if name in dict(self.reading.filter.offered()):
            self.reading.choose(name)

    def _heard_gone(self, content: dict[str, Any]) -> None:
        self.reading.leave(str(content["page"]))

    def _pictures(self, page: str, number: int, pictures: Sequence[Picture]) -> None:
        kind, data, places = sheet(pictures)
        told = {"kind": "pictures", "page": page, "number": number, "type": kind, "pictures": places}
        self.send(told, [data] if data else None)

    def _verdicts(self, indices: Sequence[int]) -> None:
        verdicts = self.reading.verdicts
        found = [[index, verdicts.wrong(index)] for index in indices]
        self.send({"kind": "verdicts", "found": found, "why": verdicts.why})

    def _changed(self, data: bool) -> None:
        self.send({"kind": "forget", "pictures": data})

    def use(self, predictions: Predictions) -> None:
        """Let the filters go by what a scan knows of all images."""
        self.reading.filter.use(predictions)
        self._filtered()

    def _offered(self) -> list[list[str]]:
        return [list(each) for each in self.reading.filter.offered()]

    def _filtered(self) -> None:
        chosen = self.reading.filter
        with self.hold_sync():
            self.filters, self.filter, self.words = self._offered(), chosen.name, chosen.words
            self.found = np.asarray(chosen.found, dtype="<i4").tobytes()
