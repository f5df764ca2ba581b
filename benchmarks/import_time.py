"""What `import cnnwidgets` costs on top of the packages that its users have loaded anyway.

Run `python benchmarks/import_time.py`. Each run is a fresh interpreter; one before them warms the disk cache.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
from pathlib import Path

PEERS = "torch, torchvision, ipywidgets, bqplot"
LIMIT = 0.3  # seconds
PROGRAM = """
from time import perf_counter
start = perf_counter()
import {peers}
middle = perf_counter()
import cnnwidgets
print(middle - start, perf_counter() - middle)
"""


def measure() -> tuple[float, float]:
    """Seconds for the peers, and for cnnwidgets after them, in one fresh interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(peers=PEERS)]
    root = Path(__file__).parents[1]
    printed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
    peers, ours = map(float, printed.split())
    return peers, ours


def main() -> int:
    """Print the table; exit with 1 when cnnwidgets costs more than the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="fresh interpreters to time (default: 7)")
    runs = parser.parse_args().runs
    measure()
    times = [measure() for _ in range(runs)]

    print(f"Python {platform.python_version()}, median of {runs} fresh interpreters, in seconds")
    print(f"{'import':<54}{'median':>8}{'lowest':>8}{'highest':>8}")
    for name, column in (
        (PEERS, [peers for peers, _ in times]),
        (f"{PEERS}, cnnwidgets", [peers + ours for peers, ours in times]),
        ("cnnwidgets alone, after the others", [ours for _, ours in times]),
    ):
        print(f"{name:<54}{statistics.median(column):>8.3f}{min(column):>8.3f}{max(column):>8.3f}")
    cost = statistics.median(ours for _, ours in times)
    verdict = "at most" if cost <= LIMIT else "MORE than"
    print(f"cnnwidgets adds {cost:.3f} s: {verdict} {LIMIT} s")
    return cost > LIMIT


if __name__ == "__main__":
    sys.exit(main())
