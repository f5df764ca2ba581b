"""The state of a view as plain data, which can be kept in a file, a message or a notebook, and read again."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import torch

from ...compute.pictures import OwnImage, adopt, is_own, own_image
from .page import is_page, read_page

FORMAT = 1
"""Version of the data; a later one is refused, so that no place is mistaken for another."""
MOST = 1_000_000
"""Bytes of an own image that is told; a larger one would make a state that nobody can paste."""
_PLAIN = (str, int, float, bool, type(None))


def told(view: str, traits: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a view, of plain values that JSON knows; an own image is told with its pixels.

    Parameters
    ----------
    view : str
        Name of its class.
    traits : mapping
        Its source and display traits.

    Raises
    ------
    ValueError
        The value of a trait cannot be told in data, such as a function, or a large own image.
    """
    return {"cnnwidgets": FORMAT, "view": view, "traits": {name: _plain(value, name) for name, value in traits.items()}}


def read(state: Any) -> tuple[str, dict[str, Any]]:
    """Name of the class and traits, from what `told` gave, from that as JSON, or from a page that keeps it.

    Raises
    ------
    TypeError
        It is neither a mapping nor text nor a path.
    ValueError
        It is no state, or one of a later version; errors of a page are those of `read_page`.
    """
    if is_page(state):
        state = read_page(state)
    if isinstance(state, (str, bytes)):
        try:
            state = json.loads(state)
        except ValueError as error:
            raise ValueError(f"this text is no state of a view, nor the name of a page (.html): {error}") from error
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be what view.state gave, that as JSON, or a page, not {type(state).__name__}")
    version, view, traits = (state.get(name) for name in ("cnnwidgets", "view", "traits"))
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"this state has format {version}, and this cnnwidgets reads up to {FORMAT}: a newer one does")
    if version != FORMAT or not isinstance(view, str) or not isinstance(traits, Mapping):
        raise ValueError(f"this is no state of a view: it has {', '.join(map(repr, state)) or 'no entries'}")
    return view, {str(name): _read(value) for name, value in traits.items()}


def _plain(value: Any, name: str) -> Any:
    if name == "index" and is_own(value):
        return {"own": _told_image(own_image(value))}
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
    if isinstance(value, Mapping) and "own" in value:
        return adopt(_read_image(value["own"]))
    if isinstance(value, Mapping):
        array = np.array(value["numbers"], value["dtype"])
        return torch.from_numpy(array) if value.get("tensor") else array
    return value


def _told_image(own: OwnImage) -> dict[str, Any]:
    """An own image as the text of a PNG, or as numbers."""
    pixels: Any
    if own.numbers is not None:
        pixels, size = _plain(own.numbers, "index"), 4 * own.numbers.numel()
    else:
        file = BytesIO()
        own.picture.save(file, "PNG", optimize=True)
        pixels, size = base64.b64encode(file.getvalue()).decode(), file.tell()
    if size > MOST:
        raise ValueError(
            f"the own image has {size / 1e6:.1f} MB, which is too much for a state: show an image of the data set, and "
            "give the picture itself along"
        )
    return {"pixels": pixels, "notes": list(own.notes), "label": own.label, "text": own.text}


def _read_image(told: Mapping[str, Any]) -> OwnImage:
    pixels, label, text = told["pixels"], told.get("label"), str(told.get("text", ""))
    notes = tuple(map(str, told.get("notes", ())))
    if isinstance(pixels, str):
        read = OwnImage.of(base64.b64decode(pixels))
        return OwnImage(picture=read.picture, notes=notes, label=label, text=text)
    return OwnImage(numbers=_read(pixels), notes=notes, label=label, text=text)
