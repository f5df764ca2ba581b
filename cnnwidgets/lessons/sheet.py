"""A question as the page is told of it: texts and pictures, the choices in the order in which they stand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ..compute.lessons import Asked, Box, Choice, Picture, Question
from ..render import encode_png, png_address
from .pictures import pixels, scale

SHOWN, OFFERED, POINTED = 168, 112, 260
"""Sides of pictures in px: of those above the choices, of those to choose from, of one whose parts are chosen."""


class Posed:
    """A question with its choices in the order in which they stand.

    Parameters
    ----------
    question : Question
        What is asked.
    seed : str
        Mixes the choices: the same for a whole class.

    Attributes
    ----------
    choices : list of Choice
        As they stand.
    right : int
        Which of them is right.
    """

    def __init__(self, question: Question, seed: str) -> None:
        self.question = question
        order = list(range(len(question.choices)))
        Random(seed).shuffle(order)
        self.choices: list[Choice] = [question.choices[at] for at in order]
        self.right = order.index(0)

    @property
    def pointed(self) -> bool:
        """Whether one answers by a click in the last of the pictures shown."""
        return self.question.right.box is not None

    def side(self, at: int) -> int:
        """Side of a picture shown, in px."""
        return POINTED if self.pointed and at == len(self.question.shown) - 1 else SHOWN

    def told(self) -> dict[str, Any]:
        """What the page is told."""
        question = self.question
        return {
            "ask": question.ask,
            "why": question.why,
            "topic": question.topic.replace("_", " "),
            "opens": question.opens[0] if question.opens else "",
            "right": self.right,
            "shown": [_seen(picture, self.side(at)) for at, picture in enumerate(question.shown)],
            "choices": [self._choice(choice) for choice in self.choices],
        }

    def _choice(self, choice: Choice) -> dict[str, Any]:
        last = self.question.shown[-1] if self.pointed else None
        return {
            "text": choice.text,
            "said": choice.said,
            "seen": None if choice.picture is None else _seen(choice.picture, OFFERED),
            "box": None if choice.box is None or last is None else share(choice.box, last),
        }


def posed(questions: Sequence[Question], seed: int) -> list[Posed]:
    """The questions with mixed choices."""
    return [Posed(question, f"{seed} {at} order") for at, question in enumerate(questions)]


def sheet(questions: Sequence[Posed], asked: Asked) -> dict[str, Any]:
    """All that the page needs."""
    return {"questions": [each.told() for each in questions], "note": left_out(asked)}


def left_out(asked: Asked) -> str:
    """What is not asked, and why; empty for nothing."""
    told = "; ".join(f"{topic.replace('_', ' ')}: {why}" for topic, why in asked.left_out.items())
    return f"Not asked: {told}." if told else ""


def share(box: Box, picture: Picture) -> list[float]:
    """A box in pixels as shares of the width and the height of a picture."""
    height, width = picture.values.shape[-2:]
    return [round(edge / (width, height)[side % 2], 5) for side, edge in enumerate(box)]


def _seen(picture: Picture, side: int) -> dict[str, Any]:
    drawn = pixels(picture, side)
    high, wide = drawn.shape[:2]
    return {
        "text": picture.text,
        "png": png_address(encode_png(drawn, level=9)),
        "wide": wide,
        "high": high,
        "boxes": [share(box, picture) for box in picture.boxes],
        "scale": scale(picture),
    }
