"""Walk through everything that a model computes and compare it with what plain hooks see."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnnwidgets.compute.layers.activations import run
from cnnwidgets.compute.layers.layer import Layer, LayerTable
from cnnwidgets.compute.layers.maps import drawable, one_image
from cnnwidgets.compute.layers.operations import trace
from cnnwidgets.compute.layers.table import checked_operations, table_of, with_operations
from cnnwidgets.testing import deep_state, different

Prepare = Callable[[Any], Any]
Make = Callable[[], tuple[nn.Module, Tensor, Prepare | None]]
IMAGE = (3, 96, 64)  # not square, so that height, width and channels cannot be taken for each other
SHAPES = {  # the smallest that the model takes
    "inception": (3, 107, 75),
    "maxvit": (3, 224, 224),
    "mvit": (1, 3, 16, 224, 224),
    "quantized_inception": (3, 107, 75),
    "raft": (3, 128, 136),
    "s3d": (1, 3, 14, 224, 224),
    "vit_h": (3, 28, 28),
    "vit": (3, 64, 64),
    **dict.fromkeys(("mc3", "r2plus1d", "r3d", "swin3d"), (1, 3, 8, 48, 32)),
}
DETECTORS = ("fasterrcnn", "fcos", "keypointrcnn", "maskrcnn", "retinanet")


def from_torchvision(name: str, **options: Any) -> tuple[nn.Module, Tensor, Prepare | None]:
    """One of torchvision's models with random weights, a small image or clip, and `prepare` where it takes more."""
    shape = next((shape for start, shape in SHAPES.items() if name.startswith(start)), IMAGE)
    family = torchvision.models.get_model_builder(name).__module__.split(".")[2]
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": False}  # these take their time
    if name.startswith("vit"):
        options |= {"image_size": shape[-1]}
    if family in ("detection", "segmentation"):
        options |= {"weights_backbone": None}
    if name.startswith(DETECTORS):
        options |= {"min_size": 64, "max_size": 96}  # they resize what they get
    if "rcnn" in name:
        options |= {"rpn_post_nms_top_n_test": 20}  # instead of 1,000 regions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about quantisation
        model = torchvision.models.get_model(name, weights=None, **options)
    return model, torch.rand(shape), (lambda image: (image[None], image[None])) if family == "optical_flow" else None


def walk(make: Make) -> LayerTable:
    """The layer table of a model for one image, each of its rows drawn and compared with what plain hooks saw.

    The plain hooks are on a twin that nobody looks at. The model is looked at in training mode and in evaluation mode,
    and must be afterwards as it was, with all that its modules hold.
    """
    (model, image, prepare), (twin, _, _) = (seeded(make) for _ in range(2))
    model.train()
    torch.manual_seed(1)  # a network may draw lots
    before = deep_state(model)
    captured = run(model, image, prepare=prepare)
    traced = trace(model)
    operations = checked_operations(model, traced, image, captured, prepare=prepare)
    modules = table_of(captured, model)
    table = with_operations(modules, traced, operations)
    for row in table.showable:
        check_drawing(row, operations[row.name] if row.operation else captured[row.name])
    unchanged(before, model)
    arguments = image[None] if image.ndim == 3 else image
    torch.manual_seed(1)
    returned = check_rows(twin, modules, captured, arguments if prepare is None else prepare(image))
    for mine, value in zip(captured.output.values(), returned, strict=True):
        assert same(mine, value)
    model.eval()
    torch.manual_seed(1)
    before = deep_state(model)
    again = run(model, image, prepare=prepare)
    assert list(again) == list(captured)
    assert all(same(again[name], value) for name, value in captured.items())
    unchanged(before, model)
    return table


def unchanged(before: dict[str, Any], model: nn.Module) -> None:
    """Nothing of what the model holds has changed."""
    changed = different(before, deep_state(model))
    assert not changed, f"changed: {', '.join(changed[:3])}"


def seeded(make: Make) -> tuple[nn.Module, Tensor, Prepare | None]:
    """A model, its image, and `prepare`: each time the same."""
    torch.manual_seed(0)
    return make()


def check_rows(model: nn.Module, table: LayerTable, captured: Any, arguments: Any) -> list[Tensor]:
    """Compare calls, order, shapes and values with those of plain hooks; the tensors that the model returned."""
    seen: list[tuple[str, int, Any]] = []
    calls: Counter[str] = Counter()

    def keep(name: str) -> Any:
        def hook(part: nn.Module, args: Any, output: Any) -> None:
            calls[name] += 1
            for value in values_in(output):
                seen.append((name, calls[name], value.clone() if isinstance(value, Tensor) else value))

        return hook

    model.eval()
    names = [name for name, _ in model.named_modules() if name and "parametrizations" not in name]
    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    with torch.no_grad():
        returned = given_to(model, arguments)
    for handle in handles:
        handle.remove()

    ran = [row for row in table if row.ran and row.module]
    assert [(row.module, row.call) for row in ran] == [(name, call) for name, call, _ in seen]
    for row, (name, call, value) in zip(ran, seen, strict=True):
        assert row.name.startswith(f"{name}:{call}" if calls[name] > 1 else name)
        if isinstance(value, Tensor) and value.numel():
            assert (row.shape, row.dtype) == (without_batch(tuple(value.shape), row), value.dtype), row
            assert same(captured[row.name], value), row
        else:
            assert row.reason is not None, row
    unseen = {name for name in names if not calls[name] and runs(model.get_submodule(name))}
    assert {row.name for row in table if not row.ran} == unseen
    return [value for value in values_in(returned) if isinstance(value, Tensor) and value.numel()]


def runs(part: nn.Module) -> bool:
    """Whether a module has a forward: a list has none, nor has one that is used by other methods alone."""
    return any("forward" in vars(kind) for kind in type(part).__mro__ if kind is not nn.Module)


def given_to(model: nn.Module, arguments: Any) -> Any:
    """What the model returns for what `prepare` gave."""
    if isinstance(arguments, dict):
        return model(**arguments)
    return model(*arguments) if isinstance(arguments, tuple) else model(arguments)


def values_in(output: Any) -> list[Any]:
    """Everything in what a module returned, in order; of an object with tensors (an `ImageList`) these."""
    found = []
    for value in tree_leaves(output, is_leaf=lambda part: isinstance(part, (dict, list, tuple)) and not part):
        inside = [part for part in getattr(value, "__dict__", {}).values() if isinstance(part, Tensor)]
        found += [value] if isinstance(value, Tensor) or not inside else inside
    return found


def without_batch(shape: tuple[int, ...], row: Layer) -> tuple[int, ...]:
    """`shape` of an output for one image without the batch's axis of 1, or without that of a stack."""
    if row.batch_axis is not None:
        assert shape[row.batch_axis] == 1
        return (*shape[: row.batch_axis], *shape[row.batch_axis + 1 :])
    assert shape[:1] != (1,)
    return shape[1:] if len(shape) > 2 else shape


def check_drawing(row: Layer, output: Tensor) -> None:
    """The last plane of `row` is drawn with as many maps as it says, and with the values of `output`."""
    maps = drawable(one_image(output, row), row, plane=row.planes - 1)
    values = output if row.batch_axis is None and output.ndim < 3 else output.select(row.batch_axis or 0, -1)
    if row.kind != "vector" and row.layout == "last":
        values = values.movedim(-1, 0)
    if row.kind == "volume":
        values = values.flatten(1, -3)[:, -1]
    values = values.reshape(row.channels, -1)
    if row.kind == "tokens" and values.shape[1] != maps.shape[1] * maps.shape[2]:
        values = values[:, -maps.shape[1] * maps.shape[2] :]
        assert row.size[0] - values.shape[1] in (1, 2, 4, 5, 8), row  # the class token and its like stand apart
    assert maps.ndim == 3, row
    assert same(maps.flatten(1), values.abs() if values.is_complex() else values.to(maps.dtype)), row


def same(mine: Tensor, other: Tensor) -> bool:
    """Equal to the bit, NaN too."""
    other = other.dequantize() if other.is_quantized else other
    if mine.is_complex() or not mine.is_floating_point():
        return torch.equal(mine, other)
    return torch.equal(mine.nan_to_num(), other.nan_to_num()) and torch.equal(mine.isnan(), other.isnan())


def maps_with(table: LayerTable, layout: str) -> list[str]:
    """Names of the layers whose channels stand `first` or `last` beside height and width."""
    return [row.name for row in table.showable if row.kind == "maps" and row.layout == layout]
