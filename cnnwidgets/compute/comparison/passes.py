"""The passes of a comparison: two networks run on the same images, each layer is reduced as soon as it has run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ..core import (
    ForwardError,
    Prepare,
    around_calls,
    call,
    check_hooks,
    check_numbers,
    find_layer,
    leaves,
    module_names,
    plain,
)
from ..dataset import Item, Items
from ..inputs import as_numbers
from ..layers import Layer, LayerTable, layer_table, mixes_images, one_image
from ..shadow import looking

EDGE = 8
"""Of a map that is larger, so many rows and columns are sampled, evenly spread."""
INSTEAD = "compare the model that it was made of"
"""What to do with a network whose layers cannot be followed."""
KINDS = ForwardError, LookupError, TypeError, ValueError
"""Errors that say of which network they are."""
Take = Callable[[Layer, torch.Tensor], None]


def letters(model_a: nn.Module, model_b: nn.Module) -> tuple[str, str]:
    """What errors call the two networks; nothing where both are one."""
    return ("", "") if plain(model_a) is plain(model_b) else ("A", "B")


def called(letter: str, model: nn.Module) -> str:
    """What a network of a comparison is called: `A (LeNet5)`; by its class alone where there is only one."""
    try:
        kind = type(plain(model)).__name__
    except (TypeError, ValueError):  # it is refused: what it is called must not raise
        kind = type(model).__name__
    return f"{letter} ({kind})" if letter else kind


@contextmanager
def named(letter: str, model: nn.Module, where: str = "") -> Iterator[None]:
    """Errors raised inside say which network refused, and `where`."""
    try:
        yield
    except KINDS as error:
        kind = next(kind for kind in KINDS if isinstance(error, kind))
        raise kind(f"{called(letter, model)}{where}: {error}") from error


@dataclass(eq=False)
class Network:
    """One of the networks of a comparison, with the layers of it that are looked at.

    Attributes
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    rows : list of Layer
        The layers, in running order.
    prepare : callable, optional
        As for `activations`.
    letter : str
        `A` or `B`, for its errors; empty where both are one network.
    """

    model: nn.Module
    rows: list[Layer]
    prepare: Prepare | None = None
    letter: str = ""
    _wanted: dict[tuple[str, int], list[tuple[Layer, str]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = module_names(plain(self.model))
        self._wanted = defaultdict(list)
        for row in self.rows:
            module, number, path = find_layer(names, row.name)
            self._wanted[module, number or row.call].append((row, path))

    def run(self, given: Any, take: Take) -> torch.Tensor | None:
        """Run a batch; `take` is called with each layer and its output. What the network returns, if it is a tensor."""
        calls: Counter[str] = Counter()

        def leave(name: str, output: Any) -> None:
            calls[name] += 1
            if wanted := self._wanted.get((name, calls[name])):
                values = dict(leaves(output))
                for row, path in wanted:
                    if isinstance(value := values.get(path), torch.Tensor):
                        take(row, value)

        with looking(self.model) as shadow, around_calls(shadow, lambda name: None, leave):
            returned = call(shadow, given, self.prepare)
        return returned.detach() if isinstance(returned, torch.Tensor) else None

    def batches(self, items: Sequence[Item], indices: Sequence[int]) -> list[Any]:
        """Items as the network takes them: stacked where it can, else one by one."""
        images = [item.image for item in items]
        if self.prepare is not None or any(image is None for image in images):
            return [item.raw if self.prepare is not None or item.image is None else item.image[None] for item in items]
        shapes = {
            (tuple(image.shape), image.dtype): at
            for at, image in zip(indices, images, strict=True)
            if image is not None
        }
        if len(shapes) > 1:
            (first, at), (other, to) = [(" x ".join(map(str, key[0])), at) for key, at in shapes.items()][:2]
            raise ValueError(
                f"images of one size are compared: image {at} is {first}, image {to} is {other}; "
                "give the data set a transform such as Resize and CenterCrop"
            )
        batch = as_numbers(self.model, torch.stack([image for image in images if image is not None]))
        return list(batch.split(1)) if len(batch) > 1 and mixes_images(self.model, batch[:1]) else [batch]

    def look(self, items: Sequence[Item], indices: Sequence[int], take: Callable[[str, torch.Tensor], None]) -> Any:
        """Run items; `take` is called with the name of each layer and its output for all of them, (N, C, ...).

        Returns the scores, (N, K), or None.
        """
        parts = self.batches(items, indices)
        apart: defaultdict[str, list[torch.Tensor]] = defaultdict(list)
        returned = []
        for at, part in enumerate(parts):
            count = len(items) if len(parts) == 1 else 1

            def reduce(row: Layer, output: torch.Tensor, count: int = count) -> None:
                values = by_image(output, row, count)
                if len(parts) == 1:
                    take(row.name, values)
                else:
                    apart[row.name].append(values.clone())

            several = f"one of the images {indices[0]} … {indices[-1]}"
            with named(self.letter, self.model, f", {several if count > 1 else f'image {indices[at]}'}"):
                returned.append(self.run(part, reduce))
        for name, values in apart.items():
            if len({each.shape for each in values}) > 1:
                raise ValueError(f"layer {name!r} gives another number of values from image to image")
            take(name, torch.cat(values))
        scores = [
            each for each in returned
            if each is not None and each.ndim == 2 and each.shape[1] > 1 and not each.is_complex()
        ]  # fmt: skip
        return torch.cat(scores).float().cpu() if len(scores) == len(parts) else None


def by_image(output: torch.Tensor, layer: Layer, count: int) -> torch.Tensor:
    """The output of a layer for `count` images as (N, C, ...) real or complex numbers; a view where it can be."""
    output = output.detach()
    if layer.batch_axis != 0 or output.ndim != len(layer.shape) + 1 or len(output) != count:
        output = torch.stack([one_image(output, layer, at, of=count) for at in range(count)])
    if output.ndim == 1:  # one number for each image is one feature
        output = output[:, None]
    if layer.kind != "vector" and layer.layout == "last":
        output = output.movedim(-1, 1)
    if output.is_complex():
        return output.to(torch.complex64) if output.dtype == torch.complex32 else output
    return output if output.is_floating_point() and output.dtype.itemsize >= 4 else output.float()


def sampled(values: torch.Tensor) -> torch.Tensor:
    """At most `EDGE` rows and columns of each map of (N, C, ...), evenly spread, as (N, C, P) on the CPU: a copy."""
    if values.ndim == 2:
        return values[..., None].cpu().clone()
    for axis in range(2, values.ndim):
        most = EDGE if values.ndim > 3 else EDGE * EDGE
        if values.shape[axis] > most:
            places = torch.linspace(0, values.shape[axis] - 1, most).round().long()
            values = values.index_select(axis, places.to(values.device))
    return values.flatten(2).cpu().clone()


def check_networks(models: Sequence[nn.Module], *, layers: bool = True) -> None:
    """Raise for what is no network, has no numbers, or whose `layers` cannot be followed; says which of the two."""
    for letter, model in zip("AB", models, strict=True):
        with named(letter, model):
            check_numbers(model)
            if layers:
                check_hooks(model, INSTEAD)


def layers_of(model: nn.Module, items: Items, index: int, prepare: Prepare | None, letter: str = "") -> LayerTable:
    """The modules of a network: those that are `comparable`, and others, so that a name that is none is known."""
    given = items[index]
    with named(letter, model, f", image {index}"):
        batch = given.raw if prepare is not None or given.image is None else as_numbers(model, given.image[None])
        table = layer_table(model, batch, operations=False, prepare=prepare)
    if not own_layers(table):
        raise LookupError(f"{called(letter, model)} has no layer that gives numbers for each image")
    return table


def comparable(table: LayerTable) -> LayerTable:
    """The layers that give numbers for each image, blocks among them."""
    rows = [row for row in table.showable if row.depends and row.batch_axis is not None]
    return LayerTable(rows, table.note)


def own_layers(table: LayerTable) -> LayerTable:
    """Of these, the ones that do not hand on what the one before gave, as a block does that ends with a layer."""
    return LayerTable([row for row in comparable(table) if not row.repeats], table.note)


def chosen_layers(table: LayerTable, layers: Sequence[str] | str | None) -> LayerTable:
    """The layers of these names, blocks too, in running order; by default those that give something of their own.

    Raises
    ------
    ValueError
        `layers` is empty.
    LookupError
        A name is not a layer, and says which is nearest; or it gives no numbers for each image.
    """
    if layers is None:
        return own_layers(table)
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise ValueError("layers is empty: give names, or None for all")
    rows = {row.name: row for row in map(table.find, names)}
    allowed = comparable(table)
    for name, row in rows.items():
        if allowed.get(name) is None:
            reason = row.reason or ("does not run" if not row.ran else "gives no numbers for each image")
            raise LookupError(f"layer {name!r} cannot be compared: it {reason}; there are {', '.join(allowed.names)}")
    return LayerTable([row for row in table if row.name in rows])


def chosen_indices(items: Items, indices: Sequence[int] | None) -> list[int]:
    """The numbers of images, checked; all of them where none are given."""
    found = list(range(len(items)) if indices is None else indices)
    if not found:
        raise ValueError("indices is empty: give the numbers of images, or None for all")
    return [items.checked(index) for index in found]
