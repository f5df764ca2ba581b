"""Which of two networks an error is of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ..core import ForwardError, plain

KINDS = ForwardError, LookupError, TypeError, ValueError


def called(letter: str, model: nn.Module) -> str:
    """What a network of a comparison is called: `A (LeNet5)`; by its class alone where there is only one."""
    try:
        kind = type(plain(model)).__name__
    except (TypeError, ValueError):  # it is refused: what it is called must not raise
        kind = type(model).__name__
    return f"{letter} ({kind})" if letter else kind


@contextmanager
def named(letter: str, model: nn.Module, where: str = "") -> Iterator[None]:
    """Errors raised inside say which network refused, and `where`."""
    try:
        yield
    except KINDS as error:
        kind = next(kind for kind in KINDS if isinstance(error, kind))
        raise kind(f"{called(letter, model)}{where}: {error}") from error
