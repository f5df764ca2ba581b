"""Causal tracing: how much of a score each layer restores when it is given the values of another image."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from ...late import imported
from ..core import Prepare, Report, Stopped, listing, plain
from ..scoring import Score, choose_targets, parse_single_target
from ..steps import Stepwise, finish
from .tail import Batches, Tail

By = Literal["layer", "channel", "place"]


@dataclass(frozen=True)
class Patching:
    """How much of a score comes back when a layer of the corrupted pass is given its values of the clean one.

    Attributes
    ----------
    scores : dict of str to torch.Tensor
        Layer -> score of the target with it patched: (N,) for whole layers, (N, C) for each channel, (N, H', W') or
        (N, T) for each place. Layers that have not been tried yet are left out.
    clean, corrupted : torch.Tensor
        (N,): the score of the clean images, and of the corrupted ones.
    targets : torch.Tensor
        (N,): the class numbers.
    by : str
        `"layer"`, `"channel"` or `"place"`.
    words : dict of str to str
        Layer -> what ran: only what is behind it, or the whole network and why.
    """

    scores: dict[str, torch.Tensor]
    clean: torch.Tensor
    corrupted: torch.Tensor
    targets: torch.Tensor
    by: By
    words: dict[str, str]

    def __repr__(self) -> str:
        return f"Patching of {len(self.clean)} pairs by {self.by}: layers {listing(list(self.scores))}"

    @property
    def restored(self) -> dict[str, torch.Tensor]:
        """Layer -> restored fraction, shaped like `scores`: 0 as corrupted, 1 as clean, and possibly beyond.

        NaN for pairs whose scores do not differ.
        """
        whole = (self.clean - self.corrupted).where(self.clean != self.corrupted, torch.nan)
        return {
            layer: (scores - _like(self.corrupted, scores)) / _like(whole, scores)
            for layer, scores in self.scores.items()
        }

    @property
    def mean(self) -> dict[str, torch.Tensor]:
        """Layer -> the restored fraction of the summed scores of all pairs: (), (C,), (H', W') or (T,)."""
        whole = (self.clean - self.corrupted).sum()
        return {
            layer: (scores - _like(self.corrupted, scores)).sum(0) / whole.where(whole != 0, torch.nan)
            for layer, scores in self.scores.items()
        }

    def to_frame(self) -> Any:
        """`mean` as a pandas DataFrame: a row for each layer, and one column, or one for each channel or place."""
        pd = imported("pandas")

        rows = {layer: values.flatten().tolist() for layer, values in self.mean.items()}
        frame = pd.DataFrame.from_dict(rows, orient="index")
        return frame.rename(columns={0: "restored"}) if self.by == "layer" else frame


class LayerPatcher(Stepwise[Patching]):
    """Patches one layer after another; can be stopped, and continued.

    Iterate for partial results; leave the loop to stop, iterate again to continue. `step()` patches one layer.

    Parameters
    ----------
    **options
        As for `patching`.

    Attributes
    ----------
    layers : list of str
        The layers, in the order in which they are patched.
    done, total : int
        Number of layers.
    """

    def __init__(
        self,
        model: nn.Module,
        clean: Any,
        corrupted: Any,
        layers: str | Iterable[str],
        target: int | None = None,
        *,
        by: By = "layer",
        score: Score = "logit",
        batch_size: int | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        self.layers = [layers] if isinstance(layers, str) else list(dict.fromkeys(layers))
        if not self.layers:
            raise ValueError("no layers: give at least one")
        if by not in ("layer", "channel", "place"):
            raise ValueError(f"by is 'layer', 'channel' or 'place', not {by!r}")
        self._target = parse_single_target(target)
        self._name, self._by, self._size = type(plain(model)).__name__, by, batch_size
        self._tails = partial(_tails, model, clean, corrupted, score=score, prepare=prepare)
        self._found: dict[str, torch.Tensor] = {}
        self._words: dict[str, str] = {}
        self._first: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        self.total = len(self.layers)

    def __repr__(self) -> str:
        return f"LayerPatcher of {self._name}: {self.done} of {self.total} layers done"

    def step(self, seconds: float | None = None) -> Patching:
        """Patch the next layer and return the partial result.

        Parameters
        ----------
        seconds : float, optional
            Go on with further layers as long as this time lasts.

        Raises
        ------
        LookupError, ForwardError, ValueError
            As for `patching`. What is done is kept.
        """
        end = time.monotonic() + (seconds or 0)
        while self.done < self.total:
            name = self.layers[self.done]
            good, bad = self._tails(name)
            targets = choose_targets(good.whole, self._target)
            ends = good.whole.gather(1, targets)[:, 0], bad.whole.gather(1, targets)[:, 0], targets[:, 0]
            self._first = self._first or ends
            self._found[name] = _patched(bad, good.output, targets, self._by, self._size)
            self._words[name] = bad.words
            self.done += 1
            if time.monotonic() >= end:
                break
        return self.result

    @property
    def result(self) -> Patching:
        """The layers that are done; the first one is done now if none is."""
        if self._first is None:
            self.step()
        assert self._first is not None
        return Patching(dict(self._found), *self._first, self._by, dict(self._words))


def patching(
    model: nn.Module,
    clean: Any,
    corrupted: Any,
    layers: str | Iterable[str],
    target: int | None = None,
    *,
    by: By = "layer",
    score: Score = "logit",
    batch_size: int | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> Patching:
    """How much of a score each layer restores: causal tracing, for networks of any kind.

    The network runs on the corrupted image, and one layer, or one of its channels or places, is given the values that
    it has for the clean image. Only what is behind the layer runs, where the network can be cut there (see
    `channel_effects`). The network is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network: of convolutions, of tokens.
    clean, corrupted : torch.Tensor
        (N, C, H, W), or (C, H, W) for one pair; of one shape. What is corrupted is up to you: noise, another image, a
        covered place (`cw.perturb`).
    layers : str or iterable of str
        As for `intervene`: modules, and operations such as `add`.
    target : int, optional
        The class; by default the predicted class of each clean image.
    by : {"layer", "channel", "place"}
        Patch the whole layer, each channel by itself, or each place (position of a map, token) by itself.
    score, batch_size, prepare
        As for `channel_effects`.
    progress : bool or callable
        As for `channel_effects`. Stopped so, it gives the layers that are done.

    Returns
    -------
    Patching
        `restored` for each layer; `mean` over the pairs; `to_frame()`.

    Raises
    ------
    LookupError, TypeError, ValueError, ForwardError
        As for `channel_effects`; clean and corrupted images of different shapes; no layers.

    Notes
    -----
    Meng et al., "Locating and Editing Factual Associations in GPT", NeurIPS 2022 (causal tracing).

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> (three, _), (eight, _) = cw.data.digits()[0], cw.data.digits()[1]
    >>> table = cw.patching(cw.models.lenet5(), three, eight, ["C1", "F6"], progress=False)
    >>> {layer: round(float(part), 3) for layer, part in table.mean.items()}["C1"]
    1.0
    """
    options = {"by": by, "score": score, "batch_size": batch_size, "prepare": prepare}
    patcher = LayerPatcher(model, clean, corrupted, layers, target, **options)  # type: ignore[arg-type]
    with suppress(Stopped):
        finish(patcher, "layers", progress)
    return patcher.result


def _patched(tail: Tail, values: torch.Tensor, targets: torch.Tensor, by: By, size: int | None) -> torch.Tensor:
    """Scores of the targets with `values` of the layer in place of its own, whole or one channel or place by itself."""
    images, channels = values.shape[:2]
    places: Sequence[int] = values.shape[2:]
    form = {"layer": (), "channel": (channels,), "place": tuple(places)}[by]
    if by == "place" and not form:
        raise ValueError(f"layer {tail.layer!r} has no places, only {channels} units: by='channel'")
    steps = torch.Size(form).numel()
    flat = values.flatten(2) if places else values[..., None]

    def patched(items: torch.Tensor) -> torch.Tensor:
        number, step = items % images, items // images
        rows = torch.arange(len(items))

        def change(output: torch.Tensor) -> None:
            if by == "layer":
                output.copy_(values[number])
            elif by == "channel":
                output[rows, step] = values[number, step]
            else:
                index = torch.unravel_index(step, form)
                moved = output.movedim(1, -1)
                moved[(rows, *index)] = flat[number, :, step]

        return tail(number, change).gather(1, targets[number])[:, 0]

    return Batches(tail, size).all(images * steps, patched).reshape(steps, images).T.reshape(images, *form)


def _tails(model: nn.Module, clean: Any, corrupted: Any, layer: str, **options: Any) -> tuple[Tail, Tail]:
    """What is behind a layer, for the clean and for the corrupted images."""
    good, bad = (Tail(model, images, layer, **options) for images in (clean, corrupted))
    if good.images.shape != bad.images.shape:
        shapes = f"{tuple(good.images.shape)} and {tuple(bad.images.shape)}"
        raise ValueError(f"clean and corrupted images must have one shape, not {shapes}")
    return good, bad


def _like(values: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(N,) with as many axes as `other`, (N, ...)."""
    return values.reshape(-1, *[1] * (other.ndim - 1))
