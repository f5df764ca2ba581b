"""The tensors inside the output of a module: tensor, tuple, dict, named tuple, data class or nested."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import torch


def leaves(output: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk `output` depth first and yield `(path, value)` for every leaf.

    Parameters
    ----------
    output : object
        The output of a module.
    path : str
        Dotted path of `output` within a larger output: `""` for the whole, then `"out"`, `"0.boxes"`.

    Yields
    ------
    tuple of (str, object)
        The value is a tensor, or an object that cannot be drawn (`None`, a string, an empty list).
    """
    if isinstance(output, torch.Tensor):
        yield path, output
        return
    members = list(_members(output))
    for key, value in members:
        yield from leaves(value, f"{path}.{key}" if path else str(key))
    if not members:
        yield path, output


def replaced(output: Any, path: str, value: torch.Tensor) -> Any:
    """A copy of `output` with another tensor at `path`, as `leaves` names it; the containers in it are copied too."""
    places = []

    def change(place: str, leaf: Any) -> Any:
        places.append(place)
        return value if place == path else leaf

    made = _rebuilt(output, change, "")
    if path not in places:
        raise LookupError(f"the output has no tensor {path!r}")
    return made


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to what `leaves` finds in it.

    The containers are new, and of the same type where that can be copied; a mapping that cannot becomes a dict.
    """
    return _rebuilt(value, lambda _, leaf: change(leaf), "")


def _rebuilt(value: Any, change: Callable[[str, Any], Any], path: str) -> Any:
    if isinstance(value, torch.Tensor):
        return change(path, value)
    parts = {key: _rebuilt(part, change, f"{path}.{key}" if path else str(key)) for key, part in _members(value)}
    if isinstance(value, Mapping):
        return _like(value, parts)
    if isinstance(value, (list, tuple)):
        return type(value)(*parts.values()) if hasattr(value, "_fields") else type(value)(parts.values())
    if not parts:
        return change(path, value)
    made = copy.copy(value)
    for key, part in parts.items():  # of frozen data classes too, and without running their checks again
        object.__setattr__(made, key, part)
    return made


def _like(value: Mapping[Any, Any], parts: dict[Any, Any]) -> Any:
    if type(value) is dict or not isinstance(value, MutableMapping):
        return parts
    try:
        made = copy.copy(value)
        for key, part in parts.items():
            made[key] = part
    except Exception:
        return parts
    return made


def _members(output: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(output, Mapping):
        yield from output.items()
    elif isinstance(output, tuple) and (fields := getattr(output, "_fields", None)):
        yield from zip(fields, output, strict=True)
    elif isinstance(output, (list, tuple)):
        yield from enumerate(output)
    elif _is_data_class(output):
        yield from ((field.name, getattr(output, field.name)) for field in dataclasses.fields(output))
    elif _has_tensors(output):
        yield from ((key, value) for key, value in vars(output).items() if isinstance(value, torch.Tensor))


def _is_data_class(output: Any) -> bool:
    return dataclasses.is_dataclass(output) and not isinstance(output, type)


def _has_tensors(output: Any) -> bool:
    """An object with tensors as attributes, such as torchvision's ImageList."""
    return any(isinstance(value, torch.Tensor) for value in getattr(output, "__dict__", {}).values())


def why_not(value: Any) -> str | None:
    """The reason why `value` cannot be drawn, or None if it can."""
    if value is None:
        return "gives None"
    if not isinstance(value, torch.Tensor):
        return f"gives {type(value).__name__}, not a tensor"
    if value.is_nested:
        return "gives a nested tensor, whose rows differ in length"
    if value.layout is not torch.strided:
        return f"gives a sparse tensor ({value.layout})"
    if value.is_meta:
        return "gives a tensor on the meta device, which holds no values"
    if value.numel() == 0:
        return f"gives an empty tensor of shape {tuple(value.shape)}"
    return None


def are_probabilities(scores: torch.Tensor) -> bool:
    """Whether each row of scores is probabilities: none negative, and a sum of 1 as far as their precision goes.

    The precision is that of the coarsest type that holds all of the values, so that scores which a network rounds to
    half precision and hands on as float32 are read as what they are.

    Parameters
    ----------
    scores : torch.Tensor
        (..., K), finite or not.
    """
    values = scores.detach().double()
    if not bool((values >= 0).all()):
        return False
    half = (kind for kind in (torch.bfloat16, torch.float16) if torch.equal(values.to(kind).double(), values))
    step = torch.finfo(next(half, torch.float32))
    # exponential, sum and quotient are rounded each, to half a unit in the last place, and what underflows once more;
    # the floor is for networks that clamp, smooth or average their probabilities
    allowed = max(1e-3, 1.5 * step.eps + values.shape[-1] * step.smallest_normal * step.eps)
    return bool(((values.sum(-1) - 1).abs() <= allowed).all())
