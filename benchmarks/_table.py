"""What every benchmark prints: where it ran, medians and 95th percentiles, and whether a bound holds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence


def where(*packages: str) -> str:
    """One line: Python, the versions of `packages`, cores, and how busy they were with other things."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, load {load:.1f} at the start"


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile: 95 % of the values are at most this."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def print_times(rows: Sequence[tuple[str, Sequence[float]]], unit: str = "ms") -> None:
    """A line for each thing timed: median, 95th percentile, lowest, highest and how many."""
    width = max(len(name) for name, _ in rows) + 2
    print(f"{unit:<{width}}{'median':>10}{'p95':>10}{'lowest':>10}{'highest':>10}{'n':>7}")
    for name, values in rows:
        figures = (median(values), p95(values), min(values), max(values))
        print(f"{name:<{width}}" + "".join(f"{figure:>10.2f}" for figure in figures) + f"{len(values):>7}")


def verdict(what: str, value: float, bound: float, *, at_least: bool = False, unit: str = "") -> None:
    """One line: the figure, its bound, and whether it holds."""
    holds = value >= bound if at_least else value <= bound
    word = "at least" if at_least else "at most"
    print(f"{what}: {value:,.2f}{unit}, {word} {bound:,.4g}{unit}: {'holds' if holds else 'does NOT hold'}")


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table for a page."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
