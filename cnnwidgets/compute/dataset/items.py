"""A data set as items with an image tensor, a label, and a picture."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import torch

from ..core import Prepare, describe, same_random_state

Denormalize = Callable[[torch.Tensor], torch.Tensor]

_IMAGE_KEYS = ("image", "pixel_values", "img", "images")
MANY = 4
"""Classes of a mask that are named."""
_LABEL_KEYS = ("label", "labels", "target", "class", "fine_label")


@dataclass(frozen=True)
class Item:
    """One element of a data set.

    Attributes
    ----------
    image : torch.Tensor or None
        (C, H, W) as in the data set; (C, T, H, W) for a clip; None if `prepare` takes items without an image.
    label : int or None
        Class number, if the label is one.
    text : str
        The label as text: class name, or the label itself; empty if there is none.
    raw : object
        The item as the data set returns it.
    """

    image: torch.Tensor | None
    label: int | None
    text: str
    raw: Any

    @property
    def aspect(self) -> float:
        """Width of the image by its height; 1 where there is none."""
        return 1.0 if self.image is None else self.image.shape[-1] / self.image.shape[-2]

    def __repr__(self) -> str:
        image = "no image" if self.image is None else f"image {describe(self.image)}"
        return f"Item: {image}, label {self.text or self.label!r}"


class Items:
    """Access to the items of a data set.

    Parameters
    ----------
    dataset : indexable
        Returns `(image, label)` for 0 .. len - 1: a torch data set, `Subset`, list, or a tensor of images (N, C, H, W).
        Dicts with an `image` and images without a label are accepted too.
    classes : sequence of str, optional
        Names of the network's outputs. They name labels too, where the data set has no `classes` of its own. An
        empty list takes all names away.
    denormalize : callable or (mean, std), optional
        Undoes the normalisation for display, with values in [0, 1]. By default the `Normalize` in the data set's
        transform is used.
    prepare : callable, optional
        With it an item may be any object; its first image-like tensor is displayed.

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
    ) -> None:
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise TypeError(
                f"dataset must give (image, label) by index and have a length; {type(dataset).__name__} does not"
            )
        if isinstance(dataset, torch.Tensor) and dataset.ndim < 4:
            raise ValueError(f"a tensor of images has shape (N, C, H, W), not {describe(dataset)}")
        if len(dataset) == 0:
            raise ValueError("the data set is empty: there is no image to show")
        self.dataset = dataset
        self.prepare = prepare
        found: Any = next((c for d in _unwrapped(dataset) if (c := getattr(d, "classes", None)) is not None), [])
        self.own = class_names(found)
        self.given = [] if classes is None else class_names(classes)
        if classes is not None and not self.given:
            self.own = []  # who gives no names wants none
        self.classes = self.own or self.given
        self.normalization: tuple[Any, Any] | None = None
        if not callable(denormalize):
            self.normalization = _normalization(dataset) if denormalize is None else _mean_and_std(denormalize)
        self._denormalize = denormalize if callable(denormalize) else None

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
        index = self.checked(index)
        with same_random_state():
            raw = self.dataset[index]
        if self.prepare is not None:
            label = raw[1] if isinstance(raw, (list, tuple)) and len(raw) > 1 else None
            return Item(_first_image(raw), *self._label(raw if isinstance(raw, dict) else label), raw)
        image, label = _split(raw, index)
        return Item(_checked(image, index), *self._label(label), raw)

    def checked(self, index: int) -> int:
        """`index` if it is in range; raises IndexError with the allowed range otherwise."""
        if not hasattr(index, "__index__"):
            raise TypeError(f"index must be a whole number, 0 to {len(self) - 1}, not {index!r}")
        if not 0 <= index < len(self):
            raise IndexError(
                f"index {index} is out of range: the data set has {len(self)} images, 0 to {len(self) - 1}"
            )
        return int(index)

    def class_name(self, label: int) -> str:
        """Name of the class with this label; `class 3` if it has no name but the number."""
        name = self.label_text(label)
        return unnamed(label) if name == str(label) else name

    def label_text(self, label: int) -> str:
        """Name of a label; its number if it has no name."""
        return self.classes[label] if 0 <= label < len(self.classes) else str(label)

    def picture(self, image: torch.Tensor) -> torch.Tensor:
        """`image` with the normalisation undone, (C, H, W); for a clip the middle frame."""
        image = image.detach().cpu()
        if self._denormalize is not None:
            image = torch.as_tensor(self._denormalize(image))
        elif self.normalization is not None and image.is_floating_point():
            shape = (-1,) + (1,) * (image.ndim - 1)
            mean, std = (torch.as_tensor(value, dtype=image.dtype).reshape(shape) for value in self.normalization)
            image = image * std + mean
        return image[:, image.shape[1] // 2] if image.ndim == 4 else image

    def _label(self, label: Any) -> tuple[int | None, str]:
        if isinstance(label, dict):
            label = next((label[key] for key in _LABEL_KEYS if key in label), None)
        if type(label).__module__ == "numpy":
            label = label.tolist()
        if isinstance(label, torch.Tensor) and label.numel() == 1:
            label = label.item()
        if isinstance(label, torch.Tensor):
            return None, self._many(label)
        if label is None:
            return None, ""
        if hasattr(label, "__index__") and not isinstance(label, bool):
            return int(label), self.label_text(int(label))
        if isinstance(label, str) and label in self.classes:
            return self.classes.index(label), label
        return None, str(label)

    def _many(self, labels: torch.Tensor) -> str:
        """Several labels: those of a mask by what is in it, the most frequent first; others by their first numbers."""
        whole = not labels.is_floating_point() and not labels.is_complex()
        if whole and labels.ndim >= 2 and labels.numel():
            found, counts = labels.unique(return_counts=True)
            order = counts.argsort(descending=True, stable=True).tolist()
            names = [self.label_text(int(found[place])) for place in order[:MANY]]
            more = f" and {len(order) - MANY} more" if len(order) > MANY else ""
            return f"mask of {' × '.join(map(str, labels.shape[-2:]))} with {', '.join(names)}{more}"
        values = labels.flatten()[:5].tolist()
        return ", ".join(self.label_text(value) if type(value) is int else f"{value:g}" for value in values)


def unnamed(target: int) -> str:
    """What a class without a name is called."""
    return f"class {target}"


def _mean_and_std(given: Any) -> tuple[Any, Any]:
    """`given` if it is (mean, std): numbers, or one per channel."""
    try:
        mean, std = given
        fits = all(torch.as_tensor(part, dtype=torch.float64).numel() for part in (mean, std))
    except (TypeError, ValueError, RuntimeError):
        fits = False
    if not fits:
        raise TypeError(f"denormalize must be a function of the image, or (mean, std), not {given!r:.80}")
    return mean, std


def _split(raw: Any, index: int) -> tuple[Any, Any]:
    if isinstance(raw, dict):
        image = next((raw[key] for key in _IMAGE_KEYS if key in raw), None)
        if image is None:
            raise TypeError(f"item {index} is a dict without an image; keys: {', '.join(map(str, raw))}")
        return image, next((raw[key] for key in _LABEL_KEYS if key in raw), None)
    if isinstance(raw, (tuple, list)) and len(raw) == 1:
        return raw[0], None
    if isinstance(raw, (tuple, list)) and len(raw) >= 2:
        return raw[0], raw[1]
    if isinstance(raw, torch.Tensor) or _is_array(raw) or _is_pil(raw):
        return raw, None
    raise TypeError(f"item {index} of the data set must be (image, label), not {_say(raw)}")


def _checked(image: Any, index: int) -> torch.Tensor:
    if _is_pil(image):
        raise TypeError(
            f"image {index} is a PIL image, and the model needs a tensor: add torchvision.transforms.ToTensor() to the "
            "data set's transform"
        )
    if _is_array(image):
        image = torch.from_numpy(image.copy())
    if not isinstance(image, torch.Tensor):
        raise TypeError(f"image {index} must be a tensor (C, H, W), not {_say(image)}")
    if image.ndim not in (3, 4):
        hint = "; add the channel axis: image[None]" if image.ndim == 2 else ""
        raise ValueError(f"image {index} has shape {describe(image)}, wanted (C, H, W){hint}")
    if image.numel() == 0:
        raise ValueError(f"image {index} is empty: its shape is {describe(image)}")
    if image.is_floating_point() and not (finite := torch.isfinite(image)).all():
        bad = int((~finite).sum())
        raise ValueError(f"image {index} holds NaN or infinite values: {bad:,} of {image.numel():,} numbers")
    return image


def _first_image(raw: Any) -> torch.Tensor | None:
    if isinstance(raw, torch.Tensor):
        return raw if raw.ndim in (3, 4) else None
    if isinstance(raw, dict):
        raw = raw.values()
    if isinstance(raw, (list, tuple)) or (hasattr(raw, "__iter__") and not isinstance(raw, str)):
        return next((image for part in raw if (image := _first_image(part)) is not None), None)
    return None


def _is_pil(value: Any) -> bool:
    return any(base.__module__ == "PIL.Image" for base in type(value).__mro__)


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "ndim") and value.ndim > 0


def _say(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {', '.join(type(part).__name__ for part in value) or 'nothing'}"
    return type(value).__name__


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


def _unwrapped(dataset: Any) -> Iterator[Any]:
    """The data set, then those inside `Subset`, `ConcatDataset` and similar wrappers."""
    seen: set[int] = set()
    while dataset is not None and id(dataset) not in seen:
        seen.add(id(dataset))
        yield dataset
        several = getattr(dataset, "datasets", None)
        dataset = several[0] if isinstance(several, (list, tuple)) and several else getattr(dataset, "dataset", None)


def _normalization(dataset: Any) -> tuple[Any, Any] | None:
    """Mean and standard deviation of the last `Normalize` in the data set's transforms, at any nesting."""
    found = None
    for wrapped in _unwrapped(dataset):
        for name in ("transform", "transforms"):
            for step in _steps(getattr(wrapped, name, None)):
                if hasattr(step, "mean") and hasattr(step, "std") and not callable(step.mean):
                    found = (step.mean, step.std)
        if found is not None:
            return found
    return None


def _steps(transform: Any) -> Iterator[Any]:
    if transform is None:
        return
    if isinstance(transform, (list, tuple, torch.nn.ModuleList, torch.nn.Sequential)):
        for step in transform:
            yield from _steps(step)
        return
    yield transform
    for name in ("transforms", "transform"):
        yield from _steps(getattr(transform, name, None))
