"""A data set as items with an image tensor, a label, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from cachetools import LRUCache
from torch import nn

from ..core import Prepare, describe, entrance, plain, same_random_state, whole
from ..inputs import as_numbers
from ..pictures import FIRST, KEPT, OwnImage, own_image
from .elements import checked_image, first_image, image_and_label, is_finite
from .labels import class_names, name_of, read_label
from .normalization import found_normalization, given_normalization, scaled_bytes, undone
from .own import own_image_and_raw
from .sources import checked_source, parts_of

KNOWN = 4096
"""Forms of images, and labels, of which it is kept that they are good and what they say."""
Denormalize = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Item:
    """One element of a data set.

    Attributes
    ----------
    image : torch.Tensor or None
        (C, H, W) as in the data set; (C, L) for a signal, (C, D, H, W) for a volume or clip; None if `prepare` takes
        items without an image.
    label : int or None
        Class number, if the label is one.
    text : str
        The label as text: class name, or the label itself; empty if there is none.
    raw : object
        The item as the data set returns it.
    notes : tuple of str
        What was done to an own image to make it like those of the data set.
    own : OwnImage or None
        The own image that it was made of.
    """

    image: torch.Tensor | None
    label: int | None
    text: str
    raw: Any
    notes: tuple[str, ...] = ()
    own: OwnImage | None = None

    @property
    def aspect(self) -> float:
        """Width of the image by its height; 1 where there is none."""
        return 1.0 if self.image is None else self.image.shape[-1] / self.image.shape[-2]

    def __repr__(self) -> str:
        image = "no image" if self.image is None else f"image {describe(self.image)}"
        return f"Item: {image}, label {self.text or self.label!r}"


class Items:
    """Access to the items of a data set, and to own images beside it, whose numbers are below any of its own.

    Parameters
    ----------
    dataset : indexable
        Returns `(image, label)` for 0 .. len - 1: a torch data set, `Subset`, list, or a tensor of images (N, C, H, W).
        Mappings and data classes with an `image`, and images without a label are accepted too.
    classes : sequence of str, optional
        Names of the network's outputs. They name labels too, where the data set has no `classes` of its own. An
        empty list takes all names away.
    denormalize : callable or (mean, std), optional
        Undoes the normalisation for display, with values in [0, 1]. By default the `Normalize` in the data set's
        transform is used.
    prepare : callable, optional
        With it an item may be any object; its first image-like tensor is displayed.
    model : torch.nn.Module, optional
        The network that the items are for: its first convolution decides what an item's axes are.

    Raises
    ------
    TypeError
        `dataset` cannot be indexed or has no length; `denormalize` is neither a function nor (mean, std).
    ValueError
        `dataset` is empty.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        classes: Sequence[str] | None = None,
        denormalize: Denormalize | tuple[Sequence[float], Sequence[float]] | None = None,
        prepare: Prepare | None = None,
        model: nn.Module | None = None,
    ) -> None:
        self.model = None if model is None else plain(model)
        self.entry = None if self.model is None else entrance(self.model)
        checked_source(dataset, self.entry)
        self._owned: LRUCache[int, Item] = LRUCache(KEPT)
        self._forms: set[object] = set()
        self._labels: dict[int, tuple[int | None, str]] = {}
        self.dataset = dataset
        self.prepare = prepare
        self.own = _own_names(dataset)
        self.given = [] if classes is None else class_names(classes)
        if classes is not None and not self.given:
            self.own = []  # who gives no names wants none
        self.classes = self.own or self.given
        self.normalization: tuple[Any, Any] | None = None
        self._denormalize = denormalize if callable(denormalize) else None
        self._found = denormalize is None
        if denormalize is None:
            self.normalization = _common(dataset, found_normalization)
        elif not callable(denormalize):
            self.normalization = given_normalization(denormalize)

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return f"Items of {type(self.dataset).__name__}: {len(self):,} items, {len(self.classes):,} classes named"

    def __getitem__(self, index: int) -> Item:
        """The item at `index`, checked. The global random state is restored, even if a transform uses it.

        Raises
        ------
        IndexError
            `index` is not in 0 .. len - 1.
        TypeError
            The item is not (image, label), or its image is not a tensor.
        ValueError
            The image has a wrong number of axes or holds NaN or infinite values.
        """
        with same_random_state():
            return self.read(index)

    def read(self, index: int, *, sums: bool = True) -> Item:
        """As `items[index]`, for a caller that seeds and restores the random state itself.

        Without `sums` it may hold NaN or infinite values if its form was good before: the caller looks at many at once.
        """
        index = self.checked(index)
        if index < 0:
            return self._own(index)
        raw = self._read(index)
        if self.prepare is not None:
            label = raw[1] if isinstance(raw, (list, tuple)) and len(raw) > 1 else None
            return Item(first_image(raw), *read_label(raw if isinstance(raw, Mapping) else label, self.classes), raw)
        image, label = image_and_label(raw, index)
        return Item(self._checked(image, index, sums), *self._labelled(label), raw)

    def _checked(self, image: Any, index: int, sums: bool) -> torch.Tensor:
        """The image as `checked_image` gives it: of a form that was good before, only the numbers are looked at."""
        plain_one = type(image) is torch.Tensor and not image.is_nested
        form = (image.shape, image.dtype, image.layout, image.device) if plain_one else None
        if form in self._forms and (not sums or is_finite(image)):
            return image
        found = checked_image(image, f"image {index}", self.entry)
        if found is image and form is not None and len(self._forms) < KNOWN:
            self._forms.add(form)
        return found

    def _labelled(self, label: Any) -> tuple[int | None, str]:
        """What a label says: of a plain number, only once."""
        if type(label) is not int:
            return read_label(label, self.classes)
        found = self._labels.get(label)
        if found is None:
            found = read_label(label, self.classes)
            if len(self._labels) < KNOWN:
                self._labels[label] = found
        return found

    def _own(self, number: int) -> Item:
        """An own image, as this data set would give it: worked out once."""
        item = self._owned.get(number)
        if item is None:
            own = own_image(number)
            image, raw, notes = own_image_and_raw(self, own)
            item = self._owned[number] = Item(image, own.label, own.text, raw, tuple(notes), own)
        return item

    def _read(self, index: int) -> Any:
        try:
            return self.dataset[index]
        except NotImplementedError as error:
            raise TypeError(
                f"{type(self.dataset).__name__} gives no items by index, only one after the other: "
                "list(itertools.islice(dataset, 100)) holds the first of them"
            ) from error
        except Exception as error:
            cause = " ".join(str(error).split())[:200]
            raise RuntimeError(
                f"the data set cannot give item {index}: {type(self.dataset).__name__} raises "
                f"{type(error).__name__}{f' ({cause})' if cause else ''}"
            ) from error

    def batch(self, item: Item) -> Any:
        """What the network is run on for `item`: its image as a batch of one, or the item itself for `prepare`."""
        if self.prepare is not None or item.image is None:
            return item.raw
        images = item.image[None]
        return images if self.model is None else as_numbers(self.model, images)

    def checked(self, index: int) -> int:
        """`index` if it is in range, or that of an own image; raises IndexError with the allowed range otherwise."""
        number = whole(index)
        if number is None:
            raise TypeError(f"index must be a whole number, 0 to {len(self) - 1}, not {index!r}")
        if number <= FIRST:
            own_image(number)  # raises where it is no longer kept
        elif not 0 <= number < len(self):
            raise IndexError(
                f"index {index} is out of range: the data set has {len(self)} images, 0 to {len(self) - 1}"
            )
        return number

    def class_name(self, label: int) -> str:
        """Name of the class with this label; `class 3` if it has no name but the number."""
        name = self.label_text(label)
        return unnamed(label) if name == str(label) else name

    def label_text(self, label: int) -> str:
        """Name of a label; its number if it has no name."""
        return name_of(label, self.classes)

    def picture(self, image: torch.Tensor) -> torch.Tensor:
        """`image` with the normalisation undone, (C, H, W) of real numbers that NumPy knows.

        Of a clip or volume the middle frame or slice; of a signal (1, C, L), a row a channel; of complex numbers their
        magnitudes.
        """
        image = image.detach().cpu()
        if image.is_complex():
            image = image.abs()
        if image.is_floating_point() and (image.itemsize < 4 or image.is_sparse):
            image = image.float()
        if image.ndim == 4 and self.entry is not None and self.entry.axes == 2:
            image = image[len(image) // 2]  # a network for images gets a clip frame by frame
        if self._denormalize is not None:
            image = torch.as_tensor(self._denormalize(image))
        elif self.normalization is not None and image.is_floating_point():
            image = undone(image, self.normalization)
            image = scaled_bytes(image) if self._found else image
        if image.ndim == 2:
            return image[None]
        return image[:, image.shape[1] // 2] if image.ndim == 4 else image


def unnamed(target: int) -> str:
    """What a class without a name is called."""
    return f"class {target}"


def _own_names(dataset: Any) -> list[str]:
    """The names of its classes that a data set knows, if all that it consists of agree."""
    return _common(dataset, _first_names) or []


def _first_names(datasets: list[Any]) -> list[str] | None:
    """The names in `classes` or `class_to_idx` of the first of `datasets` that has them; a count of them is no name."""
    for dataset in datasets:
        for attribute in ("classes", "class_to_idx"):
            found = getattr(dataset, attribute, None)
            if isinstance(found, (str, int)) or callable(found) or found is None:
                continue
            return class_names(found)
    return None


def _common(dataset: Any, find: Callable[[list[Any]], Any]) -> Any:
    """What `find` finds in each part of a data set, if it is the same for all; else None."""
    found = [find(part) for part in parts_of(dataset)]
    return found[0] if all(repr(one) == repr(found[0]) for one in found) else None
