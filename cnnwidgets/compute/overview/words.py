"""One plain line of what a layer or a block did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from ..arithmetic import does, is_plain
from ..core import named_parts, plain
from ..layers import Layer
from .edges import Edge
from .tree import Stage

_EACH: dict[str, str] = {
    "ReLU": "sets negative numbers to 0",
    "ReLU6": "sets negative numbers to 0, and those above 6 to 6",
    "GELU": "lets large numbers through and takes negative ones towards 0 (GELU)",
    "SiLU": "lets large numbers through and takes negative ones towards 0 (SiLU)",
    "Mish": "lets large numbers through and takes negative ones towards 0 (Mish)",
    "Hardswish": "lets large numbers through and takes negative ones to 0 (hard swish)",
    "Sigmoid": "brings each number between 0 and 1 (sigmoid)",
    "Hardsigmoid": "brings each number between 0 and 1 (hard sigmoid)",
    "Tanh": "brings each number between -1 and 1 (tanh)",
    "Softmax": "makes shares that add up to 1 (softmax)",
    "LogSoftmax": "makes logarithms of shares that add up to 1 (log softmax)",
    "Softplus": "takes negative numbers smoothly towards 0 (softplus)",
    "ELU": "takes negative numbers smoothly towards a limit (ELU)",
    "SELU": "takes negative numbers smoothly towards a limit (SELU)",
    "PReLU": "multiplies negative numbers by what was learned",
    "LocalResponseNorm": "divides each number by the strength of the maps next to it",
    "Flatten": "puts all numbers in one row",
    "Identity": "hands on what it gets",
    **dict.fromkeys(
        ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
        "does nothing in evaluation",
    ),
}
_OPERATIONS: dict[str, str] = {
    **dict.fromkeys(("relu", "relu_"), _EACH["ReLU"]),
    "relu6": _EACH["ReLU6"],
    "gelu": _EACH["GELU"],
    "silu": _EACH["SiLU"],
    "hardswish": _EACH["Hardswish"],
    "sigmoid": _EACH["Sigmoid"],
    "hardsigmoid": _EACH["Hardsigmoid"],
    "tanh": _EACH["Tanh"],
    "softmax": _EACH["Softmax"],
    "log_softmax": _EACH["LogSoftmax"],
    "flatten": _EACH["Flatten"],
}


def describe(stage: Stage, model: nn.Module, incoming: Sequence[Edge] = ()) -> str:
    """What a stage did, in one plain line; where that is not known for sure, the size of what it gives.

    A class is not taken for its base class: a layer with a `forward` of its own is described only where that is found
    to do what a layer of torch does.

    Parameters
    ----------
    stage : Stage
        From `stages`.
    model : torch.nn.Module
        The network.
    incoming : sequence of Edge
        Those of `edges` that lead to it, in order to name what is added or joined.

    Returns
    -------
    str
        Such as `16 filters of 5 × 5 over 6 maps`; empty where nothing is known.

    Examples
    --------
    >>> import torch
    >>> from cnnwidgets.compute.layers import layer_table
    >>> from cnnwidgets.compute.overview import stages
    >>> model = nn.Sequential(nn.Conv2d(6, 16, 5), nn.ReLU())
    >>> [describe(stage, model) for stage in stages(layer_table(model, torch.zeros(6, 8, 8))).rows()]
    ['16 filters of 5 × 5 over 6 maps', 'sets negative numbers to 0']
    """
    if stage.operation:
        return _operation(stage, incoming) or _size(stage.layer)
    parts = named_parts(plain(model))
    if stage.result:
        return _size(stage.layer)
    part = parts.get(stage.module) if stage.call else None
    words = _module(part, stage.layer) if part is not None else ""
    return words or (_block(stage, parts) if stage.children else "") or _size(stage.layer)


def _size(layer: Layer | None) -> str:
    """`gives 64 maps of 56 × 56`."""
    if layer is None or layer.reason is not None:
        return ""
    if layer.kind == "vector":
        return f"gives {_count(layer.channels, 'number')}"
    if layer.kind == "tokens":
        tokens = layer.size[0] if layer.size else 1
        return f"gives {_count(tokens, 'token')} of {_count(layer.channels, 'number')}"
    return f"gives {_count(layer.channels, 'map')} of {_times(layer.size)}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _times(sizes: Any) -> str:
    return " × ".join(f"{size:,}" for size in sizes)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * axes if len(values) == 1 else values


def _module(part: nn.Module, layer: Layer | None) -> str:
    if is_plain(part):
        kind, then = type(part), ""
        if nn.utils.parametrize.is_parametrized(part):
            kind = nn.utils.parametrize.type_before_parametrizations(part)
    elif isinstance(part, (nn.modules.conv._ConvNd, nn.Linear)) and (found := does(part)) is not None:
        kind, then = found
    else:
        return ""
    words = _EACH.get(kind.__name__) or _LINES.get(_family(kind.__name__), lambda part, layer: "")(part, layer)
    return f"{words}, then {then}" if words and then else words


def _family(name: str) -> str:
    return name[:-2] if name[-2:] in ("1d", "2d", "3d") else name


def _conv(part: Any, layer: Layer | None) -> str:
    axes = len(part.kernel_size)
    each = part.in_channels // part.groups
    size = _times(part.kernel_size) if axes > 1 else f"{part.kernel_size[0]}"
    over = "1 map" if part.in_channels == 1 else f"{part.in_channels:,} maps"
    if part.groups > 1:
        over = "one map each" if each == 1 else f"{each:,} of {part.in_channels:,} maps each"
    words = f"{_count(part.out_channels, 'filter')} of {size} over {over}"
    if isinstance(part, nn.modules.conv._ConvTransposeNd):
        words += ", transposed"
    return words + _steps(part.stride, axes, 1) + _spread(part.dilation, axes)


def _steps(stride: Any, axes: int, usual: Any) -> str:
    steps = _each(stride, axes)
    if steps == _each(usual, axes):
        return ""
    return f", in steps of {steps[0] if len(set(steps)) == 1 else _times(steps)}"


def _spread(dilation: Any, axes: int) -> str:
    spread = _each(dilation, axes)
    if set(spread) == {1}:
        return ""
    return f", dilated by {spread[0] if len(set(spread)) == 1 else _times(spread)}"


def _pool(what: str) -> Callable[[Any, Layer | None], str]:
    def words(part: Any, layer: Layer | None) -> str:
        axes = int(type(part).__name__[-2])
        size = _each(part.kernel_size, axes)
        return f"{what} each {_times(size)}" + _steps(part.stride, axes, part.kernel_size)

    return words


def _adaptive(what: str, one: str) -> Callable[[Any, Layer | None], str]:
    def words(part: Any, layer: Layer | None) -> str:
        axes = int(type(part).__name__[-2])
        size = _each(part.output_size, axes)
        if set(size) == {1}:
            return one
        return "" if None in size else f"{what} {_times(size)} parts of each map"

    return words


def _linear(part: Any, layer: Layer | None) -> str:
    words = f"{_count(part.out_features, 'weighted sum')} of {_count(part.in_features, 'number')}"
    where = {"tokens": ", for each token", "maps": ", at each place", "volume": ", at each place"}
    return words + (where.get(layer.kind, "") if layer is not None else "")


def _batch_norm(part: Any, layer: Layer | None) -> str:
    what = "map" if layer is not None and layer.kind in ("maps", "volume") else "number"
    if part.running_mean is None:
        return f"brings each {what} to mean 0 and variance 1 over the batch (batch norm)"
    return f"scales and shifts each {what} by its own two numbers (batch norm)"


def _group_norm(part: Any, layer: Layer | None) -> str:
    return f"brings {_count(part.num_groups, 'group')} of maps to mean 0 and variance 1, then scales (group norm)"


def _layer_norm(part: Any, layer: Layer | None) -> str:
    what = {"tokens": "each token", "maps": "each place", "volume": "each place"}
    last = len(part.normalized_shape) == 1 and layer is not None and (layer.layout == "last" or layer.kind == "vector")
    which = what.get(layer.kind, "all numbers") if last and layer is not None else "what it gets"
    return f"brings {which} to mean 0 and variance 1, then scales (layer norm)"


def _attention(part: Any, layer: Layer | None) -> str:
    return f"each token gathers from those that it attends to, in {_count(part.num_heads, 'head')} (attention)"


def _upsample(part: Any, layer: Layer | None) -> str:
    if part.scale_factor is None or layer is None:
        return ""
    factors = set(_each(part.scale_factor, max(1, len(layer.size))))
    return f"enlarges each map {factors.pop():g} times ({part.mode})" if len(factors) == 1 else ""


def _recurrent(part: Any, layer: Layer | None) -> str:
    return f"reads a sequence step by step, with {_count(part.hidden_size, 'number')} as memory ({type(part).__name__})"


_LINES: dict[str, Callable[[Any, Layer | None], str]] = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "MaxPool": _pool("keeps the largest of"),
    "AvgPool": _pool("averages"),
    "AdaptiveAvgPool": _adaptive("averages", "averages each map to one number"),
    "AdaptiveMaxPool": _adaptive("keeps the largest of", "keeps the largest number of each map"),
    "Linear": _linear,
    "BatchNorm": _batch_norm,
    "SyncBatchNorm": _batch_norm,
    "InstanceNorm": lambda part, layer: "" if part.track_running_stats else (
        "brings each map to mean 0 and variance 1 (instance norm)"
    ),
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "MultiheadAttention": _attention,
    "Upsample": _upsample,
    "LeakyReLU": lambda part, layer: f"multiplies negative numbers by {part.negative_slope:g}",
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "PixelShuffle": lambda part, layer: f"makes maps {part.upscale_factor} times as large of several",
    "ZeroPad": lambda part, layer: "puts zeros round each map",
}  # fmt: skip


def _operation(stage: Stage, incoming: Sequence[Edge]) -> str:
    sources = [edge.source for edge in incoming]
    if stage.kind in ("add", "iadd", "add_"):
        skips = [edge.source for edge in incoming if edge.skip]
        if len(sources) == 2 and len(skips) == 1:
            return f"adds the skip from {skips[0].name}"
        return f"adds {sources[0].name} and {sources[1].name}" if len(sources) == 2 else ""
    if stage.kind in ("mul", "imul", "mul_") and len(sources) == 2:
        return f"multiplies {sources[0].name} by {sources[1].name}"
    if stage.kind in ("cat", "concat", "concatenate") and stage.layer is not None:
        layers = [source.layer for source in sources if source.layer is not None]
        channels = [layer.channels for layer in layers]
        if len(channels) == len(sources) > 1 and sum(channels) == stage.layer.channels:
            thing = {"maps": "maps", "volume": "maps", "tokens": "features"}.get(stage.layer.kind, "numbers")
            if len(channels) > 6:
                return f"joins {len(channels)} branches: {sum(channels):,} {thing} in all"
            return f"joins {len(channels)} branches: {' + '.join(f'{each:,}' for each in channels)} {thing}"
        return ""
    if stage.kind in ("interpolate", "upsample") and stage.layer is not None and stage.layer.kind == "maps":
        return f"resizes each map to {_times(stage.layer.size)}"
    return _OPERATIONS.get(stage.kind, "")


def _block(stage: Stage, parts: dict[str, nn.Module]) -> str:
    """`2 blocks of 2 convolutions, 64 maps`."""
    counts = _counts(stage, parts)
    if not counts:
        return ""
    channels = ""
    if stage.layer is not None and stage.layer.reason is None:
        thing = {"vector": "number", "tokens": "feature"}.get(stage.layer.kind, "map")
        channels = f", {_count(stage.layer.channels, thing)}"
    blocks = [child for child in stage.children if child.foldable]
    alike = [_counts(block, parts) for block in blocks]
    only_blocks = len(blocks) == len([child for child in stage.children if not child.left_out])
    if len(blocks) > 1 and only_blocks and all(each == alike[0] for each in alike) and alike[0]:
        return f"{_count(len(blocks), 'block')} of {_listed(alike[0])}{channels}"
    return _listed(counts) + channels


def _counts(stage: Stage, parts: dict[str, nn.Module]) -> Counter[str]:
    """How many layers of which kind ran in a stage."""
    found: Counter[str] = Counter()
    for part in stage.inside:
        module = parts.get(part.module) if part.call and not part.result else None
        if module is None or not (is_plain(module) or isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))):
            continue
        if isinstance(module, nn.modules.conv._ConvNd):
            found["convolution"] += is_plain(module) or does(module) is not None
        elif isinstance(module, nn.MultiheadAttention):
            found["attention"] += 1
        elif isinstance(module, nn.Linear):
            found["linear layer"] += is_plain(module) or does(module) is not None
        elif isinstance(module, nn.modules.pooling._MaxPoolNd | nn.modules.pooling._AvgPoolNd):
            found["pooling"] += 1
    return +found


def _listed(counts: Counter[str]) -> str:
    words = [
        _count(number, kind) if kind != "attention" else _count(number, "attention") for kind, number in counts.items()
    ]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
