"""Layers without weights, told by their numbers: an activation, softmax, a sum of tensors, a concatenation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from ..arithmetic import Function, agrees, function_of, probe
from .explanation import Explanation, checked_channel, checked_unit, tolerance

Call = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Place:
    """One number of an output.

    Attributes
    ----------
    layer, type : str
        Name and class of the layer.
    output : torch.Tensor
        Of the layer, with the batch axis.
    last : bool
        Whether the channels are the last axis.
    channel, unit
        As for `explain`.
    """

    layer: str
    type: str
    output: torch.Tensor
    last: bool
    channel: int
    unit: int | Sequence[int]

    @property
    def axis(self) -> int:
        """Of the channels."""
        return self.output.ndim - 1 if self.last else 1

    @property
    def index(self) -> tuple[int, ...]:
        """Of the number, batch and channel included."""
        shape, axis = self.output.shape, self.axis
        channel = checked_channel(self.channel, shape[axis], self.layer)
        at = checked_unit(self.unit, (*shape[:axis], *shape[axis + 1 :]), self.layer)
        return (*at[:axis], channel, *at[axis:])

    def explained(
        self, kind: str, steps: Sequence[tuple[str, float]], patch: torch.Tensor, *, slack: float
    ) -> Explanation:
        """What is said of it; the last step is the result, `slack` the tolerance."""
        index = self.index
        unit = tuple(place for axis, place in enumerate(index) if axis not in (0, self.axis))
        return Explanation(
            layer=self.layer,
            type=self.type,
            kind=kind,  # type: ignore[arg-type]
            channel=self.channel,
            unit=unit,
            value=float(self.output[index]),
            index=index,
            result=float(steps[-1][1]),
            tolerance=slack,
            steps=tuple(steps),
            patch=patch,
            inputs=range(self.channel, self.channel + 1),
            positions=tuple((place,) for place in unit),
        )


class Rule(Protocol):
    """What a layer does to the tensors that it is given."""

    def explain(self, place: Place, inputs: Sequence[torch.Tensor]) -> Explanation:
        """One number of its output."""


@dataclass(frozen=True, eq=False)
class Pointwise:
    """Each number by itself."""

    function: Function

    def explain(self, place: Place, inputs: Sequence[torch.Tensor]) -> Explanation:
        """The number at the same place of the input, and the steps of the function."""
        x = inputs[0][place.index].double().cpu()
        steps = [("input x", float(x)), *((words, float(value)) for words, value in self.function.steps(x))]
        size = sum(abs(value) for _, value in steps if value == value) + abs(steps[-1][1])
        slack = tolerance(place.output.dtype, min(size, 2 * abs(float(x)) + 4 * abs(steps[-1][1])))
        return place.explained("pointwise", steps, x.reshape(1, *(1,) * max(0, place.output.ndim - 2)), slack=slack)


@dataclass(frozen=True, eq=False)
class Softmax:
    """Shares along an axis."""

    axis: int

    def explain(self, place: Place, inputs: Sequence[torch.Tensor]) -> Explanation:
        """Powers of e for each number along the axis, and what part of their sum this one is."""
        index = list(place.index)
        at, index[self.axis] = index[self.axis], slice(None)  # type: ignore[call-overload]
        x = inputs[0][tuple(index)].double().cpu()
        largest = float(x.max())
        powers = torch.exp(x - largest)
        total, share = float(powers.sum()), float(powers[at] / powers.sum())
        steps = [
            ("input x", float(x[at])),
            (f"e to the x − {largest:.4g}, the largest", float(powers[at])),
            (f"sum of these over {len(x):,} numbers", total),
            ("divided by the sum", share),
        ]
        slack = tolerance(place.output.dtype, share * (1 + 2 * float(x.abs().max())))
        return place.explained("softmax", steps, x, slack=slack)


@dataclass(frozen=True, eq=False)
class Addition:
    """The sum of tensors, place by place."""

    def explain(self, place: Place, inputs: Sequence[torch.Tensor]) -> Explanation:
        """The number of each of them at the same place."""
        terms = [float(each.expand(place.output.shape)[place.index]) for each in inputs]
        total = sum(terms)
        steps = [(f"input {number}", term) for number, term in enumerate(terms, 1)]
        slack = tolerance(place.output.dtype, sum(map(abs, terms)))
        patch = torch.tensor(terms, dtype=torch.double)
        return place.explained("addition", [*steps, ("their sum", total)], patch, slack=slack)


@dataclass(frozen=True, eq=False)
class Concatenation:
    """Tensors one behind another along an axis."""

    axis: int

    def source(self, at: int, inputs: Sequence[torch.Tensor]) -> tuple[int, int]:
        """Which of the tensors number `at` along the axis comes from, from 0, and its number in that."""
        for number, each in enumerate(inputs):
            if at < each.shape[self.axis]:
                return number, at
            at -= each.shape[self.axis]
        raise IndexError(at)

    def explain(self, place: Place, inputs: Sequence[torch.Tensor]) -> Explanation:
        """The number that was handed on, and where it stood."""
        index = list(place.index)
        number, index[self.axis] = self.source(index[self.axis], inputs)
        x = float(inputs[number][tuple(index)])
        what = "channel" if self.axis == place.axis else "place"
        steps = [(f"{what} {index[self.axis]} of input {number + 1} of {len(inputs)}", x), ("as it is", x)]
        patch = torch.full((1,) * max(1, place.output.ndim - 1), x, dtype=torch.double)
        return place.explained("concatenation", steps, patch, slack=0.0)


def rule_of(call: Call, given: torch.Tensor, output: torch.Tensor | None = None) -> Pointwise | Softmax | None:
    """What a layer of one input does, as it makes of many numbers what a function of one number, or softmax, does.

    Parameters
    ----------
    call : callable
        The layer; it gets tensors that it may overwrite.
    given : torch.Tensor
        An input of it.
    output : torch.Tensor, optional
        What it made of that in a pass: the rule has to give that too.
    """
    numbers = probe(given)
    with torch.no_grad():
        try:
            made = call(numbers.to(torch.float32, copy=True))  # fine enough to tell one function from another
        except RuntimeError:  # it has weights of another type
            made = call(numbers.clone())
    if not isinstance(made, torch.Tensor) or not made.is_floating_point() or made.shape != given.shape:
        return None
    found = function_of(numbers, made)
    if found is not None:
        return Pointwise(found) if output is None or agrees(found(given.double()), output) else None
    for axis in (axis for axis, size in enumerate(given.shape) if size > 1):
        if agrees(torch.softmax(numbers.double(), axis), made):
            right = output is None or agrees(torch.softmax(given.double(), axis), output)
            return Softmax(axis) if right else None
    return None


def joined(inputs: Sequence[torch.Tensor], output: torch.Tensor) -> Addition | Concatenation | None:
    """Whether `output` is the sum of `inputs`, or these one behind another along an axis; None for neither."""
    if not all(each.is_floating_point() for each in inputs):
        return None
    try:
        shape = torch.broadcast_shapes(*(each.shape for each in inputs))
    except RuntimeError:
        shape = torch.Size()
    wide = [each.double() for each in inputs]
    if shape == output.shape and len(inputs) > 1:
        total, size = sum(wide[1:], wide[0]), sum((each.abs() for each in wide[1:]), wide[0].abs())
        if bool((((total - output.double()).abs() <= tolerance(output.dtype, 1.0) * size) | (total != total)).all()):
            return Addition()
    for axis in range(1, output.ndim):
        others = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in inputs}
        if others == {(*output.shape[:axis], *output.shape[axis + 1 :])}:
            whole = torch.cat(list(inputs), axis)
            if whole.shape == output.shape and torch.equal(whole.nan_to_num(), output.nan_to_num()):
                return Concatenation(axis)
    return None
