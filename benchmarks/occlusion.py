"""What an exact occlusion map costs, against Captum's `Occlusion` at its default and at its best.

    python benchmarks/occlusion.py [--models resnet18 squeezenet1_0 alexnet vgg16] [--stride 14] [--reps 2]

A photo of 224 x 224 on the CPU, a window of 32. Each row says how far the two maps differ. The runs of a model are
interleaved, so that drift of the machine hits all sides; the lowest time of each counts. Real weights where
CNNWIDGETS_DATA has them (ResNet-18, SqueezeNet), else random ones: the time is the same.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from pathlib import Path
from typing import Any

import torch
import torchvision
from _table import verdict, where
from captum.attr import Occlusion
from capture import peak_bytes
from torch import Tensor, nn

from cnnwidgets import Occluder, occlusion
from cnnwidgets.data import photos

WINDOW = 32
WEIGHTS = {"resnet18": "resnet18-imagenet-pq.pth", "squeezenet1_0": "squeezenet1_0-imagenet-deepcompressed.pth"}


def network(name: str) -> nn.Module:
    """torchvision's network in evaluation mode, with real weights where they are at hand."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None)
    file = Path(os.environ.get("CNNWIDGETS_DATA", ""), "weights", WEIGHTS.get(name, "none"))
    if file.is_file():
        model.load_state_dict(torch.load(file, weights_only=True))
    return model.eval()


def timed(call: Any, times: list[float]) -> Any:
    start = time.perf_counter()
    found = call()
    times.append(time.perf_counter() - start)
    return found


def captum(model: nn.Module, image: Tensor, target: int, stride: int, together: int) -> Tensor:
    with torch.inference_mode():
        found = Occlusion(model).attribute(
            image, (3, WINDOW, WINDOW), strides=(3, stride, stride), target=target, perturbations_per_eval=together
        )
    return found[:, 0]


def coarse(model: nn.Module, image: Tensor, stride: int) -> Tensor:
    """The first map that covers the whole frame."""
    occluder = Occluder(model, image, window=WINDOW, stride=stride)
    return next(found for partial in occluder if not (found := partial.filled()).isnan().any())


def compare(name: str, stride: int, together: list[int], reps: int) -> None:
    model, image = network(name), photos()[0][0][None]
    positions = Occluder(model, image, window=WINDOW, stride=stride).patches.boxes[..., 0].numel()
    with torch.inference_mode():
        target = int(model(image).argmax())
    ours: list[float] = []
    first: list[float] = []
    theirs: dict[int, list[float]] = {count: [] for count in (1, *together)}
    difference = 0.0
    for _ in range(reps):
        found = timed(lambda: occlusion(model, image, window=WINDOW, stride=stride), ours)
        for count, times in theirs.items():
            expected = timed(lambda count=count: captum(model, image, target, stride, count), times)
        timed(lambda: coarse(model, image, stride), first)
        difference = float((found.upsample() - expected).abs().max() / found.unoccluded.abs().max())
    each = {count: 1e3 * min(times) / positions for count, times in theirs.items()}
    best = min(each, key=lambda count: each[count])
    mine = 1e3 * min(ours) / positions
    print(f"\n{name}, stride {stride}, {positions} positions; ms a position: ours {mine:.2f}, Captum", end=" ")
    print(", ".join(f"{value:.2f} at {count}" for count, value in each.items()), end="; ")
    print(f"largest difference {difference:.1e} of the score")
    verdict(f"{name}: Captum's best ({best} at a time), times ours", each[best] / mine, 1.2, at_least=True)
    bound = 3 if name == "alexnet" else 1.2
    verdict(f"{name}: Captum's default (1 at a time), times ours", each[1] / mine, bound, at_least=True)
    verdict(f"{name}: first map of the whole frame, of the full map's time", min(first) / min(ours), 0.1)


def memory(name: str) -> None:
    """Peak of a map in batches of the size that is found, against one plain pass of as many images."""
    model, image = network(name), photos()[0][0][None]
    occluder, counts = Occluder(model, image, window=WINDOW, stride=18), [0]
    for _ in occluder:
        counts.append(occluder.done)
    batch = max(after - before for before, after in itertools.pairwise(counts))

    def plain() -> Tensor:
        with torch.inference_mode():
            return model(image.repeat(batch, 1, 1, 1))

    peak = peak_bytes(lambda: occlusion(model, image, window=WINDOW, stride=18, batch_size=batch))
    verdict(f"{name}: peak memory, times a plain pass of {batch} images", peak / peak_bytes(plain), 1.3)


def main() -> None:
    """Print the figures of each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["resnet18", "squeezenet1_0", "alexnet", "vgg16"])
    parser.add_argument("--stride", type=int, default=14)
    parser.add_argument(
        "--together", nargs="+", type=int, default=[4, 8, 16, 32], help="Captum's perturbations_per_eval"
    )
    parser.add_argument("--reps", type=int, default=2)
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="captum")
    print(where("torch", "torchvision", "captum"))
    for name in options.models:
        compare(name, options.stride, options.together, options.reps)
        if not options.no_memory:
            memory(name)


if __name__ == "__main__":
    main()
