"""Modules that give what they gave in an earlier pass, instead of computing it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from ..core import named_parts

_PLAIN = frozenset(
    {
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear),
        *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm),
        *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    }
)
"""Modules that take time and, in evaluation mode, do nothing but return a new tensor."""


class Known(NamedTuple):
    """What a module gave: a copy of the tensor, and the strides that the tensor itself had."""

    value: torch.Tensor
    strides: tuple[int, ...]

    def again(self) -> torch.Tensor:
        """A new tensor with these numbers, arranged in memory as the first one, for others to write to."""
        shape = self.value.shape
        made = torch.empty_strided(shape, self.strides, dtype=self.value.dtype, device=self.value.device)
        return made.copy_(self.value)


def recallable(part: nn.Module) -> bool:
    """Whether a module need not run where it is known what it gives: it does nothing else, and has no hooks."""
    hooked = part._forward_hooks or part._forward_pre_hooks
    alone = not getattr(part, "return_indices", False)  # of a pooling, which gives two tensors then
    return type(part) in _PLAIN and alone and not hooked and "forward" not in vars(part)


@contextmanager
def recalled(model: nn.Module, known: Mapping[str, Known]) -> Iterator[None]:
    """Have modules give what is known, in the first call of each, while the body of the `with` block runs the model.

    All other code runs as ever: that of the modules around them, operations between them, further calls.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    known : mapping of str to Known
        Dotted name of a `recallable` module -> what it gives.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    >>> with recalled(model, {"0": Known(torch.tensor([[-1.0], [2.0]]), (1, 1))}):
    ...     model(torch.zeros(2, 1)).tolist()
    [[0.0], [2.0]]
    """
    parts = named_parts(model) if known else {}
    with ExitStack() as stack:
        for name, value in known.items():
            part: Any = parts[name]
            part.forward = _Recalling(part.forward, value)
            stack.callback(vars(part).pop, "forward")
        yield


class _Recalling:
    """In place of the `forward` of a module."""

    def __init__(self, forward: Callable[..., Any], known: Known) -> None:
        self._forward, self._known = forward, known
        self._told = False

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if self._told:
            return self._forward(*args, **keywords)
        self._told = True
        return self._known.again()
