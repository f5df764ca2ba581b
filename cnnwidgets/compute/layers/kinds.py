"""Kinds of outputs - maps, vector, tokens, volume - and their representation as maps."""

from __future__ import annotations

import math
from typing import Literal

import torch

from ..axes import Layout

Kind = Literal["maps", "vector", "tokens", "volume", "other"]


def kind_of(shape: tuple[int, ...]) -> Kind:
    """Kind of the output for one image, from its shape without the batch axis.

    `()` and `(D,)` are vectors, `(T, D)` tokens, `(C, H, W)` maps (a vector where H = W = 1), `(C, D, H, W)` and more
    axes volumes.
    """
    if len(shape) <= 1 or (len(shape) == 3 and shape[1:] == (1, 1)):
        return "vector"
    return {2: "tokens", 3: "maps"}.get(len(shape), "volume")  # type: ignore[return-value]


def token_grid(tokens: int, aspect: float = 1.0) -> tuple[int, int, int] | None:
    """Grid of `tokens`: `(extra, rows, columns)`, with `extra` class or register tokens before it.

    Parameters
    ----------
    tokens : int
        Length of the sequence.
    aspect : float
        Width over height of the image; the grid has the nearest possible aspect ratio.

    Returns
    -------
    tuple of int or None
        None where no grid with 0, 1, 2, 4, 5 or 8 extra tokens matches the image.
    """
    for extra in (0, 1, 2, 5, 4, 8):
        count = tokens - extra
        if count < 4:
            continue
        rows = max(1, round(math.sqrt(count / aspect)))
        if count % rows == 0 and abs(count // rows - rows * aspect) < 1:
            return extra, rows, count // rows
    return None


def as_maps(output: torch.Tensor, kind: Kind, layout: Layout, *, aspect: float = 1.0, plane: int = 0) -> torch.Tensor:
    """One image's output as maps (C, H, W) of real numbers: the form that is drawn.

    Parameters
    ----------
    output : torch.Tensor
        Without the batch axis. Complex numbers become magnitudes, booleans 0 and 1.
    kind, layout : str
        From `kind_of` and the layer table.
    aspect : float
        Width over height of the input image, for the grid of tokens.
    plane : int
        Index of the slice of a volume; its middle axes count as one.

    Returns
    -------
    torch.Tensor
        Vectors (D, 1, 1); tokens (D, rows, columns) without those that `tokens_off_grid` gives, or (D, 1, T) where they
        form no grid; a slice of a volume (C, H, W). Half precision becomes float32.
    """
    if output.is_complex():
        output = output.abs()
    if output.dtype == torch.bool or (output.is_floating_point() and output.element_size() < 4):  # 16 bits, and 8
        output = output.float()
    if kind == "vector":
        return output.reshape(-1, 1, 1)
    if kind == "tokens":
        if layout == "first":
            return output[:, None, :]
        grid = token_grid(output.shape[0], aspect)
        if grid is None:
            return output.T[:, None, :]
        extra, rows, columns = grid
        return output[extra:].T.reshape(-1, rows, columns)
    if layout == "last":
        output = output.movedim(-1, 0)
    if kind == "volume":
        return output.flatten(1, -3)[:, plane]
    return output


def tokens_off_grid(output: torch.Tensor, kind: Kind, layout: Layout, *, aspect: float = 1.0) -> torch.Tensor:
    """Values of the class token and other extra tokens, which `as_maps` leaves out of the grid.

    Parameters
    ----------
    output, kind, layout, aspect
        As for `as_maps`.

    Returns
    -------
    torch.Tensor
        (extra, D): one row per token before those of the grid; no row if all are in the grid, or there are no tokens.
    """
    if kind != "tokens" or layout == "first":
        return torch.empty(0, 0)
    grid = token_grid(output.shape[0], aspect)
    extra = output[:0] if grid is None else output[: grid[0]]
    return extra.abs() if extra.is_complex() else extra


def planes(shape: tuple[int, ...], kind: Kind, layout: Layout) -> int:
    """Number of slices that a volume of `shape` has; 1 for everything else."""
    if kind != "volume":
        return 1
    return math.prod(shape[:-3] if layout == "last" else shape[1:-2])
