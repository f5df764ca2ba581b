"""What works number by number is found in every version of torch, whatever that version tags."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import activation

from cnnwidgets.compute.receptive_field import pointwise
from cnnwidgets.compute.receptive_field.pointwise import is_pointwise
from cnnwidgets.compute.receptive_field.theoretical import receptive_field

SPECIAL = {
    "GLU": lambda: nn.GLU(1),
    "LogSoftmax": lambda: nn.LogSoftmax(1),
    "Softmax": lambda: nn.Softmax(1),
    "Softmin": lambda: nn.Softmin(1),
    "Threshold": lambda: nn.Threshold(0.1, 20.0),
}
PLAIN = sorted(set(activation.__all__) - {*SPECIAL, "MultiheadAttention"})  # attention mixes all positions
IN_PLACE = [name for name in PLAIN if "inplace" in inspect.signature(getattr(nn, name)).parameters]
MODULES: dict[str, Callable[[], nn.Module]] = {
    **{name: getattr(nn, name) for name in PLAIN},
    **{f"{name} in place": lambda name=name: getattr(nn, name)(inplace=True) for name in IN_PLACE},
    **SPECIAL,
    "Threshold in place": lambda: nn.Threshold(0.1, 20.0, inplace=True),
    "Dropout": nn.Dropout,
    "Dropout2d in place": lambda: nn.Dropout2d(inplace=True),
}
FUNCTIONS = [
    *(F.celu_, F.elu_, F.hardtanh_, F.leaky_relu_, F.relu_, F.rrelu_, F.selu_, F.softsign, F.tanhshrink, F.logsigmoid),
    *(torch.clip, torch.deg2rad, torch.erf, torch.exp, torch.lgamma, torch.neg, torch.square, torch.sinc),
    *(torch.Tensor.clamp_, torch.Tensor.sigmoid_, torch.Tensor.tanh_, torch.Tensor.abs_, torch.special.expit),
]
FUNCTIONS = [f if f is not torch.clip else (lambda x: torch.clip(x, -1, 1)) for f in FUNCTIONS]
FUNCTIONS = [f if f is not torch.Tensor.clamp_ else (lambda x: x.clamp_(-1, 1)) for f in FUNCTIONS]


class Behind(nn.Module):
    """A 3 x 3 convolution with stride 2, and a function of its output."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        if isinstance(function, nn.Module):
            self.layer = function
        self.function = function
        self.last = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(self.conv(x)))


@pytest.fixture(params=["as torch tags", "no tags"])
def tags(request, monkeypatch):
    if request.param == "no tags":
        monkeypatch.setattr(pointwise, "TAG", None)


def moved_by(model: nn.Module, size: int) -> Tensor:
    """(rows, columns, size, size): which pixels change a unit when they change, in any of several images."""
    model.eval().double()
    seen = None
    for _ in range(4):
        picture = 4 * torch.randn(1, 1, size, size, dtype=torch.float64)
        changed = picture.repeat(size * size, 1, 1, 1)
        changed.view(size * size, -1)[range(size * size), range(size * size)] += 3.0
        with torch.no_grad():
            moved = (model(changed) - model(picture)).abs().amax(1) > 1e-9
        moved = moved.movedim(0, -1).unflatten(-1, (size, size))
        seen = moved if seen is None else seen | moved
    assert seen is not None
    return seen


def check(model: nn.Module, size: int = 7) -> None:
    torch.manual_seed(0)
    seen = moved_by(model, size)
    field = receptive_field(model, torch.rand(1, size, size, dtype=torch.float64), "last")
    assert field.grid == seen.shape[:2]
    assert not field.everything
    for row in range(field.grid[0]):
        for column in range(field.grid[1]):
            where = seen[row, column].nonzero()
            top, left, bottom, right = field.box(row, column)
            assert where.amin(0).tolist() == [top, left]
            assert where.amax(0).tolist() == [bottom - 1, right - 1]


@pytest.mark.parametrize("name", MODULES)
def test_behind_every_activation_of_torch_a_unit_sees_the_pixels_that_move_it(name, tags):
    check(Behind(MODULES[name]()))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: getattr(function, "__name__", "?"))
def test_behind_a_function_of_each_number_too(function, tags):
    check(Behind(function))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: torch.maximum(x, -x),
        lambda x: torch.max(x, -x),
        lambda x: torch.where(x > 0, x, x.exp()),
        lambda x: x.masked_fill(x < 0, 0),
        lambda x: torch.lerp(x, x.sigmoid(), 0.5),
        lambda x: torch.addcmul(x, x, x, value=0.5),
        lambda x: torch.special.i0e(x) + torch.special.entr(x.sigmoid()),
        lambda x: x * F.hardsigmoid(x, inplace=False) - x.pow(3) / (1 + x.abs()),
        lambda x: torch.relu(x).add_(x).mul_(2).div_(3).sub_(1),
    ],
)
def test_operations_on_several_tensors_keep_places_apart(operation, tags):
    check(Behind(operation))


def test_a_maximum_over_an_axis_is_no_operation_on_each_number():
    assert not is_pointwise(torch.ops.aten.max.dim)
    assert not is_pointwise(torch.ops.aten.max.default)
    assert is_pointwise(torch.ops.aten.max.other)


def test_mobilenet_sees_what_it_sees_whatever_is_tagged(tags):
    from torchvision.models import mobilenet_v2

    field = receptive_field(mobilenet_v2(weights=None), torch.rand(1, 3, 32, 32), "features.18")
    assert (field.size, field.stride) == (491, 32)
