"""What it costs to compare two networks, against one view and against bare passes of the same run.

    python benchmarks/compare.py [ROW ...] [--images 128] [--reps 5]

Random weights, random images of 224 x 224, on the CPU; the runs of one row are interleaved, so that drift of the
machine hits both sides. Without a ROW all of them, of which each takes about a minute on a quiet machine:

- `weights`: the ranking of all layers of a VGG-16 by their weights;
- `moves`: a move of the layer and of the channel in a CompareView of two networks, all cached, against an
  ActivationView; CPU time of the kernel where it draws pictures, and where a page paints, which is told of them and has
  everything;
- `paint`: the same moves in a page of a JupyterLab, from the key to the frame in which they are painted, all of it in
  the page, and what the kernel is sent;
- `image`: a new image, against the two passes and a redraw;
- `similarity`: CKA of 20 x 20 layers of a ResNet-18, against the two bare passes over the same images in batches of the
  same size (`--images 1000` takes some minutes);
- `memory`: the peak of its memory for a quarter of the images and for all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torchvision
from _compare_page import paint
from _table import median, print_times, verdict, where
from capture import peak_bytes
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.views import activation
from cnnwidgets.views.comparison import drawing
from cnnwidgets.widgets.painter import Painter
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.surface import tree

PAGES: tuple[Any, ...] = (activation, drawing, painted)
"""What asks whether there may be a page that paints."""
BATCH, LAYERS = 32, 20


def weights(images: int, reps: int) -> None:
    """The ranking of all layers of a VGG-16."""
    torch.manual_seed(0)
    one, other = torchvision.models.vgg16(), torchvision.models.vgg16()
    times = [timed(lambda: cw.weight_changes(one, other)) for _ in range(reps)]
    print_times([("ranking by weights", times)])
    verdict("VGG-16: ranking of all layers by their weights", median(times) / 1e3, 0.3, unit=" s")


def moves(images: int, reps: int) -> None:
    """The kernel's part of a move of a slider."""
    for where_drawn, paints in (("in pictures", False), ("a page paints", True)):
        with views(torch.rand(1, 3, 224, 224), paints=paints) as (one, both):
            for name, move in (("layer", layer), ("channel", channel)):
                times: dict[str, list[float]] = {"one": [], "both": []}
                for _ in range(4 * reps):
                    for what, view in (("one", one), ("both", both)):
                        start = time.process_time()
                        move(view)
                        times[what].append(1e3 * (time.process_time() - start))
                print_times([(f"{name}, {what}, {where_drawn}", values) for what, values in times.items()])
                share = median(times["both"]) / median(times["one"])
                verdict(f"a move of the {name}, {where_drawn}, of one ActivationView", share, 1.3)


def image(images: int, reps: int) -> None:
    """The kernel's part of a new image."""
    shown = torch.rand(1 + reps, 3, 224, 224)
    with views(shown) as (_, both):
        found: dict[str, list[float]] = {"passes": [], "redraw": [], "image": []}
        for at in range(1, 1 + reps):
            found["passes"].append(timed(lambda at=at: passes(both, shown[at])))
            found["redraw"].append(timed(lambda: layer(both)))
            layer(both)
            found["image"].append(timed(lambda at=at: look(both, at)))
    print_times([*found.items()])
    allowed = median(found["passes"]) + 1.3 * median(found["redraw"])
    verdict("a new image, of the two passes and 1.3 redraws", median(found["image"]) / allowed, 1.0)


def similarity(images: int, reps: int) -> None:
    """CKA against the bare passes."""
    models, data = resnets(), photos(images)

    def bare() -> None:
        with torch.inference_mode():
            for start in range(0, images, BATCH):
                batch = torch.stack(data[start : start + BATCH])
                for model in models:
                    model(batch)

    rows = layers_of(models[0], data)
    alike(models, data[:BATCH], rows)
    times: dict[str, list[float]] = {"bare": [], "cka": []}
    for _ in range(1 if images > 64 else 2):
        times["bare"].append(timed(bare))
        times["cka"].append(timed(lambda: alike(models, data, rows)))
    print_times([*times.items()])
    share = min(times["cka"]) / min(times["bare"])
    verdict(f"CKA of {len(rows)} x {len(rows)} layers, {images:,} images, of the two bare passes", share, 2.0)


def memory(images: int, reps: int) -> None:
    """The peak of the memory of CKA."""
    models, data = resnets(), photos(images)
    rows = layers_of(models[0], data)
    fewer = max(BATCH, images // 4)
    few, many = (peak_bytes(lambda size=size: alike(models, data[:size], rows)) / 1e6 for size in (fewer, images))
    print(f"CKA, peak of the memory: {few:.0f} MB for {fewer:,} images, {many:.0f} MB for {images:,}")
    verdict("memory for all images, of that for a quarter", many / few, 1.1)


ROWS = {row.__name__: row for row in (weights, moves, paint, image, similarity, memory)}


def resnets() -> tuple[nn.Module, nn.Module]:
    """Two networks of other weights."""
    torch.manual_seed(0)
    return torchvision.models.resnet18().eval(), torchvision.models.resnet18().eval()


def photos(count: int) -> list[Tensor]:
    """Random images; the same 128 again and again."""
    images = torch.rand(min(count, 128), 3, 224, 224)
    return [images[at % len(images)] for at in range(count)]


def layers_of(model: nn.Module, data: list[Tensor]) -> list[str]:
    """The first layers, ReLUs aside."""
    table = cw.layer_table(model, data[0][None], operations=False)
    return [row.name for row in table.showable if not row.repeats and row.type != "ReLU"][:LAYERS]


def alike(models: tuple[nn.Module, nn.Module], data: list[Tensor], rows: list[str]) -> None:
    """CKA of these layers."""
    cw.cka(*models, data, rows, rows, batch_size=BATCH, progress=False)


@contextmanager
def views(images: Tensor, *, paints: bool = False) -> Iterator[tuple[cw.ActivationView, cw.CompareView]]:
    """One network, and two side by side, both of whose layers have been drawn; perhaps in a page that paints."""
    models, before = resnets(), [module.possible for module in PAGES]
    for module, possible in zip(PAGES, before, strict=True):
        module.possible = (lambda: True) if paints else possible
    one = cw.ActivationView(models[0], images, layer="layer1")
    both = cw.CompareView(list(models), images, layer="layer1", survey=False)
    for each in (one, both):
        hello = {"kind": "hello", "page": "a", "holds": [], "inflates": True, "ratio": 1, "seen": True}
        for part in tree(each):
            if isinstance(part, Painter):
                part._handle_custom_msg(hello, [])
        layer(each), layer(each), layer(each), layer(each)
    yield one, both
    one.close(), both.close()
    for module, possible in zip(PAGES, before, strict=True):
        module.possible = possible


def layer(view: cw.ModelView) -> None:
    """Go from one of two layers to the other."""
    view.layer = "layer2" if view.layer == "layer1" else "layer1"
    view.flush()


def channel(view: cw.ModelView) -> None:
    """Go to the next channel."""
    view.channel = (view.channel + 1) % 64
    view.flush()


def look(view: cw.ModelView, index: int) -> None:
    """Go to an image."""
    view.index = index
    view.flush()


def passes(view: cw.CompareView, shown: Tensor) -> None:
    """Run the networks of a view."""
    for subject in view.subjects:
        cw.activations(subject.model, shown[None])


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}; all by default")
    parser.add_argument("--images", type=int, default=128, help="of the rows similarity and memory")
    parser.add_argument("--reps", type=int, default=5, help="of the others")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]!r}: there are {', '.join(ROWS)}")
    print(where("torch", "torchvision"))
    for name in options.rows or ROWS:
        print(f"\n{name}")
        ROWS[name](options.images, options.reps)


if __name__ == "__main__":
    main()
