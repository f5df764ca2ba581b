"""Captures that are let go leave no memory behind, and copies lie where nobody else writes."""

from __future__ import annotations

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import torch
from torch import nn

from cnnwidgets.compute.core import memory
from cnnwidgets.compute.core.hooks import capture
from cnnwidgets.compute.core.memory import Copies
from cnnwidgets.compute.layers.activations import activations


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 26 * 26, 4)).eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
    ],
)
def test_a_thousand_captures_leave_memory_flat(model, device):
    model.to(device)
    images = torch.rand(1, 1, 28, 28, device=device)

    def look() -> None:
        activations(model, images)
        with capture(model) as captured:
            model(images)
        assert len(captured) == 4

    for _ in range(50):
        look()
    gc.collect()
    process = psutil.Process()
    tracemalloc.start()
    resident, on_device = process.memory_info().rss, torch.cuda.memory_allocated() if device == "cuda" else 0
    first, _ = tracemalloc.get_traced_memory()
    for _ in range(1000):
        look()
    gc.collect()
    last, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # one kept capture would be 61 kB of outputs and some 10 kB of Python; a thousand of either would show
    assert last - first < 200_000
    assert process.memory_info().rss - resident < 15e6
    if device == "cuda":
        assert torch.cuda.memory_allocated() == on_device


def test_an_exception_in_each_of_a_hundred_captures_leaves_no_hook(model):
    for _ in range(100):
        with pytest.raises(KeyboardInterrupt), capture(model):
            model(torch.rand(1, 1, 28, 28))
            raise KeyboardInterrupt
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in model.modules())


MEGABYTES = torch.arange(3 * 2**18, dtype=torch.float32)  # three of them


def test_a_copy_is_true_whatever_the_type_and_the_order_in_memory():
    copies = Copies()
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.int64, torch.uint8, torch.bool):
        for numbers in (MEGABYTES, MEGABYTES[: 2**17]):
            value = numbers.to(dtype).reshape(2, -1).T
            copy = copies.copy(value)
            assert torch.equal(copy, value)
            assert copy.is_contiguous()
            assert copy.untyped_storage().nbytes() == value.nbytes  # so that saving it saves nothing beside it


def test_copies_of_one_pass_do_not_overlap():
    copies = Copies()
    held = [copies.copy(torch.full((30_000,), float(number))) for number in range(100)]
    assert [copy.unique().tolist() for copy in held] == [[number] for number in range(100)]


def test_memory_is_used_again_once_nobody_holds_it(monkeypatch):
    monkeypatch.setattr(memory, "_blocks", [])
    first = Copies().copy(MEGABYTES)
    place = first.data_ptr()
    del first
    assert Copies().copy(MEGABYTES).data_ptr() == place


@pytest.mark.parametrize("hold", [lambda t: t[:1], lambda t: t.numpy(), lambda t: t.untyped_storage(), lambda t: [t]])
@pytest.mark.parametrize("numbers", [MEGABYTES, MEGABYTES[: 2**17]], ids=["alone in a block", "beside others"])
def test_memory_that_anybody_holds_is_never_written_again(numbers, hold):
    kept = hold(Copies().copy(numbers + 1))
    others = [Copies().copy(numbers * 0 - 1) for _ in range(4)]
    value = kept[0] if not isinstance(kept, torch.UntypedStorage) else torch.tensor([], dtype=torch.float32).set_(kept)
    assert torch.as_tensor(value).flatten()[0] == 1
    assert all((other == -1).all() for other in others)


def test_no_more_waits_for_the_next_pass_than_is_said(monkeypatch):
    monkeypatch.setattr(memory, "_blocks", [])
    monkeypatch.setattr(memory, "KEPT", 5 * 2**20)
    held = [Copies().copy(MEGABYTES + number) for number in range(4)]  # 12 MB
    assert memory.on_loan() <= 5 * 2**20
    assert [copy[0].item() for copy in held] == [0, 1, 2, 3]


def test_only_blocks_in_use_stay_when_memory_is_given_back(monkeypatch):
    monkeypatch.setattr(memory, "_blocks", [])
    held, free = Copies().copy(MEGABYTES + 1), Copies().copy(MEGABYTES + 2)
    del free
    assert memory.held() == 2 * memory.on_loan() == 2 * MEGABYTES.nbytes
    memory.give_back()
    assert memory.held() == memory.on_loan() == MEGABYTES.nbytes
    assert torch.equal(held, MEGABYTES + 1)


def test_two_threads_never_get_the_same_memory():
    def look(number: int) -> bool:
        copies = Copies()
        held = [copies.copy(torch.full((2**17 * (1 + part % 3),), float(number))) for part in range(6)]
        return all((copy == number).all() for copy in held)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, range(60)))
