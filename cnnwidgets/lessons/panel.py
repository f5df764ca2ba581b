"""A question as a panel: a card in the page where that can be, and a picture everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..render.static import Panel
from ..widgets.panels import PanelBox, ScriptedBox
from .widget import QuestionCard


class LessonBox(ScriptedBox):
    """Shows a `LessonPanel`."""

    script: QuestionCard | None

    def make_script(self, panel: Panel) -> QuestionCard:
        """The card that asks in the page."""
        assert isinstance(panel, LessonPanel)
        return QuestionCard(panel.heard)

    def tell(self, panel: Panel) -> None:
        """Have the page ask."""
        assert isinstance(panel, LessonPanel) and self.script is not None
        self.script.show(panel.sheet, panel.number, panel.answers, panel.closer)


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
