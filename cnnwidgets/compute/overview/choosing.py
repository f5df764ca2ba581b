"""Which rows of a layer table are worth choosing from a menu."""

from __future__ import annotations

from collections.abc import Collection

from ..layers import Layer, LayerTable

HANDS_ON = frozenset(
    {
        "Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout",
        "StochasticDepth", "DropPath", "DropBlock2d", "DropBlock3d",
        "dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "stochastic_depth", "drop_path",
    }
)  # fmt: skip
"""Types of layers that give what they get in evaluation."""
MOVES = frozenset(
    {
        "Flatten", "Unflatten", "Permute",
        "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "permute", "transpose",
        "swapaxes", "swapdims", "movedim", "moveaxis", "t", "adjoint", "squeeze", "unsqueeze", "getitem", "getattr",
        "select", "narrow", "index_select", "chunk", "split", "tensor_split", "unbind", "unsafe_chunk", "roll", "flip",
        "contiguous", "clone", "detach", "to", "type", "type_as", "float", "half", "double", "bfloat16", "cpu", "cuda",
        "expand", "expand_as", "broadcast_to", "repeat", "tile", "pad", "_pad", "constant_pad_nd", "as_strided",
        "fold", "unfold", "alias", "size", "dim", "numel", "rearrange", "meshgrid", "copy", "setitem", "eq",
        "ne", "_assert",
    }
)  # fmt: skip
"""Types of layers that move numbers, and compute none."""


_MAPS = ("Conv", "BatchNorm", "MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool")
"""Beginnings of the types of layers whose outputs of three axes are maps over the image."""
Size = tuple[int, ...]


def is_picture(layer: Layer, sizes: Collection[Size] = ()) -> bool:
    """Whether the output of a layer is maps over the image, a grid of tokens, or a vector.

    Parameters
    ----------
    layer : Layer
        A row of the layer table.
    sizes : collection of tuple of int
        Those of the maps that convolutions and their like give. What is far from square beside them is no map, as
        q, k and v of an attention (heads, tokens, features), nor is a stack of another size, as its windows.
    """
    if layer.reason is not None or not layer.ran:
        return False
    if layer.kind == "vector":
        return True
    stack = layer.batch_axis is None
    if not layer.axes_known or (stack and layer.kind == "tokens"):
        return False
    if layer.kind != "maps" or not sizes or layer.type.startswith(_MAPS):
        return True
    return layer.size in sizes or (not stack and any(_like(layer.size, size) for size in sizes))


def _like(size: Size, known: Size) -> bool:
    """Whether maps of a size may come from those of another: neither is more than twice as wide for its height."""
    return 0.5 <= (size[0] * known[1]) / (size[1] * known[0]) <= 2


def worth_choosing(table: LayerTable) -> frozenset[str]:
    """Names of the rows of a layer table that have something of their own to see, as a picture or a strip.

    Left out are layers that repeat the entry before or give what they get in evaluation (`Dropout`, `Identity`),
    those that only move numbers (`view`, `permute`, `getitem`), operations inside a layer that holds no layers, those
    that compute on weights, and what is no picture: windows of tokens, q, k and v, and outputs of which it is not
    known which axes are height and width.

    Parameters
    ----------
    table : LayerTable
        From `layer_table`.
    """
    sizes = {row.size for row in table if row.kind == "maps" and row.type.startswith(_MAPS)}
    leaves = {row.module for row in table if row.leaf and row.ran and not row.operation}
    traced = any(row.operation for row in table)

    def worth(row: Layer) -> bool:
        if row.repeats or not row.depends or row.type in HANDS_ON or row.type in MOVES:
            return False
        if row.operation:
            return row.module not in leaves
        return bool(row.module) or not traced  # the output of the network is that of its last operation

    return frozenset(row.name for row in table if worth(row) and is_picture(row, sizes))


def ordinary(table: LayerTable) -> LayerTable:
    """The rows of a layer table that are worth choosing; all that can be shown, where none is.

    Parameters
    ----------
    table : LayerTable
        From `layer_table`.

    Returns
    -------
    LayerTable
        With the same `note`.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from cnnwidgets.compute.layers import layer_table
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(), nn.Flatten(), nn.Linear(8, 3))
    >>> ordinary(layer_table(model, torch.zeros(1, 4, 4))).names
    ['0', '3']
    """
    worth = worth_choosing(table)
    return LayerTable([row for row in table if row.name in worth], table.note) if worth else table.showable
