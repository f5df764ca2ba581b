"""What optimised pictures cost and how far they drive a channel.

    python benchmarks/maximize.py [--data FOLDER] [--device cpu] [--channels 4]

On two threads of the CPU. The rows: a step against a bare loop of the same optimisation, alone and as a view draws it
twice a second; channel 3 of C3 of a LeNet-5; a channel of a SqueezeNet at 64 px; until the first picture, and until a
run that is cancelled has ended. With `--data`, a folder with `weights/`, `hymenoptera_data` and `imagenet-samples` (see
the tests that are marked `data`): what channels of the convolutions of a ResNet-18 give for optimised pictures, against
the strongest place of all real photos in the folder.
"""

from __future__ import annotations

import argparse
import time
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
DRAWN = 0.5
"""Seconds between two drawings of a view."""


def bare(model: nn.Module, layer: str, channel: int, size: int, steps: int, device: str) -> float:
    """Seconds for the same optimisation, written out: no look, no check, and a hook that keeps the output."""
    generator, kept = torch.Generator().manual_seed(0), []
    part = model.get_submodule(layer)
    handle = part.register_forward_hook(lambda module, args, output: kept.append(output))
    spectrum = Spectrum(1, (3, size, size), generator, torch.device(device))
    moving, optimizer = Moving(size / 16, 5.0, 0.05), torch.optim.Adam([spectrum.values], 0.05)
    for weight in model.parameters():
        weight.requires_grad_(False)
    start = time.perf_counter()
    for _ in range(steps):
        kept.clear()
        model(moving(spectrum.pixels(), generator))
        optimizer.zero_grad()
        (-kept[0][:, channel].mean()).backward()
        optimizer.step()
    if device != "cpu":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    handle.remove()
    for weight in model.parameters():
        weight.requires_grad_(True)
    return seconds


def ours(model: nn.Module, layer: str, channel: int, size: int, steps: int, drawn: bool) -> float:
    """Seconds for `Maximizer`; with the picture taken twice a second, as a view draws it."""
    maximizer = cw.Maximizer(model, layer, channel=channel, size=size, steps=steps)
    start, shown = time.perf_counter(), time.perf_counter()
    while maximizer.done < steps:
        maximizer.step(seconds=0.15)
        if drawn and time.perf_counter() - shown > DRAWN:
            maximizer.picture()
            shown = time.perf_counter()
    return time.perf_counter() - start


def against_bare(device: str) -> None:
    """Steps of a SqueezeNet, whose last layer is asked for: nothing can be left out."""
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).eval().to(device)
    layer, steps, rows = "classifier.1", 40, {"bare": [], "alone": [], "drawn": []}
    for _ in range(6):  # interleaved; the first round warms up
        rows["bare"].append(bare(model, layer, 3, 64, steps, device))
        rows["alone"].append(ours(model, layer, 3, 64, steps, False))
        rows["drawn"].append(ours(model, layer, 3, 64, steps, True))
    least = {name: min(times[1:]) for name, times in rows.items()}
    middle = {name: median(times[1:]) for name, times in rows.items()}
    print(f"a step of a bare loop: {1e3 * middle['bare'] / steps:.1f} ms")
    verdict("SqueezeNet at 64 px, of a bare loop, lowest of 5", least["alone"] / least["bare"], 1.05)
    verdict("the same, drawn twice a second", least["drawn"] / least["bare"], 1.05)


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
    transform = T.Compose(
        [T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    )
    parts = ("hymenoptera_data/train", "hymenoptera_data/val", "imagenet-samples")
    return torch.utils.data.ConcatDataset([datasets.ImageFolder(str(folder / part), transform) for part in parts])


def against_real(folder: Path, channels: int, device: str) -> None:
    """What channels of a ResNet-18 give for optimised pictures, against the strongest place of all photos."""
    model = torchvision.models.resnet18(weights=None)
    model.load_state_dict(torch.load(next((folder / "weights").glob("resnet18*.pth")), weights_only=True))
    model, dataset = model.eval().to(device), photos(folder)
    found = cw.scan(model, dataset, LAYERS, k=1, progress=True)
    print(f"{found.done:,} real photos")
    shares = []
    for layer in LAYERS:
        for channel in range(0, 8 * channels, 8):
            strongest = float(found[layer].values[channel, 0])
            if strongest <= 0:
                continue
            options = {"channel": channel, "place": "centre", "dataset": dataset, "size": 128, "steps": 128}
            *_, last = cw.maximize(model, layer, **options, every=128)
            shares.append(float(last.statistic()[0]) / strongest)
        print(f"{layer}: {' '.join(f'{share:.1f}' for share in shares[-channels:])} times the strongest real place")
    verdict("of all these channels, the median", median(shares), 2, at_least=True, unit=" times")
    verdict("the lowest", min(shares), 2, at_least=True, unit=" times")


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
