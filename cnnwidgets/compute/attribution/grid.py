"""The positions of a layer's output that lie over the image: maps, or the tokens of a transformer as a grid."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..layers import Layer, token_grid


class Grid(NamedTuple):
    """Rows and columns of positions; `extra` tokens come before them: class token, registers."""

    extra: int
    rows: int
    columns: int


def grid_of(row: Layer, aspect: float = 1.0) -> Grid | None:
    """The positions of a layer that may lie over the image; None where there is one at most, or none that is known.

    Parameters
    ----------
    row : Layer
        An entry of the layer table.
    aspect : float
        Width over height of the image, for the grid of tokens.
    """
    if row.reason is not None or not row.ran or row.operation or not row.module:
        return None
    if row.dtype is not None and row.dtype.is_complex:  # a complex number is neither for a score nor against it
        return None
    if row.kind == "maps" and row.batch_axis == 0 and row.planes == 1 and max(row.size) > 1:
        return Grid(0, *row.size)
    if row.kind == "tokens" and row.batch_axis is not None and row.layout == "last":
        found = token_grid(row.shape[0], aspect)
        return None if found is None else Grid(*found)
    return None


def as_grid(output: torch.Tensor, row: Layer, grid: Grid) -> torch.Tensor:
    """Output of `row` for a batch as maps (N, C, rows, columns), without extra tokens."""
    if row.kind == "maps":
        return output if row.layout == "first" else output.movedim(-1, 1)
    return _tokens(output, row)[:, grid.extra :].movedim(-1, 1).unflatten(2, (grid.rows, grid.columns))


def from_grid(maps: torch.Tensor, output: torch.Tensor, row: Layer, grid: Grid) -> torch.Tensor:
    """`output` with `maps` (N, C, rows, columns) in the place of those that `as_grid` gives."""
    if row.kind == "maps":
        return maps if row.layout == "first" else maps.movedim(1, -1)
    tokens = torch.cat([_tokens(output, row)[:, : grid.extra], maps.flatten(2).movedim(1, -1)], 1)
    return tokens.movedim(0, row.batch_axis or 0)


def _tokens(output: torch.Tensor, row: Layer) -> torch.Tensor:
    return output.movedim(row.batch_axis or 0, 0)
