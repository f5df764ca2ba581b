"""The passes of a scan, batch by batch: each layer is measured as it runs, so that no map outlives the next layer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from ..core import (
    OUTPUT,
    ForwardError,
    Prepare,
    around_calls,
    call,
    check_hooks,
    find_layer,
    in_one_line,
    leaves,
    module_names,
    plain,
)
from ..dataset import scores_of
from ..layers import Layer, activations, layer_table, mixes_images
from ..reading import Batch
from ..shadow import looking
from .measured import Measured, Weakest
from .measuring import measure


class _Enough(BaseException):
    """Ends a pass after the last layer; not an Exception, so that no model catches it."""


class Found(NamedTuple):
    """The measures of the layers that ran for a batch, and what may be its class scores, if there is anything."""

    measures: dict[str, Measured]
    batch: Batch
    scores: torch.Tensor | None


class Watch:
    """Runs a network on batches and measures some of its layers.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    rows : list of Layer
        The layers.
    prepare : callable, optional
        As for `activations`.
    to_end : bool
        Run the network to its end, for its class scores; else no further than to the last of the layers.
    skips : bool
        Whether to leave out images for which it fails, instead of raising an error.
    **options
        As for `measure`.
    """

    def __init__(
        self,
        model: nn.Module,
        rows: list[Layer],
        prepare: Prepare | None,
        *,
        to_end: bool,
        skips: bool,
        **options: Any,
    ) -> None:
        self._model, self._rows, self._prepare, self._to_end, self._skips = model, rows, prepare, to_end, skips
        self._measure: Callable[..., Measured] = partial(measure, **options)
        names = module_names(plain(model))
        self._wanted: defaultdict[tuple[str, int], list[tuple[Layer, str]]] = defaultdict(list)
        for row in rows:
            if not row.operation:
                module, number, path = find_layer(names, row.name)
                self._wanted[module, number or row.call].append((row, path))
        self._operations = [row for row in rows if row.operation]
        self._modules = [row.name for row in rows if not row.operation]
        self._hear: Callable[[str, Any], None] | None = None  # told of each call of a module in a pass

    @contextmanager
    def session(self) -> Iterator[nn.Module | None]:
        """A shadow of the network for several passes: nobody else runs the network meanwhile."""
        if not self._modules and not self._to_end:
            yield None
            return
        with looking(self._model, self._modules) as shadow, around_calls(shadow, lambda name: None, self._leave):
            yield shadow

    def __call__(
        self,
        shadow: nn.Module | None,
        batch: Batch,
        weakest: Mapping[str, Weakest] | None,
        skipped: dict[int, str],
    ) -> list[Found]:
        """What is found for a batch; if it fails, for each of its images alone, to know which one it is.

        Raises
        ------
        ForwardError
            The network raised an error, or a layer has another number of channels than for the first image.
        """
        try:
            return [self._found(shadow, batch, weakest)]
        except Exception as error:  # whatever a model raises
            if len(batch.images) == 1:
                number = int(batch.images[0])
                if not self._skips:
                    raise ForwardError(f"image {number}: {error}") from error
                skipped[number] = in_one_line(error)
                return []
        return [one for each in batch.single() for one in self(shadow, each, weakest, skipped)]

    def _leave(self, name: str, output: Any) -> None:
        if self._hear is not None:
            self._hear(name, output)

    def _found(self, shadow: nn.Module | None, batch: Batch, weakest: Mapping[str, Weakest] | None) -> Found:
        """One pass."""
        images, scores = batch.images, None
        found: dict[str, Measured] = {}
        calls: Counter[str] = Counter()

        def take(row: Layer, output: torch.Tensor) -> None:
            one = self._measure(output, row, images, weakest=None if weakest is None else weakest[row.name])
            if one.channels != row.channels:
                raise ValueError(
                    f"layer {row.name!r} has {one.channels} channels for image {int(images[0])}, "
                    f"and {row.channels} for the first"
                )
            found[row.name] = one

        def leave(name: str, output: Any) -> None:
            calls[name] += 1
            wanted = self._wanted.get((name, calls[name]))
            if wanted is None:
                return
            values = dict(leaves(output))
            for row, path in wanted:
                if isinstance(value := values.get(path), torch.Tensor):
                    take(row, value)
            if len(found) == len(self._modules) and not self._to_end:
                raise _Enough

        if shadow is not None:
            try:
                self._hear = leave
                output = call(shadow, batch.given, self._prepare)
                scores = scores_of({path: value for path, value in leaves(output) if torch.is_tensor(value)})
            except _Enough:
                pass
            except Exception:  # behind the last layer only the scores are missing
                if len(found) < len(self._modules):
                    raise
            finally:
                self._hear = None
        if self._operations:
            names = [row.name for row in self._operations]
            outputs = activations(self._model, batch.given, names, prepare=self._prepare)
            for row in self._operations:
                take(row, outputs[row.name])
        return Found(found, batch, scores)


def chosen_layers(
    model: nn.Module, images: Iterable[Any], layers: list[str] | None, prepare: Prepare | None
) -> list[Layer]:
    """The layers of a scan, in the order in which they run.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    images : iterable
        Batches of one image, or items for `prepare`: the first, and others in case a layer does not run for it.
    layers : list of str, optional
        Names as in `layer_table`; by default every module that gives something for the first image, and does not hand
        on what the one before it gave.

    Raises
    ------
    LookupError
        A name is not a layer, or has no numbers for any of these images; or there is no layer at all.
    ValueError
        `layers` is empty; the network is TorchScript, and no layers of it are named.
    """
    batch, *others = images
    table = layer_table(model, batch, operations=False, prepare=prepare)
    if layers is None or OUTPUT in layers:
        check_hooks(model, "name those to scan, as in cw.layer_table, and not its output")
    if layers is None:
        rows = [row for row in table.showable if not row.repeats and row.depends and row.batch_axis is not None]
        if not rows:
            raise LookupError(f"{type(plain(model)).__name__} has no layer that gives numbers for each image")
        return rows
    if not layers:
        raise ValueError("layers is empty: give names, or None for all")
    if any(table.get(name) is None for name in layers):
        table = layer_table(model, batch, prepare=prepare)
    found = {name: table.find(name) for name in dict.fromkeys(layers)}
    for image in others:
        if not (missing := [name for name, row in found.items() if not row.ran]):
            break
        table = layer_table(model, image, operations=any(row.operation for row in found.values()), prepare=prepare)
        found |= {name: row for name in missing if (row := table.get(name)) is not None}
    for row in found.values():
        if row.reason is not None or not row.ran:
            raise LookupError(f"layer {row.name!r} cannot be scanned: it {row.reason}")
    return sorted(found.values(), key=lambda row: table.names.index(row.name))


def most_at_once(model: nn.Module, batch: Any, rows: list[Layer], prepare: Prepare | None, batch_size: int) -> int:
    """How many images the network may be given at a time, so that each gets what it gets alone."""
    if prepare is not None or batch_size == 1 or any(row.batch_axis is None for row in rows):
        return 1
    return 1 if mixes_images(model, batch) else batch_size
