"""Dependency tracking: which pixels each number depends on, updated while the network runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import TensorWeakRef, WeakTensorKeyDictionary

from ..core import OperatorMode, leaves
from .boxes import NOTHING, Call, PixelBox, flattened
from .rules import follow


class Following(OperatorMode):
    """While this mode is on, every tensor computed from a watched image gets a `PixelBox`.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the image.
    within : Following, optional
        A mode that is on, and tells this one what it sees (`see`): it knows which tensors share their memory.
    """

    def __init__(self, size: tuple[int, int], within: Following | None = None) -> None:
        super().__init__()
        self.size = size
        self._known: Any = WeakTensorKeyDictionary()  # None for a tensor that depends on no pixel
        self._within = within
        self._sharing: dict[int, list[TensorWeakRef]] = {} if within is None else within._sharing
        """Storage -> the tensors in it."""
        self._taken, self._notes = "", WeakTensorKeyDictionary()
        self.images = 1

    def watch(self, image: torch.Tensor) -> None:
        """Register a tensor (..., H, W) as the image."""
        self._note(image, PixelBox.of_image(image.shape))

    def of(self, tensor: torch.Tensor) -> PixelBox | None:
        """The pixels that each number of `tensor` depends on; None if there are none."""
        return self._known.get(tensor)

    def take(self, tensor: torch.Tensor, how: str) -> None:
        """Take note that numbers of `tensor` leave torch, so that what is made of them is followed no further."""
        if not self._taken and self.of(tensor) is not None:
            self._taken = how

    def note(self, tensor: torch.Tensor) -> str:
        """What may make the boxes of `tensor` too small; empty for nothing."""
        how = self._notes.get(tensor)
        return f"{how} takes numbers out of torch before it, whose pixels are not counted" if how else ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        self.see(func, args, kwargs or {}, output)
        return output

    def see(self, func: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Find the boxes of what an operation gave."""
        call = Call(func, args, kwargs, output, self.of, self.size)
        for tensor, reach in zip(call.outputs, follow(call), strict=True):
            if call.known and any(tensor is given for given in call.tensors):
                self._overwrite(tensor, reach)
            self._note(tensor, reach)

    def _note(self, tensor: torch.Tensor, reach: PixelBox | None) -> None:
        if self._within is None and tensor not in self._known:
            self._sharing.setdefault(tensor.untyped_storage()._cdata, []).append(TensorWeakRef(tensor))
        self._known[tensor] = reach
        if self._taken:
            self._notes[tensor] = self._taken

    def _overwrite(self, tensor: torch.Tensor, reach: PixelBox | None) -> None:
        """Update the tensors that share memory with `tensor` after an in-place write."""
        for reference in self._sharing.get(tensor.untyped_storage()._cdata, []):
            other = reference()
            if other is not None and other is not tensor and ((known := self.of(other)) or reach) is not None:
                self._known[other] = _written(tensor, reach, other, known)


def _written(tensor: torch.Tensor, reach: PixelBox | None, other: torch.Tensor, known: PixelBox | None) -> PixelBox:
    """Dependencies of `other` after `tensor`, which shares memory with it, was overwritten with those of `reach`."""
    size = tensor.untyped_storage().nbytes() // tensor.element_size()
    new, old = (torch.arange(size).as_strided(t.shape, t.stride(), t.storage_offset()) for t in (tensor, other))
    edges = []
    for corner in range(4):
        memory = torch.full((size,), NOTHING)
        for places, held in ((old, known), (new, reach)):
            memory[places] = torch.tensor(NOTHING) if held is None else held.edges[corner]
        edges.append(flattened(memory[old]))
    return PixelBox.made(edges, other.shape, [held for held in (known, reach) if held is not None])


class _Leaving(TorchFunctionMode):
    """Tells a `Following` which numbers `forward` takes out of torch, which no operation does."""

    def __init__(self, mode: Following) -> None:
        super().__init__()
        self._mode = mode

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _LEAVING and args and isinstance(args[0], torch.Tensor):
            self._mode.take(args[0], _LEAVING[func])
        return func(*args, **(kwargs or {}))


_LEAVING = {
    torch.Tensor.item: ".item()",
    torch.Tensor.tolist: ".tolist()",
    torch.Tensor.numpy: ".numpy()",
    torch.Tensor.__array__: "NumPy",
    torch.Tensor.__float__: "float()",
    torch.Tensor.__int__: "int()",
}


@contextmanager
def switched_on(mode: Following) -> Iterator[None]:
    """Have `mode` see all that runs inside the `with` block, and what leaves torch there."""
    with mode, _Leaving(mode):
        yield


@contextmanager
def following(images: Any) -> Iterator[Following]:
    """Track the pixels of the first tensor of three axes or more in `images`.

    Parameters
    ----------
    images : torch.Tensor or nested
        (N, C, H, W), or the arguments of a model.

    Yields
    ------
    Following
        Has the `PixelBox` of every tensor computed inside the `with` block. `images` counts those of the size of the
        first: pixels of the others are not tracked, as they are at other places of another image.

    Raises
    ------
    TypeError
        There is no image in `images`.
    """
    found = [t for _, t in leaves(images) if isinstance(t, torch.Tensor) and t.ndim >= 3]
    if not found:
        raise TypeError(f"a receptive field needs an image tensor (C, H, W), not {type(images).__name__}")
    height, width = found[0].shape[-2:]
    mode = Following((height, width))
    with switched_on(mode):
        mode.watch(found[0])
        mode.images = sum(image.shape[-2:] == (height, width) for image in found)
        yield mode
