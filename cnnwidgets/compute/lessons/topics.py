"""What can be asked, by name, and a whole set of questions by lot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

from ..core import ForwardError, find_layer, module_names, unknown
from .classes import softmax, which_class
from .kernels import which_filter, which_map
from .learning import which_rate
from .looked import Asks, Looked, NothingToAsk, one_of
from .maps import pooling, relu
from .places import most_important, receptive_field
from .question import Question
from .sizes import padding, stride

TOPICS: Mapping[str, Asks] = {
    "filters": which_filter,
    "feature_maps": which_map,
    "relu": relu,
    "pooling": pooling,
    "padding": padding,
    "stride": stride,
    "receptive_field": receptive_field,
    "softmax": softmax,
    "occlusion": most_important,
    "channels": which_class,
    "training": which_rate,
}
"""Name -> what asks it."""
ATTEMPTS = 3
"""Draws for one question, before its topic is given up: another image may have something to ask."""


class Asked(NamedTuple):
    """Questions, and which topics gave none.

    Attributes
    ----------
    questions : list of Question
        In the order of the topics, turn by turn.
    left_out : dict
        Topic -> why it does not apply.
    """

    questions: list[Question]
    left_out: dict[str, str]


def ask(
    look: Looked, topics: Iterable[str | Asks], *, seed: int = 0, count: int = 1, layer: str | None = None
) -> Asked:
    """Questions about a network and its images, drawn by lot.

    Parameters
    ----------
    look : Looked
        The network and its images, such as a `cw.Subject`.
    topics : iterable of str or callable
        Names of `TOPICS`, or functions of your own, `(subject, random) -> Question`.
    seed : int
        The same number gives the same questions, whatever the topics beside one are.
    count : int
        Questions for each topic.
    layer : str, optional
        The layer that those topics ask about that ask about one.

    Returns
    -------
    Asked
        The questions, and why a topic gave none: it does not apply to this network, these images or this layer, or it
        failed. Of functions of your own that is `NothingToAsk` alone; what else they raise is raised.

    Raises
    ------
    LookupError
        No such topic; says which are. No such layer.
    ForwardError
        The network refuses every image that was tried.
    """
    if layer is not None:
        find_layer(module_names(look.module), layer)
    chosen = [(each if isinstance(each, str) else getattr(each, "__name__", "own"), _of(each)) for each in topics]
    made: dict[str, list[Question]] = {}
    left_out: dict[str, str] = {}
    for name, asks in chosen:
        made[name] = []
        for number in range(count):
            try:
                made[name].append(_one(look, name, asks, f"{seed} {name} {number}", layer, made[name]))
            except Exception as reason:
                if name not in TOPICS and not isinstance(reason, NothingToAsk):
                    raise  # a mistake in a function of one's own
                if isinstance(reason, ForwardError):
                    one_of(look, Random(seed))  # raises where the network refuses every image, whatever is asked
                if not made[name]:
                    left_out[name] = " ".join(str(reason).split()) or type(reason).__name__
                break
    turns = [questions[at] for at in range(count) for questions in made.values() if at < len(questions)]
    return Asked(turns, left_out)


def _of(topic: str | Asks) -> Asks:
    if callable(topic):
        return topic
    if topic not in TOPICS:
        raise LookupError(unknown(f"no topic {topic!r}", topic, TOPICS, f"there are {', '.join(TOPICS)}"))
    return TOPICS[topic]


def _one(look: Looked, name: str, asks: Asks, seed: str, layer: str | None, before: Sequence[Question]) -> Question:
    """One question; another draw where there is nothing to ask, or the same was asked before."""
    options = {} if layer is None or name not in TOPICS else {"layer": layer}
    reason = NothingToAsk("there is nothing else to ask")
    for attempt in range(ATTEMPTS):
        try:
            question = asks(look, Random(f"{seed} {attempt}"), **options)
        except NothingToAsk as error:
            reason = error
            continue
        if not isinstance(question, Question):
            raise TypeError(f"the topic {name!r} gave {type(question).__name__}, not a Question")
        if not any(_same(question, other) for other in before):
            return question if question.topic else replace(question, topic=name)
    raise reason


def _same(one: Question, other: Question) -> bool:
    """Whether both ask the same of the same."""
    pictures = [[(each.text, each.values.shape) for each in question.shown] for question in (one, other)]
    return one.ask == other.ask and pictures[0] == pictures[1] and one.right.same(other.right)
