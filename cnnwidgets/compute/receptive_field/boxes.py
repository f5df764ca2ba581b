"""Which pixels the numbers inside a network can depend on: pixel boxes propagated along a real forward pass.

Every number of a tensor has a box of pixels, and a rule for every operation computes the boxes of its output from those
of its inputs (`reach_rules`). The boxes follow the executed path, so that branches, loops, functions, reused modules
and networks that cannot be traced need no special treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

NOTHING = float("-inf")
"""Edge of the box of a number that depends on no pixel."""


@dataclass(frozen=True, eq=False)
class PixelBox:
    """A box of pixels for every number of a tensor.

    Attributes
    ----------
    edges : tuple of torch.Tensor
        `-top`, `-left`, `bottom`, `right`, in pixels, bottom and right exclusive. With these signs the union of
        boxes is the maximum of each edge. All have the shape of the tensor, expanded (stride 0) along axes where they
        do not vary. They are not clipped at the border of the image: padding counts as image.
    step : tuple of float
        Pixels between the boxes of neighbouring rows, and of neighbouring columns.
    period : tuple of int
        Rows and columns after which boxes repeat, shifted by `period * step` pixels: 2 after upsampling by 2.
    reason : str
        Description of the first operation that made numbers depend on the whole image; empty if there is none.
    """

    edges: tuple[torch.Tensor, ...]
    step: tuple[float, float] = (1.0, 1.0)
    period: tuple[int, int] = (1, 1)
    reason: str = ""

    @classmethod
    def of_image(cls, shape: Sequence[int]) -> PixelBox:
        """Boxes of an image (..., H, W): each pixel depends on itself."""
        top, left = (torch.arange(float(size)) for size in shape[-2:])
        edges = (-top[:, None], -left, top[:, None] + 1, left + 1)
        return cls(tuple(edge.expand(tuple(shape)) for edge in edges))

    @classmethod
    def made(cls, edges: Sequence[torch.Tensor], shape: Sequence[int], given: Sequence[PixelBox]) -> PixelBox:
        """Boxes of a tensor of `shape`, from edges that can be broadcast to it and the inputs that they depend on."""
        return cls(
            tuple(edge.expand(tuple(shape)) for edge in edges),
            (max(r.step[0] for r in given), max(r.step[1] for r in given)),
            (max(r.period[0] for r in given), max(r.period[1] for r in given)),
            next((r.reason for r in given if r.reason), ""),
        )

    @property
    def shape(self) -> torch.Size:
        """Shape of the tensor."""
        return self.edges[0].shape

    def hull(self, axes: Sequence[int] | None = None, *, keep: bool = True) -> PixelBox:
        """Union along `axes` (all for None), which get size 1, or are removed unless `keep`."""
        axes = tuple(range(len(self.shape)) if axes is None else axes)
        edges = [thin(edge).amax(axes, keepdim=keep) if axes else thin(edge) for edge in self.edges]
        return replace(self, edges=tuple(edges))

    @property
    def uniform(self) -> bool:
        """Whether all numbers have the same box."""
        return all(thin(flattened(edge)).numel() == 1 for edge in self.edges)

    @property
    def same_everywhere(self) -> bool:
        """Whether the box is the same at all positions; channels (axis 1 of maps and of vectors) may differ."""
        channels = 1 if len(self.shape) in (2, 4) else None
        shapes = [thin(flattened(edge)).shape for edge in self.edges]
        return all(size == 1 or axis == channels for shape in shapes for axis, size in enumerate(shape))

    def covers(self, size: tuple[int, int]) -> bool:
        """Whether every number depends on the whole of an image of `size` (H, W)."""
        return all(float(thin(edge).min()) >= least for edge, least in zip(self.edges, (0, 0, *size), strict=True))


def thin(edge: torch.Tensor) -> torch.Tensor:
    """`edge` with size 1 along the axes where it does not vary."""
    for axis, step in enumerate(edge.stride()):
        if step == 0:
            edge = edge.narrow(axis, 0, 1)
    return edge


def flattened(edge: torch.Tensor) -> torch.Tensor:
    """The same edge, expanded (stride 0) along the axes where it does not vary."""
    found = thin(edge)
    for axis in (axis for axis, size in enumerate(found.shape) if size > 1):
        first = found.narrow(axis, 0, 1)
        if torch.equal(found, first.expand_as(found)):
            found = first
    return found.clone().expand(edge.shape)


def together(reaches: Sequence[PixelBox], shape: Sequence[int]) -> PixelBox:
    """Elementwise union of boxes broadcast to `shape`."""
    corners = zip(*(reach.edges for reach in reaches), strict=True)
    return PixelBox.made([reduce(torch.maximum, map(thin, edges)) for edges in corners], shape, reaches)


class Call:
    """One call of an operation: arguments by name, output tensors, and the boxes of its inputs."""

    def __init__(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        output: Any,
        reach: Callable[[torch.Tensor], PixelBox | None],
        size: tuple[int, int],
    ) -> None:
        self.func, self.args, self.kwargs = func, args, kwargs
        self.name: str = func._schema.name.split("::")[-1]
        self.reach, self.size = reach, size
        self.tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        self.outputs = [t for t in tree_leaves(output) if isinstance(t, torch.Tensor)]
        self.known = [r for t in self.tensors if (r := reach(t)) is not None]

    def __getitem__(self, argument: str) -> Any:
        """An argument, its default if it was not given, None if there is none of this name."""
        for position, formal in enumerate(self.func._schema.arguments):
            if formal.name == argument:
                given = self.args[position] if position < len(self.args) else formal.default_value
                return self.kwargs.get(argument, given)
        return None

    def numbers(self, argument: str, count: int) -> list[int]:
        """An argument with one number per axis, or one for all."""
        given = self[argument]
        numbers = [given] if isinstance(given, int) else list(given or [1])
        return numbers * count if len(numbers) == 1 else numbers

    @property
    def shape(self) -> torch.Size:
        """Shape of the first output."""
        return self.outputs[0].shape

    def hull(self, shape: Sequence[int]) -> PixelBox:
        """Union of all inputs: valid, though often too large, for any operation."""
        return together([reach.hull(keep=False) for reach in self.known], shape)

    def with_the_rest(self, given: Sequence[Any], reaches: Sequence[PixelBox], shape: Sequence[int]) -> PixelBox:
        """Union of `reaches`, which belong to the tensors `given`, and of the boxes of all other tensors."""
        rest = [t for t in self.tensors if not any(t is known for known in given)]
        hulls = [reach.hull(keep=False) for t in rest if (reach := self.reach(t)) is not None]
        return together([*reaches, *hulls], shape)

    def of_input(self, change: Callable[[PixelBox], PixelBox]) -> PixelBox:
        """`change` applied to the boxes of the first argument; other arguments (weights) rarely depend on pixels."""
        known = self.reach(self.args[0])
        if known is None:
            return self.hull(self.shape)
        changed = change(known)
        return changed if len(self.known) == 1 else self.with_the_rest(self.args[:1], [changed], self.shape)
