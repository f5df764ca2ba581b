"""Attribution maps that are kept: of the network, and of a copy of it with random weights."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...compute.attribution import GRAD_CAM, attributions, randomized
from ...compute.core import ForwardError, Prepare
from ...compute.dataset import of_images
from ...widgets.state import Snapshot, Subject

KEPT = 256
"""Maps that are kept, so that going back runs nothing."""


@dataclass(frozen=True, eq=False)
class Found:
    """A map (H, W) with a note on it; or None, and the note says why there is none."""

    values: torch.Tensor | None
    note: str


class Maps:
    """Computes attribution maps, each once.

    Attributes
    ----------
    passes : int
        Forward passes made so far.
    """

    def __init__(self, subject: Subject) -> None:
        self.passes = 0
        self._subject = subject
        self._kept: OrderedDict[tuple[Any, ...], Found] = OrderedDict()
        self._random: tuple[tuple[int, int], nn.Module] | None = None

    def clear(self) -> None:
        """Forget all: the weights or the data changed where nothing can see it."""
        self._kept.clear()
        self._random = None

    def find(
        self,
        snapshot: Snapshot,
        method: str,
        *,
        layer: str,
        target: int,
        against: int | None,
        score: Any,
        steps: int,
        random: bool = False,
        progress: bool = False,
    ) -> Found:
        """The map of one image by one method; options as for `attributions`, `random`: with random weights.

        Raises
        ------
        ForwardError
            The model refused the image.
        """
        version = self._subject.weights
        layer_used = layer if method in GRAD_CAM else None
        steps_used = steps if method == "integrated_gradients" else None
        key = (version, snapshot.index, method, target, against, score, layer_used, steps_used, random)
        if key not in self._kept:
            image = snapshot.item.image
            assert image is not None
            try:
                found = attributions(
                    self._randomized(version) if random else self._subject.module,
                    image[None],
                    method=method,
                    layer=layer_used,
                    target=target,
                    against=against,
                    score=score,
                    steps=steps,
                    prepare=prepared(snapshot),
                    progress=progress,
                )
                self.passes += found.passes
                self._kept[key] = Found(found.maps[0], found.note)
            except ForwardError:
                raise
            except (ValueError, TypeError, LookupError) as error:
                self._kept[key] = Found(None, str(error))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _randomized(self, version: tuple[int, int]) -> nn.Module:
        if self._random is None or self._random[0] != version:
            self._random = version, randomized(self._subject.module)
        return self._random[1]


def prepared(snapshot: Snapshot) -> Prepare | None:
    """The arguments of the model for changed images in the place of the snapshot's, where `prepare` makes them."""
    prepare = snapshot.subject.prepare
    return None if prepare is None else of_images(prepare, snapshot.item)
