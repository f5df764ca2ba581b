"""One image, signal or volume as a tensor: from tensors of every kind, arrays, and nested lists of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..core import Entrance

_WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}
"""Whole numbers with which torch does not compute -> those with which it does."""


def as_tensor(value: Any, name: str) -> torch.Tensor | None:
    """`value` as a plain tensor of its own numbers; None for anything that is no tensor and no array.

    Parameters
    ----------
    value : object
        A tensor: of a subclass, sparse, quantised. An array: of NumPy or with `__array__`, in any byte order.
    name : str
        What an error calls it: `image 3`.

    Raises
    ------
    TypeError
        A picture of Pillow, or an array that holds no numbers or masks some of them.
    """
    if isinstance(value, torch.Tensor):
        return _plain(value)
    if is_picture(value):
        raise TypeError(
            f"{name} is a PIL image, and the model needs a tensor: torchvision.transforms.ToTensor() makes one, best "
            "in the data set's transform"
        )
    if isinstance(value, type) or not hasattr(value, "__array__"):
        return None
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name} is a masked array, and the model needs every number: array.filled(0)")
    array = np.array(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name} is an array of {array.dtype}, which are no numbers that a model takes")
    if array.dtype.kind in "fc" and array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    return _plain(torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False)))


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_nested:
        return tensor
    if type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        return tensor  # it stands for numbers that are elsewhere: sharded, fake
    if type(tensor) is not torch.Tensor:
        tensor = tensor.as_subclass(torch.Tensor)
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    return tensor.to(_WIDER.get(tensor.dtype, tensor.dtype))


def is_picture(value: Any) -> bool:
    """Whether `value` is an image of Pillow."""
    return any(base.__module__ == "PIL.Image" for base in type(value).__mro__)


def channels_first(value: Any, tensor: torch.Tensor, entry: Entrance | None) -> torch.Tensor:
    """`tensor`, made of `value`, with the channels before the positions.

    They are moved where an array has them last, as those of OpenCV and scikit-image have: where the first convolution
    takes as many channels as the last axis has, and not as many as stand before the positions. Tensors have them first
    by convention; a network that takes them otherwise gets them as they are.
    """
    if entry is None or isinstance(value, torch.Tensor) or tensor.ndim not in (entry.axes + 1, entry.axes + 2):
        return tensor
    at = tensor.ndim - entry.axes - 1
    return tensor.movedim(-1, at) if tensor.shape[-1] == entry.channels != tensor.shape[at] else tensor
