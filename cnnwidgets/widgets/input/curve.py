"""How the scores follow a change, as lines with the places where the prediction flips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from ...compute.perturbation import Stability
from ..surface import number

WIDTH, HEIGHT = 360, 168
LEFT, RIGHT, TOP, BOTTOM = 34, 10, 8, 22
MOST = 4
"""Classes that have a line: those that are ever predicted, and what is most probable besides."""
COLORS = ("#1976d2", "#ef8a17", "#2e9e5b", "#b05cc6")


def shown_classes(found: Stability) -> list[int]:
    """The classes that have a line, those predicted first in their order."""
    ever = list(dict.fromkeys(found.targets))
    others = [at for at in found.scores.amax(0).argsort(descending=True).tolist() if at not in ever]
    return [*ever, *others][: min(MOST, found.scores.shape[1])]


def curve(found: Stability, called: Callable[[int], str], present: float, unit: str) -> str:
    """The curve as HTML.

    Parameters
    ----------
    found : Stability
        Values and scores.
    called : callable
        Name of a class.
    present : float
        Value of the change now.
    unit : str
        Of the change.
    """
    low, high = min(found.values), max(found.values)

    def x(value: float) -> float:
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(score: float) -> float:
        return TOP + (1 - score) * (HEIGHT - TOP - BOTTOM)

    classes = shown_classes(found)
    parts = [_axes(x, y, low, high)]
    for place, before, after in found.flips:
        words = escape(f"from {called(before)} to {called(after)} at {number(place)}")
        parts.append(
            f'<line x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="currentColor" '
            f'stroke-dasharray="3 3" class="cnnw-flip"><title>{words}</title></line>'
        )
    for target, color in zip(classes, COLORS, strict=False):
        points = " ".join(
            f"{x(value):.1f},{y(score):.1f}"
            for value, score in zip(found.values, found.scores[:, target].tolist(), strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
    at = x(min(max(present, low), high))
    parts.append(f'<path d="M{at:.1f} {HEIGHT - BOTTOM}l-5 8h10z" fill="currentColor"><title>now</title></path>')
    legend = "".join(
        f'<span><i class="cnnw-dot" style="background: {color}"></i>{escape(called(target))}</span>'
        for target, color in zip(classes, COLORS, strict=False)
    )
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" style="max-width: 100%" '
        f'aria-label="{escape(told(found, called))}">{"".join(parts)}</svg><div>{legend}</div>'
        f'<div class="cnnw-quiet">probability · {escape(found.change.replace("_", " "))}, {escape(unit)}</div>'
        f'<div class="cnnw-flips">{escape(told(found, called))}</div>'
    )


def told(found: Stability, called: Callable[[int], str]) -> str:
    """Where the prediction flips, in words."""
    if not found.flips:
        return f"{called(found.targets[0])} over the whole range"
    first = [f"{called(before)} → {called(after)} at {number(place)}" for place, before, after in found.flips]
    more = f", and {len(first) - 4} more" if len(first) > 4 else ""
    return f"flips: {', '.join(first[:4])}{more}"


def spread(span: tuple[float, float], count: int) -> Sequence[float]:
    """So many values from one end to the other."""
    low, high = span
    return [low + (high - low) * at / (count - 1) for at in range(count)]


def _axes(x: Callable[[float], float], y: Callable[[float], float], low: float, high: float) -> str:
    parts = []
    for score in (0.0, 0.5, 1.0):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(score):.1f}" y2="{y(score):.1f}" '
            f'stroke="var(--cnnw-line)"/><text x="{LEFT - 6}" y="{y(score) + 4:.1f}" text-anchor="end">{score:g}</text>'
        )
    for value, anchor in ((low, "start"), ((low + high) / 2, "middle"), (high, "end")):
        parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{number(value)}</text>')
    return f'<g fill="var(--cnnw-muted)" font-size="11">{"".join(parts)}</g>'
