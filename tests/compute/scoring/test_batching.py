"""Batch sizes: found by their times, shared out evenly, halved when memory runs out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.compute.scoring.batching import BatchSize, out_of_memory

CPU = torch.device("cpu")


def found(cost, total=1000, **options):
    """The size that is settled on when a batch of n takes cost(n) seconds, and the sizes that were tried."""
    batch, sizes = BatchSize(224 * 224, CPU, **options), []
    while total:
        count = batch.next(total)
        sizes.append(count)
        batch.took(count, cost(count))
        total -= count
    return batch.size, sizes


def test_with_large_weights_the_largest_batch_is_the_quickest():
    assert found(lambda count: 1 + 0.01 * count)[0] == 32


def test_with_maps_too_large_for_the_cache_the_small_batch_is_the_quickest():
    assert found(lambda count: count * (1 if count < 10 else 2))[0] == 7


def test_a_size_in_between_is_found():
    assert found(lambda count: 1 + count * (0.1 if count < 20 else 0.3))[0] == 14


def test_the_setting_up_of_the_first_batch_of_a_size_is_not_counted():
    seen = set()

    def cost(count):
        extra = 0 if count in seen else 50
        seen.add(count)
        return extra + 1 + 0.01 * count

    assert found(cost)[0] >= 28


@given(left=st.integers(1, 500), size=st.integers(1, 64))
def test_a_batch_is_never_larger_than_what_is_left_or_than_asked_for(left, size):
    assert 1 <= BatchSize(10, CPU, size).next(left) <= min(left, size)


@given(left=st.integers(1, 500), pixels=st.integers(1, 10**8))
def test_a_batch_of_large_images_is_bounded(left, pixels):
    batch = BatchSize(pixels, CPU)
    assert 1 <= batch.next(left) <= batch.most <= max(1, 32 * 224 * 224 // pixels)


def test_what_is_left_is_shared_out_evenly():
    batch = BatchSize(224 * 224, CPU)
    assert [batch.next(left) for left in (16, 10, 7, 3)] == [8, 10, 7, 3]


def test_with_a_time_limit_the_first_batch_is_one_image_and_the_next_fits():
    batch = BatchSize(224 * 224, CPU)
    assert batch.next(100, 0.1) == 1
    batch.took(1, 0.03)
    assert batch.next(100, 0.1) == 3
    assert batch.next(100, 0.001) == 1


def test_half_of_what_failed_is_taken_and_never_more():
    batch = BatchSize(224 * 224, CPU)
    batch.failed(7)
    assert batch.next(100) == 3
    for _ in range(20):
        batch.took(3, 0.001)
    assert batch.next(100) <= 3


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8"])
def test_a_bad_batch_size_says_what_is_allowed(size):
    with pytest.raises(ValueError, match="batch_size is a whole number of images, 1 or more"):
        BatchSize(100, CPU, size)


def test_every_way_of_running_out_of_memory_is_known():
    wrapped = RuntimeError("layer refused")
    wrapped.__cause__ = torch.cuda.OutOfMemoryError("no memory")
    for error in (
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        MemoryError(),
        wrapped,
    ):
        assert out_of_memory(error), error
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("out of memory"))
    assert not out_of_memory(None)


def test_a_batch_that_memory_does_not_suffice_for_is_run_again_by_halves():
    batch, ran = BatchSize(224 * 224, CPU, size=8), []

    def run(count):
        ran.append(count)
        if count > 3:
            raise RuntimeError("CUDA out of memory")

    assert batch.run(16, run) == 2 and ran == [8, 4, 2]
    assert batch.run(1, run) == 1 and batch.size == 2


@pytest.mark.parametrize(("error", "size"), [(RuntimeError("CUDA out of memory"), 1), (RuntimeError("no"), 8)])
def test_what_a_single_image_or_another_error_raises_is_raised(error, size):
    def run(count):
        raise error

    with pytest.raises(RuntimeError, match=str(error)):
        BatchSize(224 * 224, CPU, size=size).run(20, run)


def test_only_the_time_of_a_batch_like_the_next_ones_counts():
    batch = BatchSize(224 * 224, CPU)
    batch.run(50, lambda count: None, timed=False)
    assert batch.each is None
    batch.run(50, lambda count: None)
    assert batch.each is not None and batch.each >= 0
