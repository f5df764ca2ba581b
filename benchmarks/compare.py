"""What it costs to compare two networks, against one view and against bare passes of the same run.

    python benchmarks/compare.py [--images 1000] [--reps 10]

Random weights, random images of 224 x 224, on the CPU; the runs of one row are interleaved, so that drift of the
machine hits both sides. The rows: a move of the layer and of the channel in a CompareView of two networks, all
cached, against an ActivationView; a new image, against the two passes and a redraw; CKA of 20 x 20 layers of a
ResNet-18, against the two bare passes over the same images in batches of the same size, and the peak of its memory
for a tenth of the images and for all; the ranking of all layers of a VGG-16 by their weights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
import torchvision
from _table import median, print_times, verdict, where
from capture import interleaved, peak_bytes
from torch import Tensor, nn

import cnnwidgets as cw

BATCH, LAYERS = 32, 20


def resnets() -> tuple[nn.Module, nn.Module]:
    """Two networks of other weights."""
    torch.manual_seed(0)
    return torchvision.models.resnet18().eval(), torchvision.models.resnet18().eval()


def moves(reps: int) -> None:
    """The kernel's part of a move of a slider, and of a new image."""
    models, images = resnets(), torch.rand(4 + reps, 3, 224, 224)
    one = cw.ActivationView(models[0], images, layer="layer1")
    both = cw.compare(list(models), images, layer="layer1", survey=False)
    layers = ["layer1", "layer2"]

    def layer(view: cw.ModelView) -> None:
        view.layer = layers[view.layer == layers[0]]
        view.flush()

    def channel(view: cw.ModelView) -> None:
        view.channel = (view.channel + 1) % 64
        view.flush()

    for each in (one, both):
        for _ in range(2):
            layer(each)
    for name, move in (("layer", layer), ("channel", channel)):
        times = interleaved(reps, one=lambda move=move: move(one), both=lambda move=move: move(both))
        print_times([(f"{name}, {what}", values) for what, values in times.items()])
        verdict(
            f"a move of the {name}, two networks, of one ActivationView",
            median(times["both"]) / median(times["one"]),
            1.3,
        )
    index = iter(range(1, 4 + reps))

    def passes(image: Tensor) -> None:
        for model in models:
            cw.activations(model, image[None])

    found: dict[str, list[float]] = {"passes": [], "redraw": [], "image": []}
    for at in index:
        found["passes"].append(timed(lambda at=at: passes(images[at])))
        found["redraw"].append(timed(lambda: layer(both)))
        layer(both)

        def move(at: int = at) -> None:
            both.index = at
            both.flush()

        found["image"].append(timed(move))
    print_times([*found.items()])
    allowed = median(found["passes"]) + 1.3 * median(found["redraw"])
    verdict("a new image, of the two passes and 1.3 redraws", median(found["image"]) / allowed, 1.0)
    one.close(), both.close()


def similarity(count: int) -> None:
    """CKA against the bare passes; and its memory."""
    models = resnets()
    images = torch.rand(min(count, 128), 3, 224, 224)
    data = [images[at % len(images)] for at in range(count)]
    table = cw.layer_table(models[0], images[:1], operations=False)
    rows = [row.name for row in table.showable if not row.repeats and row.type != "ReLU"][:LAYERS]

    def bare() -> None:
        with torch.inference_mode():
            for start in range(0, count, BATCH):
                batch = torch.stack(data[start : start + BATCH])
                for model in models:
                    model(batch)

    def alike(indices: range) -> None:
        cw.cka(*models, data, rows, rows, indices=indices, batch_size=BATCH, progress=False)

    alike(range(2 * BATCH))
    bare_times, cka_times = [], []
    for _ in range(1 if count > 200 else 3):
        bare_times.append(timed(bare))
        cka_times.append(timed(lambda: alike(range(count))))
    print_times([("bare", bare_times), ("cka", cka_times)])
    share = min(cka_times) / min(bare_times)
    verdict(f"CKA of {len(rows)} x {len(rows)} layers, {count:,} images, of the two bare passes", share, 2.0)
    fewer = max(BATCH, count // 10)
    few, many = (peak_bytes(lambda size=size: alike(range(size))) / 1e6 for size in (fewer, count))
    print(f"peak of the memory: {few:.0f} MB for {fewer:,} images, {many:.0f} MB for {count:,}")


def weights(reps: int) -> None:
    """The ranking of all layers of a VGG-16."""
    torch.manual_seed(0)
    one, other = torchvision.models.vgg16(), torchvision.models.vgg16()
    times = [timed(lambda: cw.weight_changes(one, other)) for _ in range(reps)]
    print_times([("ranking by weights", times)])
    verdict("VGG-16: ranking of all layers by their weights", median(times) / 1e3, 0.3, unit=" s")


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--reps", type=int, default=10)
    options = parser.parse_args()
    print(where("torch", "torchvision"))
    weights(options.reps)
    moves(options.reps)
    similarity(options.images)


if __name__ == "__main__":
    main()
