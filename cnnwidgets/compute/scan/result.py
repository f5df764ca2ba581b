"""What a scan found, however much of the data set it has seen: layers, and how scans are merged, kept and tabulated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...late import imported
from ..core import unknown
from ..dataset import Items
from ..predictions import Predictions
from ..reading import Reader
from . import storage
from .identity import TOLD, difference, edits_key, of_other_data, weights_key
from .layer_scan import LayerScan
from .tally import FIELDS, Tally, merged

PREDICTIONS = "predictions"
"""How their tensors are called in a record."""


@dataclass(frozen=True, eq=False)
class Scan(Mapping[str, LayerScan]):
    """Numbers of every channel over a data set: a mapping from layer names to `LayerScan`, in running order.

    Attributes
    ----------
    model : str
        Class name of the network.
    layers : dict of str to LayerScan
        The layers.
    total : int
        Length of the data set.
    parts : dict of (int, int) to int
        Of which parts, as `(which, of how many)`, and how many images of each are done; `(0, 1)` is the whole.
    options : dict
        `statistic`, `k`, `per_image`, `bins`, `seed`.
    key : dict of str to str
        Hashes of weights, data set, layers and options.
    classes : tuple of str
        Names of the classes, if the data set or the caller has names.
    skipped : dict of int to str
        Images that could not be read or run, and why.
    predictions : Predictions
        What the network says of each image; empty where it gives no class scores, or they were not asked for.
    """

    model: str
    layers: dict[str, LayerScan]
    total: int
    parts: dict[tuple[int, int], int]
    options: dict[str, Any]
    key: dict[str, str]
    classes: tuple[str, ...] = ()
    skipped: dict[int, str] = field(default_factory=dict)
    predictions: Predictions = field(default_factory=Predictions)

    def __getitem__(self, layer: str) -> LayerScan:
        if layer not in self.layers:
            raise LookupError(unknown(f"layer {layer!r} was not scanned", layer, self.layers))
        return self.layers[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self.layers

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        channels = sum(layer.channels for layer in self.values())
        skipped = f", {len(self.skipped):,} skipped" if self.skipped else ""
        return (
            f"Scan of {self.model}: {len(self):,} layers, {channels:,} channels, "
            f"{self.done:,} of {self.total:,} images{skipped}"
        )

    @property
    def done(self) -> int:
        """How many images have been visited, those that were skipped among them."""
        return sum(self.parts.values())

    @property
    def complete(self) -> bool:
        """Whether all images of the data set have been visited."""
        return self.done == self.total

    @property
    def statistic(self) -> str:
        """What images are ranked by: `maximum`, `mean` or `norm`."""
        return str(self.options["statistic"])

    @property
    def k(self) -> int:
        """How many places are kept for a channel."""
        return int(self.options["k"])

    @classmethod
    def merge(cls, *scans: Scan) -> Scan:
        """The numbers of several scans of disjoint parts of a data set together.

        In whichever order and however grouped: what is counted, the places, the extremes and the histogram are the same
        to the bit, sums to the rounding of float64.

        Parameters
        ----------
        *scans : Scan
            By the same weights and options, made with `part=(i, n)`.

        Raises
        ------
        ValueError
            None is given; they are of other weights, data or options; or images stand in two of them.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> model, data = cw.models.lenet5(), cw.data.digits()
        >>> halves = [cw.scan(model, data, ["C3"], part=(at, 2), progress=False) for at in (0, 1)]
        >>> cw.Scan.merge(*halves)
        Scan of LeNet5: 1 layers, 16 channels, 1,797 of 1,797 images
        """
        if not scans:
            raise ValueError("no scan is given to merge")
        found, *others = scans
        for other in others:
            found = found._merged(other)
        return found

    def _merged(self, other: Scan) -> Scan:
        if differs := difference(self.key, other.key):
            raise ValueError(f"two scans cannot be merged: one is a scan {differs}")
        for one in self.parts:
            for two in other.parts:
                if (one[0] - two[0]) % math.gcd(one[1], two[1]) == 0:
                    raise ValueError(
                        f"two scans cannot be merged: part {one[0]} of {one[1]} and part {two[0]} of {two[1]} "
                        "have images in common"
                    )
        layers = {
            name: LayerScan(layer.name, layer.type, layer.kind, layer.shape, merged(layer.tally, other[name].tally))
            for name, layer in self.layers.items()
        }
        return Scan(
            self.model,
            layers,
            self.total,
            dict(sorted((self.parts | other.parts).items())),
            self.options,
            self.key,
            self.classes or other.classes,
            dict(sorted((self.skipped | other.skipped).items())),
            self.predictions.with_others(other.predictions),
        )

    def differs_from(self, model: nn.Module) -> str:
        """What it is of, in words, if it is not of this network as it computes now; empty where it is."""
        if self.key["weights"] != weights_key(model):
            return TOLD["weights"]
        return TOLD["edits"] if self.key.get("edits", "") != edits_key(model) else ""

    def check(self, model: nn.Module, images: Items | int | None = None) -> None:
        """Raise unless it is of this network, by its weights and interventions as they are now, and of these images.

        Parameters
        ----------
        model : torch.nn.Module
            The network.
        images : Items or int, optional
            The images, of which a few are read as the scan read them; or only how many there are. Where one of these
            cannot be read any more, or is another one at each reading, only their number is compared.

        Raises
        ------
        ValueError
            It is not; the message says what differs.
        """
        if differs := self.differs_from(model):
            raise ValueError(f"{self!r} is {differs}")
        count = len(images) if isinstance(images, Items) else images
        if count is not None and count != self.total:
            raise ValueError(f"{self!r} is of {self.total:,} images, and the data set has {count:,}")
        if isinstance(images, Items) and self._differs(images):
            raise ValueError(f"{self!r} is {TOLD['dataset']}")

    def _differs(self, items: Items) -> bool:
        """Whether some images are others, read with the names of classes and the seed of the scan."""
        alike = Items(items.dataset, classes=self.classes, prepare=items.prepare, model=items.model)
        return of_other_data(Reader(alike, self.options["seed"] or 0, skips=False), self.key["dataset"])

    def to_frame(self) -> Any:
        """A pandas DataFrame with one row for each channel of each layer.

        Its columns: the numbers of `LayerScan`; `value`, `image`, `row` and `column` of the strongest place; and, where
        there are labels, the class that it tells best from all others (`class`, `roc_area`): NA where it tells none,
        and NaN where no area is defined, as without images of a second class.
        """
        pd = imported("pandas")
        return pd.concat([_frame(pd, layer) for layer in self.values()], ignore_index=True)

    def save(self, folder: str | Path) -> None:
        """Write it to a folder, from which `Scan.open` reads it.

        Raises
        ------
        OSError
            It cannot be written.
        RuntimeError
            Another process is writing it.
        """
        part = next(iter(self.parts)) if len(self.parts) == 1 else (0, 1)
        with storage.locked(Path(folder), storage.stem(part)):
            storage.write(Path(folder), storage.stem(part), *self.record())

    @classmethod
    def open(cls, folder: str | Path) -> Scan:
        """The scan in a folder; if only parts of it are there, merged.

        Raises
        ------
        FileNotFoundError
            There is none.
        ValueError
            A file is damaged; or the parts do not belong together.
        """
        return cls.merge(*(cls.from_record(*storage.read(path)) for path in storage.ledgers(Path(folder))))

    def record(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All of it as tensors and as JSON."""
        tensors = {
            f"{at}/{name}": layer.tally.numbers[name] for at, layer in enumerate(self.values()) for name in FIELDS
        }
        tensors |= {f"{PREDICTIONS}/{name}": value for name, value in self.predictions.numbers.items()}
        return tensors, {
            "model": self.model,
            "layers": [[layer.name, layer.type, layer.kind, list(layer.shape)] for layer in self.values()],
            "total": self.total,
            "parts": [[at, of, done] for (at, of), done in self.parts.items()],
            "options": self.options,
            "key": self.key,
            "classes": list(self.classes),
            "skipped": [[index, why] for index, why in self.skipped.items()],
            "outputs": self.predictions.outputs,
        }

    @classmethod
    def from_record(cls, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> Scan:
        """From what `record` gives; raises Damaged if something is missing."""
        try:
            layers = {
                name: LayerScan(
                    name, kind_of, kind, tuple(shape), Tally({key: tensors[f"{at}/{key}"] for key in FIELDS})
                )
                for at, (name, kind_of, kind, shape) in enumerate(about["layers"])
            }
            return cls(
                about["model"],
                layers,
                about["total"],
                {(at, of): done for at, of, done in about["parts"]},
                about["options"],
                about["key"],
                tuple(about["classes"]),
                dict(about["skipped"]),
                _predictions(tensors, about.get("outputs", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise storage.Damaged(f"the scan is incomplete: it lacks {error}") from None


def checked_scan(scan: Any) -> Scan:
    """A scan; raises TypeError for anything else."""
    if not isinstance(scan, Scan):
        raise TypeError(f"scan is what cw.scan(model, dataset) gives, not a {type(scan).__name__}")
    return scan


def _predictions(tensors: Mapping[str, torch.Tensor], outputs: int) -> Predictions:
    """Those among the tensors of a record; version 1 of the format has none."""
    found = {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{PREDICTIONS}/")}
    return Predictions(found, outputs) if found else Predictions()


def _frame(pd: Any, layer: LayerScan) -> Any:
    numbers = {
        "images": layer.images,
        "mean": layer.mean,
        "std": layer.std,
        "minimum": layer.minimum,
        "maximum": layer.maximum,
        "zeros": layer.zeros,
        "fires": layer.fires,
        "nonfinite": layer.nonfinite,
        "value": layer.values[:, 0],
        "image": layer.indices[:, 0],
        "row": layer.rows[:, 0],
        "column": layer.columns[:, 0],
    }
    if len(layer.class_images):
        area = layer.roc_area.nan_to_num(-1).amax(0)
        numbers["roc_area"] = torch.where(area < 0, torch.nan, area)
    found: dict[str, Any] = {name: value.numpy() for name, value in numbers.items()}
    if len(layer.class_images):
        found["class"] = pd.array([at if at >= 0 else pd.NA for at in layer.best_class.tolist()], dtype="Int64")
    return pd.DataFrame({"layer": layer.name, "channel": range(layer.channels), **found})
