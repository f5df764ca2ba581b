"""What each layer of a network puts out for given images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

import torch
from torch import nn

from .forward import Prepare, call
from .hooks import Captured, capture, evaluating


@overload
def activations(model: nn.Module, images: Any, layers: str, *, prepare: Prepare | None = None) -> torch.Tensor: ...
@overload
def activations(
    model: nn.Module, images: Any, layers: Iterable[str] | None = None, *, prepare: Prepare | None = None
) -> dict[str, torch.Tensor]: ...
def activations(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str] | None = None,
    *,
    prepare: Prepare | None = None,
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Output of layers for `images`, in one forward pass that ends as soon as the last of them has run.

    The model is looked at in evaluation mode without gradients and is afterwards as it was: flags, weights, buffers,
    hooks and the global random state.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are looked through.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one; copied to the model's device and type. Bytes become [0, 1].
        Anything at all where `prepare` is given.
    layers : str, iterable of str or None
        Names as in `layer_table`. `"name"` is the first call of that module, `"name:2"` its second; `"name.key"` one
        tensor of several. None for every layer that runs.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    torch.Tensor or dict of str to torch.Tensor
        For one name (a string) its output, (N, C', H', W') for a convolution, unscaled, on the model's device;
        otherwise name -> output. They are copies: later in-place operations do not change them.

    Raises
    ------
    LookupError
        A name is no layer, did not run, or gives several tensors.
    ForwardError
        The model raised; says which layer refused what.
    TypeError
        `model` is not a module.
    """
    wanted = None if layers is None else [layers] if isinstance(layers, str) else list(layers)
    captured = run(model, images, wanted, prepare=prepare)
    if wanted is None:
        return dict(captured)
    found = {name: captured[name] for name in wanted}
    return found[layers] if isinstance(layers, str) else found


def run(
    model: nn.Module,
    images: Any,
    layers: list[str] | None = None,
    *,
    prepare: Prepare | None = None,
    budget: int | None = None,
    device: torch.device | str | None = None,
) -> Captured:
    """One pass in evaluation mode; what `capture` saw, with everything that it knows about each entry."""
    if prepare is None and isinstance(images, torch.Tensor) and images.ndim == 3:
        images = images[None]
    with (
        evaluating(model) as module,
        capture(module, layers, stop=layers is not None, budget=budget, device=device) as captured,
    ):
        call(module, images, prepare)
    return captured
