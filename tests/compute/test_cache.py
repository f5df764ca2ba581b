"""Tensors are held within a number of bytes; those not used for longest go first."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.compute.cache import ByteCache

ONE, TWO, THREE = (torch.zeros(numbers) for numbers in (1, 2, 3))  # 4, 8 and 12 bytes


def filled(limit, **tensors):
    cache = ByteCache(limit)
    for key, tensor in tensors.items():
        cache.put(key, tensor)
    return cache


def test_what_was_put_is_the_very_tensor_that_comes_back():
    cache = filled(100, a=ONE, b=TWO)
    assert cache.get("a") is ONE
    assert cache.get("c") is None
    assert (len(cache), cache.bytes) == (2, 12)


def test_the_first_put_goes_first():
    cache = filled(12, a=ONE, b=TWO, c=ONE)
    assert [cache.get(key) is not None for key in "abc"] == [False, True, True]
    assert cache.bytes == 12


def test_what_was_just_read_stays_longest():
    cache = filled(12, a=ONE, b=TWO)
    cache.get("a")
    cache.put("c", ONE)
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    assert cache.bytes == 8


def test_as_many_go_as_the_new_one_needs():
    cache = filled(12, a=ONE, b=ONE, c=ONE)
    cache.put("d", THREE)
    assert (len(cache), cache.bytes) == (1, 12)
    assert cache.get("d") is THREE


def test_a_tensor_larger_than_the_limit_is_refused_and_drives_nothing_out():
    cache = filled(8, a=ONE, b=ONE)
    cache.put("c", THREE)
    assert (len(cache), cache.bytes) == (2, 8)
    assert cache.get("c") is None


def test_a_key_put_again_is_counted_once():
    cache = filled(100, a=ONE)
    cache.put("a", THREE)
    assert (len(cache), cache.bytes) == (1, 12)
    assert cache.get("a") is THREE


def test_a_key_put_again_with_a_tensor_too_large_holds_nothing_old():
    cache = filled(8, a=ONE)
    cache.put("a", THREE)
    assert cache.get("a") is None
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_limit_of_nothing_holds_nothing():
    cache = filled(0, a=ONE)
    assert (len(cache), cache.bytes) == (0, 0)


def test_clearing_lets_everything_go():
    cache = filled(100, a=ONE, b=TWO)
    cache.clear()
    assert (len(cache), cache.bytes, cache.get("a")) == (0, 0, None)


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="number of bytes, 0 or more, not -1"):
        ByteCache(-1)
