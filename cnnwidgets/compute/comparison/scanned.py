"""What two scans of the same images tell of two networks: nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..scan import LayerScan, Scan
from .changes import ResponseChange, ResponseChanges
from .disagreement import Disagreements, Votes, class_names_of
from .pairing import paired


def scans_of(a: Any, b: Any, dataset: Any, indices: Any) -> tuple[Scan, Scan] | None:
    """The two scans, where they stand in the place of models; None where both are models.

    Raises
    ------
    TypeError
        Only one of them is a scan; or there is something beside them that they have been made with.
    ValueError
        They are not of the same images.
    """
    if not isinstance(a, Scan) and not isinstance(b, Scan):
        return None
    if not isinstance(a, Scan) or not isinstance(b, Scan):
        kinds = " and ".join("a Scan" if isinstance(each, Scan) else type(each).__name__ for each in (a, b))
        raise TypeError(f"two scans are compared, or two networks over a data set, not {kinds}")
    if dataset is not None or indices is not None:
        raise TypeError("scans know their images: leave out dataset and indices")
    if a.total != b.total or a.key["dataset"] != b.key["dataset"]:
        raise ValueError(f"two scans of the same data set are compared, not {a!r} and {b!r} of other images")
    return a, b


def disagreements_of(a: Scan, b: Scan, classes: Any = None) -> Disagreements:
    """The images on which the predictions of two scans differ; of the images that both have predictions of.

    Raises
    ------
    ValueError
        A scan has no predictions; none are of the same images; the classes cannot be matched.
    """
    for scan in (a, b):
        if not scan.predictions:
            raise ValueError(f"{scan!r} has no predictions: the network gives no class scores, or predictions=False")
    one, other = a.predictions, b.predictions
    kept = torch.isin(one.images, other.images), torch.isin(other.images, one.images)
    if not bool(kept[0].any()):
        raise ValueError(f"{a!r} and {b!r} have no image in common")
    counts = one.outputs, other.outputs
    given = class_names_of(classes)
    given = (given[0], given[0]) if given[1] is None else given
    known = [
        own or (list(scan.classes) if len(scan.classes) == count else [])
        for own, scan, count in zip(given, (a, b), counts, strict=True)
    ]
    votes = Votes((known[0], known[1]), counts)
    votes.count(
        one.images[kept[0]],
        one.labels[kept[0]].long(),
        (one.targets[kept[0]].long(), other.targets[kept[1]].long()),
        (one.probabilities[kept[0]], other.probabilities[kept[1]]),
        one.margins[kept[0]] + other.margins[kept[1]],
    )
    return votes.result


def changes_of(a: Scan, b: Scan, layers: Sequence[str] | str | None = None) -> ResponseChanges:
    """How the means of channels differ between two scans, of layers that were scanned in both.

    Raises
    ------
    LookupError
        A layer was not scanned.
    ValueError
        The scans have not visited the same images.
    """
    if a.parts != b.parts or a.skipped.keys() != b.skipped.keys():
        raise ValueError(f"the means of the same images are compared, not those of {a!r} and {b!r}")
    names = list(a) if layers is None else [layers] if isinstance(layers, str) else list(layers)
    asked = {name: a[name] for name in names}  # raises for one that was not scanned
    if not asked:
        raise ValueError("layers is empty: give names, or None for all")

    def fits(one: LayerScan, other: LayerScan) -> bool:
        return one.kind == other.kind and (one.type == other.type or one.shape == other.shape)

    pairs, left, _ = paired(dict(a), dict(b), {}, fits, lambda layer: (layer.type, layer.shape))
    unchanged = all(a.key.get(what) == b.key.get(what) for what in ("weights", "edits"))
    found: dict[str, ResponseChange] = {}
    left_out = dict.fromkeys((name for name in left if name in asked), "no partner")
    for pair in pairs:
        one, other = a[pair.a], b[pair.b]
        if pair.a not in asked:
            continue
        if one.channels != other.channels:
            left_out[pair.a] = f"{one.channels:,} channels here, {other.channels:,} there"
            continue
        unknown = torch.full((one.channels,), torch.nan)
        difference = torch.where(one.images == other.images, other.mean - one.mean, torch.nan).float()
        largest = torch.zeros(one.channels) if unchanged else unknown
        spread = ((one.std.square() + other.std.square()) / 2).sqrt().float()
        found[pair.a] = ResponseChange(pair.a, pair.b, unknown, difference, largest, spread)
    return ResponseChanges(found, left_out, a.done - len(a.skipped))
