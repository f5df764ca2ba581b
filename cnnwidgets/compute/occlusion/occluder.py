"""Incremental occlusion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..core import Prepare, describe, device_of, plain
from ..inputs import as_images
from ..scoring import BatchSize, Score, Scorer, choose_targets, map_differences, parse_target
from ..steps import Stepwise
from .baselines import baseline_images
from .map import OcclusionMap
from .patches import patches

WORTHWHILE = 64
"""Minimum number of remaining images for which a fused copy of the network pays off."""
KEPT = 16 * 2**20
"""Limit in bytes for keeping the scores of every class at each position, so that another target needs no pass."""


class Occluder(Stepwise[OcclusionMap]):
    """Incremental occlusion, from coarse to fine, that can be drawn, stopped and continued.

    Iterate for partial maps; leave the loop to stop, iterate again to continue. `step(seconds)` runs one batch, for
    callers with a time limit. After further training of the network a new occluder is needed.

    Parameters
    ----------
    **options
        As for `occlusion`.

    Attributes
    ----------
    done, total : int
        Number of images passed through the network, including the unoccluded images.
    coarse : int
        Number of passes after which the map first covers the whole image.
    images : torch.Tensor
        (N, C, H, W), input of the network.
    baseline : torch.Tensor
        (N, C, H, W): pixels of the patch at every position.
    patches : Patches
        The positions of the patch.
    """

    def __init__(
        self,
        model: nn.Module,
        images: torch.Tensor,
        *,
        target: int | Sequence[int] | None = None,
        layer: str | None = None,
        window: int | tuple[int, int] | None = None,
        stride: int | tuple[int, int] | None = None,
        baseline: float | Sequence[float] | str | torch.Tensor = 0.0,
        shape: str = "square",
        score: Score = "logit",
        batch_size: int | None = None,
        generator: torch.Generator | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        if layer is not None and target is not None:
            raise ValueError(f"either a target or a layer, not both: target={target!r}, layer={layer!r}")
        self._scorer = Scorer(model, layer=layer, score=score, prepare=prepare)
        module = plain(model)
        device = device_of(module)
        self.images: torch.Tensor = as_images(module, images)
        height, width = self.images.shape[2:]
        self.patches = patches((height, width), window, stride, shape)
        self.baseline: torch.Tensor = baseline_images(self.images, baseline, self.patches.window, generator)
        self._wanted, self._single = parse_target(target)
        self._batch = BatchSize(height * width, device, batch_size)
        coarse, *finer = self.patches.order()
        self._order = coarse + [place for stage in finer for place in stage]
        self.total = len(self.images) * (1 + len(self._order))
        self.coarse = len(self.images) * (1 + len(coarse))
        self._may_fold = True
        self._whole: torch.Tensor | None = None  # output of the scorer for the unoccluded images
        self._targets: torch.Tensor | None = None  # (N, K)
        self._every = False  # whether the scores of all classes are kept, not only of the targets
        self._scores: torch.Tensor | None = None  # (N, K, H', W'); set after the unoccluded images
        self._visited = torch.zeros(len(self.images), *self.patches.grid, dtype=torch.bool, device=device)

    def __repr__(self) -> str:
        state = f"{self.done:,} of {self.total:,} passes done"
        return f"Occluder of {type(plain(self._scorer.model)).__name__}: images {describe(self.images)}, {state}"

    def step(self, seconds: float | None = None) -> OcclusionMap:
        """Run one batch and return the partial map.

        Parameters
        ----------
        seconds : float, optional
            Approximate time limit, which limits the batch size, at least one image. By default the batch size with
            the shortest time per image.

        Raises
        ------
        ForwardError, ValueError
            As for `occlusion`. Finished passes are kept.
        """
        if self._may_fold and self.coarse <= self.done < self.total - WORTHWHILE:
            self._may_fold = False  # tried once, after the first map of the whole image
            if self._scorer.use_fused_copy(self.images[:1], self.whole[:1]):
                self._batch.restart()
                if seconds is not None:
                    return self.result
        end = self.coarse if self.done < self.coarse else self.total
        if left := end - self.done:
            self._batch.run(left, self._do, seconds)
        return self.result

    @property
    def result(self) -> OcclusionMap:
        """A copy of the partial map; all NaN until the unoccluded images are done."""
        scores, targets = self._scores, self._targets
        if scores is None:
            scores = torch.full((len(self.images), 1, *self.patches.grid), torch.nan)
            unoccluded = scores[..., 0, 0]
        elif self._whole is None or targets is None:
            unoccluded = torch.zeros_like(scores[..., 0, 0])
        else:
            unoccluded = self._whole.gather(1, targets)
            if self._every:
                scores = scores.gather(1, targets[..., None, None].expand(-1, -1, *self.patches.grid))
        if self._single and self._scorer.layer is None:
            scores, unoccluded = scores[:, 0], unoccluded[:, 0]
            targets = None if targets is None else targets[:, 0]
        return OcclusionMap(
            scores.clone(), unoccluded.clone(), targets, self._scorer.layer, self._visited.clone(), self.patches
        )

    @property
    def whole(self) -> torch.Tensor:
        """Output for the unoccluded images: (N, K), the scores of every class; or the layer's output."""
        while self.done < len(self.images):
            self._batch.run(len(self.images) - self.done, self._do)
        return self._whole if self._whole is not None else torch.empty(0)

    def start_from(self, known: Occluder | torch.Tensor) -> bool:
        """Take the output for the unoccluded images from an earlier pass, in place of one of its own.

        Parameters
        ----------
        known : Occluder or torch.Tensor
            Another occluder of the same network and score, with patches of any kind; or what the network returned for
            these images in a pass in the default memory format.

        Returns
        -------
        bool
            Whether it was taken: only where a pass of this occluder would have given the same numbers to the last bit.

        Raises
        ------
        ValueError
            As for `occlusion`.
        """
        scorer = self._scorer
        if isinstance(known, Occluder):
            if known._whole is None or scorer.layer is not None or not torch.equal(known.images, self.images):
                return False
            scorer.take_over(known._scorer)
            self._whole = known._whole
        elif scorer.layer is not None or not scorer.runs_as_given(self.images):
            return False
        else:
            self._whole = scorer.read(known.to(self.images.device)).clone()
        self.done = len(self.images)
        self._begin()
        return True

    def set_target(self, target: int | Sequence[int] | None) -> bool:
        """Change the target class or classes; returns False if that needs a new occluder.

        Raises
        ------
        ValueError, TypeError
            As for `occlusion`.
        """
        wanted, single = parse_target(target)
        if not self._every or self._whole is None:
            return False
        self._targets = choose_targets(self._whole, wanted)
        self._wanted, self._single = wanted, single
        return True

    aim = set_target  # the former name

    @property
    def fill(self) -> torch.Tensor:
        """Former name of `baseline`."""
        return self.baseline

    def at(self, top: int, left: int) -> torch.Tensor:
        """Output with the patch at one position, which may lie partly outside the image.

        Parameters
        ----------
        top, left : int
            Upper left corner of the patch in pixels.

        Returns
        -------
        torch.Tensor
            (N, K): the scores of every class, or the change of each map of the layer.
        """

        def paint(batch: torch.Tensor) -> None:
            for image, baseline in zip(batch, self.baseline, strict=True):
                self.patches.paint(image, baseline, top, left)

        found = self._scorer(self.images, torch.arange(len(self.images)), paint)
        return found if self._scorer.layer is None else map_differences(found, self.whole, self._scorer.axis)

    def _do(self, count: int) -> None:
        """Run the next passes: first the unoccluded images, then all images for each position of the patch."""
        images, items = len(self.images), range(self.done, self.done + count)
        number = torch.tensor([item % images for item in items])
        places = [self._order[item // images - 1] for item in items if item >= images]
        whole = len(items) - len(places)
        down, across = self.patches.stride

        def paint(batch: torch.Tensor) -> None:
            for image, n, (row, column) in zip(batch[whole:], number[whole:], places, strict=True):
                self.patches.paint(image, self.baseline[n], row * down, column * across)

        found = self._scorer(self.images, number, paint)
        if whole:
            if self._whole is None:
                self._whole = found.new_zeros(images, *found.shape[1:])
            self._whole[items.start : items.start + whole] = found[:whole]
        if self._scores is None and items.stop >= images:
            self._begin()
        if places and self._whole is not None and self._scores is not None:
            if self._targets is None:
                picked = map_differences(found[whole:], self._whole[number[whole:]], self._scorer.axis)
            elif self._every:
                picked = found[whole:]
            else:
                picked = found[whole:].gather(1, self._targets[number[whole:]])
            rows, columns = torch.tensor(places).T
            self._scores[number[whole:], :, rows, columns] = picked
            self._visited[number[whole:], rows, columns] = True
        self.done = items.stop

    def _begin(self) -> None:
        """Choose the target classes, and allocate their scores."""
        if self._whole is None:
            return
        kind = self._whole.dtype if self._whole.dtype == torch.float64 else torch.float32
        if self._scorer.layer is None:
            self._targets = choose_targets(self._whole, self._wanted)
            self._every = self._whole.numel() * len(self._order) * kind.itemsize <= KEPT
            images, count = (self._whole if self._every else self._targets).shape
        else:
            images, count = map_differences(self._whole, self._whole, self._scorer.axis).shape
        self._scores = torch.full((images, count, *self.patches.grid), torch.nan, dtype=kind, device=self._whole.device)
