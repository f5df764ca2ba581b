"""What optimised pictures cost and how far they drive a channel.

    python benchmarks/maximize.py [--data FOLDER] [--device cpu] [--channels 4]

On two threads of the CPU. The rows: a step against a bare loop of the same optimisation, alone and in a view that is
drawn meanwhile; channel 3 of C3 of a LeNet-5; a channel of a SqueezeNet at 64 px; until the first picture, and until a
run that is cancelled has ended. With `--data`, a folder with `weights/`, `hymenoptera_data` and `imagenet-samples` (see
the tests that are marked `data`): what channels of the convolutions of a ResNet-18 give for optimised pictures, against
the strongest place of all real photos in the folder; of the first convolution also against the largest value that any
picture of black to white pixels gives.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from _table import median, verdict, where
from torch import nn
from torchvision import datasets
from torchvision import transforms as T

import cnnwidgets as cw
from cnnwidgets.compute.maximization.moving import Moving
from cnnwidgets.compute.maximization.spectrum import Spectrum

LAYERS = ("conv1", "layer1.0.conv1", "layer1.1.conv2", "layer2.0.conv1", "layer2.1.conv2", "layer3.0.conv1",
          "layer3.1.conv2", "layer4.0.conv1", "layer4.1.conv2")  # fmt: skip
SIZE, CHANNEL = 64, 3
"""Of the pictures that are compared with those of a bare loop."""
MEAN, STD = NORMALIZATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
ROUNDS = 11
"""A bare loop, a maximizer and a view, one after the other: the machine changes less within a round than over all."""
ALIVE = 1e-3
"""A channel that gives less for every photo has no weights to speak of."""


def spent(work: Callable[[], object], device: str) -> tuple[float, float]:
    """Seconds on the clock and of the processors that `work` takes."""
    start, used = time.perf_counter(), time.process_time()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - used


def bare(model: nn.Module, layer: str, steps: int, device: str) -> tuple[float, float]:
    """The same optimisation, written out: no look, no check, weights without gradients, a hook that keeps the output.

    What makes the picture (the spectrum, how it is moved, Adam) is that of `Maximizer`; it is normalised by hand.
    """
    generator, kept = torch.Generator().manual_seed(0), []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, args, output: kept.append(output))
    spectrum = Spectrum(1, (3, SIZE, SIZE), generator, torch.device(device))
    moving, optimizer = Moving.fitting(SIZE), torch.optim.Adam([spectrum.values], 0.05)
    mean, std = (torch.tensor(part, device=device).reshape(3, 1, 1) for part in NORMALIZATION)
    for weight in model.parameters():
        weight.requires_grad_(False)

    def work() -> None:
        for _ in range(steps):
            kept.clear()
            model((moving(spectrum.pixels(), generator) - mean) / std)
            optimizer.zero_grad()
            (-kept[0][:, CHANNEL].mean()).backward()
            optimizer.step()

    found = spent(work, device)
    handle.remove()
    for weight in model.parameters():
        weight.requires_grad_(True)
    return found


def alone(model: nn.Module, layer: str, steps: int, device: str) -> tuple[float, float]:
    """`Maximizer`, in portions as long as those of a view, and nothing drawn."""
    options = {"channel": CHANNEL, "size": SIZE, "steps": steps, "normalization": NORMALIZATION}
    maximizer = cw.Maximizer(model, layer, **options)

    def work() -> None:
        while maximizer.done < steps:
            maximizer.step(seconds=0.15)

    return spent(work, device)


def drawn(model: nn.Module, layer: str, steps: int, device: str) -> tuple[float, float]:
    """`MaximizeView` as a notebook draws it, all but the sending; the clock starts behind the first drawing."""
    images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))

    async def watched() -> tuple[float, float]:
        view = cw.MaximizeView(model, images, layer=layer, channel=CHANNEL, place="everywhere", steps=steps)
        while not view.growing.done:
            await asyncio.sleep(0)
        done, start, used = view.growing.done, time.perf_counter(), time.process_time()
        while view.growing.done < steps:
            await asyncio.sleep(0.002)
        share = steps / (steps - done)
        found = share * (time.perf_counter() - start), share * (time.process_time() - used)
        view.close()
        return found

    return asyncio.run(watched())


def against_bare(device: str) -> None:
    """Steps of a SqueezeNet, of whose last layer a map is driven: nothing can be left out."""
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).eval().to(device)
    steps, ways = 256, {"bare": bare, "a step": alone, "a step of a view": drawn}
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):  # interleaved; the first round warms up
        for name, way in ways.items():
            rows[name].append(way(model, "classifier.1", steps, device))
    for at, kind in enumerate(("on the clock", "of the processors")):
        times = {name: [each[at] for each in row[1:]] for name, row in rows.items()}
        print(f"a step of a bare loop, {kind}: {1e3 * median(times['bare']) / steps:.1f} ms")
        for name in ("a step", "a step of a view"):
            shares = [one / other for one, other in zip(times[name], times["bare"], strict=True)]
            verdict(f"{name}, {kind}, of a bare loop, median of {ROUNDS} rounds", median(shares), 1.05)


def until_done(device: str) -> None:
    """LeNet-5 and SqueezeNet to the end, until the first picture, and how long a portion keeps a cancel waiting."""
    model = cw.models.lenet5(pretrained=True).to(device)
    start = time.perf_counter()
    for _ in cw.maximize(model, "C3", channel=3, dataset=cw.data.digits(), steps=256):
        pass
    verdict("LeNet-5, C3, 256 steps", time.perf_counter() - start, 3, unit=" s")
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).eval().to(device)
    start = time.perf_counter()
    maximizer = cw.Maximizer(model, "features.12", channel=3, size=64, steps=256)
    maximizer.picture()
    verdict("SqueezeNet, 64 px, until the first picture", time.perf_counter() - start, 1, unit=" s")
    longest = 0.0
    while maximizer.done < maximizer.total:
        begin = time.perf_counter()
        maximizer.step(seconds=0.15)
        longest = max(longest, time.perf_counter() - begin)
    verdict("SqueezeNet, 64 px, 256 steps", time.perf_counter() - start, 20, unit=" s")
    verdict("the longest portion, which a cancel waits for", longest, 0.3, unit=" s")


def photos(folder: Path) -> torch.utils.data.Dataset:
    """Every photo of the folder, as ImageNet's networks take them."""
    transform = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize(*NORMALIZATION)])
    parts = ("hymenoptera_data/train", "hymenoptera_data/val", "imagenet-samples")
    return torch.utils.data.ConcatDataset([datasets.ImageFolder(str(folder / part), transform) for part in parts])


def largest(convolution: nn.Conv2d) -> torch.Tensor:
    """(K,): the most that any picture gives: each pixel is black or white, by the sign of its weight."""
    weights = convolution.weight.detach().cpu()
    black, white = (((end - torch.tensor(MEAN)) / torch.tensor(STD))[:, None, None] * weights for end in (0.0, 1.0))
    bias = 0.0 if convolution.bias is None else convolution.bias.detach().cpu()
    return torch.maximum(black, white).sum((1, 2, 3)) + bias


def against_real(folder: Path, channels: int, device: str) -> None:
    """What channels of a ResNet-18 give for optimised pictures, against the strongest place of all photos."""
    model = torchvision.models.resnet18(weights=None)
    model.load_state_dict(torch.load(next((folder / "weights").glob("resnet18*.pth")), weights_only=True))
    model, dataset = model.eval().to(device), photos(folder)
    found = cw.scan(model, dataset, LAYERS, k=1, progress=True)
    print(f"{found.done:,} real photos")
    most, real = largest(model.conv1), found["conv1"].values[:, 0]
    possible = (most / real)[real > ALIVE]
    print(
        f"conv1: the most that any picture gives is {possible.min():.2f} to {possible.max():.2f} times the strongest "
        f"real place, below 2 for {int((possible < 2).sum())} of {len(possible)} channels"
    )
    reached, shares = [], {layer: [] for layer in LAYERS}
    for layer in LAYERS:
        for channel in range(0, 8 * channels, 8):
            strongest = float(found[layer].values[channel, 0])
            if strongest <= ALIVE:
                continue
            options = {"channel": channel, "place": "centre", "dataset": dataset, "size": 128, "steps": 128}
            *_, last = cw.maximize(model, layer, **options, every=128)
            value = float(last.statistic()[0])
            shares[layer].append(value / strongest)
            if layer == "conv1":
                reached.append(value / float(most[channel]))
        words = " ".join(f"{share:.2f}" for share in shares[layer])
        print(f"{layer}: {words} times the strongest real place", flush=True)
    every = [share for layer in LAYERS for share in shares[layer]]
    behind = [share for layer in LAYERS[1:] for share in shares[layer]]
    verdict("of all these channels, the median", median(every), 2, at_least=True, unit=" times")
    verdict("the lowest", min(every), 2, at_least=True, unit=" times")
    verdict("the lowest behind conv1", min(behind), 2, at_least=True, unit=" times")
    print(f"conv1, of the most that any picture gives: {min(reached):.2f} to {max(reached):.2f}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--channels", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    print(where("torch", "torchvision"), f"{torch.get_num_threads()} threads, {options.device}")
    until_done(options.device)
    against_bare(options.device)
    if options.data is not None:
        against_real(options.data, options.channels, options.device)


if __name__ == "__main__":
    main()
