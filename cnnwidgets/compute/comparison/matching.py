"""Which channel of one layer is which channel of another: by correlation, each taken once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...late import imported
from ..core import Bar, Prepare, Report, same_random_state
from ..dataset import Items
from .pairing import pair_layers
from .passes import Network, check_networks, chosen_indices, chosen_layers, comparable, layers_of, letters, sampled
from .similarity import mini_batches


@dataclass(frozen=True, eq=False)
class ChannelMatch:
    """The channels of two layers, matched so that the sum of their correlations is the largest.

    Attributes
    ----------
    layer, partner : str
        The layers.
    channels : torch.Tensor
        int64 (C,): for each channel of the first layer that of the second; −1 where the second has fewer and none is
        left.
    correlation : torch.Tensor
        float32 (C,): of each with its match; NaN where there is none, or one does not vary.
    matrix : torch.Tensor
        float32 (C, D): correlation of every channel with every other, over images and positions.
    """

    layer: str
    partner: str
    channels: torch.Tensor
    correlation: torch.Tensor
    matrix: torch.Tensor

    def __repr__(self) -> str:
        matched = int((self.channels >= 0).sum())
        mean = float(self.correlation.nanmean())
        return f"ChannelMatch of {self.layer} with {self.partner}: {matched} channels, mean correlation {mean:.3g}"


def match_channels(
    model_a: nn.Module,
    model_b: nn.Module,
    dataset: Any,
    layer: str,
    layer_b: str | None = None,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 32,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> ChannelMatch:
    """Match the channels of a layer with those of another by the correlation of their responses.

    Two networks that were trained from different starts may have the same filters under other numbers. The best
    one-to-one match is found by the Hungarian method (`scipy.optimize.linear_sum_assignment`); Li et al., *Convergent
    Learning* (2015). Of maps larger than 8 x 8, 8 x 8 evenly spread positions are taken. Of complex layers it is the
    real part of the complex correlation, as in `response_changes`.

    Parameters
    ----------
    model_a, model_b, dataset, indices, batch_size, prepare, progress
        As for `cka`.
    layer : str
        Layer of the first network.
    layer_b : str, optional
        Layer of the second; by default the partner of `layer`, by name or else by order and shape.

    Returns
    -------
    ChannelMatch

    Raises
    ------
    LookupError, IndexError
        No such layer or image; the layer has no partner.
    ValueError
        The two layers have not as many positions.
    ForwardError, Stopped
        As for `cka`.

    Examples
    --------
    >>> import copy, torch
    >>> import cnnwidgets as cw
    >>> before = cw.models.lenet5(pretrained=True)
    >>> after = copy.deepcopy(before)
    >>> with torch.no_grad():
    ...     _ = after.C1.weight.copy_(before.C1.weight.flip(0))
    ...     _ = after.C1.bias.copy_(before.C1.bias.flip(0))
    >>> cw.match_channels(before, after, cw.data.digits(), "C1", indices=range(16), progress=False).channels.tolist()
    [5, 4, 3, 2, 1, 0]
    """
    check_networks((model_a, model_b))
    items = Items(dataset, prepare=prepare, model=model_a)
    chosen = chosen_indices(items, indices)
    names = letters(model_a, model_b)
    tables = [
        layers_of(model, items, chosen[0], prepare, name) for model, name in zip((model_a, model_b), names, strict=True)
    ]
    (one,) = chosen_layers(tables[0], layer)
    if layer_b is None:
        there = comparable(tables[1])
        pair = pair_layers(comparable(tables[0]), there).partner(layer)
        if pair is None:
            raise LookupError(f"layer {layer!r} has no partner: give layer_b, one of {', '.join(there.names[:20])}")
        layer_b = pair.b
    (other,) = chosen_layers(tables[1], layer_b)
    networks = [Network(model_a, [one], prepare, names[0]), Network(model_b, [other], prepare, names[1])]
    found: list[list[torch.Tensor]] = [[], []]
    with Bar(len(chosen), "images", progress) as bar, same_random_state():
        for batch in mini_batches(chosen, max(1, batch_size)):
            read = [items[index] for index in batch]
            for network, values in zip(networks, found, strict=True):
                network.look(read, batch, lambda name, output, values=values: values.append(sampled(output)))  # type: ignore[misc]
            bar.add(len(batch))
    a, b = (torch.cat(values) for values in found)
    if a.shape[2] != b.shape[2]:
        raise ValueError(f"layer {layer!r} gives {one.form}, layer {layer_b!r} {other.form}: not as many positions")
    kind = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    matrix = _correlations(*(each.to(kind).movedim(1, 0).flatten(1) for each in (a, b)))
    channels = torch.full((len(matrix),), -1)
    rows, columns = imported("scipy.optimize").linear_sum_assignment(matrix.nan_to_num(-1.0).numpy(), maximize=True)
    channels[torch.from_numpy(rows)] = torch.from_numpy(columns)
    correlation = torch.full((len(matrix),), torch.nan)
    correlation[torch.from_numpy(rows)] = matrix[rows, columns].float()
    return ChannelMatch(layer, layer_b, channels, correlation, matrix.float())


def _correlations(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(C, N) and (D, N) -> (C, D), of complex numbers the real part; NaN where one does not vary."""
    a, b = (each - each.mean(1, keepdim=True) for each in (a, b))
    norms = a.norm(dim=1)[:, None] * b.norm(dim=1)
    return torch.where(norms > 0, ((a @ b.mH).real / norms).clamp(-1, 1), torch.nan)
