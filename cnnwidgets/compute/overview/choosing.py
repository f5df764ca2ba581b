"""Which rows of a layer table are worth choosing from a menu."""

from __future__ import annotations

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


def worth_choosing(layer: Layer) -> bool:
    """Whether a row of the layer table has something of its own to see, and can be seen as a picture or a strip.

    Left out are layers that repeat the entry before or give what they get in evaluation (`Dropout`, `Identity`),
    those that only move numbers (`view`, `permute`, `getitem`), those that compute on weights, and what is no picture:
    stacks of tokens (image windows), and maps of which it is not known which axes are height and width (q, k, v).

    Parameters
    ----------
    layer : Layer
        A row of the table.
    """
    if not layer.ran or layer.reason is not None or layer.repeats or not layer.depends:
        return False
    if layer.type in HANDS_ON or layer.type in MOVES:
        return False
    return is_picture(layer)


def is_picture(layer: Layer) -> bool:
    """Whether the output of a layer is maps over the image, a grid of tokens, or a vector."""
    if layer.reason is not None:
        return False
    if layer.kind == "vector":
        return True
    stack = layer.batch_axis is None and len(layer.shape) >= 2
    return layer.axes_known and not (stack and layer.kind == "tokens")


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
    traced = any(layer.operation for layer in table)  # then the output of the network is that of its last operation
    rows = [
        layer for layer in table if worth_choosing(layer) and not (traced and not (layer.module or layer.operation))
    ]
    return LayerTable(rows, table.note) if rows else table.showable
