"""Transfer learning: a trained network with a new last layer."""

from __future__ import annotations

import operator
from copy import deepcopy

from torch import nn


def with_new_head(model: nn.Module, n_classes: int, *, train: str = "all") -> nn.Module:
    """A copy of a classifier whose last layer is a new one, for other classes.

    The last layer is the last `Linear` or `Conv2d` that the model holds, in registration order:
    `fc` of a ResNet, `classifier.6` of AlexNet and VGG, `classifier.1` of SqueezeNet. It is replaced by one with the
    same input and random weights.

    Parameters
    ----------
    model
        The trained network, such as `pretrained("resnet18").model`; it is not changed.
    n_classes
        Number of classes of the new layer.
    train
        "all": every layer learns. "last": the new layer alone; of all others `requires_grad` is off. Give the
        optimizer the parameters that are left: `[p for p in model.parameters() if p.requires_grad]`. BatchNorm layers
        still gather statistics in training mode.

    Returns
    -------
    nn.Module
        In training mode, on the device of the model and with numbers of its type.

    Raises
    ------
    ValueError
        `n_classes` is below 1, `train` another word, or the model has neither a `Linear` nor a `Conv2d`.
    TypeError
        `model` is no module, or `n_classes` no whole number.

    Examples
    --------
    >>> model = with_new_head(pretrained("resnet18").model, 2, train="last")  # doctest: +SKIP
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    try:
        n_classes = operator.index(n_classes if not isinstance(n_classes, bool) else None)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"n_classes must be a whole number, not {n_classes!r}") from None
    if n_classes < 1:
        raise ValueError(f"n_classes must be 1 or more, not {n_classes}")
    if train not in ("all", "last"):
        raise ValueError(f"train must be 'all' or 'last', not {train!r}")
    names = [name for name, part in model.named_modules() if isinstance(part, (nn.Linear, nn.Conv2d))]
    if not names or not names[-1]:
        raise ValueError(f"{type(model).__name__} holds no Linear or Conv2d layer that could be replaced")
    copy = deepcopy(model).train()
    old, (above, _, name) = copy.get_submodule(names[-1]), names[-1].rpartition(".")
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        shape = (old.kernel_size, old.stride, old.padding, old.dilation)
        new = nn.Conv2d(old.in_channels, n_classes, *shape, bias=old.bias is not None)  # type: ignore[arg-type]
    else:
        assert isinstance(old, nn.Linear)
        new = nn.Linear(old.in_features, n_classes, bias=old.bias is not None)
    copy.requires_grad_(train == "all")
    setattr(copy.get_submodule(above), name, new.to(old.weight))
    return copy
