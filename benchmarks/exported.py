"""How much of a network fits into an exported page of 20 MB: as pictures, and as the numbers that the page paints.

Run `python benchmarks/exported.py`, or with `--budget 5MB`. Each page takes as many images as fit, of all layers with
maps of a LeNet-5 and of a ResNet-18 (its trained weights and photos where CNNWIDGETS_DATA has them, else random ones).
A layer of an image counts as *shown* where the page has it at all, and as *whole* where it has every channel of it, or
64 of more. The maps that can be seen large are counted as well: those of a page of numbers in every colour map and
scale, those of a page of pictures in one.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from _table import markdown, where
from torch import nn

import cnnwidgets as cw

IMAGES = {"LeNet-5": 1500, "ResNet-18": 10}
MOST = 64
"""Channels of a layer that a page of pictures has at most."""


class Pictures(cw.ActivationView):
    """A page of it has a picture for each channel."""

    painted = ()


def lenet() -> tuple[nn.Module, Any]:
    return cw.models.lenet5(pretrained=True), cw.data.digits()


def resnet() -> tuple[nn.Module, Any]:
    try:
        photos = cw.data.photos()
        return cw.models.pretrained("resnet18").model, [photos[at % len(photos)] for at in range(IMAGES["ResNet-18"])]
    except OSError as error:
        print(f"random weights and images: {error}")
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.resnet18().eval(), torch.rand(IMAGES["ResNet-18"], 3, 224, 224)


def page(view: cw.ActivationView, layers: list[str], images: int, budget: str, folder: Path) -> list[object]:
    """Layers x images that are shown and that are whole, maps that are seen large, bytes and seconds of one page."""
    began = time.perf_counter()
    done = view.to_html(folder / "page.html", index=range(images), layer=layers, budget=budget, progress=False)
    seconds = time.perf_counter() - began
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', done.path.read_text(), re.S)
    frames = json.loads(text)["frames"]
    counts = Counter(tuple(frame["at"][:2]) for frame in frames)
    channels = {row.name: row.channels for row in view.layers}
    painted = {tuple(frame["at"]) for frame in frames if "paint" in frame}
    whole = sum(at in painted or count >= min(channels[at[1]], MOST) for at, count in counts.items())
    large = sum(channels[at[1]] if at in painted else count for at, count in counts.items())
    return [f"{len(counts):,}", f"{whole:,}", f"{large:,}", f"{done.bytes / 1e6:.1f}", f"{seconds:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="20MB", help="largest size of a page")
    parser.add_argument("--only", choices=list(IMAGES), help="one of the networks")
    options = parser.parse_args()
    print(where("torch", "numpy", "pillow"))
    rows: list[list[object]] = []
    for name, make in {"LeNet-5": lenet, "ResNet-18": resnet}.items():
        if options.only not in (None, name):
            continue
        model, images = make()
        for what, kind in (("pictures", Pictures), ("numbers", cw.ActivationView)):
            view = kind(model, images)
            view.settle()  # which finds the operations between the layers
            layers = [row.name for row in view.layers.showable if row.kind != "vector"]
            with tempfile.TemporaryDirectory() as folder:
                found = page(view, layers, IMAGES[name], options.budget, Path(folder))
            rows.append([name, len(layers), what, *found])
            print(*rows[-1], flush=True)
            view.close()
    head = ["network", "layers with maps", f"{options.budget} of", "layers x images shown", "whole", "maps seen large"]
    print(markdown([*head, "MB", "s"], rows))


if __name__ == "__main__":
    main()
