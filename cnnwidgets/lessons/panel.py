"""A question as a panel: a card in the page where that can be, and a picture everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..render import encode_png
from ..render.static import Panel
from ..widgets.painter import possible
from ..widgets.panels import PanelBox
from ..widgets.surface import Swapped, layout
from .widget import QuestionCard


class LessonBox(PanelBox):
    """Shows a `LessonPanel`; as wide as the page lets it be.

    Attributes
    ----------
    card : QuestionCard or None
        Asks in the page; None where there is no page that could.
    """

    def __init__(self, panel: Panel) -> None:
        assert isinstance(panel, LessonPanel)
        self.card = QuestionCard(panel.heard) if possible() else None
        super().__init__(panel)
        self.layout.width, self.layout.min_width, self.layout.flex = "auto", "0", "1 1 420px"
        self.layout.padding = "0"
        self.heading.layout = layout(display="none")
        if self.card is not None:
            self._insert(self.card)

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Have the page ask, or show the question as a picture."""
        assert isinstance(panel, LessonPanel)
        if self.card is not None:
            self.card.show(panel.sheet, panel.number, panel.answers, panel.closer)
            return
        if self.picture is None:
            self.picture = Swapped({"flex": "0 1 auto", "align_self": "flex-start", "max_width": "100%"}, "cnnw-photo")
            self._insert(*self.picture.pictures)
        drawn = panel.drawn()
        assert drawn is not None
        self.picture.put(encode_png(drawn))


@dataclass(frozen=True, eq=False)
class LessonPanel(Panel):
    """The question that is asked now.

    Attributes
    ----------
    sheet
        All questions, in one message.
    number, answers, closer
        As of a `QuestionCard`.
    heard
        As of a `QuestionCard`.
    """

    box: ClassVar[type[PanelBox]] = LessonBox
    sheet: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    answers: Sequence[int] = ()
    closer: bool = False
    heard: Mapping[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
