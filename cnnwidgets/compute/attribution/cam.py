"""Layers that Grad-CAM can use, and its default layer."""

from __future__ import annotations

from torch import nn

from ..layers import Layer, LayerTable

_HANDS_ON = ("Pool", "Dropout", "Identity", "Flatten", "Upsample", "Pad")


def has_maps(row: Layer) -> bool:
    """Whether a layer outputs maps of more than one pixel, which Grad-CAM needs."""
    return (
        row.kind == "maps"
        and row.reason is None
        and row.ran
        and not row.operation
        and bool(row.module)
        and row.batch_axis == 0
        and row.planes == 1
        and max(row.size) > 1
    )


def last_maps(table: LayerTable) -> str | None:
    """The last layer with maps before pooling, as in Grad-CAM's paper; None where there is none."""
    found, pooled = None, False
    for row in table:
        if not row.repeats:
            pooled = any(word in row.type for word in _HANDS_ON)
        if has_maps(row) and not pooled:
            found = row.name
    return found


def cam_layer(table: LayerTable, layer: str | None, model: nn.Module) -> Layer:
    """The row of `layer`, by default of `last_maps`.

    Raises
    ------
    LookupError
        The layer does not exist.
    ValueError
        The layer has no maps, or no layer of the model has any.
    """
    name = last_maps(table) if layer is None else layer
    known = ", ".join([row.name for row in table if has_maps(row)][-20:])
    if name is None:
        raise ValueError(f"Grad-CAM weights the maps of a layer, and no layer of {type(model).__name__} gives maps")
    row = table.find(name)
    if not has_maps(row):
        what = f"it {row.reason}" if row.reason is not None else f"it puts out {row.form}"
        raise ValueError(f"Grad-CAM weights maps of more than one pixel, and layer {name!r} has none: {what}; {known}")
    return row
