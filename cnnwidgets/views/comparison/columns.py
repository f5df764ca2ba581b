"""The columns of a comparison: one network, or one image, each; and the layer of each that stands beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...compute.comparison import Pairing, pair_layers
from ...compute.core import plain, whole
from ...compute.layers import Layer, drawable
from ...widgets.state import Given, Snapshot, Subject, call, image_of
from ...widgets.surface import markup

LETTERS = "ABCD"
MOST = len(LETTERS)
"""Columns stand side by side."""
EDITS = "{'layer4': cw.Ablate(channels=3)}"


def numbers(values: torch.Tensor) -> torch.Tensor:
    """An output that can be compared: as floats; complex numbers stay, for their phase counts."""
    return values if values.is_complex() else values.float()


@dataclass(frozen=True, eq=False, kw_only=True)
class Shown:
    """What one column shows.

    Attributes
    ----------
    letter : str
        `A` to `D`.
    name : str
        What is in it: the class of the network, the edits, the image, or the moment of a training.
    row : Layer or None
        Its layer; None where the layer of the first has no partner.
    note : str
        How the layer was paired, unless by its name; or why there is none.
    output : torch.Tensor or None
        Of that layer, for one image.
    aspect : float
        Width of the image by its height.
    """

    letter: str
    name: str
    row: Layer | None
    note: str = ""
    output: torch.Tensor | None
    aspect: float

    @property
    def plane(self) -> int:
        """The middle slice of a volume."""
        return 0 if self.row is None else self.row.planes // 2

    def maps(self) -> NDArray[Any] | None:
        """(C, H, W) of real numbers."""
        if self.row is None or self.output is None:
            return None
        found: NDArray[Any] = drawable(self.output, self.row, aspect=self.aspect, plane=self.plane).numpy()
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Column(Shown):
    """A column of a network.

    Attributes
    ----------
    snapshot : Snapshot
        Its image as its network sees it.
    """

    snapshot: Snapshot


def subjects_of(models: Any, dataset: Any, edits: Any, classes: Any, options: Mapping[str, Any]) -> list[Subject]:
    """A subject for each network: those of `models`, and the first with each of `edits`.

    Raises
    ------
    TypeError, ValueError
        They are none, or more than four; a subject is of another data set.
    """
    listed = list(models) if isinstance(models, (list, tuple)) else [models]
    for model in listed:
        if not isinstance(model, (nn.Module, Subject)):
            raise TypeError(f"models are networks (torch.nn.Module) or subjects, not {type(model).__name__}")
    if not listed:
        raise ValueError("models is empty: give two networks, or one with images= or edits=")
    if not isinstance(edits, (Mapping, list, tuple, type(None))):
        raise TypeError(f"edits are layers with an edit, such as {EDITS}, or a list of such, not {edits!r:.60}")
    changes = [] if edits is None else [edits] if isinstance(edits, Mapping) else list(edits)
    for change in changes:
        if not isinstance(change, Mapping):
            raise TypeError(f"each of edits is layers with an edit, such as {EDITS}, not {change!r:.60}")
    if not all(changes):
        raise ValueError(f"no edits: give at least one layer, {EDITS}")
    several = isinstance(classes, (list, tuple)) and classes and not any(isinstance(each, str) for each in classes)
    names = list(classes) if several else [classes] * len(listed)
    if len(names) != len(listed):
        raise ValueError(f"classes names {len(names)} networks; there are {len(listed)}")
    first = next((model for model in listed if isinstance(model, Subject)), None)
    data = first.items.dataset if dataset is None and first is not None else dataset
    found = [Subject.of(model, data, classes=own, **options) for model, own in zip(listed, names, strict=True)]
    counts = [len(each.items) for each in found] + (
        [len(data)] if first is not None and hasattr(data, "__len__") else []
    )
    if len(set(counts)) > 1:  # the number of an image means another one there
        raise ValueError(f"all columns show images of one data set, not of {min(counts)} and of {max(counts)} images")
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


def numbers_of(view: Any, given: Given) -> list[str]:
    """Lines that compute the maps of the first column and of the one it is compared with, and their difference."""
    columns = view.columns
    other = columns[view.second]
    edited = view.subjects[min(view.second, len(view.subjects) - 1)].edited
    if other.row is None or edited or given.holds("models", Subject):
        return []
    one = view.beside or len(view.subjects) == 1
    models = [given["models"]] * 2 if one else [given.entry("models", at) for at in (0, view.second)]
    indices = view.index, other.snapshot.index
    lines = []
    named = given.where(model=models[0])
    for letter, at, network, row in zip("ab", indices, models, (view.layer_row, other.row), strict=True):
        image = image_of(named, columns[0].snapshot.subject.items[at], at)
        activations = call("cw.activations", network, image, f'"{row.name}"', **given.options("prepare"))
        lines.append(f"{letter} = {activations}[0]")
    same = columns[0].output is not None and other.output is not None and columns[0].output.shape == other.output.shape
    return [*lines, "difference = a - b"] if same else lines


def checked_beside(given: Any, subject: Subject, networks: int, now: int) -> tuple[int, ...]:
    """Numbers of images; raises for what is none, and where the number of columns would change."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"beside are numbers of images, such as (7,), not {given!r}")
    found = tuple(subject.items.checked(each) for each in given)
    if found and networks > 1:
        raise ValueError(
            f"beside={found} are further images for one network as it is, and there are {networks} columns of networks "
            "and edits: leave out beside, or give one model without edits"
        )
    if 1 + len(found) > MOST:
        raise ValueError(f"up to {MOST} columns stand side by side, not {1 + len(found)}")
    if now and len(found) != now:
        raise ValueError(f"this view has {now + 1} columns: beside are {now} images, not {len(found)}")
    return found


def checked_partners(given: Any, others: Sequence[Snapshot], count: int) -> tuple[str, ...]:
    """A layer for each further column, empty for its own; raises for what is none."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"partners are names of layers, one for each further column, not {given!r}")
    found = tuple(given)
    if found and len(found) != count:
        raise ValueError(f"partners are {count} names, one for each further column, not {len(found)}")
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"partners are names of layers, not {name!r}")
    for name, snapshot in zip(found, others, strict=False):
        if name and (reason := snapshot.find(name).reason) is not None:
            raise LookupError(f"layer {name!r} cannot be shown: it {reason}")
    return found


def checked_pixel(given: Any) -> tuple[int, ...]:
    """(row, column), or ()."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"pixel is (row, column), or () for none, not {given!r}")
    found = [whole(each) for each in given]
    if found and (len(found) != 2 or any(each is None or each < 0 for each in found)):
        raise ValueError(f"pixel is (row, column) from 0, or () for none, not {given!r}")
    return tuple(each for each in found if each is not None)
