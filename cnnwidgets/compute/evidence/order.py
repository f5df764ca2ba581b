"""In which order the channels of a layer are looked at."""

from __future__ import annotations

import torch

from ..core import unknown
from ..scan import LayerScan

ORDERS = ("number", "strongest", "sparsity", "class")
"""By number; by the largest value here; by the share of zeros in a scan; by how well they tell a class in a scan."""
SCANNED = ("sparsity", "class")
"""Those that only a scan knows."""


def channel_order(
    order: str, values: torch.Tensor, layer: LayerScan | None = None, target: int | None = None
) -> torch.Tensor:
    """The channels of a layer in an order; of equal ones, and of those that it says nothing of, the lower number first.

    Parameters
    ----------
    order : {"number", "strongest", "sparsity", "class"}
        `strongest`: the largest value of the channel first; `sparsity`: the largest share of zeros over the data set;
        `class`: the largest area under the ROC for telling `target` from all other classes.
    values : torch.Tensor
        (C, ...): what the channels hold for an image.
    layer : LayerScan, optional
        What a scan found; without it, the channels come by number where it would be asked.
    target : int, optional
        Number of a class of the scan; without it, or where the scan has none such, the same.

    Returns
    -------
    torch.Tensor
        (C,) int64: the number of the channel at each place.

    Raises
    ------
    ValueError
        `order` is none of these; the scan has another number of channels.

    Examples
    --------
    >>> import torch
    >>> from cnnwidgets.compute.evidence import channel_order
    >>> channel_order("strongest", torch.tensor([[1.0, 2.0], [5.0, 0.0], [3.0, 3.0]]))
    tensor([1, 2, 0])
    """
    if order not in ORDERS:
        raise ValueError(unknown(f"there is no order {order!r}", order, ORDERS))
    count = len(values)
    if layer is not None and layer.channels != count:
        raise ValueError(f"the scan of {layer.name!r} has {layer.channels} channels, and the layer {count}")
    found = torch.full((count,), -torch.inf, dtype=torch.float64)
    if order == "strongest":
        known = values.abs() if values.is_complex() else values
        found = known.reshape(count, -1).double().nan_to_num(-torch.inf, torch.inf, -torch.inf).amax(1)
    elif order == "sparsity" and layer is not None:
        found = layer.zeros
    elif order == "class" and layer is not None and target is not None and 0 <= target < len(layer.class_images):
        found = layer.roc_area[target]
    return found.nan_to_num(-torch.inf, torch.inf, -torch.inf).argsort(descending=True, stable=True)
