"""The overview of networks that others wrote: rows that are seen at first, edges between them, and wrong ones.

`python benchmarks/overview.py` goes through all models that torchvision lists, `--timm 40` so many architectures of
timm, and names those (`resnet18 timm:levit_128s`). Each has random weights and gets one small image or clip. Edges are
held against passes in which what one stage puts out is changed (`--changed` stages of each model, evenly spaced): what
an edge leads to moves, and what no path of edges leads to stays. `--open` opens all modules instead.

The columns: rows of the layer table; of these worth choosing; rows of the overview at first (40 at most); edges between
them, and how many pass over other rows; pairs of stages that were compared, and wrong ones; milliseconds for the tree,
and passes for finding the edges; seconds in all. The last column says why something is not known.
"""

from __future__ import annotations

import argparse
import gc
import sys
import warnings
from pathlib import Path
from time import perf_counter

import torch
import torchvision
from _architectures import of_timm, timm_model

sys.path.insert(0, str(Path(__file__).parents[1]))
from cnnwidgets.compute.layers import layer_table, run
from cnnwidgets.compute.overview import MOST, edges, follow, ordinary, stages
from tests.compute.overview.truth import stirred, wrong_edges
from tests.compute.zoo_tools import Make, from_torchvision, seeded

WIDTHS = (38, 6, 6, 6, 7, 6, 8, 7, 7, 8, 7)


def line(*cells: object) -> str:
    """Cells in columns, the first one left-aligned; the last takes what it needs."""
    *columns, last = map(str, cells)
    aligned = [cell.rjust(width) for cell, width in zip(columns[1:], WIDTHS[1:], strict=False)]
    return "".join([columns[0].ljust(WIDTHS[0]), *aligned]) + f"  {last}"


def look(title: str, make: Make, changed: int, everything: bool) -> tuple[str, bool]:
    """The line of a model, and whether all is as it should be."""
    start = perf_counter()
    try:
        model, image, prepare = seeded(make)
        stirred(model)
        table = layer_table(model, image, prepare=prepare)
        run(model, image, prepare=prepare, budget=0)
        began = perf_counter()
        run(model, image, prepare=prepare, budget=0)
        one_pass = perf_counter() - began
        began = perf_counter()
        found = stages(table)
        tree = perf_counter() - began
        began = perf_counter()
        flow = follow(model, image, prepare=prepare)
        following = perf_counter() - began
        rows = found.rows([stage.name for stage in found] if everything else None)
        between = edges(rows, flow)
        wrong, looked = wrong_edges(model, image, rows, between, prepare, changed)
    except Exception as error:
        return line(title, f"FAILED: {type(error).__name__}: {' '.join(str(error).split())[:200]}"), False
    said = wrong[:3] or [flow.reason[:100]]
    return line(
        title,
        len(table),
        len(ordinary(table)),
        len(rows),
        len(between),
        sum(edge.skip for edge in between),
        looked,
        len(wrong),
        f"{1000 * tree:.0f} ms",
        f"{following / one_pass:.1f} x",
        f"{perf_counter() - start:.0f} s",
        "; ".join(said),
    ), not wrong and (everything or 1 < len(rows) <= MOST)


def main() -> None:
    """Go through the models that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models: of torchvision, or timm:name")
    parser.add_argument("--timm", type=int, default=0, metavar="N", help="so many architectures of timm")
    parser.add_argument("--changed", type=int, default=4, metavar="N", help="stages of each model that are changed")
    parser.add_argument("--open", action="store_true", help="open all modules")
    given = parser.parse_args()
    names = given.names or ([] if given.timm else torchvision.models.list_models())
    makes = {name: timm_model(name[5:]) if name.startswith("timm:") else _torchvision(name) for name in names}
    makes |= of_timm(given.timm) if given.timm else {}
    print(line("model", "rows", "worth", "seen", "edges", "skips", "pairs", "wrong", "tree", "edges", "all", ""))
    good = 0
    for title, make in makes.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            words, fine = look(title, make, given.changed, given.open)
        good += fine
        print(words, flush=True)
        gc.collect()
    print(f"{good} of {len(makes)} as they should be, with torch {torch.__version__}")


def _torchvision(name: str) -> Make:
    return lambda: from_torchvision(name)


if __name__ == "__main__":
    main()
