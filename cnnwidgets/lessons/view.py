"""Lesson: a card that asks before it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T
from torch import nn

from ..compute.core import check_numbers, get_layer, unknown
from ..compute.lessons import TOPICS, Asked, NothingToAsk, Question, ask
from ..data import digits
from ..live import Linked
from ..models import lenet5
from ..render.static import Panel
from ..views import (
    ActivationView,
    AttributionView,
    ConvolutionView,
    FilterView,
    InterventionView,
    OcclusionView,
    ReceptiveFieldView,
)
from ..widgets import controls
from ..widgets.base import LayerView, ModelView
from ..widgets.shown import Part
from ..widgets.state import Index, Integer, Subject
from ..widgets.surface import layout, markup, plain
from .page import part
from .panel import LessonPanel
from .sheet import Posed, left_out, posed, sheet
from .still import LETTERS, sketch, still
from .widget import style

OPENED: dict[str, type[LayerView]] = {
    view.__name__: view
    for view in (
        ActivationView,
        AttributionView,
        ConvolutionView,
        FilterView,
        InterventionView,
        OcclusionView,
        ReceptiveFieldView,
    )
}
"""The views that can explain an answer."""


class Lesson(ModelView):
    """Asks questions about a network and its images, takes the answer, and then shows what the network computed.

    Every question, its answer and the wrong answers are computed from the network and images that are given; the wrong
    ones are near misses, such as the most similar other filters. The same `seed` asks a whole class the same.

    One answers by a click in the picture, or by the keys A to I or 1 to 9; the first answer counts. Then it is told
    why, and `Look closer` opens the view that shows it, in that place. The arrow keys lead from question to question.

    Parameters
    ----------
    model : torch.nn.Module or Subject, optional
        Any network that takes (N, C, H, W) images; by default the LeNet-5 that comes with the package.
    dataset : indexable, optional
        Gives (image, label); None with a `Subject`. By default the digits that come with the package.
    classes, denormalize, prepare, cache_bytes
        As of every `LayerView`.
    **traits
        Initial `topics`, `seed`, `count`, `layer`, `number`, `answers`, `closer`.

    Attributes
    ----------
    subject : Subject
        The network and its images.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt. None of the topics
        can be asked of this network (`NothingToAsk`, which says why of each); where some can, the card says what it
        leaves out, and why.
    LookupError
        No such topic or layer.
    ForwardError
        The model refused every image that was tried; one that it refuses now and then is left out.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> lesson = cw.Lesson(topics=["stride"], seed=7)
    >>> lesson.question.ask
    'S2 slides a window of 2 × 2 over 28 × 28 numbers, 2 at a time (stride 2). How large is its map?'
    """

    panels_height: ClassVar[int] = 0

    topics = T.Any(tuple(TOPICS), help="names of what is asked about, or functions that give a Question").tag(
        source=True
    )
    seed = Integer(0, help="the same number asks the same questions").tag(source=True)
    count = Integer(1, min=1, max=20, help="questions for each topic").tag(source=True)
    layer = T.Unicode(None, allow_none=True, help="the layer that is asked about; None: as each topic chooses").tag(
        source=True
    )
    number = Index(
        of=lambda view: (len(view.posed), f"the lesson has {len(view.posed)} questions"),
        what="question",
        help="which question is seen, from 0",
    ).tag(display=True)
    answers = T.Any((), help="for each question the choice that was made, as they stand, from 0; -1: none").tag(
        display=True
    )
    closer = T.Bool(False, help="whether the view that explains the answer is open below").tag(display=True)

    def __init__(
        self,
        model: nn.Module | Subject | None = None,
        dataset: Any = None,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        cache_bytes: int = 512 * 2**20,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        if model is None:
            model, dataset = lenet5(pretrained=True), digits() if dataset is None else dataset
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare, "cache_bytes": cache_bytes}
        self.subject = Subject.of(model, dataset, **options)
        check_numbers(self.subject.module)
        self._explaining: tuple[Question, ModelView] | None = None
        super().__init__(**traits)  # before any other widget: what is refused leaves none
        self._below = plain(W.VBox)
        self._below.add_class("cnnw-lesson-below")
        look = plain(W.HTML, f"<style>{style()}</style>", layout=layout(display="none"))
        self.children = [look, *self.children, self._below]
        self._explain()

    # ------------------------------------------------------------------ answering

    @property
    def asked(self) -> Asked:
        """The questions, and why a topic gave none; `refresh` asks about weights that have changed since."""
        key = (self.topics, self.seed, self.count, self.layer)
        return self.remember("asked", key, self._ask)

    @property
    def posed(self) -> list[Posed]:
        """The questions with their choices in the order in which they stand."""
        return self.remember("posed", (self.asked, self.seed), lambda: posed(self.asked.questions, self.seed))

    @property
    def question(self) -> Question:
        """The question that is seen."""
        return self.posed[self.number].question

    @property
    def right(self) -> int:
        """Which choice is right, as they stand, from 0."""
        return self.posed[self.number].right

    @property
    def answered(self) -> int:
        """Which choice was made, as they stand, from 0; -1 for none yet."""
        return self._answer_to(self.number)

    @property
    def score(self) -> tuple[int, int]:
        """How many answers are right, and how many there are."""
        given = [(each.right, self._answer_to(at)) for at, each in enumerate(self.posed)]
        return sum(right == answer for right, answer in given), sum(answer >= 0 for _, answer in given)

    def answer(self, choice: int | str) -> bool:
        """Answer the question that is seen, by number from 0 or by letter; whether that was right.

        Raises
        ------
        ValueError
            It was answered before: the first answer counts. Or there is no such choice.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> lesson = cw.Lesson(topics=["padding"])
        >>> lesson.answer(lesson.right), lesson.score
        (True, (1, 1))
        """
        count = len(self.posed[self.number].choices)
        at = LETTERS.find(choice.upper()) if isinstance(choice, str) and len(choice) == 1 else choice
        if not isinstance(at, int) or not 0 <= at < count:
            raise ValueError(f"no choice {choice!r}: there are {', '.join(LETTERS[:count])}")
        if self.answered >= 0:
            before = LETTERS[self.answered]
            raise ValueError(f"question {self.number} was answered before, with {before}; lesson.again() asks it again")
        self.answers = tuple(at if each == self.number else self._answer_to(each) for each in range(len(self.posed)))
        return at == self.right

    def again(self) -> None:
        """Ask all of it again."""
        with self.hold_trait_notifications():
            self.number, self.answers, self.closer = 0, (), False

    def _answer_to(self, number: int) -> int:
        return self.answers[number] if number < len(self.answers) else -1

    # ------------------------------------------------------------------ what the traits may be

    @T.validate("topics")
    def _validate_topics(self, proposal: Any) -> tuple[str | Callable[..., Question], ...]:
        value = proposal["value"]
        topics = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        for topic in topics:
            if not callable(topic) and not isinstance(topic, str):
                raise TypeError(f"topics are names or functions (subject, random) -> Question, not {topic!r:.60}")
            if isinstance(topic, str) and topic not in TOPICS:
                raise LookupError(unknown(f"no topic {topic!r}", topic, TOPICS, f"there are {', '.join(TOPICS)}"))
        if not topics:
            raise ValueError(f"a lesson needs a topic: there are {', '.join(TOPICS)}")
        return topics

    @T.validate("answers")
    def _validate_answers(self, proposal: Any) -> tuple[int, ...]:
        value = proposal["value"]
        if not isinstance(value, (list, tuple)) or not all(type(each) is int for each in value):
            raise TypeError(f"answers are whole numbers, one for each question, not {value!r:.60}")
        if len(value) > len(self.posed):
            raise ValueError(f"{len(value)} answers for {len(self.posed)} questions")
        for at, answer in enumerate(value):
            if not -1 <= answer < len(self.posed[at].choices):
                raise ValueError(f"question {at} has {len(self.posed[at].choices)} choices: no answer {answer}")
        return tuple(value)

    @T.observe("topics", "seed", "count", "layer")
    def _other_questions(self, change: Any) -> None:
        if self.ready and not self.closed:
            with self.quiet():
                self.number, self.answers, self.closer = 0, (), False

    @T.observe("number")
    def _other_place(self, change: Any) -> None:
        if self.ready and not self.set_together("closer"):
            with self.quiet():
                self.closer = False

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """The seed: the same number for a whole class."""
        box = plain(W.BoundedIntText, value=self.seed, min=0, max=10**6, layout=layout(width="90px"))
        Linked((self, "seed"), (box, "value"))
        controls.hint(box, "The same number asks the same questions: one for a whole class")
        return [controls.labelled("Seed", box)]

    def compute(self) -> None:
        """Have the questions; after `refresh` there may be fewer."""
        if self.number >= len(self.posed):
            with self.quiet():
                self.number = 0

    def panels(self) -> list[Panel]:
        """The question that is seen."""
        here = self.posed[self.number]
        return [
            LessonPanel(
                "Question",
                width=720,
                key="question",
                chart=partial(still, here, self.answered, self._head()),
                sketch=partial(sketch, here, self.answered, self._head()),
                sheet=self._sheet(),
                number=self.number,
                answers=[self._answer_to(at) for at in range(len(self.posed))],
                closer=self.closer,
                heard={
                    "answer": self._heard_answer,
                    "go": lambda said: self.set_trait("number", int(said["number"])),
                    "again": lambda said: self.again(),
                    "closer": lambda said: self.set_trait("closer", bool(said["closer"])),
                },
            )
        ]

    def title(self) -> list[str]:
        """The network."""
        return ["Lesson", type(self.subject.module).__name__]

    def status(self) -> str:
        """What is not asked, and why."""
        return left_out(self.asked)

    def render(self) -> None:
        """Draw the question, and open the view that explains it, or close it."""
        super().render()
        self._explain()

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands."""
        return range(5) if name == "seed" else super().choices(name)

    def page_part(self, *, budget: int | str, progress: bool = False, **values: Any) -> Part:
        """The questions, which the page asks and counts; those beyond the budget are left out.

        Raises
        ------
        ValueError
            A budget that is none or does not hold one question.
        TypeError
            A value for a slider.

        Examples
        --------
        >>> import tempfile, cnnwidgets as cw
        >>> lesson = cw.Lesson(topics=["padding"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     lesson.to_html(f"{folder}/lesson.html").frames
        1
        """
        if values:
            raise TypeError(f"a page of a lesson has no sliders: no {', '.join(values)}")
        self.flush()
        state: dict[str, Any] | None
        try:
            state = self.state
        except ValueError:  # a topic of one's own
            state = None
        return part(self._sheet(), type(self.subject.module).__name__, budget, state)

    def close(self) -> None:
        """Close every widget of the view and of the one below it; the model is as it was before."""
        if getattr(self, "_explaining", None):
            self._show_below(None)
        super().close()

    # ------------------------------------------------------------------ parts

    def _ask(self) -> Asked:
        asked = ask(self.subject, self.topics, seed=self.seed, count=self.count, layer=self.layer)
        for question in asked.questions:
            if question.opens is not None:
                self._check_opens(question.ask, *question.opens)
        if not asked.questions:
            raise NothingToAsk("; ".join(f"{topic}: {why}" for topic, why in asked.left_out.items()))
        return asked

    def _check_opens(self, ask: str, name: str, traits: Mapping[str, Any]) -> None:
        """Raise LookupError where a question opens a view or a layer that is none, TypeError for a trait of no view."""
        if name not in OPENED:
            raise LookupError(
                unknown(f"{ask!r} opens no view {name!r}", name, OPENED, f"there are {', '.join(OPENED)}")
            )
        OPENED[name].check_keywords(dict(traits))
        layer = traits.get("layer")
        if isinstance(layer, str) and layer not in {row.name for row in self.subject.at(0).modules}:
            try:
                get_layer(self.subject.module, layer)
            except LookupError as error:
                if layer not in {row.name for row in self.subject.at(0).table}:  # nor an operation
                    raise LookupError(f"{ask!r} opens {name} at a layer that is none: {error}") from None

    def _sheet(self) -> dict[str, Any]:
        return self.remember("sheet", (self.posed, self.asked), lambda: sheet(self.posed, self.asked))

    def _head(self) -> str:
        """Which question is seen, and how many answers are right, for the static picture."""
        (right, done), topic = self.score, self.question.topic.replace("_", " ")
        place = f"Question {self.number + 1} of {len(self.posed)}"
        return " · ".join(filter(None, [place, topic, f"{right} of {done} right" if done else ""]))

    def _heard_answer(self, said: dict[str, Any]) -> None:
        """An answer from the page; a second one, of another page, says nothing."""
        number = int(said["number"])
        if 0 <= number < len(self.posed) and self._answer_to(number) < 0:
            choice = int(said["choice"])
            self.answers = tuple(choice if at == number else self._answer_to(at) for at in range(len(self.posed)))

    def _explain(self) -> None:
        """Show the view that explains the answer, where it is wanted, or none."""
        if not self.ready:
            return
        question = self.question
        wanted = self.closer and self.answered >= 0 and question.opens is not None
        if not wanted:
            self._show_below(None)
        elif self._explaining is None or self._explaining[0] is not question:
            assert question.opens is not None
            name, traits = question.opens
            try:
                view = OPENED[name](self.subject, **traits)
            except Exception as error:  # the weights or the data are others: the answer stands
                self._show_below(None)
                self._below.children = [plain(W.HTML, markup.note(markup.in_words(error)))]
                return
            self._show_below((question, view))

    def _show_below(self, explaining: tuple[Question, ModelView] | None) -> None:
        before, self._explaining = self._explaining, explaining
        if before is not None or self._below.children:
            self._below.children = []
        if before is not None:
            before[1].close()
        if explaining is not None:
            self._below.children = [explaining[1]]
