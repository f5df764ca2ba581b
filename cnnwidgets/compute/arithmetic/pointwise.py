"""Functions of one number: which of them an activation is, told from numbers that it is given, and its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional as F

Steps = list[tuple[str, torch.Tensor]]
RANGE = 8.0
"""Numbers from -8 to 8 tell one function from another: ReLU and ReLU6, GELU and its approximation."""


@dataclass(frozen=True)
class Function:
    """A function of one number.

    Attributes
    ----------
    name : str
        What the field calls it.
    steps : callable
        From float64 numbers to (description, values) of each step, the result last.
    """

    name: str
    steps: Callable[[torch.Tensor], Steps]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The result alone."""
        return self.steps(x)[-1][1]


def _gate(x: torch.Tensor) -> Steps:
    return [("x + 3, from 0 to 6", (x + 3).clamp(0, 6))]


def _sigmoid(x: torch.Tensor) -> Steps:
    return [("e to the −x", torch.exp(-x)), ("1 / (1 + that)", torch.sigmoid(x))]


def _bell(x: torch.Tensor) -> torch.Tensor:
    return (1 + torch.erf(x / math.sqrt(2))) / 2


def _bell_by_tanh(x: torch.Tensor) -> torch.Tensor:
    return (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def _softplus(x: torch.Tensor) -> torch.Tensor:
    return F.softplus(x, threshold=700)


def _times_x(words: str, share: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], Steps]:
    return lambda x: [(words, share(x)), ("times x", x * share(x))]


FUNCTIONS = (
    Function("ReLU", lambda x: [("the larger of x and 0", x.clamp(min=0))]),
    Function("hard sigmoid", lambda x: [*_gate(x), ("divided by 6", (x + 3).clamp(0, 6) / 6)]),
    Function("hard swish", lambda x: [*_gate(x), ("times x, divided by 6", x * (x + 3).clamp(0, 6) / 6)]),
    Function("sigmoid", _sigmoid),
    Function("SiLU", _times_x("sigmoid of x, 1 / (1 + e^−x)", torch.sigmoid)),
    Function("tanh", lambda x: [("(e^x − e^−x) / (e^x + e^−x)", torch.tanh(x))]),
    Function("GELU", _times_x("share of the normal distribution below x", _bell)),
    Function("GELU by tanh", _times_x("about the share below x, by tanh", _bell_by_tanh)),
    Function("quick GELU", _times_x("sigmoid of 1.702 x", lambda x: torch.sigmoid(1.702 * x))),
    Function("softplus", lambda x: [("log(1 + e^x)", _softplus(x))]),
    Function("Mish", _times_x("tanh(log(1 + e^x))", lambda x: torch.tanh(_softplus(x)))),
    Function("softsign", lambda x: [("1 + |x|", 1 + x.abs()), ("x divided by that", x / (1 + x.abs()))]),
    Function("log sigmoid", lambda x: [*_sigmoid(x), ("its logarithm", F.logsigmoid(x))]),
)
"""Those without a setting."""


def probe(like: torch.Tensor) -> torch.Tensor:
    """Numbers from -8 to 8 in the form of `like`, in an order that has nothing to do with its axes."""
    order = torch.randperm(like.numel(), generator=torch.Generator().manual_seed(0))
    return torch.linspace(-RANGE, RANGE, like.numel())[order].reshape(like.shape).to(like)


def function_of(given: torch.Tensor, output: torch.Tensor) -> Function | None:
    """The function that takes each number of `given` to the one of `output` in the same place; None if none known does.

    Parameters
    ----------
    given : torch.Tensor
        From `probe`.
    output : torch.Tensor
        What an activation made of it.

    Examples
    --------
    >>> numbers = probe(torch.empty(1, 2, 4, 5))
    >>> function_of(numbers, torch.nn.functional.relu6(numbers)).name
    'clipping to 0 … 6'
    """
    if output.shape != given.shape or torch.equal(output, given):
        return None
    return next((found for found in _candidates(given, output) if agrees(found(given.double()), output)), None)


def agrees(result: torch.Tensor, output: torch.Tensor) -> bool:
    """Whether a result in float64 is what was put out, but for rounding."""
    eps = torch.finfo(output.dtype).eps
    rounding = eps * (32 if eps < 1e-5 else 2)
    return torch.allclose(result.to(output.device), output.double(), rtol=rounding, atol=rounding, equal_nan=True)


def _candidates(given: torch.Tensor, output: torch.Tensor) -> Iterator[Function]:
    yield from FUNCTIONS
    x, y = given.double(), output.double()
    low, high = float(y.min()), float(y.max())
    if -RANGE < low < high < RANGE:
        yield _clipping(low, high)
    slope = float(y.flatten()[x.argmin()] / x.min())
    yield _leaky(slope)
    alpha = low / math.expm1(-RANGE)
    if low < 0:
        yield _exponential(alpha, float(y.flatten()[x.argmax()] / x.max()))


def _clipping(low: float, high: float) -> Function:
    words = f"{_said(low)} … {_said(high)}"
    return Function(f"clipping to {words}", lambda x: [(f"x, from {words}", x.clamp(low, high))])


def _leaky(slope: float) -> Function:
    return Function("leaky ReLU", lambda x: [(f"x; below 0 times {_said(slope)}", torch.where(x < 0, x * slope, x))])


def _exponential(alpha: float, scale: float) -> Function:
    factor = "" if scale == 1 else f" times {_said(scale)}"
    words = f"x{factor}; below 0 {_said(alpha)} (e^x − 1)"
    return Function("ELU", lambda x: [(words, torch.where(x < 0, alpha * torch.expm1(x), scale * x))])


def _said(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
