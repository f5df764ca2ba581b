"""What looking costs: capturing one layer, all layers, or an early one, against a bare forward pass.

    python benchmarks/capture.py [--reps 30]

Random weights, one random image of 224 x 224, on the CPU. The runs of one row are interleaved, so that drift of the
machine hits both sides. The bare pass is the quickest there is: evaluation mode, `torch.inference_mode`. TorchLens is
timed beside where it is installed (`pip install torchlens`): its quick pass that records every operation, and its
full trace.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from _table import median, print_times, verdict, where

from cnnwidgets.compute.core.memory import on_loan
from cnnwidgets.compute.layers.activations import activations, run


def interleaved(reps: int, **calls: Callable[[], Any]) -> dict[str, list[float]]:
    """Milliseconds of each call, one after the other in each repetition, after two for warming up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for rep in range(reps + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if rep >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return times


def ratio(times: dict[str, list[float]], name: str) -> float:
    """Median over the repetitions of the time against the bare pass of the same repetition."""
    return median([ours / bare for ours, bare in zip(times[name], times["bare"], strict=True)])


def peak_bytes(call: Callable[[], Any]) -> int:
    """The most bytes that torch's CPU allocator held at once during `call`, and the blocks that the copies lie in."""
    before = on_loan()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        kept = call()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    blocks = on_loan() - before
    del kept
    return peak + blocks


def torchlens(model: torch.nn.Module, image: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """TorchLens' two ways to save every operation's output; none where it is not installed."""
    try:
        from torchlens import record, trace
    except ImportError:
        return {}
    return {
        "record": lambda: record(model, image, default_op=True, default_module=True),
        "trace": lambda: trace(model, image),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=30)
    reps = parser.parse_args().reps
    print(where("torch", "torchvision"))
    image = torch.rand(1, 3, 224, 224)
    for name in ("resnet18", "resnet50"):
        model = torchvision.models.get_model(name, weights=None).eval()
        modules = [path for path, _ in model.named_modules() if path]

        def bare(model: torch.nn.Module = model) -> None:
            with torch.inference_mode():
                model(image)

        calls: dict[str, Callable[[], Any]] = {
            "bare": bare,
            "one layer (layer4)": lambda model=model: activations(model, image, "layer4"),
            "all layers": lambda model=model: run(model, image),
            "conv1 alone": lambda model=model: activations(model, image, "conv1"),
        }
        times = interleaved(reps, **calls)
        print(f"\n{name}, {len(modules)} modules")
        print_times(list(times.items()))
        verdict(f"{name}: one layer, times a bare pass", ratio(times, "one layer (layer4)"), 1.05)
        verdict(f"{name}: all layers, times a bare pass", ratio(times, "all layers"), 1.5)
        if name == "resnet50":
            verdict("resnet50: conv1 alone, times a bare pass", ratio(times, "conv1 alone"), 0.3)
        captured = run(model, image)
        outputs = sum(seen.tensor.nbytes for seen in captured.seen if seen.tensor is not None)
        distinct, peak = captured.kept_bytes, peak_bytes(lambda model=model: run(model, image))
        print(f"{name}: outputs {outputs / 1e6:.1f} MB, held {distinct / 1e6:.1f} MB (what is handed on is held once)")
        verdict(f"{name}: peak memory, times the outputs of all layers", peak / outputs, 1.3)
        beside = interleaved(max(3, reps // 10), bare=bare, **torchlens(model, image))
        for way in [way for way in beside if way != "bare"]:
            print(f"{name}: TorchLens' {way}, every operation saved: {ratio(beside, way):.1f} times a bare pass")


if __name__ == "__main__":
    main()
