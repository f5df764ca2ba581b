from __future__ import annotations

import pytest

from cnnwidgets.widgets.controls import Guard


def test_a_guard_is_true_inside_its_blocks_alone_also_nested_ones():
    guard = Guard()
    assert not guard
    with guard:
        with guard:
            assert guard
        assert guard
    assert not guard


def test_an_error_inside_ends_it_too():
    guard = Guard()
    with pytest.raises(KeyError), guard:
        raise KeyError
    assert not guard
