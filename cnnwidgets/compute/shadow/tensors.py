"""Copies of the tensors of a model: they share memory with one another as the tensors of the model do."""

from __future__ import annotations

import torch
from torch import nn

from .weights import Writes, address_of, is_rewritten, tell_rewritten, twin, within

USUAL = frozenset({torch.Tensor, nn.Parameter})
"""Types of tensors with plain memory."""


class TensorCopies:
    """Copies tensors; a view of another one gets its place in the copy of that one's memory.

    Parameters
    ----------
    apart : bool
        Copy the memory of all parameters too, instead of that alone which a look has written to before.
    sharing : bool
        Copy nothing at all.

    Attributes
    ----------
    same : list of torch.Tensor
        What could not be copied, and is used itself.
    """

    def __init__(self, *, apart: bool, sharing: bool) -> None:
        self.same: list[torch.Tensor] = []
        self._apart, self._sharing = apart, sharing
        self._weights: list[nn.Parameter] = []  # of the model, whose memory is copied
        self._memory: dict[int, torch.UntypedStorage] = {}  # by the address of the model's

    def compare(self, writes: Writes) -> None:
        """Tell which weights a look would have written to, from the copies of their memory."""
        tell_rewritten(self._weights, self._memory, writes)

    def copy(self, value: torch.Tensor) -> torch.Tensor:
        """A copy of one; itself where nothing is copied, or it cannot be."""
        made: torch.Tensor
        if self._sharing:
            made = value
        elif isinstance(value, nn.Parameter):
            made = self._weight(value)
        else:
            try:
                made = self._copied(value)
            except RuntimeError:  # a kind of tensor that cannot be cloned
                made = value
                self.same.append(value)
            if value.requires_grad and value.is_leaf and not made.requires_grad:
                made.requires_grad_()
        return made

    def _weight(self, value: nn.Parameter) -> nn.Parameter:
        made, address = twin(value), address_of(value)
        if made is value:
            self.same.append(value)
        elif not self._apart and not is_rewritten(value):
            self._memory.setdefault(address, value.untyped_storage()) if address else None
        elif address:
            made.data = self._alias(value, address)
            self._weights.append(value)
        else:
            made.data = value.detach().clone()
        return made

    def _copied(self, value: torch.Tensor) -> torch.Tensor:
        """A copy of a tensor; in the memory of the copy of another tensor if it is a view of that one."""
        if type(value) not in USUAL or value.is_quantized or value.is_neg() or value.is_conj():
            return value.detach().clone()
        address = address_of(value)
        if not address:
            return value.detach().clone()
        if address not in self._memory and value.is_contiguous() and value.untyped_storage().nbytes() == value.nbytes:
            made = value.detach().clone()
            self._memory[address] = made.untyped_storage()
            return made
        return self._alias(value, address)

    def _alias(self, value: torch.Tensor, address: int) -> torch.Tensor:
        if address not in self._memory:
            self._memory[address] = value.untyped_storage().clone()
        return within(self._memory[address], value)
