"""Networks that others wrote: their layers and calls, what is shown of them, what is not and why, what a look costs.

`python benchmarks/zoo.py` walks all models that torchvision lists, `--timm 300` so many architectures of timm (the
smallest of each family first), `--others` networks of transformers, segmentation-models-pytorch, MONAI, open_clip,
escnn, SpikingJelly and Ultralytics (as far as they are installed: `pip install -e '.[zoo]'`), and names walk
those (`resnet18 timm:levit_128s`). Each model has random weights and gets one small image or clip. It is looked at in
training mode and in evaluation mode; every row of its layer table is drawn and compared with what plain hooks see on a
twin that nobody looks at; and it must be afterwards as it was, with all that its modules hold, or else the line says
FAILED. `tests/compute/layers/test_zoo.py` and `test_timm.py` do the same. Quantised models are walked twice, prepared
(float) and quantised. The two MViT need 8 GB of memory.

The columns: modules in the model; calls of them in one pass, counting each value that a call returns; how many of these
are shown; modules that never ran; operations of the graph that torch.fx traces, all shown; what opening an
ActivationView takes until its first picture can be painted, in bare passes of the warm model, the median of `ROUNDS`
models that nobody has looked at; seconds to build and walk.
"""

from __future__ import annotations

import argparse
import gc
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
import torchvision
from _architectures import of_others, of_timm, timm_model
from _table import where

import cnnwidgets

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.compute.zoo_tools import Make, from_torchvision, given_to, seeded, walk

ROUNDS = 3
MEDIAN, MOST = 3.0, 8.0
"""What opening may take, in bare passes: in the median of all models, and at each."""
WIDTHS = (40, 9, 7, 7, 9, 11, 9, 9)


def line(*cells: object) -> str:
    """Cells in columns, the first one left-aligned; the last takes what it needs."""
    *columns, last = map(str, cells)
    aligned = [cell.rjust(width) for cell, width in zip(columns[1:], WIDTHS[1:], strict=False)]
    return "".join([columns[0].ljust(WIDTHS[0]), *aligned]) + f"  {last}"


@dataclass
class Found:
    """What was found at all models together."""

    good: int = 0
    layers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    opened: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def look(self, title: str, make: Make) -> str:
        """The line of a model."""
        start = perf_counter()
        try:
            table = walk(make)
            passes = opening(make)
        except Exception as error:
            self.failed.append(title)
            return line(title, f"FAILED: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        calls = [row for row in table if row.ran and not row.operation]
        refused = Counter(row.reason for row in calls if row.reason is not None)
        why = [f"{number} x {reason}" for reason, number in refused.items()]
        self.good, self.layers = self.good + 1, self.layers + len(calls) - refused.total()
        self.refused += refused
        self.opened.append(passes)
        cells = (
            len({row.module for row in table}),
            len(calls),
            len(calls) - refused.total(),
            sum(not row.ran for row in table),
            "-" if table.note else sum(row.operation for row in table),
            f"{passes:.1f}",
            f"{perf_counter() - start:.1f}",
        )
        return line(title, *cells, "; ".join([*why, *([table.note] if table.note else [])]))

    def summary(self) -> list[str]:
        """All in a few lines."""
        opened = sorted(self.opened) or [0.0]
        return [
            f"{self.good} of {self.good + len(self.failed)} models walked to the end, {self.layers:,} layers compared, "
            "every one true and nothing changed",
            *([f"failed: {', '.join(self.failed)}"] if self.failed else []),
            f"opening an ActivationView: {median(opened):.1f} bare passes in the median (bound {MEDIAN:g}), "
            f"{opened[-1]:.1f} at most (bound {MOST:g}), above at {sum(each > MOST for each in opened)}",
            *(f"not shown: {number:,} x {reason}" for reason, number in self.refused.most_common()),
        ]


def opening(make: Make) -> float:
    """What opening an ActivationView takes, in bare passes: the median of some models, for each see `_opening`."""
    return median(_opening(make) for _ in range(ROUNDS))


def _opening(make: Make) -> float:
    """Seconds until a view of a new, warm model can be painted, over those of the median of its bare passes."""
    model, image, prepare = seeded(make)
    model.eval()
    batch = image[None] if image.ndim == 3 else image
    given = batch if prepare is None else prepare(image)
    data = [image] if image.ndim == 3 else [image[0]]
    with torch.no_grad():
        given_to(model, given)  # warm
        bare = median(_seconds(lambda: given_to(model, given)) for _ in range(3))
    views: list[cnnwidgets.ActivationView] = []
    took = _seconds(lambda: views.append(cnnwidgets.ActivationView(model, data, prepare=prepare)))
    views.pop().close()
    return took / bare


def _seconds(act: Callable[[], object]) -> float:
    start = perf_counter()
    act()
    return perf_counter() - start


def chosen(given: argparse.Namespace) -> dict[str, Make]:
    """The models to walk, by name."""
    if given.timm or given.others:
        return (of_timm(given.timm) if given.timm else {}) | (of_others() if given.others else {})
    names = given.names or torchvision.models.list_models()
    found: dict[str, Make] = {}
    for name in names:
        library, _, rest = name.partition(":")
        if rest:
            found[name] = timm_model(rest) if library == "timm" else of_others()[name]
            continue
        for options in ({}, {"quantize": True})[: 1 + name.startswith("quantized_")]:
            found[" ".join([name, *options])] = partial(from_torchvision, name, **options)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="models to walk (default: all of torchvision's)")
    parser.add_argument("--timm", type=int, default=0, metavar="N", help="walk N architectures of timm")
    parser.add_argument("--others", action="store_true", help="walk networks of other libraries")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # torch's, about quantisation
    print(where("torch", "torchvision"))
    print(line("model", "modules", "calls", "shown", "idle", "operations", "opening", "seconds", "not shown, and why"))
    opening(lambda: (cnnwidgets.models.lenet5(), torch.rand(1, 28, 28), None))  # imports what views need
    found = Found()
    for name, make in chosen(given).items():
        print(found.look(name, make), flush=True)
        gc.collect()
    print(*found.summary(), sep="\n")
    return bool(found.failed)


if __name__ == "__main__":
    sys.exit(main())
