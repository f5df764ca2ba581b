"""Following the axes of an image through a pass: through reshapes, permutations, products of matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from ..core import OperatorMode, leaves
from .roles import CHANNEL, NO_ROLE, POSITION, Axis, Roles, rearranged, resized, roles_of, single

_FACTORS = {"mm", "addmm", "bmm", "baddbmm"}  # whose last two arguments are multiplied
_WINDOWED = {"convolution", "im2col", "col2im"}  # for which axis 1 is the channels, whatever it was before


class AxisFollowing(OperatorMode):
    """While this mode is on, every tensor computed from a watched image knows the roles of its axes.

    A view is followed by its strides. An operation that keeps the number of axes keeps their roles, a linear layer
    replaces what it sums over by what it was, a convolution tells its channels. After an operation of another kind the
    axes are unknown.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: Any = WeakTensorKeyDictionary()

    def watch(self, image: torch.Tensor, channels: int = 1) -> None:
        """Register an image, whose axis `channels` is the channels, and those behind it the positions."""
        before = [single(size, NO_ROLE) for size in image.shape[:channels]]
        behind = [single(size, POSITION) for size in image.shape[channels + 1 :]]
        self._known[image] = (*before, single(image.shape[channels], CHANNEL), *behind)

    def roles(self, tensor: torch.Tensor) -> tuple[Roles, ...]:
        """The roles of each axis of `tensor`; without any if it does not depend on the image, or is unknown."""
        known = self._known.get(tensor)
        return (NO_ROLE,) * tensor.ndim if known is None else tuple(map(roles_of, known))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        known = [self._known[t] for t in given if t in self._known]
        if known:
            made = [t for t in tree_leaves(output) if isinstance(t, torch.Tensor)]
            for tensor, axes in zip(made, self._axes(func, args, kwargs or {}, made, known), strict=True):
                if axes is not None:
                    self._known[tensor] = axes
        return output

    def _axes(
        self, func: Any, args: Any, kwargs: Any, made: list[torch.Tensor], known: list[tuple[Axis, ...]]
    ) -> Sequence[tuple[Axis, ...] | None]:
        """The axes of each tensor that an operation has made; None for unknown."""
        name = func._schema.name.split("::")[-1]
        if _is_view(func) and args[0] in self._known:
            like = torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")  # contiguous, whatever the tensor is
            views = [t for t in tree_leaves(func(like, *args[1:], **kwargs)) if isinstance(t, torch.Tensor)]
            return [rearranged(self._known[args[0]], view.shape, view.stride()) for view in views]
        if name in _FACTORS:
            left, right = args[-2:]
            return [_multiplied(self._known.get(left), self._known.get(right), made[0].shape)]
        if name in _WINDOWED and not _mixes_positions(known[0]):
            shape = made[0].shape
            sides = [single(size, POSITION) for size in shape[2:]]
            return [(single(shape[0], NO_ROLE), single(shape[1], CHANNEL), *sides)]
        if name == "stack":
            at = (args[1] if len(args) > 1 else 0) % made[0].ndim
            known = [(*axes[:at], single(1, NO_ROLE), *axes[at:]) for axes in known]
        return [_kept(_reduced(func, args, known, tensor), tensor) for tensor in made]


def _is_view(func: Any) -> bool:
    """Whether an operation of ATen gives its input with other axes: a view, or a reshape that copies."""
    formal = func._schema.arguments
    alias = formal[0].alias_info if formal else None
    return func._schema.name == "aten::_unsafe_view" or (alias is not None and not alias.is_write)


def _reduced(func: Any, args: Any, known: list[tuple[Axis, ...]], output: torch.Tensor) -> list[tuple[Axis, ...]]:
    """The axes that are left by an operation that sums over some, and does not keep them."""
    position = next((at for at, formal in enumerate(func._schema.arguments) if formal.name == "dim"), len(args))
    dim = args[position] if position < len(args) else None
    if dim is None or not isinstance(args[0], torch.Tensor) or args[0].ndim == output.ndim:
        return known
    gone = {axis % args[0].ndim for axis in ([dim] if isinstance(dim, int) else dim)}
    return [tuple(axis for number, axis in enumerate(axes) if number not in gone) for axes in known]


def _kept(known: list[tuple[Axis, ...]], output: torch.Tensor) -> tuple[Axis, ...] | None:
    """The axes of what is computed from tensors of as many axes: each as in the first tensor that has a role there."""
    alike = [axes for axes in known if len(axes) == output.ndim]
    if not alike:
        return None
    each = [next((axis for axis in axes if roles_of(axis)), axes[0]) for axes in zip(*alike, strict=True)]
    return tuple(resized(axis, size) for axis, size in zip(each, output.shape, strict=True))


def _multiplied(
    left: tuple[Axis, ...] | None, right: tuple[Axis, ...] | None, shape: Sequence[int]
) -> tuple[Axis, ...] | None:
    """Rows of the first matrix, columns of the second; those of weights are what the sum over them was."""
    rows, columns = (() if left is None else left[-2]), (() if right is None else right[-1])
    if left is not None and not roles_of(columns):
        columns = single(shape[-1], _summed(left[-1]))
    if right is not None and not roles_of(rows):
        rows = single(shape[-2], _summed(right[-2]))
    stack = (left or right or ())[:-2]
    return tuple(resized(axis, size) for axis, size in zip((*stack, rows, columns), shape, strict=True))


def _summed(axis: Axis) -> Roles:
    """What a linear layer makes of an axis: channels of channels, and of channels with their positions."""
    roles = roles_of(axis)
    return CHANNEL if "channel" in roles else roles


def _mixes_positions(axes: Sequence[Axis]) -> bool:
    """Whether axis 1 is the positions alone, and a later axis the channels: a convolution over tokens (N, T, C)."""
    return len(axes) > 1 and roles_of(axes[1]) == POSITION and CHANNEL in map(roles_of, axes[2:])


@contextmanager
def following_axes(images: Any, *, batched: bool) -> Iterator[AxisFollowing]:
    """Follow the axes of the tensors of three axes or more in `images`.

    Parameters
    ----------
    images : torch.Tensor or nested
        (N, C, ...), or the arguments of a model.
    batched : bool
        Whether a tensor of three axes is a batch of signals (N, C, L), and not an image (C, H, W).
    """
    with AxisFollowing() as mode:
        for _, tensor in leaves(images):
            if isinstance(tensor, torch.Tensor) and tensor.ndim >= 3 and tensor.is_floating_point():
                mode.watch(tensor, 1 if batched or tensor.ndim > 3 else 0)
        yield mode
