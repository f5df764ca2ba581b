"""The columns of a comparison: one network, or one image, each; and the layer of each that stands beside the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...compute.comparison import Pairing, pair_layers
from ...compute.core import plain
from ...compute.layers import Layer, drawable
from ...widgets.state import Snapshot, Subject
from ...widgets.surface import markup

LETTERS = "ABCD"
MOST = len(LETTERS)


@dataclass(frozen=True, eq=False)
class Column:
    """What one column shows.

    Attributes
    ----------
    letter : str
        `A` to `D`.
    name : str
        What is in it: the class of the network, the edits, or the image.
    snapshot : Snapshot
        Its image as its network sees it.
    row : Layer or None
        Its layer; None where the layer of the first has no partner.
    note : str
        How the layer was paired, unless by its name; or why there is none.
    output : torch.Tensor or None
        Of that layer.
    """

    letter: str
    name: str
    snapshot: Snapshot
    row: Layer | None
    note: str
    output: torch.Tensor | None

    @property
    def plane(self) -> int:
        """The middle slice of a volume."""
        return 0 if self.row is None else self.row.planes // 2

    def maps(self) -> NDArray[Any] | None:
        """(C, H, W) of real numbers."""
        if self.row is None or self.output is None:
            return None
        aspect = self.snapshot.item.aspect
        found: NDArray[Any] = drawable(self.output, self.row, aspect=aspect, plane=self.plane).numpy()
        return found


def subjects_of(models: Any, dataset: Any, edits: Any, classes: Any, options: Mapping[str, Any]) -> list[Subject]:
    """A subject for each network: those of `models`, and the first with each of `edits`.

    Raises
    ------
    TypeError, ValueError
        They are none, or more than four.
    """
    listed = list(models) if isinstance(models, (list, tuple)) else [models]
    for model in listed:
        if not isinstance(model, (nn.Module, Subject)):
            raise TypeError(f"models are networks (torch.nn.Module) or subjects, not {type(model).__name__}")
    if not listed:
        raise ValueError("models is empty: give two networks, or one with images= or edits=")
    changes = [] if edits is None else [edits] if isinstance(edits, Mapping) else list(edits)
    several = isinstance(classes, (list, tuple)) and classes and not any(isinstance(each, str) for each in classes)
    names = list(classes) if several else [classes] * len(listed)
    if len(names) != len(listed):
        raise ValueError(f"classes names {len(names)} networks; there are {len(listed)}")
    first = next((model for model in listed if isinstance(model, Subject)), None)
    data = first.items.dataset if dataset is None and first is not None else dataset
    found = [Subject.of(model, data, classes=own, **options) for model, own in zip(listed, names, strict=True)]
    found += [found[0].under(each) for each in changes]
    if len(found) > MOST:
        raise ValueError(f"up to {MOST} columns stand side by side, not {len(found)}")
    return found


def names_of(subjects: Sequence[Subject]) -> list[str]:
    """What the columns of networks are called: by their edits where they have some, else by their class."""
    kinds = [subject.edited or type(plain(subject.model)).__name__ for subject in subjects]
    if subjects[0].edited == "" and any(subject.edited for subject in subjects):
        kinds[0] = f"{kinds[0]} as it is"
    return kinds


def pairing_of(first: Snapshot, other: Snapshot) -> Pairing:
    """The layers of two snapshots in pairs."""
    return pair_layers(first.modules, other.modules)


def partner_of(row: Layer, other: Snapshot, pairing: Pairing, chosen: str) -> tuple[Layer | None, str]:
    """The layer that stands beside `row` in another column, and a note on how it was found."""
    if chosen:
        return other.find(chosen), f"{chosen}, chosen by hand"
    pair = pairing.partner(row.name)
    if pair is None:
        return None, f"{row.name} has no partner here"
    return other.find(pair.b), "" if pair.how == "name" else f"{pair.b}, paired by order and shape"


def image_words(index: int, text: str) -> str:
    """What a column of an image is called."""
    return markup.pictured(index, text)


def difference(one: NDArray[Any] | None, other: NDArray[Any] | None) -> NDArray[Any] | None:
    """A − B; None where the shapes do not agree."""
    if one is None or other is None or one.shape != other.shape:
        return None
    with np.errstate(invalid="ignore"):
        found: NDArray[Any] = one.astype(np.float32) - other.astype(np.float32)
    return found
