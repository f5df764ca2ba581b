"""A question with its right answer and its near misses, as numbers: it draws nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

import torch

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels, the last two exclusive."""
Kind: TypeAlias = Literal["image", "map", "kernel", "curve"]
AXES = {"image": 3, "map": 2, "kernel": 3, "curve": 1}
MOST = 9
"""Choices of a question: each has a key of its own, 1 to 9."""
CHANNELS = (1, 3, 4)
"""Channels of an image: grey, RGB, RGBA."""
SLACK = 1e-3
"""How far undoing a normalisation may carry an image out of 0 to 1."""
ALIKE = 0.05
"""Pictures whose difference has less than this share of the norm of the larger one cannot be told apart by eye."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Numbers that are to be seen.

    Attributes
    ----------
    values : torch.Tensor
        As `kind` says; finite.
    kind : str
        `image`, (C, H, W) in [0, 1] with 1, 3 or 4 channels; `map`, (H, W) of any values; `kernel`, (N, H, W), the
        kernels of one filter; `curve`, (N,), values from left to right.
    text : str
        What stands over it.
    limits : (float, float), optional
        Ends of the colour scale, or of the axis of a curve; None: its own, and one for all choices of a question.
    boxes : sequence of (left, top, right, bottom)
        What is outlined, in pixels within the picture.

    Raises
    ------
    TypeError, ValueError
        `values` is not what `kind` says it is.

    Examples
    --------
    >>> import torch, cnnwidgets as cw
    >>> cw.lessons.Picture(torch.eye(3), text="a diagonal").kind
    'map'
    """

    values: torch.Tensor
    kind: Kind = "map"
    text: str = ""
    limits: tuple[float, float] | None = None
    boxes: Sequence[Box] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no kind of picture {self.kind!r}: allowed are {', '.join(get_args(Kind))}")
        if not isinstance(self.values, torch.Tensor):
            raise TypeError(f"the values of a picture are a tensor, not {type(self.values).__name__}")
        if self.values.ndim != AXES[self.kind] or not self.values.numel():
            raise ValueError(
                f"a picture of kind {self.kind!r} has {AXES[self.kind]} axes, none of them empty: "
                f"got shape {tuple(self.values.shape)}"
            )
        values = self.values.detach().cpu().float()
        if not bool(values.isfinite().all()):
            raise ValueError(f"the picture {self.text!r} holds NaN or infinite values")
        object.__setattr__(self, "values", values)
        if self.kind == "image":
            if len(values) not in CHANNELS:
                raise ValueError(f"an image has 1, 3 or 4 channels, not {len(values)}; take one, or their mean")
            low, high = float(values.min()), float(values.max())
            if low < -SLACK or high > 1 + SLACK:
                raise ValueError(f"an image has values in 0 to 1, not {low:g} to {high:g}; a map may have any")
        if self.limits is not None:
            low, high = map(float, self.limits)
            if not -math.inf < low < high < math.inf:
                raise ValueError(f"limits are two numbers, the lower one first, not {self.limits}")
        for box in self.boxes:
            self.check_box(box)

    def check_box(self, box: Box) -> None:
        """Raise ValueError, in words, where a box is no part of this picture."""
        height, width = self.values.shape[-2:] if self.values.ndim > 1 else (0, 0)
        left, top, right, bottom = box
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(
                f"the box {box} is no part of a picture of {width} × {height} pixels: left, top, right, bottom"
                if height
                else "a curve has no boxes"
            )

    def looks_like(self, other: Picture) -> bool:
        """Whether nobody could tell the two apart: by their numbers, or as they are drawn, in 256 steps."""
        if self.kind != other.kind or self.values.shape != other.values.shape:
            return False
        if alike(self.values, other.values):
            return True
        own = [each.limits or (None if self.kind != "image" else (0.0, 1.0)) for each in (self, other)]
        if own == [None, None]:
            own = [limits(self.values, other.values)] * 2  # those of one question share a scale
        drawn = []
        for each, ends in zip((self, other), own, strict=True):
            low, high = ends or limits(each.values)
            drawn.append(((each.values - low) / (high - low)).clamp(0, 1) * 255)
        return float((drawn[0] - drawn[1]).abs().max()) <= 1


def limits(*values: torch.Tensor) -> tuple[float, float]:
    """One colour scale for all of these; centred on 0 where there are negative values."""
    low, high = min(float(each.min()) for each in values), max(float(each.max()) for each in values)
    most = max(-low, high) or 1.0
    return (-most, most) if low < 0 else (0.0, most)


def alike(one: torch.Tensor, other: torch.Tensor, least: float = ALIKE) -> bool:
    """Whether two tensors differ by less than this share of the larger norm."""
    if one.shape != other.shape:
        return False
    larger = float(max(one.float().norm(), other.float().norm()))
    return float((one.float() - other.float()).norm()) <= least * larger


@dataclass(frozen=True, eq=False)
class Choice:
    """One of the answers that a question offers.

    Attributes
    ----------
    text : str
        What it says; with a picture, what stands under it.
    picture : Picture, optional
        What is clicked; a tensor (H, W) will do.
    box : (left, top, right, bottom), optional
        The part of the question's last picture that is clicked, in pixels.
    said : str
        What it was, told when the question is answered: `filter 3`.

    Raises
    ------
    ValueError
        There is nothing to choose: neither text nor picture nor box.
    """

    text: str = ""
    picture: Picture | None = None
    box: Box | None = None
    said: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip() and self.picture is None and self.box is None:
            raise ValueError("a choice needs a text, a picture or a box")
        given: Any = self.picture
        if given is not None and not isinstance(given, Picture):
            object.__setattr__(self, "picture", Picture(given))

    @classmethod
    def of(cls, given: Any) -> Choice:
        """A choice of itself, of a text or number, of a picture or a tensor (H, W), or of a box."""
        if isinstance(given, Choice):
            return given
        if isinstance(given, Picture):
            return cls(picture=given)
        if isinstance(given, torch.Tensor) and given.ndim:
            return cls(picture=Picture(given))
        if isinstance(given, torch.Tensor):
            given = given.item() if not given.is_floating_point() else given.detach().cpu().float().numpy()[()]
        if isinstance(given, (tuple, list)) and len(given) == 4:
            left, top, right, bottom = map(float, given)
            return cls(box=(left, top, right, bottom))
        if isinstance(given, (str, Real)):
            return cls(text=str(given))
        raise TypeError(f"a choice is a text, a tensor (H, W), a box of four numbers or a Choice, not {given!r:.60}")

    def same(self, other: Choice) -> bool:
        """Whether nobody could tell the two apart."""
        if self.picture is not None and other.picture is not None:
            return self.picture.looks_like(other.picture)
        if self.box is not None or other.box is not None:
            return self.box == other.box
        return self.picture is other.picture and _plain(self.text) == _plain(other.text)


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked, what is right, and what nearly is.

    Attributes
    ----------
    ask : str
        The question.
    right : Choice
        The right answer; a text, a tensor (H, W) or a box of four numbers will do.
    wrong : sequence of Choice
        Near misses, 1 to 8; the same will do. The lesson mixes them.
    why : str
        Why it is right, told with the answer.
    shown : sequence of Picture
        What is seen above the choices; a choice that is a box is a part of the last one.
    opens : (str, mapping), optional
        The view that explains it, by name, and its traits: `("ConvolutionView", {"layer": "C1", "channel": 3})`.
    topic : str
        What it is about.

    Raises
    ------
    ValueError
        Nothing is asked; an answer is there twice; there are too few or too many choices, or some are boxes and others
        are not.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> question = cw.lessons.Question("2 + 2?", right=4, wrong=[3, 5], why="two and two")
    >>> [choice.text for choice in question.choices]
    ['4', '3', '5']
    """

    ask: str
    right: Any
    wrong: Sequence[Any]
    why: str = ""
    shown: Sequence[Picture] = ()
    opens: tuple[str, Mapping[str, Any]] | None = None
    topic: str = ""

    def __post_init__(self) -> None:
        right, *wrong = _on_one_scale([Choice.of(each) for each in (self.right, *self.wrong)])
        for name, value in (
            ("right", right),
            ("wrong", tuple(wrong)),
            ("shown", tuple(each if isinstance(each, Picture) else Picture(each) for each in self.shown)),
        ):
            object.__setattr__(self, name, value)
        if not self.ask.strip():
            raise ValueError("a question asks something: ask is empty")
        if not 2 <= len(self.choices) <= MOST:
            raise ValueError(f"{self.ask!r} has {len(self.choices)} choices: 2 to {MOST} can be offered")
        boxes = sum(choice.box is not None for choice in self.choices)
        if boxes and (boxes < len(self.choices) or not self.shown):
            raise ValueError(f"{self.ask!r}: choices that are boxes need a picture in `shown`, and all must be boxes")
        for choice in self.choices:
            if choice.box is not None:
                self.shown[-1].check_box(choice.box)
        for (one, first), (two, second) in combinations(enumerate(self.choices), 2):
            if first.same(second):
                called = "the right answer" if not one else f"wrong answer {one}"
                raise ValueError(f"{self.ask!r} offers an answer twice: {called} and wrong answer {two} are alike")

    @property
    def choices(self) -> list[Choice]:
        """All that is offered, the right one first."""
        return [self.right, *self.wrong]


def _on_one_scale(choices: Sequence[Choice]) -> list[Choice]:
    """The choices with one scale for all pictures of a kind that have none of their own: they are compared."""
    scales: dict[str, tuple[float, float]] = {}
    open_ = [each.picture for each in choices if each.picture is not None and each.picture.limits is None]
    for kind in {picture.kind for picture in open_} - {"image"}:
        scales[kind] = limits(*(picture.values for picture in open_ if picture.kind == kind))
    return [
        replace(each, picture=replace(each.picture, limits=scales[each.picture.kind]))
        if each.picture is not None and each.picture.limits is None and each.picture.kind in scales
        else each
        for each in choices
    ]


def apart(right: Choice, candidates: Iterator[Choice] | Sequence[Choice], most: int = 3) -> list[Choice]:
    """The first of the candidates that differ from the right answer and from one another."""
    kept: list[Choice] = []
    for candidate in candidates:
        if len(kept) < most and not any(candidate.same(other) for other in (right, *kept)):
            kept.append(candidate)
    return kept


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
