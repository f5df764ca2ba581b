"""A watch over everything that a look at a model may not change, and a counter of module calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_forward_hooks_with_kwargs")


def values(tensor: Tensor | None) -> Any:
    return None if tensor is None else (tensor.dtype, tuple(tensor.shape), tensor.detach().cpu().numpy().tobytes())


def watch(model: nn.Module) -> dict[str, Any]:
    """What a look may not change, as one flat dict: compare it with `==` before and after."""
    seen: dict[str, Any] = {
        "python's random state": random.getstate(),
        "numpy's random state": str(np.random.get_state()),
        "torch's random state": torch.get_rng_state().tolist(),
        "gradients on": torch.is_grad_enabled(),
    }
    for name, part in model.named_modules():
        seen[f"{name} training"] = part.training
        seen[f"{name} attributes"] = {key: id(value) for key, value in vars(part).items()}
        seen[f"{name} children"] = [(key, id(child)) for key, child in part._modules.items()]
        for kind in HOOKS:
            seen[f"{name} {kind}"] = [(key, id(hook)) for key, hook in getattr(part, kind).items()]
        for key, parameter in part._parameters.items():
            seen[f"{name} {key}"] = (id(parameter), values(parameter))
            if parameter is not None:
                memory = (parameter.data_ptr(), parameter.stride(), parameter.requires_grad)
                seen[f"{name} {key} memory"] = memory
                seen[f"{name} {key} gradient"] = (id(parameter.grad), values(parameter.grad))
        for key, buffer in part._buffers.items():
            seen[f"{name} {key}"] = (id(buffer), values(buffer))
    return seen


def count(model: nn.Module) -> Counter[str]:
    """Count the calls of every module of `model`, by name, with hooks as a user would put on."""
    calls: Counter[str] = Counter()
    for name, part in model.named_modules():
        part.register_forward_pre_hook(lambda part, args, name=name: calls.update([name]))
    return calls


def hooks(model: nn.Module) -> dict[str, int]:
    """How many forward hooks each module has, those without any left out."""
    found = {name: len(part._forward_hooks) for name, part in model.named_modules()}
    return {name: number for name, number in found.items() if number}


@pytest.fixture(scope="session")
def watched() -> Callable[[nn.Module], dict[str, Any]]:
    return watch


@pytest.fixture(scope="session")
def counted() -> Callable[[nn.Module], Counter[str]]:
    return count


@pytest.fixture(scope="session")
def hooks_on() -> Callable[[nn.Module], dict[str, int]]:
    return hooks


@pytest.fixture
def doubling() -> nn.Conv2d:
    """A convolution of one pixel that doubles and changes the sign: 1 becomes -2."""
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, -2.0)
    return conv


@pytest.fixture
def one_to_four() -> Tensor:
    """An image (1, 1, 2, 2) of the numbers 1, 2, 3, 4."""
    return torch.arange(1.0, 5).reshape(1, 1, 2, 2)
