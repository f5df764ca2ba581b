"""The output of a layer for one image, and what can be drawn of it as maps."""

from __future__ import annotations

import torch

from .kinds import as_maps, token_grid, tokens_off_grid
from .layer import Layer


def one_image(output: torch.Tensor, layer: Layer, number: int = 0, *, of: int | None = None) -> torch.Tensor:
    """Output of `layer` for one image of the batch, shaped as `layer.shape` says (a stack stays whole).

    Parameters
    ----------
    output : torch.Tensor
        Output of `layer` for a batch.
    layer : Layer
        Its entry in the table.
    number : int
        Number of the image in the batch.
    of : int, optional
        Images in the batch, where the table is of a single one: the axis that has grown is that of the batch.

    Raises
    ------
    LookupError
        No axis has grown with the batch, but the output is not that of a single image either.
    """
    axis = layer.batch_axis
    if axis is None:
        return output
    if of is None or (output.ndim > axis and output.shape[axis] == of):
        return output.select(axis, number)
    one = (*layer.shape[:axis], 1, *layer.shape[axis:])
    if tuple(output.shape) == one:  # the same for every image
        return output.select(axis, 0)
    if output.ndim == len(one):  # the state of a recurrent layer is (layers, N, D)
        grown = [at for at, extent in enumerate(one) if extent == 1 and output.shape[at] == of]
        if len(grown) == 1:
            return output.select(grown[0], number).reshape(layer.shape)
    size = " x ".join(map(str, output.shape))
    raise LookupError(f"layer {layer.name!r} gives {size} numbers for {of} images: none for each of them")


def drawable(output: torch.Tensor, layer: Layer, *, aspect: float = 1.0, plane: int = 0) -> torch.Tensor:
    """One image's output (from `one_image`) as maps (C, H, W) of real numbers.

    Parameters
    ----------
    output : torch.Tensor
        Output of `layer` for one image.
    layer : Layer
        Its entry in the table.
    aspect : float
        Width over height of the input image, for the grid of tokens.
    plane : int
        Index of the slice of a volume or stack, 0 .. `layer.planes` - 1.
    """
    output, plane = _unstacked(output, layer, plane)
    return as_maps(output, layer.kind, layer.layout, aspect=aspect, plane=plane)


def extra_tokens(output: torch.Tensor, layer: Layer, *, aspect: float = 1.0, plane: int = 0) -> torch.Tensor:
    """The tokens that `drawable` leaves out of the grid, (extra, D): class token, distillation token, registers."""
    output, _ = _unstacked(output, layer, plane)
    return tokens_off_grid(output, layer.kind, layer.layout, aspect=aspect)


def map_size(layer: Layer, aspect: float = 1.0) -> tuple[int, int]:
    """(rows, columns) of the maps of `layer` as `drawable` gives them; (1, 1) for a vector."""
    if layer.kind == "vector":
        return 1, 1
    if layer.kind == "tokens":
        grid = token_grid(layer.size[0], aspect) if layer.layout == "last" else None
        return (1, layer.size[0]) if grid is None else grid[1:]
    return layer.size[-2], layer.size[-1]


def _unstacked(output: torch.Tensor, layer: Layer, plane: int) -> tuple[torch.Tensor, int]:
    """The entry of a stack that contains slice `plane`, and its index there; for all others the whole output."""
    if layer.batch_axis is not None or output.ndim < 3:
        return output, plane
    inside = max(1, layer.planes // output.shape[0])
    return output[plane // inside], plane % inside
