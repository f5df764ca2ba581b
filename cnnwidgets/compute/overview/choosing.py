"""Which rows of a layer table are worth choosing from a menu."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..layers import Layer, LayerTable, token_grid

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


def is_picture(layer: Layer, sizes: Collection[Size] = (), lengths: Collection[int] = ()) -> bool:
    """Whether the output of a layer is maps over the image, a grid of tokens, or a vector.

    Parameters
    ----------
    layer : Layer
        A row of the layer table.
    sizes : collection of tuple of int
        Those of the maps that convolutions and their like give. What is far from square beside them is no map, as
        q, k and v of an attention (heads, tokens, features), nor is a stack of another size, as its windows; tokens
        are a grid where it has one of these sizes, or every second, fourth or eighth place of it: object queries are
        none.
    lengths : collection of int
        Those of the sequences of tokens. What has one of them on both of its last axes, and no size of maps, is how
        much each token attends to each other: an attention matrix (heads, tokens, tokens), which is no map.
    """
    if layer.reason is not None or not layer.ran:
        return False
    if layer.kind == "vector":
        return True
    stack = layer.batch_axis is None
    if not layer.axes_known or (stack and layer.kind == "tokens"):
        return False
    if layer.kind == "tokens" and layer.layout == "last" and sizes:
        return layer.shape[0] == 1 or _on_grid(layer.shape[0], frozenset(sizes))
    of_maps = layer.size in sizes or layer.shape[-2:] in sizes
    if layer.kind in ("maps", "volume") and not of_maps and _attends(layer.shape[-2:], lengths):
        return False
    if layer.kind != "maps" or not sizes or layer.type.startswith(_MAPS):
        return True
    return layer.size in sizes or (not stack and any(_like(layer.size, size) for size in sizes))


def _attends(last: Size, lengths: Collection[int]) -> bool:
    """Whether the last two axes may both be the tokens of a sequence."""
    return last[0] == last[1] and last[0] in lengths


@lru_cache(maxsize=4096)
def _on_grid(tokens: int, sizes: frozenset[Size]) -> bool:
    """Whether tokens may be the places of a map of one of the sizes, or of one that is 2, 4 or 8 times smaller."""
    for height, width in sizes:
        grid = token_grid(tokens, width / height)
        if grid and grid[1:] in {(-(-height // step), -(-width // step)) for step in (1, 2, 4, 8)}:
            return True
    return False


def _like(size: Size, known: Size) -> bool:
    """Whether maps of a size may come from those of another: neither is more than twice as wide for its height."""
    return 0.5 <= (size[0] * known[1]) / (size[1] * known[0]) <= 2


class _Chosen(NamedTuple):
    """Names of rows of a layer table."""

    pictures: frozenset[str]
    worth: frozenset[str]


_known: weakref.WeakKeyDictionary[LayerTable, _Chosen] = weakref.WeakKeyDictionary()


def worth_choosing(table: LayerTable) -> frozenset[str]:
    """Names of the rows of a layer table that have something of their own to see, as a picture or a strip.

    Left out are layers that repeat the entry before or give what they get in evaluation (`Dropout`, `Identity`),
    those that only move numbers (`view`, `permute`, `getitem`), operations inside a layer that holds no layers, those
    that compute on weights, and what is no picture: windows of tokens, q, k and v, attention matrices, and outputs of
    which it is not known which axes are height and width.

    Parameters
    ----------
    table : LayerTable
        From `layer_table`. The names are worked out once, and kept as long as the table.
    """
    return _chosen(table).worth


def pictures(table: LayerTable) -> frozenset[str]:
    """Names of the rows of a layer table for which `is_picture` holds beside the others; kept as those above."""
    return _chosen(table).pictures


def _chosen(table: LayerTable) -> _Chosen:
    found = _known.get(table)
    if found is None:
        found = _known[table] = _choose(list(table))
    return found


def _choose(rows: Sequence[Layer]) -> _Chosen:
    sizes = {row.size for row in rows if row.kind == "maps" and row.type.startswith(_MAPS)}
    lengths = {row.shape[0] for row in rows if row.kind == "tokens" and row.layout == "last"}
    within = {row.module for row in rows if row.leaf and row.ran and not row.operation}
    whole = {""} if any(row.operation for row in rows) else set()  # its output is that of its last operation
    shown = [row for row in rows if row.ran and row.reason is None]
    pictures = frozenset(row.name for row in shown if row.kind == "vector" or is_picture(row, sizes, lengths))
    worth = frozenset(
        row.name
        for row in shown
        if row.name in pictures
        and not row.repeats
        and row.depends
        and row.type not in HANDS_ON
        and row.type not in MOVES
        and row.module not in (within if row.operation else whole)
    )
    return _Chosen(pictures, worth)


def ordinary(table: LayerTable, among: LayerTable | None = None) -> LayerTable:
    """The rows of a layer table that are worth choosing; all that can be chosen, where none is.

    Parameters
    ----------
    table : LayerTable
        From `layer_table`.
    among : LayerTable, optional
        Those of its rows that can be chosen at all; by default those that can be shown.

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
    worth, every = worth_choosing(table), table.showable if among is None else among
    kept = [row for row in every if row.name in worth]
    return LayerTable(kept, table.note) if kept else every
