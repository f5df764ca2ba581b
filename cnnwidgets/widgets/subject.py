"""The model and the data set that views look at, and what is already known about them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..compute.activations import run
from ..compute.cache import ByteCache
from ..compute.explain import LayerPass, layer_pass
from ..compute.forward import Prepare
from ..compute.items import Item, Items
from ..compute.layers import LayerTable
from ..compute.model import plain, weights_version
from ..compute.names import OUTPUT, get_layer
from ..compute.naming import OutputNames
from ..compute.operations import Trace, run_operations, trace
from ..compute.scores import Prediction, predict
from ..compute.table import checked_operations, one_image, table_of, with_operations

RECENT = 64
"""Images whose label, table and prediction are remembered; their outputs are bounded in bytes."""


@dataclass(frozen=True)
class Look:
    """What one forward pass told about one image, save the outputs themselves."""

    item: Item
    table: LayerTable
    prediction: Prediction | None
    same: dict[str, str]
    """A layer that hands on another's output -> that other layer."""
    single: bool = True
    """Whether the network returns one tensor, not a dict or a tuple of them."""


class Subject:
    """A model with a data set, and a bounded memory of the passes made. Several views may share one.

    Parameters
    ----------
    model : torch.nn.Module
        Looked at, never changed.
    dataset : indexable
        Gives (image, label).
    classes, denormalize, prepare
        As `Items` takes them.
    cache_bytes : int
        Bytes of layer outputs to keep at most.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Any,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Prepare | None = None,
        cache_bytes: int = 512 * 2**20,
    ) -> None:
        self.model = model
        self.module = plain(model)
        self.items = Items(dataset, classes=classes, denormalize=denormalize, prepare=prepare)
        self.names = OutputNames(self.module, self.items)
        self.prepare = prepare
        self.passes = 0
        self._refreshed = 0
        self._outputs = ByteCache(cache_bytes)
        self._looks: OrderedDict[tuple[int, int, int], Look] = OrderedDict()
        self._traced: Trace | None = None
        self._operations: dict[str, torch.Tensor] = {}

    @classmethod
    def of(cls, model: nn.Module | Subject, dataset: Any = None, **options: Any) -> Subject:
        """What another view already looks at, or a new one of a model and a data set; `options` as for those."""
        return model if isinstance(model, Subject) else cls(model, dataset, **options)

    def refresh(self) -> None:
        """Forget everything: the weights, or the data, are no longer what they were."""
        self._refreshed += 1
        self._outputs.clear()
        self._looks.clear()
        self._traced, self._operations = None, {}

    def known(self, index: int, layer: str) -> bool:
        """Whether the output of `layer` for image `index` is at hand, so that nothing needs to run."""
        look = self._looks.get(self._key(index))
        return look is not None and self._outputs.get((*self._key(index), look.same.get(layer, layer))) is not None

    def look(self, index: int) -> Look:
        """Item, layer table and prediction of image `index`; one forward pass unless known."""
        key = self._key(index)
        if key not in self._looks:
            self._run(key, None)
        self._looks.move_to_end(key)
        return self._looks[key]

    def output(self, index: int, layer: str) -> torch.Tensor:
        """Output of `layer` for image `index`, without the batch axis, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be shown.
        """
        key, look = self._key(index), self.look(index)
        row = look.table.find(layer)
        if row.reason is not None:
            raise LookupError(f"layer {layer!r} of image {index} cannot be shown: it {row.reason}")
        name = look.same.get(layer, layer)
        held = self._outputs.get((*key, name))
        if held is None:  # more than the memory holds, or already gone: run for this layer, and keep it first
            held = self._run(key, name)
        return one_image(held, row)

    def passed(self, index: int, layer: str) -> LayerPass:
        """What `layer` is given and puts out for image `index`, from one pass, with batch axes, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be explained.
        """
        key = (*self._key(index), layer)
        given, output = (self._outputs.get((*key, end)) for end in ("given", "output"))
        if given is not None and output is not None:
            return LayerPass(layer, get_layer(self.module, layer), given, output)
        self.passes += 1
        images = self._images(self.look(index).item)
        passed = layer_pass(self.module, images, layer, prepare=self.prepare, device="cpu")
        self._outputs.put((*key, "given"), passed.input)
        self._outputs.put((*key, "output"), passed.output)
        return passed

    def now(self, item: Item, layer: str) -> tuple[torch.Tensor, Prediction | None]:
        """Output of a module, with the batch axis, and the prediction, as the weights are now; nothing is kept."""
        self.passes += 1
        captured = run(self.module, self._images(item), [layer, OUTPUT], prepare=self.prepare, device="cpu")
        return captured[layer], predict(_scores(captured.output))

    def _images(self, item: Item) -> Any:
        return item.image[None] if self.prepare is None and item.image is not None else item.raw

    def _key(self, index: int) -> tuple[int, int, int]:
        return self._refreshed, weights_version(self.module), index

    def _run(self, key: tuple[int, int, int], layer: str | None) -> torch.Tensor:
        """One pass for image `key[-1]`: for everything, or for `layer` alone, whose output is returned."""
        known = self._looks.get(key)
        item = known.item if known is not None else self.items[key[-1]]
        images = self._images(item)
        self.passes += 1
        if layer in self._operations:
            assert self._traced is not None
            outputs, _ = run_operations(self.module, self._traced, images, [layer], prepare=self.prepare)
            if layer not in outputs:
                raise LookupError(f"operation {layer!r} gave no tensor for image {key[-1]}")
            return self._keep(key, outputs)[layer]
        only = None if layer is None else [layer]
        captured = run(self.module, images, only, prepare=self.prepare, budget=self._outputs.limit, device="cpu")
        if layer is not None:
            return self._keep(key, {layer: captured[layer]})[layer]
        same: dict[str, str] = {}
        first = ""
        for seen in captured.seen:
            name = captured.name(seen)
            if seen.repeats:
                same[name] = first
            else:
                first = name
                if seen.tensor is not None:
                    self._outputs.put((*key, name), seen.tensor)
        table = table_of(captured, self.module)
        if self._traced is None:
            self._traced = trace(self.module)
            outputs = checked_operations(self.module, self._traced, images, captured, prepare=self.prepare)
            self._operations = {name: output.to("meta") for name, output in self._keep(key, outputs).items()}
        table = with_operations(table, self._traced, self._operations)
        self._looks[key] = Look(item, table, predict(_scores(captured.output)), same, "" in captured.output)
        while len(self._looks) > RECENT:
            self._looks.popitem(last=False)
        return torch.empty(0)

    def _keep(self, key: tuple[int, int, int], outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        outputs = {name: output.cpu() for name, output in outputs.items()}
        for name, output in outputs.items():
            self._outputs.put((*key, name), output)
        return outputs


def _scores(output: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """The class scores among the tensors that a network returned: `logits`, `out`, or the first."""
    for name in ("logits", "out", ""):
        if name in output:
            return output[name]
    return next(iter(output.values()), None)
