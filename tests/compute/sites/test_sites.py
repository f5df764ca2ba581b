"""The place in the code from which an operation is called: the same in a trace as in a pass."""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from cnnwidgets.compute.layers import trace
from cnnwidgets.compute.sites import operated, place_of


class Kinds(nn.Module):
    """Operators, methods, functions, some through functions of its own, some at one place several times."""

    def helper(self, x):
        return [F.relu(each) for each in (x, -x)]

    def forward(self, x):
        x = x + 1
        x += 1
        x = 2 - x
        one, other = self.helper(x)
        x = sum([one, other, one])
        x = F.max_pool2d(x, 2) @ torch.ones(1)
        return torch.cat([x.tanh(), x / 3], 1)[:, 0]


class Noting(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.places = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if any(isinstance(each, torch.Tensor) for each in args) or func is torch.cat:
            self.places.append(place_of(sys._getframe(1)))
        return func(*args, **(kwargs or {}))


def test_a_pass_calls_from_the_places_that_a_trace_has_noted_in_the_same_order():
    model = nn.Sequential(Kinds())
    sites = [operation.site for operation in trace(model).operations]
    with Noting() as mode:
        model(torch.rand(1, 1, 2, 2))
    assert [site.place for site in sites] == mode.places
    assert [site.number for site in sites if len(site.place) == 1] == [1, 1, 1, 1, 2, 3, 1, 1, 1, 1, 1, 1]
    assert {site.scope for site in sites} == {"0"} and {site.call for site in sites} == {1}


def test_each_call_of_a_module_has_sites_of_its_own():
    block = Kinds()

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = block

        def forward(self, x):
            return self.block(x) + self.block(x)

    sites = {operation.name: operation.site for operation in trace(Outer()).operations}
    assert (sites["tanh"].scope, sites["tanh"].call) == ("block", 1)
    assert (sites["tanh_1"].scope, sites["tanh_1"].call) == ("block", 2)
    assert sites["tanh"].place == sites["tanh_1"].place


def test_an_operation_is_changed_and_one_that_writes_to_a_tensor_writes_what_is_changed():
    def double(value):
        return value * 2

    x = torch.tensor([-1.0, 1.0])
    assert operated(torch.relu, (x,), {}, double).tolist() == [0, 2] and x.tolist() == [-1, 1]
    assert operated(F.relu, (x,), {"inplace": False}, double).tolist() == [0, 2] and x.tolist() == [-1, 1]
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            for function, given in ((F.relu, (True,)), (torch.Tensor.add_, (1.0,))):
                x = torch.tensor([-1.0, 1.0])
                found = operated(function, (x, *given), {}, double)
                assert found is x and x.tolist() == ([0, 2] if function is F.relu else [0, 4])
    x = torch.zeros(2)
    operated(torch.add, (torch.ones(2), torch.ones(2)), {"out": x}, double)
    assert x.tolist() == [4, 4]
