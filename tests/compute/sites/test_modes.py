"""Modes that are on while a module runs, and not left behind."""

from __future__ import annotations

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.overrides import _get_current_function_mode_stack as modes

from cnnwidgets.compute.sites import PassMode, no_mode_left


class Counting(PassMode):
    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


class Users(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def test_a_mode_is_taken_off_from_under_others_which_stay():
    mode, x = Counting(), torch.ones(2)
    mode.put_on()
    with Users() as other:
        torch.relu(x)
        assert mode.take_off() and modes() == [other] and not mode.take_off()
        torch.relu(x)
    assert mode.calls == 1 and not modes()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_a_pass_leaves_on_is_taken_off_and_what_was_on_before_stays(error):
    first = Counting()
    first.put_on()
    with pytest.raises(error), no_mode_left():
        Counting().put_on()
        Counting().put_on()
        raise error
    assert modes() == [first] and first.take_off()
