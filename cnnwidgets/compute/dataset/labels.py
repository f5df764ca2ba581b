"""What a label says: one class by its number, or several, or a text."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import torch

from ..core import whole
from ..inputs import as_tensor, is_picture

MANY = 4
"""Classes of a label that are named: of a mask, or of a mixture."""
BOX = 4
"""Fractions in a row that are a point or a box rather than a row of a mask."""
LABEL_KEYS = ("label", "labels", "target", "class", "fine_label")


def read_label(label: Any, names: Sequence[str] = ()) -> tuple[int | None, str]:
    """The class number of a label, if it is of one class, and the label as text.

    Parameters
    ----------
    label : object
        A number, a name, or a mapping that holds one of them. A row of 0 and 1, or of truth values, that is as long as
        there are names, is read by its places: with a single 1 it is the class at that place (one-hot), with several it
        is all of those classes. Without names only a single 1 is read so, and not of two fractions, which are as likely
        a place. Fractions that sum to 1 are a mixture of classes. Other rows are numbers of classes, of which none is
        the label; a map of numbers is a mask.
    names : sequence of str
        What the classes are called.

    Returns
    -------
    tuple of (int or None, str)
        The text is empty where there is no label.
    """
    if isinstance(label, Mapping):
        boxes = "boxes" in label  # then each label is that of a box
        label = next((label[key] for key in LABEL_KEYS if key in label), None)
        values = _values(label)
        return (None, _listed(values, names)) if boxes and values is not None else read_label(label, names)
    if is_picture(label):
        label = np.asarray(label)
    values = _values(label)
    while values is not None and values.ndim > 1 and len(values) == 1:
        values = values[0]
    if values is not None and values.numel() == 1:
        label = values.item()
    elif values is not None:
        return _row(values, names) if values.ndim == 1 else (None, _several(values, names))
    if isinstance(label, (list, tuple)) and label and all(isinstance(part, (str, list, tuple)) for part in label):
        return read_label(label[0], names) if len(label) == 1 else (None, ", ".join(map(str, label)))
    if isinstance(label, (bytes, np.bytes_)):
        label = label.decode(errors="replace")
    if label is None:
        return None, ""
    if isinstance(label, (bool, np.bool_)) and len(names) != 2:
        return None, str(label)
    number = whole(int(label) if isinstance(label, (bool, np.bool_)) else label)
    if number is None and names and isinstance(label, float) and label.is_integer() and 0 <= label < len(names):
        number = int(label)
    if number is not None:
        return number, name_of(number, names)
    text = str(label)
    return (list(names).index(text) if isinstance(label, str) and text in names else None), text


def name_of(number: int, names: Sequence[str]) -> str:
    """Name of the class with this number; the number if it has no name."""
    return names[number] if 0 <= number < len(names) else str(number)


def _values(label: Any) -> torch.Tensor | None:
    """The numbers of a tensor, an array, or a list; None for all else."""
    if isinstance(label, torch.Tensor):
        label = label.detach().cpu()
        return label.float() if label.is_floating_point() and label.itemsize < 4 else label
    listed = isinstance(label, (list, tuple)) and label and all(isinstance(part, numbers.Real) for part in label)
    if not listed and not isinstance(label, (np.ndarray, np.generic)):
        return None
    array = np.asarray(label)
    return as_tensor(array, "the label") if array.dtype.kind in "biuf" else None


def _row(values: torch.Tensor, names: Sequence[str]) -> tuple[int | None, str]:
    """Several numbers: the places of ones, the parts of a mixture, or numbers of classes."""
    fits = len(names) == len(values) or (not names and (not values.is_floating_point() or len(values) > 2))
    if fits and len(values) and bool(((values == 0) | (values == 1)).all()):
        places = values.nonzero().flatten().tolist()
        if len(places) == 1:
            return places[0], name_of(places[0], names)
        if names:
            return None, ", ".join(names[place] for place in places) or "none of the classes"
    parts = values.is_floating_point() and len(names) == len(values) and bool((values >= 0).all())
    if parts and abs(float(values.sum()) - 1) < 1e-3:
        order = values.argsort(descending=True, stable=True)[:MANY].tolist()
        return None, ", ".join(f"{names[place]} {values[place]:.3g}" for place in order if values[place] > 0)
    return None, _listed(values, names)


def _several(values: torch.Tensor, names: Sequence[str]) -> str:
    """A mask by what is in it, the most frequent first; rows of points or boxes by their first numbers.

    Fractions are of a soft mask, of which there is no list of classes.
    """
    size = f"mask of {' × '.join(map(str, values.shape[-2:]))}"
    if values.is_floating_point():
        if values.shape[-1] <= BOX:
            return _listed(values, names)
        if not bool((values == values.round()).all()):
            return size
        values = values.long()
    if values.is_complex() or not values.numel():
        return _listed(values, names)
    found, counts = values.unique(return_counts=True)
    order = counts.argsort(descending=True, stable=True).tolist()
    listed = ", ".join(name_of(int(found[place]), names) for place in order[:MANY])
    more = f" and {len(order) - MANY} more" if len(order) > MANY else ""
    return f"{size} with {listed}{more}"


def _listed(values: torch.Tensor, names: Sequence[str]) -> str:
    parts = values.flatten()[:5].tolist()
    return ", ".join(name_of(part, names) if type(part) is int else f"{part:g}" for part in parts)


def class_names(given: Any) -> list[str]:
    """The names of classes in their order, from a sequence, or a mapping of numbers to names or of names to numbers.

    Raises
    ------
    TypeError
        Anything else: a text, a set, which has no order, or a mapping without whole numbers.
    """
    if isinstance(given, Mapping):
        numbered = given if all(_is_number(key) for key in given) else {value: key for key, value in given.items()}
        if not all(_is_number(key) and key >= 0 for key in numbered):
            raise TypeError(f"classes maps numbers from 0 to names, or names to them; not so {given!r:.80}")
        return [_class_name(numbered.get(number, number)) for number in range(max(numbered, default=-1) + 1)]
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Set)):
        raise TypeError(f"classes must be the names of the classes in their order, not {given!r:.80}")
    return [_class_name(name) for name in given]


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _class_name(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, (tuple, list)) else str(name)
