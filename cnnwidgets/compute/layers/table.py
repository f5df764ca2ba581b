"""The layer table of a model: execution order, kinds and shapes of outputs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from ..axes import Evidence
from ..core import UNSEEN, Captured, ForwardError, Prepare, has_forward, leaves, module_names, plain
from .activations import Axes, batched, run
from .kinds import Kind, kind_of, planes
from .layer import Layer, LayerTable
from .operations import GraphRunner, Trace, run_graph, run_operations, trace


def layer_table(model: nn.Module, image: Any, *, operations: bool = True, prepare: Prepare | None = None) -> LayerTable:
    """The layers of `model` in execution order for `image`, with kind and shape of their outputs.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    image : torch.Tensor
        (C, H, W) or a batch (N, C, H, W). Any object if `prepare` is given.
    operations : bool
        Include operations without a module, such as `add`, `cat` and a functional `relu`, under the names of
        `torch.fx`; if the model cannot be traced, the table's `note` gives the reason. Needs a second pass, in which
        the user's hooks on modules without children fire again.
    prepare : callable, optional
        `prepare(image)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    LayerTable
        A sequence of `Layer`, also by name (`table["C3"]`); an HTML table in a notebook, `to_frame()` for pandas.

    Raises
    ------
    ForwardError
        The model raised an error; the message names the layer and its input.
    TypeError, ValueError
        `model` is not a module, or has no layers.
    """
    image = batched(model, image, prepare)
    batch = image.shape[0] if prepare is None and isinstance(image, torch.Tensor) else 1
    captured = run(model, image, prepare=prepare, budget=0)
    axes = Axes(model, image, prepare)
    table = table_of(captured, model, batch, axes)
    if not operations:
        return table
    traced = trace(model)
    outputs = checked_operations(model, traced, image, captured, prepare=prepare)
    return with_operations(table, traced, outputs, batch, axes)


def table_of(captured: Captured, model: nn.Module, batch: int = 1, axes: Axes | None = None) -> LayerTable:
    """The layer table of a pass recorded by `capture` with hooks on every module; `axes` tells the layouts."""
    rows: list[Layer] = []
    evidence = Evidence() if axes is None else axes.of_layers(captured)
    for seen in captured.seen:
        name = captured.name(seen)
        rows.append(
            Layer(
                name=name,
                module=seen.module,
                type=type_name(seen.owner),
                call=seen.call,
                dtype=seen.dtype,
                parameters=_parameters(seen.owner),
                ran=True,
                leaf=_is_leaf(seen.owner),
                repeats=seen.repeats,
                reason=seen.reason,
                **_form(name, seen.shape, batch, seen.owner, evidence, shown=seen.reason is None),
            )
        )
    known = module_names(plain(model))
    for name, part in plain(model).named_modules():
        # layers inside TorchScript are invisible, not unused; a list of modules has no forward, and is no layer
        hooked = not isinstance(part, torch.jit.ScriptModule) and has_forward(part)
        if name and name in known and not captured.calls[name] and hooked:
            rows.append(_unseen(name, part))
    return LayerTable(rows)


def checked_operations(
    model: nn.Module, traced: Trace, images: Any, captured: Captured, *, prepare: Prepare | None = None
) -> dict[str, torch.Tensor]:
    """Outputs of all operations for `images`; empty, with the reason in `traced`, if graph and model disagree.

    A graph contains the traced path only; for images that take another path it would show other outputs. So the two are
    compared at each call of a module that both know, and at the output.
    """
    if not traced.operations:
        return {}
    given, wanted, differs = batched(model, images, prepare), {each.name for each in traced.operations}, ""
    try:
        if traced.graph is None:  # TorchScript, which runs its modules itself
            outputs, result = run_operations(model, traced, given, wanted, prepare=prepare)
        else:
            runner = run_graph(model, traced, given, wanted, prepare=prepare)
            outputs, result, differs = runner.outputs, runner.result, _difference(runner, captured)
    except ForwardError as error:
        traced.drop(f"the graph that torch.fx traced does not run ({error})")
        return {}
    for path, value in leaves(result):
        known = captured.output.get(path)
        if known is not None and not _alike(known, value):
            differs = differs or "the model"
    if differs:
        traced.drop(f"the graph that torch.fx traced gives another output than {differs}")
        return {}
    return outputs


def _difference(runner: GraphRunner, captured: Captured) -> str:
    """Where graph and model differ: the first module that runs otherwise in one than the other; empty for nowhere."""
    tracer = fx.Tracer()
    for seen in captured.seen:
        name = seen.module
        parts = name.split(".")
        within = any(".".join(parts[:end]) in runner.calls for end in range(len(parts), 0, -1))
        if name and not within and tracer.is_leaf_module(seen.owner, name):
            return f"the model, in which layer {name!r} runs too"
        some = runner.some.get((name, seen.call, seen.path))
        if some is not None and not seen.repeats and (known := seen.sample) is not None and not _alike(known, some):
            return f"the model at layer {captured.name(seen)!r}"
    other = next((name for name, calls in runner.calls.items() if captured.calls[name] != calls), None)
    return "" if other is None else f"the model, in which layer {other!r} runs {captured.calls[other]} times"


def with_operations(
    table: LayerTable, traced: Trace, outputs: dict[str, torch.Tensor], batch: int = 1, axes: Axes | None = None
) -> LayerTable:
    """`table` with an entry for each operation, after the last module that ran before it."""
    rows = [replace(row, depends=False) if (row.module, row.call) in traced.fixed else row for row in table]
    places = {(row.module, row.call): at for at, row in reversed([*enumerate(rows)])}
    evidence = Evidence() if axes is None else axes.of_operations(traced, outputs)
    told = 0
    behind: dict[tuple[str, int], list[Layer]] = {}
    for operation in traced.operations:
        if operation.name not in outputs:
            continue
        value = outputs[operation.name]
        for row in rows[told : (told := max(told, places.get(operation.after, -1) + 1))]:
            if row.reason is None and row.ran:
                evidence.add(row.shape, row.layout, known=row.axes_known)
        row = Layer(
            name=operation.name,
            module=operation.scope,
            type=operation.type,
            call=1,
            dtype=value.dtype,
            parameters=0,
            ran=True,
            leaf=True,
            repeats=False,
            reason=None,
            operation=True,
            depends=operation.depends,
            **_form(operation.name, tuple(value.shape), batch, None, evidence, shown=True),
        )
        behind.setdefault(operation.after, []).append(row)
    woven = behind.pop(("", 0), [])
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        woven.append(row)
        place = (row.module, row.call)
        if following is None or (following.module, following.call) != place:
            woven += behind.pop(place, [])
    return LayerTable(woven, traced.reason)


def _form(
    name: str, raw: tuple[int, ...], batch: int, owner: nn.Module | None, evidence: Evidence, *, shown: bool
) -> dict[str, Any]:
    """The fields of an entry for an output of shape `raw`."""
    axis = _batch_axis(raw, batch)
    stacked = axis is None and len(raw) >= 3
    left_out = 0 if stacked else axis
    shape = raw if left_out is None else raw[:left_out] + raw[left_out + 1 :]
    kind: Kind = kind_of(shape) if shown else "other"
    layout, known = evidence.find(name, owner, shape, left_out) if shown else ("first", True)
    return {
        "kind": kind,
        "shape": shape,
        "layout": layout,
        "axes_known": known,
        "batch_axis": axis,
        "planes": planes(shape, kind, layout) * (raw[0] if stacked else 1),
        "macs": macs(owner, raw if stacked else shape) if shown and owner is not None else None,
    }


def _alike(known: torch.Tensor, value: Any) -> bool:
    """Whether two passes computed the same, relative to the largest number and as exactly as the number type allows."""
    if not isinstance(value, torch.Tensor) or value.shape != known.shape:
        return False
    value = value.to(known)
    if not known.is_floating_point():
        return torch.equal(known, value)
    rounding = math.sqrt(torch.finfo(known.dtype).eps)
    known, value = (tensor.float() if tensor.element_size() < 4 else tensor for tensor in (known, value))
    largest = float(known.abs().nan_to_num(0, 0, 0).max())
    return torch.allclose(known, value, rtol=0, atol=rounding * largest, equal_nan=True)


def _batch_axis(shape: tuple[int, ...], batch: int) -> int | None:
    if shape and shape[0] == batch:
        return 0
    return 1 if len(shape) == 3 and shape[1] == batch else None


def _unseen(name: str, part: nn.Module) -> Layer:
    return Layer(
        name=name,
        module=name,
        type=type_name(part),
        call=0,
        kind="other",
        shape=(),
        layout="first",
        dtype=None,
        batch_axis=None,
        planes=1,
        parameters=_parameters(part),
        macs=None,
        ran=False,
        leaf=_is_leaf(part),
        repeats=False,
        reason=UNSEEN,
    )


def _is_leaf(part: nn.Module) -> bool:
    return all(name == "parametrizations" for name, _ in part.named_children())


def type_name(part: nn.Module) -> str:
    """Class name; the original one for TorchScript and parametrised modules."""
    if nn.utils.parametrize.is_parametrized(part):
        return nn.utils.parametrize.type_before_parametrizations(part).__name__
    return str(getattr(part, "original_name", type(part).__name__))


def _parameters(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())


def macs(part: nn.Module, shape: tuple[int, ...]) -> int | None:
    """Multiply-accumulates of a convolution or a linear layer whose output for one image has `shape`."""
    outputs = 1
    for extent in shape:
        outputs *= extent
    if isinstance(part, nn.modules.conv._ConvTransposeNd):
        return None
    if isinstance(part, nn.modules.conv._ConvNd):  # `weight` may be computed, and reading it have effects
        return outputs * math.prod(part.kernel_size) * (part.in_channels // part.groups)
    if isinstance(part, nn.Linear):
        return outputs * part.in_features
    return None


def describe_module(part: nn.Module) -> str:
    """Short description of a module: `Conv2d(6, 16, 5×5)`, `Linear(120, 84)`, `ReLU`."""
    name = type_name(part)
    if isinstance(part, nn.modules.conv._ConvNd):
        kernel = "×".join(map(str, part.kernel_size))
        return f"{name}({part.in_channels}, {part.out_channels}, {kernel})"
    if isinstance(part, nn.Linear):
        return f"{name}({part.in_features}, {part.out_features})"
    return name
