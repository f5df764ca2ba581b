"""Which parameters a pass uses, also where no hook tells: a parent may use the weights of its child by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from ..core import Prepare, call, plain
from ..layers import batched
from ..shadow import looking


class Usage(TorchFunctionMode):
    """While this mode is on, every tensor that a function of torch makes another one of counts as used."""

    def __init__(self) -> None:
        super().__init__()
        self._used: set[int] = set()  # parameters of the model
        self._seen: set[int] = set()  # tensors of the present pass, whose numbers others will have after it

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if any(isinstance(value, torch.Tensor) for value in tree_leaves(output)):  # not a shape or a type
            self._seen.update(id(value) for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor))
        return output

    def look(self, model: nn.Module, images: Any, prepare: Prepare | None) -> None:
        """Run a pass and note what it uses."""
        with looking(model) as module:

            def forward(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return module(*args, **kwargs)

            self._seen.clear()
            call(module, batched(model, images, prepare), prepare, run=forward)
            both = zip(plain(model).parameters(), module.parameters(), strict=True)
            self._used |= {id(weight) for weight, twin in both if id(twin) in self._seen}

    def of(self, part: nn.Module) -> bool | None:
        """Whether any parameter of `part` was used; None for a module without any."""
        used = [id(parameter) in self._used for parameter in part.parameters()]
        return any(used) if used else None
