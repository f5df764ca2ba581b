"""How far the weights of two networks are apart, layer by layer and channel by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core import named_parts, plain
from .pairing import How, paired
from .passes import called, check_networks

CHUNK = 2**18
"""Numbers of a weight that are subtracted at a time: they stay in the cache of the processor."""


@dataclass(frozen=True, eq=False)
class WeightChange:
    """How far the weights of a layer are from those of its partner.

    Attributes
    ----------
    layer, partner : str
        Its name in the first network, and in the second.
    how : str
        How they were paired: `name` or `order`.
    relative : float
        Norm of the difference of all parameters over the norm of those of the first network; 0 exactly where nothing
        changed, infinite where the first are all 0.
    channels : torch.Tensor
        (C,): the same for each output channel of its weight; empty where it has none.
    buffers : float
        The same for what is not trained but kept, such as the running statistics of a BatchNorm.
    """

    layer: str
    partner: str
    how: How
    relative: float
    channels: torch.Tensor
    buffers: float

    def __repr__(self) -> str:
        parts = f"{len(self.channels)} channels, buffers {self.buffers:.3g}"
        return f"WeightChange of {self.layer}: {self.relative:.3g}, {parts}"


@dataclass(frozen=True, eq=False)
class WeightChanges(Mapping[str, WeightChange]):
    """Layer of the first network -> how its weights changed, in the order of the network.

    Attributes
    ----------
    layers : dict of str to WeightChange
        Those with a partner.
    only_a, only_b : tuple of str
        Layers with weights that have no partner of the same shapes.
    """

    layers: dict[str, WeightChange]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()

    def __repr__(self) -> str:
        first = ", ".join(f"{name} {self.layers[name].relative:.3g}" for name in self.ranking[:3])
        return f"WeightChanges of {len(self)} layers, most: {first or 'none'}"

    def __getitem__(self, layer: str) -> WeightChange:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def ranking(self) -> list[str]:
        """The layers, the most changed first; of equal ones, the first in the network."""
        return sorted(self.layers, key=lambda layer: _order(self.layers[layer].relative))

    @property
    def same(self) -> bool:
        """Whether nothing changed: neither parameters nor buffers, and every layer has a partner."""
        changed = any(each.relative or each.buffers for each in self.layers.values())
        return not changed and not self.only_a and not self.only_b


def weight_changes(model_a: nn.Module, model_b: nn.Module) -> WeightChanges:
    """How far the weights of each layer of one network are from those of another: ‖B − A‖ / ‖A‖.

    Layers with weights are paired by name where all their shapes agree; of the others, in their order, with the next of
    the same type and shapes. A complex weight is compared with a complex one only. Nothing is run.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module
        Any networks, on any devices, in any precision; wrappers (`DataParallel`, compiled) are unwrapped.

    Returns
    -------
    WeightChanges

    Raises
    ------
    TypeError, ValueError
        One is no module, or weights of it are on the meta device or not there yet (lazy).

    Examples
    --------
    >>> import copy, torch
    >>> import cnnwidgets as cw
    >>> before = cw.models.lenet5(pretrained=True)
    >>> after = copy.deepcopy(before)
    >>> with torch.no_grad():
    ...     _ = after.C3.weight[5].mul_(2)
    >>> changes = cw.weight_changes(before, after)
    >>> changes.ranking[0], changes["C1"].relative, changes["C3"].channels[4:6].tolist()
    ('C3', 0.0, [0.0, 1.0])
    """
    check_networks((model_a, model_b), layers=False)
    a, b = _weighted("A", model_a), _weighted("B", model_b)
    pairs, left, right = paired(a, b, {}, lambda one, other: _shapes(one) == _shapes(other), _kind)
    found = {pair.a: _change(pair.a, pair.b, pair.how, a[pair.a], b[pair.b]) for pair in pairs}
    return WeightChanges(found, tuple(left), tuple(right))


def _weighted(letter: str, model: nn.Module) -> dict[str, nn.Module]:
    """The modules with parameters or buffers of their own, each once; raises ValueError for one on the meta device."""
    found: dict[str, nn.Module] = {}
    seen: set[int] = set()
    for name, part in named_parts(plain(model)).items():
        if id(part) not in seen and (_tensors(part._parameters) or _tensors(part._buffers)):
            seen.add(id(part))
            found[name or "(the network itself)"] = part
            if any(each.is_meta for each in _tensors({**part._parameters, **part._buffers}).values()):
                where = f"layer {name!r} of {called(letter, model)}"
                raise ValueError(f"the weights of {where} are on the meta device, which holds no numbers: load them")
    return found


def _tensors(held: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {name: each for name, each in held.items() if isinstance(each, torch.Tensor)}


def _shapes(part: nn.Module) -> list[tuple[str, tuple[int, ...], bool]]:
    """Of each tensor the name, the shape, and whether it is complex: a real weight has no phase to compare."""
    held = _tensors({**part._parameters, **part._buffers})
    return [(name, tuple(each.shape), each.is_complex()) for name, each in held.items()]


def _kind(part: nn.Module) -> Any:
    return type(part).__name__, tuple(_shapes(part))


@torch.no_grad()
def _change(layer: str, partner: str, how: How, a: nn.Module, b: nn.Module) -> WeightChange:
    sums = [_squares(one, b._parameters[name]) for name, one in _tensors(a._parameters).items()]
    weight = next((at for at, name in enumerate(_tensors(a._parameters)) if name == "weight"), 0)
    channels = _ratios(*sums[weight]) if sums else torch.zeros(0)
    kept = [
        _squares(one, b._buffers[name])
        for name, one in _tensors(a._buffers).items()
        if one.is_floating_point() or one.is_complex()
    ]
    return WeightChange(layer, partner, how, _ratio(sums), channels, _ratio(kept))


def _squares(one: torch.Tensor, other: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of squares of the difference and of the first, for each row (channel): float64 (C,) both."""
    one, other = _dense(one.detach()), _dense(other.detach())
    rows = one.reshape(len(one), -1) if one.ndim else one.reshape(1, 1)
    beside = other.reshape(rows.shape)
    if not rows.numel():
        return torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.float64)
    same = rows is beside or _place(rows) == _place(beside)
    step = max(1, CHUNK // rows.shape[1])
    exact = {torch.float64, torch.complex128} & {rows.dtype, beside.dtype}
    kind = torch.float64 if exact else torch.float32
    found = []
    for at in range(0, len(rows), step):
        part = _real(rows[at : at + step], kind)
        squares = [torch.linalg.vector_norm(part, dim=1)]
        if not same:
            squares.append(torch.linalg.vector_norm(_real(beside[at : at + step], kind).to(part.device) - part, dim=1))
        found.append([each.double().square().cpu() for each in squares])
    norms = torch.cat([each[0] for each in found])
    return torch.zeros_like(norms) if same else torch.cat([each[1] for each in found]), norms


def _place(values: torch.Tensor) -> tuple[object, ...]:
    """Which numbers in memory these are, and how they are read."""
    return values.device, values.data_ptr(), values.stride(), values.dtype, values.is_conj(), values.is_neg()


def _dense(values: torch.Tensor) -> torch.Tensor:
    """The numbers of a weight that is kept in another form: quantised, sparse, or laid out for a library."""
    if values.is_quantized:
        return values.dequantize()
    return values if values.layout == torch.strided else values.to_dense()


def _real(values: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj()).flatten(1)
    return values.to(kind)


def _ratio(sums: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    changed, norm = (math.sqrt(float(sum(each[at].sum() for each in sums))) for at in (0, 1))
    return changed / norm if norm else math.inf if changed else changed


def _ratios(changed: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
    return torch.where((changed == 0) & (norm == 0), 0.0, (changed / norm).sqrt()).float()


def _order(value: float) -> tuple[bool, float]:
    """NaN is a change that nobody overlooks: it comes first."""
    return not math.isnan(value), -value
