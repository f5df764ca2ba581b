"""The state of a view as plain data, which can be kept in a file, a message or a notebook, and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

FORMAT = 1
"""Version of the data; a later one is refused, so that no place is mistaken for another."""
_PLAIN = (str, int, float, bool, type(None))


def told(view: str, traits: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a view, of plain values that JSON knows.

    Parameters
    ----------
    view : str
        Name of its class.
    traits : mapping
        Its source and display traits.

    Raises
    ------
    ValueError
        The value of a trait cannot be told in data, such as a function.
    """
    return {"cnnwidgets": FORMAT, "view": view, "traits": {name: _plain(value, name) for name, value in traits.items()}}


def read(state: Any) -> tuple[str, dict[str, Any]]:
    """Name of the class and traits, from what `told` gave, or from that as JSON.

    Raises
    ------
    TypeError
        It is neither a mapping nor text.
    ValueError
        It is no state, or one of a later version.
    """
    if isinstance(state, (str, bytes)):
        try:
            state = json.loads(state)
        except ValueError as error:
            raise ValueError(f"this text is no state of a view: {error}") from error
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be what view.state gave, or that as JSON, not {type(state).__name__}")
    version, view, traits = (state.get(name) for name in ("cnnwidgets", "view", "traits"))
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"this state has format {version}, and this cnnwidgets reads up to {FORMAT}: a newer one does")
    if version != FORMAT or not isinstance(view, str) or not isinstance(traits, Mapping):
        raise ValueError(f"this is no state of a view: it has {', '.join(map(repr, state)) or 'no entries'}")
    return view, {str(name): _read(value) for name, value in traits.items()}


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each, name) for each in value]
    if isinstance(value, (np.ndarray, torch.Tensor)):
        array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
        return {"numbers": array.tolist(), "dtype": str(array.dtype), "tensor": isinstance(value, torch.Tensor)}
    raise ValueError(f"{name} is {value!r:.80}, which cannot be told in data: set it to a name or numbers first")


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_read, value))
    if isinstance(value, Mapping):
        array = np.array(value["numbers"], value["dtype"])
        return torch.from_numpy(array) if value.get("tensor") else array
    return value
