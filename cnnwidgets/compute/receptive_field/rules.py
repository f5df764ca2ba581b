"""Rules for pixel boxes: the boxes of an operation's output, computed from those of its inputs.

A convolution unites the boxes in its window, `+` and `cat` those of their operands, `view` rearranges them with the
numbers. An operation without a rule unites all inputs: a box may be too large, but never too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map

from .boxes import NOTHING, Call, PixelBox, flattened, thin, together
from .pointwise import is_pointwise
from .windows import convolved, enlarged, padded, pooled, resampled, spread

# fmt: off
_SAME = {
    "clone", "_to_copy", "detach", "alias", "lift_fresh", "native_dropout", "rrelu_with_noise", "log_sigmoid_forward",
}
_FILLS = {
    "fill_", "zero_", "empty_like", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_empty",
    "new_full",
}
_RESHAPES = {"view", "_unsafe_view", "reshape", "_reshape_alias"}
_MOVES = _RESHAPES | {
    "channel_shuffle", "diagonal", "expand", "flip", "gather", "index", "index_select", "permute", "pixel_shuffle",
    "pixel_unshuffle", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "repeat", "repeat_interleave",
    "replication_pad1d", "replication_pad2d", "replication_pad3d", "roll", "rot90", "select", "slice", "split",
    "split_with_sizes", "squeeze", "stack", "t", "tile", "transpose", "unbind", "unfold", "unsqueeze",
}
_REDUCES = {
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "linalg_vector_norm", "logsumexp", "max", "mean",
    "median", "min", "nansum", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean",
}
_ALONG = {
    "_log_softmax", "_softmax", "cummax", "cummin", "cumprod", "cumsum", "glu", "logcumsumexp", "sort", "topk",
}
# fmt: on
_FACTORS = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}


def follow(call: Call) -> Sequence[PixelBox | None]:
    """The boxes of each output tensor of an operation."""
    if not call.known or call.name in _FILLS:
        return [None] * len(call.outputs)
    rule, words = _rule(call)
    found = rule(call)
    given = found if isinstance(found, list) else [found] * len(call.outputs)
    fitting = [r if r.shape == t.shape else call.hull(t.shape) for r, t in zip(given, call.outputs, strict=True)]
    if words and not all(reach.uniform for reach in call.known):
        whole = [reach.same_everywhere and reach.covers(call.size) for reach in fitting]
        return [replace(r, reason=r.reason or words) if all_ else r for r, all_ in zip(fitting, whole, strict=True)]
    return fitting


def _rule(call: Call) -> tuple[Callable[[Call], PixelBox | list[PixelBox]], str]:
    """The rule for an operation, and its description if it makes units depend on the whole image."""
    name = call.name
    base = name.rstrip("_")
    if {name, base} & _SAME or ("batch_norm" in name and not call["training"]):
        return _same, ""
    if name == "copy_":
        return _copied, ""
    if is_pointwise(call.func):
        return _pointwise, ""
    if name in _MOVES:
        return _moved, ""
    if name == "cat":
        return _joined, ""
    if name == "constant_pad_nd":
        return padded, ""
    if name == "convolution":
        return (spread if call["transposed"] else convolved), ""
    if name.startswith(("max_pool", "avg_pool")):
        return pooled, ""
    if name.startswith(("_adaptive", "adaptive", "_upsample", "upsample")):
        return resampled, "pooling over all positions"
    if base in _REDUCES:
        return _reduced, f"{base} over all positions"
    if base in _ALONG:
        return _along, f"{base.strip('_')} over all positions"
    if name in _FACTORS:
        compared = all(call.reach(call[factor]) is not None for factor in _FACTORS[name])
        return _multiplied, "attention over all positions" if compared else "a linear layer over all positions"
    if "scaled_dot_product" in name:
        return _attended, "attention over all positions"
    if name.endswith("norm"):
        return _normalised, "normalisation over all positions"
    words = "attention over all positions" if "attention" in name else f"{base}, which may mix all positions"
    return (lambda call: [call.hull(tensor.shape) for tensor in call.outputs]), words


# ---------------------------------------------------------------------- elementwise operations and rearrangements


def _same(call: Call) -> PixelBox:
    return call.of_input(lambda known: known)


def _pointwise(call: Call) -> PixelBox:
    return together(call.known, call.shape)


def _copied(call: Call) -> PixelBox:
    source = call.reach(call["src"])
    return call.hull(call.shape) if source is None else together([source], call.shape)


def _moved(call: Call) -> list[PixelBox]:
    """The operation itself rearranges the edges as it rearranges the numbers."""
    indices = [t for t in tree_leaves([call["index"], call["indices"]]) if isinstance(t, torch.Tensor)]
    moved = [t for t in call.tensors if not any(t is index for index in indices)]
    known = [reach for t in moved if (reach := call.reach(t)) is not None]
    if not known:
        return [call.hull(tensor.shape) for tensor in call.outputs]

    def results(corner: int) -> list[torch.Tensor]:
        def edge(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            if any(value is index for index in indices):
                return value.cpu()
            reach = call.reach(value)
            return torch.tensor(NOTHING).expand(value.shape) if reach is None else reach.edges[corner]

        if call.name in _RESHAPES:
            return [edge(call.args[0]).reshape(call.shape)]
        result = call.func(*tree_map(edge, call.args), **tree_map(edge, call.kwargs))
        return [result] if isinstance(result, torch.Tensor) else list(result)

    corners = zip(*map(results, range(4)), strict=True)
    found = [PixelBox.made([*map(flattened, edges)], edges[0].shape, known) for edges in corners]
    if call.name == "slice" and call["step"] > 1:
        found = [replace(reach, step=_strided(known[0], call["dim"], call["step"])) for reach in found]
    if call.name in ("pixel_shuffle", "pixel_unshuffle"):
        factor = call.shape[-1] / known[0].shape[-1]
        found = [enlarged(reach, factor, factor) for reach in found]
    return [call.with_the_rest(moved, [reach], reach.shape) for reach in found] if indices else found


def _strided(known: PixelBox, axis: int, stride: int) -> tuple[float, float]:
    """Step between rows and columns after slicing an axis with `stride`."""
    top, left = (thin(edge).shape for edge in known.edges[:2])
    axis %= len(top)
    image = [a for a in range(len(top)) if top[a] > 1 or left[a] > 1][-2:]  # along other axes only channels differ
    along_rows = axis in image and top[axis] > 1 and (axis == image[0] or left[axis] == 1)
    along_columns = axis in image and not along_rows
    return known.step[0] * (stride if along_rows else 1), known.step[1] * (stride if along_columns else 1)


def _joined(call: Call) -> PixelBox:
    """`cat`, expanded (stride 0) along the axes where no part varies."""
    parts = [part for part in call["tensors"] if part.ndim == len(call.shape)]
    axis, edges = call["dim"] % len(call.shape), []
    for corner in range(4):
        known = [None if (reach := call.reach(part)) is None else thin(reach.edges[corner]) for part in parts]
        shapes = [edge.shape for edge in known if edge is not None]
        common = [max(sizes) for sizes in zip(*shapes, strict=True)]
        pieces = []
        for part, edge in zip(parts, known, strict=True):
            common[axis] = part.shape[axis]
            pieces.append((torch.tensor(NOTHING) if edge is None else edge).expand(common))
        edges.append(flattened(torch.cat(pieces, axis)))
    return PixelBox.made(edges, call.shape, call.known)


# ---------------------------------------------------------------------- whole axes


def _reduced(call: Call) -> PixelBox:
    dim = call["dim"]
    axes = [dim] if isinstance(dim, int) else dim or None
    return call.of_input(lambda known: together([known.hull(axes, keep=bool(call["keepdim"]))], call.shape))


def _along(call: Call) -> PixelBox:
    """Softmax and similar: every number depends on all numbers along one axis."""
    return call.of_input(lambda known: together([known.hull([call["dim"]])], call.shape))


def _multiplied(call: Call) -> PixelBox:
    """A product of matrices: number (i, j) depends on row i of the first and on column j of the second."""
    factors = [call[name] for name in _FACTORS[call.name]]
    found = [r.hull([axis]) for t, axis in zip(factors, (-1, -2), strict=True) if (r := call.reach(t)) is not None]
    bias = call["self"]
    if all(bias is not factor for factor in factors) and (added := call.reach(bias)) is not None:
        found.append(added)
    return together(found, call.shape)


def _attended(call: Call) -> PixelBox:
    """Attention: a query depends on itself, on all keys and on all values."""
    given = [call[name] for name in ("query", "key", "value")]
    axes = [[-1], [-2, -1], [-2, -1]]
    found = [r.hull(axis) for t, axis in zip(given, axes, strict=True) if (r := call.reach(t)) is not None]
    return call.with_the_rest(given, found, call.shape)


def _normalised(call: Call) -> PixelBox:
    """Normalisation with the statistics of the image itself."""
    rank = len(call.shape)
    axes = [axis for axis in range(rank) if axis != 1]  # a BatchNorm without running statistics
    if call["normalized_shape"] is not None:
        axes = list(range(rank - len(call["normalized_shape"]), rank))
    elif "group" in call.name:
        axes = list(range(1, rank))
    return call.of_input(lambda known: together([known.hull(axes)], call.shape))
