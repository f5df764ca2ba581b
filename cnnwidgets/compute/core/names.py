"""Layer names: dotted module names, `name:k` for a call, `name.key` for a part of what a layer returns."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from .model import plain

OUTPUT = "(output)"
"""Name of the network's output, if no layer returns the same tensor."""
WRAPPERS = ("module.", "_orig_mod.")
"""What stands before the names of a wrapped network, as its own `named_modules` has them."""


def parse(layer: str, modules: Mapping[str, object]) -> tuple[str, int | None, str]:
    """Split a layer name into `(module, call, path)`; `module` is not in `modules` if nothing matches.

    The longest matching module name is taken, so that a child `out` precedes a dict key `out` (then `[out]`).
    """
    head, bracket, key = layer.partition("[")
    if bracket and key.endswith("]") and layer not in modules:
        module, call, path = parse(head, modules)
        if module in modules and not path:
            return module, call, key[:-1]
    parts = layer.split(".")
    for end in range(len(parts), 0, -1):
        name, path = ".".join(parts[:end]), ".".join(parts[end:])
        module, colon, number = name.rpartition(":")
        if name in modules:
            return name, None, path
        if colon and number.isdecimal() and int(number) > 0 and module in modules:
            return module, int(number), path
    return layer, None, ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name in `known` most similar to `name`, ignoring case; None if none is similar."""
    folded = {item.lower(): item for item in known}
    matches = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    return folded[matches[0]] if matches else None


def listing(names: Sequence[str], limit: int = 20) -> str:
    """`a, b, c`, truncated after `limit` names, with the number of the others."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" ... and {more} more" if more > 0 else "")


def shortened(numbers: Any, limit: int = 6) -> str:
    """Whole numbers of a tensor or sequence as a listing, `1, 3, 5`."""
    flat = numbers.flatten().tolist() if hasattr(numbers, "flatten") else numbers
    return listing([str(number) for number in flat], limit)


def whole(value: Any) -> int | None:
    """`value` if it is one whole number, of Python, NumPy or torch; None for a truth value and all else."""
    if type(value) is int:
        return value
    truth = isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) == torch.bool
    if truth or getattr(value, "ndim", 0):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def unknown(problem: str, given: object, known: Iterable[str], there: str = "") -> str:
    """The message for a name that is not known: the problem, the nearest name, and what there is.

    Parameters
    ----------
    problem : str
        What is said first: `no layer 'C4'`.
    given : object
        The name; where it is no text, none is near.
    known : iterable of str
        The names that there are.
    there : str
        What is said last: `layers: C1, C3`.
    """
    known = list(known)
    if isinstance(given, str) and (bare := _unwrapped(given)) != given and bare in known:
        return f"{problem}: it is {bare!r}, for the wrapper around the model is taken off; {there}".rstrip(" ;")
    near = nearest(given, known) if isinstance(given, str) else None
    hint = f"; did you mean {near!r}?" if near else ";"
    return f"{problem}{hint} {there}".rstrip(" ;")


def _unwrapped(name: str) -> str:
    """A name without what `DataParallel` and `torch.compile` put before it."""
    while name.startswith(WRAPPERS):
        name = name.partition(".")[2]
    return name


def unknown_layer(layer: object, known: Sequence[str]) -> LookupError:
    """The error for an unknown layer: the nearest name and the existing ones."""
    if not isinstance(layer, str):
        return LookupError(f"a layer is named by a string, not {type(layer).__name__}; layers: {listing(known)}")
    return LookupError(unknown(f"no layer {layer!r}", layer, known, f"layers: {listing(known)}"))


def named_parts(model: nn.Module) -> dict[str, nn.Module]:
    """Every module under each of its dotted names, in the order of `named_modules`, but faster.

    Parametrisations (weight norm, pruning by parametrisation) compute weights, not feature maps, and are left out.
    """
    parts: dict[str, nn.Module] = {}
    todo = [("", model)]
    while todo:
        name, part = todo.pop()
        parts[name] = part
        before = f"{name}." if name else ""
        children = [
            (before + key, child)
            for key, child in part._modules.items()
            if child is not None and key != "parametrizations"
        ]
        todo += reversed(children)
    return parts


def first_names(parts: Mapping[str, nn.Module]) -> dict[str, str]:
    """Every name in `parts`, and the first name of that module, which hooks use."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(part), name) for name, part in parts.items()}


def module_names(model: nn.Module) -> dict[str, str]:
    """Every dotted name of every module, and the first name of that module."""
    return first_names(named_parts(model))


def find_layer(names: Mapping[str, str], layer: str) -> tuple[str, int | None, str]:
    """The `(module, call, path)` that `layer` refers to, the module by its first name.

    Parameters
    ----------
    names : mapping
        From `module_names`.
    layer : str
        A layer name. A model that is one bare layer is called `(output)`, or `""` as among its own modules.

    Raises
    ------
    LookupError
        The module does not exist; the message suggests the nearest name.
    """
    known = {OUTPUT: "", **names}
    name, call, path = parse(layer, known) if isinstance(layer, str) else ("", None, "")
    bare = list(names) == [""]
    if name not in known or (name == "" and not (bare and layer == "")):
        raise unknown_layer(layer, [OUTPUT] if bare else [name for name in names if name])
    return known[name], call, path


def further_place(names: Mapping[str, str], layer: str) -> bool:
    """Whether `layer` names another place of a module than its first, and not the call.

    A module does not know at which of its places it runs: the name stands for a call only where there is one.
    """
    name, call, _ = parse(layer, names)
    return call is None and names.get(name, name) != name


def get_layer(model: nn.Module, layer: str) -> nn.Module:
    """The module called `layer`.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    layer : str
        Dotted name as in `layer_table`; a call (`:2`) or a part (`.out`) of it is ignored. `""`, the name that the
        model itself has among its modules, is the model.

    Returns
    -------
    torch.nn.Module
        The module itself, not a copy.

    Raises
    ------
    LookupError
        The layer does not exist; the message suggests the nearest name.
    """
    module = plain(model)
    parts = named_parts(module)
    return module if layer == "" else parts[find_layer(first_names(parts), layer)[0]]
