"""Check a network and its data for problems that make views misleading: findings with evidence."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..core import Bar, Prepare, Report, check_numbers, plain
from ..dataset import Denormalize, Items
from ..layers import Trace, run, table_of, trace
from ..scan import Scan, checked_scan
from .channels import RECTIFIED, dead_in_images, of_scan
from .findings import Finding, Findings
from .usage import Usage

_SENSITIVE = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
_LINEAR = (nn.modules.conv._ConvNd, nn.Linear)
_KEEPS_LINEAR = (
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.modules.dropout._DropoutNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
)
_KEEPS_LINEAR_OPERATIONS = {"flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "contiguous"}


def diagnose(
    model: nn.Module,
    dataset: Any,
    *,
    count: int = 8,
    classes: Sequence[str] | None = None,
    denormalize: Denormalize | tuple[Sequence[float], Sequence[float]] | None = None,
    prepare: Prepare | None = None,
    scan: Scan | None = None,
    progress: bool | Report = True,
) -> Findings:
    """Check a network and its data for problems that make views misleading.

    Parameters
    ----------
    model : torch.nn.Module
        Never changed; training mode is reported, not switched off.
    dataset : indexable
        Items are (image, label).
    count : int
        Number of images checked, evenly spaced over the data set.
    classes, denormalize, prepare
        As for `ActivationView`.
    scan : Scan, optional
        Of this network and these images: dead units are then those of all images, by their numbers, and channels that
        do the same as another one are found too.
    progress : bool or callable
        A progress bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total)
        that returns whether to continue.

    Returns
    -------
    Findings
        In the order: training mode, normalisation, names registered twice, layers without a nonlinearity between them,
        layers that were not called nor their parameters used, non-finite values, dead units, duplicate channels, a
        wrong number of class names.

    Raises
    ------
    TypeError
        `scan` is no scan.
    ValueError
        `count` is less than 1; `scan` is of other weights or images.
    ForwardError
        The model raised an error.
    """
    if count < 1:
        raise ValueError(f"count is a number of images, 1 or more, not {count}")
    check_numbers(model)
    module = plain(model)
    items = Items(dataset, classes=classes, denormalize=denormalize, prepare=prepare, model=module)
    if scan is not None:
        checked_scan(scan).check(module, items)
    step = max(1, len(items) // count)
    chosen = list(range(0, len(items), step))[:count]
    found = [*_training(module), *_normalisation(module, items, chosen), *_registered_twice(module)]
    found += _no_nonlinearity(module, trace(module))
    with Bar(len(chosen), "images", progress) as bar:
        found += _values(module, items, chosen, scan, bar)
    return Findings(found)


def _training(model: nn.Module) -> Iterator[Finding]:
    modules = dict(model.named_modules())
    sensitive = {name: part for name, part in modules.items() if part.training and isinstance(part, _SENSITIVE)}
    training = sum(part.training for part in modules.values())
    if sensitive:
        kinds = Counter(type(part).__name__ for part in sensitive.values())
        listed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        yield Finding(
            "training mode",
            "the network is in training mode: called directly it returns other values than the views, which run it in "
            "evaluation mode; model.eval() makes them agree",
            f"{training} of {len(modules)} modules have training=True, among them {listed}",
            next(iter(sensitive)),
        )


def _normalisation(model: nn.Module, items: Items, chosen: list[int]) -> Iterator[Finding]:
    wanted = items.normalization or _declared(model)
    for index in chosen[:4]:
        image = items[index].image
        if image is None or image.is_complex():
            continue
        low, high = float(image.float().min()), float(image.float().max())
        if image.is_floating_point() and low >= 0 and high > 2:
            yield Finding(
                "normalisation",
                "floating point images hold values of 0 to 255; networks expect about 0 to 1, or normalised values",
                f"image {index} runs from {low:.3g} to {high:.3g}",
            )
            return
        if wanted is not None and low >= 0 and (high <= 1 or image.dtype == torch.uint8):
            mean = ", ".join(f"{float(value):.3g}" for value in torch.as_tensor(wanted[0]).flatten())
            yield Finding(
                "normalisation",
                "images look unnormalised, and the network is made for normalised ones",
                f"image {index} runs from {low:.3g} to {high:.3g}; expected: mean ({mean}) subtracted",
            )
            return


def _declared(model: nn.Module) -> tuple[Any, Any] | None:
    """Mean and standard deviation that a network declares, as timm's models do."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    if isinstance(config, Mapping) and config.get("mean") is not None and config.get("std") is not None:
        return config["mean"], config["std"]
    return None


def _registered_twice(model: nn.Module) -> Iterator[Finding]:
    """Names registered twice in the source of a module's `__init__`: the second module replaces the first."""
    done: set[type] = set()
    for name, part in model.named_modules():
        if type(part) in done or type(part).__module__.startswith("torch."):
            continue
        done.add(type(part))
        try:
            source = textwrap.dedent(inspect.getsource(type(part).__init__))
            tree = ast.parse(source)
        except (OSError, TypeError, SyntaxError):
            continue
        for taken, lines in _names_given(tree).items():
            if len(lines) > 1:
                yield Finding(
                    "name registered twice",
                    f"{type(part).__name__} gives the name {taken!r} to {len(lines)} modules; only the last is there",
                    f"lines {', '.join(map(str, lines))} of {type(part).__name__}.__init__",
                    f"{name}.{taken}" if name else taken,
                )


def _names_given(tree: ast.Module) -> dict[str, list[int]]:
    """Name -> lines, of `add_module("name", ...)` and `self.name = nn.Something(...)` outside of branches."""
    lines: dict[str, list[int]] = {}
    for body in (node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for statement in body:
            name = _added(statement) or _assigned(statement)
            if name:
                lines.setdefault(name, []).append(statement.lineno)
    return lines


def _added(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(owner, "add_module" | "register_module"), [ast.Constant(str(name)), *_])):
            where = ast.unparse(owner).removeprefix("self").removeprefix(".")
            return f"{where}.{name}" if where else name
    return None


def _assigned(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Assign([ast.Attribute(ast.Name("self"), name)], ast.Call(made) as call):
            wraps = any(isinstance(part, ast.Attribute) and part.attr == name for part in ast.walk(call))
            return name if ast.unparse(made).startswith(("nn.", "torch.nn.")) and not wraps else None
    return None


def _no_nonlinearity(model: nn.Module, traced: Trace) -> Iterator[Finding]:
    """Two consecutive convolutions or linear layers with no nonlinearity between them: a single linear map."""
    if traced.graph is None:
        return
    modules = dict(model.named_modules())
    for node in traced.graph.nodes:
        if node.op != "call_module" or not isinstance(modules[str(node.target)], _LINEAR):
            continue
        before, between = node.args[0] if node.args else None, []
        while isinstance(before, torch.fx.Node) and _keeps_linear(before, modules):
            between.append(str(before.target) if before.op == "call_module" else before.name)
            before = before.args[0] if before.args else None
        if not isinstance(before, torch.fx.Node) or before.op != "call_module":
            continue
        first, second = modules[str(before.target)], modules[str(node.target)]
        if isinstance(first, _LINEAR) and not _factorised(first, second):
            through = f" but {', '.join(reversed(between))}" if between else ""
            yield Finding(
                "no nonlinearity",
                f"{before.target!r} and {node.target!r} follow each other without an activation function: together "
                "they are one linear map. Was a module replaced by another of the same name?",
                f"nothing between them{through} in the traced graph",
                str(node.target),
            )


def _keeps_linear(node: torch.fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _KEEPS_LINEAR)
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return node.op in ("call_function", "call_method") and name in _KEEPS_LINEAR_OPERATIONS


def _factorised(first: nn.Module, second: nn.Module) -> bool:
    """Depthwise and pointwise convolution, or a bottleneck: intended linear pairs."""
    if any(getattr(part, "groups", 1) > 1 for part in (first, second)):
        return True
    kernels = [getattr(part, "kernel_size", None) for part in (first, second)]
    return any(kernel is not None and set(kernel) == {1} for kernel in kernels)


def _values(model: nn.Module, items: Items, chosen: list[int], scan: Scan | None, bar: Bar) -> Iterator[Finding]:
    """Findings of forward passes: layers that never ran, NaN, dead units, a wrong number of class names."""
    alive: dict[str, torch.Tensor] = {}
    broken: dict[str, tuple[int, int]] = {}
    never: set[str] | None = None
    usage = Usage()
    outputs = 0
    for index in chosen:
        item = items[index]
        captured = run(model, items.batch(item), prepare=items.prepare)
        table = table_of(captured, model)
        silent = {row.name for row in table if not row.ran}
        never = silent if never is None else never & silent
        if any(next(model.get_submodule(name).parameters(), None) is not None for name in never):
            usage.look(model, items.batch(item), items.prepare)
        for row in table.showable:
            output = captured[row.name]
            if output.is_floating_point() and row.name not in broken:
                bad = int((~torch.isfinite(output)).sum())
                if bad:
                    broken[row.name] = (index, bad)
            if row.leaf and row.type in RECTIFIED and row.batch_axis == 0 and not row.repeats:
                fires = (output[0] != 0).flatten(1).any(1) if output.ndim > 2 else output[0] != 0
                alive[row.name] = alive.get(row.name, torch.zeros_like(fires)) | fires
        bar.add()
        scores = next(iter(captured.output.values()), None)
        outputs = scores.shape[-1] if scores is not None and scores.ndim == 2 else 0
    # of a module without parameters nobody can tell: a parent may have used it in another way than to call it
    names = sorted(name for name in never or () if usage.of(model.get_submodule(name)) is False)
    if names:
        yield Finding(
            "never ran",
            f"{len(names)} modules were not called for any of {len(chosen)} images, nor were their parameters used",
            ", ".join(names[:8]) + (" ..." if len(names) > 8 else ""),
        )
    for name, (index, bad) in list(broken.items())[:1]:
        yield Finding(
            "not finite", f"{name!r} is the first layer with NaN or infinite values", f"{bad:,} in image {index}", name
        )
    if scan is not None:
        alive = {name: fires for name, fires in alive.items() if name not in scan}
        yield from of_scan(scan, model)
    yield from dead_in_images(alive, len(chosen))
    names = items.given or items.own
    if names and outputs and outputs != len(names):
        yield Finding(
            "class names",
            f"the network has {outputs} outputs, and the data set names {len(names)} classes",
            f"first names: {', '.join(names[:3])}",
        )
