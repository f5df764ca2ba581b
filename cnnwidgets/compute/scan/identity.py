"""What a scan is of: a key that is another one for other weights, other images, or other options."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import torch
from torch import nn

from ..core import digest, leaves, plain, same_random_state
from ..dataset import Item
from ..interventions import interventions_of
from ..reading import Reader

SAMPLES = 8
"""Items of the data set that are read for its key, evenly spread."""
TOLD = {
    "weights": "of other weights: the network was trained since, or is another",
    "dataset": "of another data set: its class, length, transform or images differ",
    "layers": "of other layers",
    "options": "with other options",
    "edits": "of a network that computed something else, by its interventions",
}
"""What it means when a part of the key differs, after "is a scan"."""


def key_of(model: nn.Module, reader: Reader, layers: list[str], options: Mapping[str, Any]) -> dict[str, str]:
    """A hash for each thing that the numbers of a scan depend on, the same in every process.

    Weights and buffers are read whole; the network by its `repr`, which tells its layers and their settings; the data
    set by its class, its length, and a few of its items as they come out of its transform.
    """
    found = {
        "weights": weights_key(model),
        "dataset": dataset_key(reader),
        "layers": _hash(layers),
        "options": _hash(sorted(options.items())),
    }
    edits = edits_key(model)
    return {**found, "edits": edits} if edits else found


def weights_key(model: nn.Module) -> str:
    """A hash of a network and its weights."""
    module = plain(model)
    found = hashlib.sha256(_without_addresses(f"{type(module).__module__} {module!r}").encode())
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        try:
            numbers = digest(tensor)
        except (RuntimeError, NotImplementedError, TypeError):  # sparse, quantised
            numbers = repr(tensor).encode()
        found.update(name.encode() + numbers)
    return found.hexdigest()[:16]


def edits_key(model: nn.Module) -> str:
    """A hash of the interventions that a network is under; empty where there are none."""
    edits = [_without_addresses(each.words) for each in interventions_of(model)]
    return _hash(edits) if edits else ""


def dataset_key(reader: Reader) -> str:
    """A hash of a data set."""
    items = reader.items
    found: list[object] = [type(items.dataset).__qualname__, len(items), getattr(items.prepare, "__qualname__", "")]
    for item in _samples(reader):
        if isinstance(item, Exception):  # reported when the image comes
            found.append(type(item).__name__)
            continue
        parts = [item.image] if item.image is not None else [value for _, value in leaves(item.raw)]
        found += [item.label, item.text, *map(_said, parts)]
    return _hash(found)


def of_other_data(reader: Reader, key: str) -> bool:
    """Whether a data set is another one than that of a key; never where its items cannot be compared.

    That is so where one cannot be read any more, or no two readings of it give the same.
    """
    found = dataset_key(reader)
    if found == key or any(isinstance(item, Exception) for item in _samples(reader)):
        return False
    return found == dataset_key(reader)


def difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """In what two keys differ, in words; empty if in nothing."""
    return " and ".join(words for name, words in TOLD.items() if one.get(name) != other.get(name))


def _samples(reader: Reader) -> Iterator[Item | Exception]:
    """A few items, evenly spread; for one that cannot be read, the error."""
    count = len(reader.items)
    for index in sorted({at * (count - 1) // max(1, SAMPLES - 1) for at in range(SAMPLES)}):
        try:
            with same_random_state():
                item: Item | Exception = reader[index]
        except Exception as error:  # whatever a data set raises
            item = error
        yield item


def _said(value: Any) -> str:
    return digest(value).hex() if isinstance(value, torch.Tensor) else _without_addresses(repr(value))


def _without_addresses(text: str) -> str:
    return re.sub(r"\b0x[0-9a-fA-F]+", "", text)


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
