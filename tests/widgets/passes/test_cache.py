"""Tensors are held within a number of bytes; those not used for longest go first."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cnnwidgets.widgets.passes.cache import PROCESS, Budget, ByteCache

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


def shared(budget, *limits):
    return [ByteCache(limit, budget=budget) for limit in limits]


def test_caches_of_one_budget_hold_no_more_than_it_together_and_the_oldest_goes_whosever_it_is():
    budget = Budget(16)
    one, two = shared(budget, 16, 16)
    one.put("a", TWO)
    two.put("b", ONE)
    one.get("a")
    two.put("c", TWO)
    assert one.get("a") is TWO and two.get("b") is None and two.get("c") is TWO
    assert (budget.bytes, one.bytes, two.bytes) == (16, 8, 8)
    two.put("d", THREE)
    assert (budget.bytes, one.bytes, two.bytes) == (12, 0, 12)


def test_a_cache_keeps_its_own_limit_too():
    one, two = shared(Budget(100), 8, 100)
    for key in "abc":
        one.put(key, ONE)
        two.put(key, ONE)
    assert (one.bytes, two.bytes) == (8, 12)


def test_a_cache_that_may_hold_more_than_the_budget_raises_it_as_long_as_it_lives():
    budget = Budget(8)
    one, two = shared(budget, 8, 12)
    two.put("a", THREE)
    assert (budget.limit, budget.bytes) == (12, 12)
    del two
    gc.collect()
    assert (budget.limit, budget.bytes) == (8, 0)
    one.put("a", TWO)
    assert budget.bytes == 8


def test_what_nobody_is_shown_any_more_makes_way_for_as_much_as_is_new():
    one, two = shared(Budget(100), 100, 100)
    for key in "abcd":
        one.put(key, ONE)
    one.leave()
    assert one.bytes == 16  # until something else needs it
    two.put("e", TWO)
    assert (one.bytes, two.bytes) == (8, 8) and one.get("a") is None
    two.put("f", THREE)
    two.put("g", THREE)
    assert (one.bytes, two.bytes) == (0, 32)


def test_what_is_used_again_stays():
    one, two = shared(Budget(100), 100, 100)
    for key in "abc":
        one.put(key, ONE)
    one.leave()
    assert one.get("a") is ONE
    one.put("d", TWO)
    two.put("e", THREE)
    assert [one.get(key) is not None for key in "abcd"] == [True, False, False, True]


def test_threads_that_share_a_budget_lose_no_count():
    budget = Budget(40)
    caches = shared(budget, 40, 40, 40, 40)

    def use(cache):
        for number in range(500):
            cache.put(number % 7, ONE if number % 2 else TWO)
            cache.get(number % 5)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, caches))
    assert budget.bytes == sum(cache.bytes for cache in caches) <= 40
    assert all(cache.bytes == sum(tensor.nbytes for _, tensor in cache._held.values()) for cache in caches)


def test_all_caches_of_a_process_share_one_budget():
    before = PROCESS.bytes
    cache = filled(100, a=THREE)
    assert PROCESS.bytes == before + 12
    assert PROCESS.limit >= cache.limit
