"""All of torchvision's models by name: their layers and calls, what is shown of them, and what is not and why.

Run `python benchmarks/zoo.py`, or give names. Each model has random weights and gets one small image or clip. Every row
of its layer table is drawn and compared with what plain hooks see, and the model must be afterwards as it was, or else
the line says FAILED; `tests/compute/layers/test_zoo.py` does the same. Quantised models are walked twice, prepared
(float) and quantised. The two MViT need 8 GB of memory.

The columns: modules in the model; calls of them in one pass, counting each value that a call returns; how many of these
are shown; modules that never ran; operations of the graph that torch.fx traces, all shown; seconds to build and walk.
"""

from __future__ import annotations

import argparse
import gc
import sys
import warnings
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import torchvision
from _table import where

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.compute.zoo_tools import from_torchvision, walk

WIDTHS = (40, 9, 7, 7, 9, 11, 9)


def line(*cells: object) -> str:
    """Cells in columns, the first one left-aligned; the last takes what it needs."""
    *columns, last = map(str, cells)
    aligned = [cell.rjust(width) for cell, width in zip(columns[1:], WIDTHS[1:], strict=False)]
    return "".join([columns[0].ljust(WIDTHS[0]), *aligned]) + f"  {last}"


def look(name: str, options: dict[str, Any]) -> tuple[str, bool]:
    """The line of a model, and whether all of it is as it should be."""
    title = " ".join([name, *options])
    start = perf_counter()
    try:
        model, image, prepare = from_torchvision(name, **options)
        table = walk(model, image, prepare)
    except Exception as error:
        return line(title, f"FAILED: {type(error).__name__}: {' '.join(str(error).split())[:200]}"), False
    calls = [row for row in table if row.ran and not row.operation]
    refused = Counter(row.reason for row in calls if row.reason is not None)
    why = [f"{number} x {reason}" for reason, number in refused.items()]
    cells = (
        sum(1 for _ in model.modules()),
        len(calls),
        len(calls) - refused.total(),
        sum(not row.ran for row in table),
        "-" if table.note else sum(row.operation for row in table),
        f"{perf_counter() - start:.1f}",
    )
    return line(title, *cells, "; ".join([*why, *([table.note] if table.note else [])])), True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="models to walk (default: all of torchvision's)")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # torch's, about quantisation
    names = given.names or torchvision.models.list_models()
    quantised = [name for name in names if name.startswith("quantized_")]
    jobs = [(name, {}) for name in names] + [(name, {"quantize": True}) for name in quantised]
    print(where("torch", "torchvision"))
    print(line("model", "modules", "calls", "shown", "idle", "operations", "seconds", "not shown, and why"))
    good = 0
    for name, options in jobs:
        torch.manual_seed(0)
        text, fine = look(name, options)
        print(text, flush=True)
        good += fine
        gc.collect()
    print(f"{good} of {len(jobs)} walked to the end, every layer true and nothing changed")
    return good < len(jobs)


if __name__ == "__main__":
    sys.exit(main())
