"""Every colour of cnnwidgets: tables for values, one accent, one loud colour, two themes."""

from __future__ import annotations

import difflib
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...late import imported
from .scale import GAP, LEVELS, NONFINITE

ACCENT = "#1976d2"
"""What is selected."""
FLAG = "#ef6c00"
"""What something is wrong with, crossed out."""
PADDED = "#a9adb6"
"""The padding around a map, where there are no values."""
LOUD = "#ff00ff"
"""NaN and infinities: far from all colours of the maps below, save the cyclic ``hsv``, which has all hues."""
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"
"""Positive values red, negative ones blue."""
CLASSES = "tab10"

COLORMAPS = (
    "auto",
    SEQUENTIAL,
    "magma",
    "inferno",
    "cividis",
    "gray",
    "Reds",
    DIVERGING,
    "coolwarm",
    "PuOr",
    CLASSES,
    "hsv",
)
"""The names that menus offer; any other name that matplotlib knows is accepted too."""

_DIVERGING_FAMILIES = {
    "PiYG", "PRGn", "BrBG", "PuOr", "RdGy", "RdBu", "RdYlBu", "RdYlGn", "Spectral",
    "coolwarm", "bwr", "seismic", "berlin", "managua", "vanimo",
}  # fmt: skip


class Theme(NamedTuple):
    """Colours of a static picture around its pixels."""

    ground: str
    line: str
    track: str
    text: str
    muted: str
    accent: str
    right: str
    wrong: str


LIGHT = Theme(
    ground="#ffffff",
    line="#e0e3e8",
    track="#e8ebf2",
    text="#1f2328",
    muted="#6b7280",
    accent=ACCENT,
    right="#1a7f37",
    wrong="#b3261e",
)
DARK = Theme(
    ground="#1b1e25",
    line="#30343d",
    track="#2a2f39",
    text="#e6e8ec",
    muted="#9aa3b2",
    accent="#4c9dff",
    right="#4ac26b",
    wrong="#ff8a80",
)


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour written ``#rrggbb``."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


@cache
def table(name: str) -> NDArray[np.uint8]:
    """Colours of the 254 levels.

    Parameters
    ----------
    name
        Any name that matplotlib knows. ``"auto"`` is not one: see `choose`.

    Returns
    -------
    ndarray of uint8, (254, 3)
        RGB, the colour of ``vmin`` first. Cached and read-only.

    Raises
    ------
    ValueError
        If there is no such map; the message names the nearest one and those that menus offer.
    """
    colormaps = imported("matplotlib").colormaps

    if name not in colormaps:
        near = difflib.get_close_matches(name, list(colormaps), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}" if near else ""
        raise ValueError(f"no colour map {name!r}{hint}; offered: {', '.join(COLORMAPS[1:])}")
    colors = np.asarray(colormaps[name](np.linspace(0, 1, LEVELS)))[:, :3]
    return _read_only(np.rint(255 * colors).astype(np.uint8))


@cache
def palette(name: str) -> NDArray[np.uint8]:
    """RGBA palette of an indexed picture.

    Parameters
    ----------
    name
        As for `table`.

    Returns
    -------
    ndarray of uint8, (256, 4)
        `table`, then ``GAP`` as transparent white and ``NONFINITE`` as ``LOUD``. Cached and read-only.
    """
    colors = np.full((256, 4), 255, np.uint8)
    colors[:LEVELS, :3] = table(name)
    colors[GAP, 3] = 0
    colors[NONFINITE, :3] = rgb(LOUD)
    return _read_only(colors)


def is_diverging(name: str) -> bool:
    """Whether a colour map has a middle of its own, which belongs on 0."""
    return name.removesuffix("_r") in _DIVERGING_FAMILIES


def choose(name: str, signed: bool) -> str:
    """Name of the map to use: ``"auto"`` is the diverging map for signed values, else the sequential one."""
    if name != "auto":
        return name
    return DIVERGING if signed else SEQUENTIAL


def apply(indices: NDArray[np.uint8], name: str, *, alpha: bool = False) -> NDArray[np.uint8]:
    """Colours of an indexed picture.

    Parameters
    ----------
    indices
        (H, W) palette indices.
    name
        As for `table`.
    alpha
        Give RGBA, with the ground transparent; else RGB, with the ground white.

    Returns
    -------
    ndarray of uint8, (H, W, 3) or (H, W, 4)
    """
    colors = palette(name)
    return np.take(colors if alpha else colors[:, :3], indices, axis=0)


def overlay(
    picture: NDArray[np.uint8], heat: NDArray[np.uint8], alpha: float | NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Lay a coloured heat map over a picture.

    Parameters
    ----------
    picture, heat
        (H, W, 3) RGB of one size.
    alpha
        Weight of the heat map, from 0 (picture alone) to 1 (heat map alone): one number, or (H, W).

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        ``(1 - alpha) * picture + alpha * heat``, rounded.

    Raises
    ------
    ValueError
        If the sizes differ or `alpha` leaves 0 to 1.
    """
    if picture.shape != heat.shape or picture.ndim != 3:
        raise ValueError(f"picture {picture.shape} and heat {heat.shape} must both be (H, W, 3) of one size")
    weight = np.asarray(alpha, dtype=np.float32)
    if not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError(f"alpha must lie in 0 to 1; got {alpha}")
    if weight.ndim:
        weight = weight[..., None]
    below = picture.astype(np.float32)
    mixed: NDArray[np.uint8] = (below + weight * (heat - below) + np.float32(0.5)).astype(np.uint8)
    return mixed


@cache
def css_gradient(name: str, stops: int = 16) -> str:
    """CSS ``linear-gradient`` of a colour map, ``vmin`` left, with `stops` (at least 2) even colours."""
    if stops < 2:
        raise ValueError(f"a gradient needs at least 2 stops; got {stops}")
    colors = table(name)[np.linspace(0, LEVELS - 1, stops).round().astype(int)]
    return f"linear-gradient(to right, {', '.join('#' + color.tobytes().hex() for color in colors)})"


def _read_only(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    array.flags.writeable = False
    return array
