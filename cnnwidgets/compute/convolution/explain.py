"""Explain one output value of a layer: its input, the arithmetic, and a comparison with the network's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import sub
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from ..arithmetic import Arithmetic, UnknownArithmetic, arithmetic, watching
from ..core import (
    Prepare,
    call,
    capture,
    check_numbers,
    find_layer,
    get_layer,
    listing,
    module_names,
)
from ..layers import batched, layer_table, trace, type_name
from ..shadow import looking
from .affine import explain_linear, explain_normalization
from .convolution import Taps, explain_convolution, filter_of, module_taps
from .explanation import Explanation, tolerance
from .known import EXPLAINED, EXPLAINS, explainable, explainable_layers
from .operands import Operation, operands
from .pooling import POOLINGS, explain_pooling
from .rules import Place, Rule, joined, rule_of
from .windows import windows

NO_RULE = "is no activation, softmax, sum or concatenation that is known here, by what it makes of numbers"


@dataclass(frozen=True, eq=False)
class LayerPass:
    """Input and output of one call of a layer, and what it did: enough to explain each output value.

    Attributes
    ----------
    layer : str
        Its name.
    module : torch.nn.Module
        The layer itself.
    input, output : torch.Tensor
        Copies, with the batch axis.
    inputs : tuple of torch.Tensor
        All tensors that an operation joins; else the input alone.
    rule : Rule or None
        What a layer without weights does; None for a convolution, pooling, Linear and BatchNorm.
    last : bool
        Whether the channels of the output are its last axis.
    """

    layer: str
    module: nn.Module
    input: torch.Tensor
    output: torch.Tensor
    _does: Arithmetic | None = None
    inputs: tuple[torch.Tensor, ...] = ()
    rule: Rule | None = None
    last: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of the copies."""
        copies = (self.input, self.output, self.does.input, self.does.output, *self.inputs)
        held = {id(copy): copy.nbytes for copy in copies}
        return sum(held.values())

    @property
    def does(self) -> Arithmetic:
        """What the layer did to its input, with the weights and settings of that call; if not told, those of now."""
        return self._does or Arithmetic(self.module, self.input, self.output)

    def explain(self, channel: int, unit: int | Sequence[int] = ()) -> Explanation:
        """Computation of the value of `channel` at `unit`; runs no forward pass. Errors as in `explain`."""
        if self.rule is not None:
            place = Place(self.layer, self.type, self.output, self.last, channel, unit)
            return self.rule.explain(place, self.inputs or (self.input,))
        module = self.does.module
        arguments = (self.does.input, self.does.output, self.layer, channel, unit)
        if isinstance(module, _ConvNd):
            found = explain_convolution(module, *arguments)
        elif isinstance(module, POOLINGS):
            found = explain_pooling(module, *arguments)
        elif isinstance(module, nn.Linear):
            found = explain_linear(module, *arguments)
        else:
            found = explain_normalization(module, *arguments)
        return found if module is self.module else self._of_layer(found)

    @property
    def type(self) -> str:
        """Class of the layer, or name of the operation."""
        return self.module.function if isinstance(self.module, Operation) else type_name(self.module)

    def _of_layer(self, found: Explanation) -> Explanation:
        """What was found of the module within, as the layer has it: places in its own input, and what it adds."""
        does = self.does

        def own(places: Sequence[int], by: int) -> tuple[int, ...]:
            return tuple(place - by for place in places)

        found = replace(
            found,
            type=self.type,
            value=float(self.output.reshape(does.output.shape)[found.index]),
            positions=tuple(map(own, found.positions, does.before)),
            winner=None if found.winner is None else tuple(map(sub, found.winner, does.before)),
        )
        if not does.words:
            return found
        result, *around = (
            does.then(number, found.index)
            for number in (found.result, found.result - found.tolerance, found.result + found.tolerance)
        )
        slack = max(abs(number - result) for number in around) + tolerance(self.output.dtype, abs(result))
        steps = (*found.steps, (f"then {does.words}", result))
        return replace(found, result=result, tolerance=slack, steps=steps)

    def filter(self, channel: int) -> torch.Tensor:
        """The whole filter of a convolution's output `channel`, (C', *k), on the CPU."""
        assert isinstance(self.does.module, _ConvNd)
        return filter_of(self.does.module, channel)[1].cpu()

    @cached_property
    def windows(self) -> list[list[Taps]]:
        """Along each axis of the output, what every row, column ... reads; none where the input is a vector."""
        given, output = self.does.input, self.does.output
        if isinstance(self.does.module, nn.Linear) or self.rule is not None or given.ndim != output.ndim:
            return []
        return windows(self.does.module, given.shape[2:], output.shape[2:], self.does.before)

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        """Effective padding, (before, after) per axis: how far windows extend beyond the input."""
        module = self.does.module
        if not isinstance(module, _ConvNd):
            return ()
        axes = len(module.kernel_size)
        before = self.does.before or (0,) * axes
        sizes, inner, ends = (x.shape[-axes:] for x in (self.input, self.does.input, self.output))
        first = module_taps(module, [0] * axes, inner)
        last = module_taps(module, [end - 1 for end in ends], inner)
        return tuple(
            (max(0, by - min(a.positions, default=by)), max(0, max(b.positions, default=by) - by - size + 1))
            for a, b, size, by in zip(first, last, sizes, before, strict=True)
        )


def explain(
    model: nn.Module,
    image: Any,
    layer: str,
    channel: int,
    unit: int | Sequence[int] = (),
    *,
    prepare: Prepare | None = None,
) -> Explanation:
    """Recompute one output value of a layer step by step and compare it with the network's, in one forward pass.

    The layer's input and output are both captured in that pass, which ends after the layer; the value is recomputed
    in float64. For a convolution: the patch, the kernel, their product, its sum over each and all input channels,
    and the bias. For pooling: the pixel with the maximum, or the mean. For Linear: the contribution of each feature.
    For BatchNorm: (x - mean) / sqrt(var + eps) * weight + bias, step by step. For an activation such as ReLU or GELU:
    its formula. For softmax: the exponentials and their sum. For the addition of a skip: its terms; for a
    concatenation: where the number came from. Which of these a layer is, is told from what it makes of many numbers.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    image : torch.Tensor
        (C, H, W) or (1, C, H, W). Any object if `prepare` is given.
    layer : str
        A convolution (1d to 3d, also transposed), pooling layer, Linear, BatchNorm, activation or softmax, or an
        operation of the traced network such as `add` or `cat`; named as in `layer_table`.
    channel : int
        Channel (map) or unit of its output.
    unit : sequence of int
        Position in the map: (row, column); (plane, row, column) in a volume, (position,) in a sequence, () in a vector.
    prepare : callable, optional
        `prepare(image)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    Explanation
        Prints itself as a few lines of arithmetic.

    Raises
    ------
    LookupError
        The layer does not exist, did not run, or is of an unsupported type: the message names its type and the layers
        that can be explained.
    IndexError, ValueError
        The channel or unit does not exist.
    ForwardError
        The model refused the image.
    """
    return layer_pass(model, image, layer, prepare=prepare).explain(channel, unit)


def layer_pass(
    model: nn.Module,
    image: Any,
    layer: str,
    *,
    prepare: Prepare | None = None,
    device: torch.device | str | None = None,
    last: bool | None = None,
) -> LayerPass:
    """Input and output of `layer` for `image`, copied to `device`. Errors as in `explain`.

    What the layer did is what was seen of it in that pass: `forward`, or `eval()`, may set weights and settings. `last`
    says whether the channels of its output are its last axis; by default the layer table is asked.
    """
    try:
        module = get_layer(model, layer)
    except LookupError:
        if layer not in [operation.name for operation in trace(model).operations]:
            raise
        return _operation_pass(model, image, layer, prepare, device, last)
    if not isinstance(module, EXPLAINED) and not explainable(module):
        raise LookupError(
            f"cannot explain layer {layer!r}, a {type_name(module)}; it explains {EXPLAINS}: "
            f"{listing(explainable_layers(model)) or 'the model has none'}"
        )
    check_numbers(model)
    images = batched(model, image, prepare)
    with looking(model) as shadow:
        name, number, _ = find_layer(module_names(shadow), layer)
        with (
            capture(shadow, [layer], stop=True, inputs=True, device=device) as captured,
            watching(get_layer(shadow, layer), lambda: captured.calls[name] + 1 == (number or 1)) as seen,
        ):
            call(shadow, images, prepare)
        output, given = captured[layer], captured.input(layer)
        rule = None
        if not isinstance(module, EXPLAINED):
            own = get_layer(shadow, layer)
            weight = next(own.parameters(), output)
            rule = rule_of(own.forward, given.to(weight.device), output.to(weight.device))
    if not output.is_floating_point():
        raise LookupError(f"cannot explain layer {layer!r}: it gives {output.dtype} numbers, which are not maps")
    if not isinstance(module, EXPLAINED):
        if rule is None:
            raise LookupError(f"cannot explain layer {layer!r}: its class {type_name(module)} {NO_RULE}")
        at = _last(model, image, layer, output, prepare, last)
        return LayerPass(layer, module, given, output, rule=rule, last=at)
    does = seen[0] if seen else UnknownArithmetic("does not run by its forward()")
    if isinstance(does, UnknownArithmetic):
        raise LookupError(f"cannot explain layer {layer!r}: its class {type_name(module)} {does}") from does
    if not does.words and does.output.shape == output.shape:
        does = replace(does, output=output)  # whose values are not needed: one copy less
    if not any(does.before) and (does.input.shape, does.input.dtype) == (given.shape, given.dtype):
        does = replace(does, input=given)
    return LayerPass(layer, module, given, output, does)


def _operation_pass(
    model: nn.Module, image: Any, layer: str, prepare: Prepare | None, device: Any, last: bool | None
) -> LayerPass:
    found = operands(model, image, layer, prepare=prepare, device=device)
    given, output, module = found.inputs[0], found.output, found.module
    if not output.is_floating_point():
        raise LookupError(f"cannot explain operation {layer!r}: it gives {output.dtype} numbers, which are not maps")
    rule: Rule | None = joined(found.inputs, output)
    if rule is None and len(found.inputs) == 1:
        rule = rule_of(module.forward, given, output)
    if rule is not None:
        at = _last(model, image, layer, output, prepare, last, operation=True)
        return LayerPass(layer, module, given, output, None, found.inputs, rule, at)
    try:
        return LayerPass(layer, module, given, output, arithmetic(module, given))
    except UnknownArithmetic as error:
        raise LookupError(f"cannot explain operation {layer!r}: {module.function} {NO_RULE}") from error


def _last(
    model: nn.Module,
    image: Any,
    layer: str,
    output: torch.Tensor,
    prepare: Prepare | None,
    last: bool | None,
    *,
    operation: bool = False,
) -> bool:
    """Whether the channels of an output are its last axis; only for that of an operation, the network is traced."""
    if last is not None or output.ndim < 3:
        return bool(last)
    return layer_table(model, image, operations=operation, prepare=prepare).find(layer).layout == "last"
