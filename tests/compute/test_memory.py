"""Captures that are let go leave no memory behind."""

from __future__ import annotations

import gc
import tracemalloc

import psutil
import pytest
import torch
from torch import nn

from cnnwidgets.compute import activations, capture


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 26 * 26, 4)).eval()


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
