"""What it costs to change what a network computes, against bare passes of the same run.

    python benchmarks/interventions.py [--models resnet18 vgg16] [--reps 10]

Random weights, one random image of 224 x 224, on the CPU. The runs of one row are interleaved, so that drift of the
machine hits both sides. The bare pass is the quickest there is: evaluation mode, `torch.inference_mode`.

The rows: a pass with two channels switched off; such a pass behind a layer of the last third, whose output is known;
the effects of all channels of a layer, against as many bare passes in the quickest batches; the time until there
is a first ranking; and the peak of the memory against a bare pass of as many images.
"""

from __future__ import annotations

import argparse
import time

import torch
import torchvision
from _table import median, print_times, verdict, where
from capture import interleaved, peak_bytes, ratio
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.compute.interventions.tail import Tail

LAYERS = {"resnet18": ("layer1", "layer4.0.bn1", "layer4"), "vgg16": ("features.3", "features.22", "features.30")}
"""Of each network: a layer with the largest maps, one in the last third, and one whose channels are all tried."""
BATCHES = (1, 4, 8, 16, 32)
RANKED = 8
"""Channels of a first ranking: as many as a view lists."""


def bare(model: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(images)


def passes(model: nn.Module, image: Tensor, name: str, reps: int) -> None:
    """A pass with two channels off, and one behind the layer alone."""
    first, late, _ = LAYERS[name]
    with cw.intervene(model, {late: cw.Ablate(channels=[3, 7])}) as intervention:
        bare(model, image)
    assert intervention.count == 1
    tail = Tail(model, image, late, score="logit", prepare=None)
    number = torch.tensor([0])

    def off(values: Tensor) -> None:
        values[:, [3, 7]] = 0

    def ablated(layer: str) -> None:
        with cw.intervene(model, {layer: cw.Ablate(channels=[3, 7])}):
            bare(model, image)

    tail(number, off)  # the first one runs whole too
    times = interleaved(
        reps,
        bare=lambda: bare(model, image),
        early=lambda: ablated(first),
        late=lambda: ablated(late),
        behind=lambda: tail(number, off),
    )
    print_times([*times.items()])
    verdict(f"{name}: two channels of {first} off, of a bare pass", ratio(times, "early"), 1.1)
    verdict(f"{name}: two channels of {late} off, of a bare pass", ratio(times, "late"), 1.1)
    verdict(f"{name}: what is behind {late} alone, of a bare pass", ratio(times, "behind"), 0.6)


def effects(model: nn.Module, image: Tensor, name: str, reps: int) -> None:
    """All channels of a layer against as many bare passes at their best batch."""
    layer = LAYERS[name][2]
    each: dict[int, list[float]] = {count: [] for count in BATCHES}
    all_of_them: list[float] = []
    first: list[float] = []
    for _ in range(reps):
        for count, times in each.items():
            images = image.repeat(count, 1, 1, 1)
            start = time.perf_counter()
            bare(model, images)
            times.append((time.perf_counter() - start) / count)
        start = time.perf_counter()
        ablator = cw.ChannelAblator(model, image, layer)
        while ablator.done < RANKED:
            ablator.step()
        first.append(time.perf_counter() - start)
        for _ in ablator:
            pass
        all_of_them.append(time.perf_counter() - start)
    best = min(each, key=lambda count: min(each[count]))
    channels = ablator.total
    print(f"\n{name}, {layer}: {ablator.words}")
    print(f"bare passes are quickest {best} at a time, {1e3 * min(each[best]):.1f} ms each")
    share = min(all_of_them) / (channels * min(each[best]))
    verdict(f"{name}: effects of {channels} channels of {layer}, of {channels} bare passes", share, 0.5)
    verdict(f"{name}: until a first ranking", median(first), 0.5, unit=" s")
    passes_of_one = median(first) / median(each[1])
    print(f"{name}: until a first ranking, in bare passes of one image: {passes_of_one:.1f}")


def memory(model: nn.Module, image: Tensor, name: str) -> None:
    """Peaks against a bare pass of as many images."""
    first, late, layer = LAYERS[name]
    for each in (first, late):
        with cw.intervene(model, {each: cw.Ablate(channels=[3, 7])}):
            bare(model, image)  # the first one may ask for the layer table
            peak = peak_bytes(lambda: bare(model, image))
        verdict(f"{name}: peak with {each} edited, of a bare pass", peak / peak_bytes(lambda: bare(model, image)), 1.3)
    batch = 16
    peak = peak_bytes(lambda: cw.channel_effects(model, image, layer, batch_size=batch, progress=False))
    own = peak_bytes(lambda: bare(model, image.repeat(batch, 1, 1, 1)))
    verdict(f"{name}: peak of the effects, of a bare pass of {batch} images", peak / own, 1.3)


def main() -> None:
    """Print the figures of each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=[*LAYERS], choices=[*LAYERS])
    parser.add_argument("--reps", type=int, default=10)
    options = parser.parse_args()
    print(where("torch", "torchvision"), f"{torch.get_num_threads()} threads")
    for name in options.models:
        torch.manual_seed(0)
        model, image = torchvision.models.get_model(name, weights=None).eval(), torch.rand(1, 3, 224, 224)
        print(f"\n{name}")
        passes(model, image, name, options.reps)
        effects(model, image, name, max(2, options.reps // 5))
        memory(model, image, name)


if __name__ == "__main__":
    main()
