"""The model and the data set that views look at, and what is already known about them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from cachetools import LRUCache
from torch import nn

from ...compute.convolution import LayerPass, layer_pass
from ...compute.core import OUTPUT, Captured, Prepare, alone, digest, hooks_version, plain, weights_version
from ...compute.dataset import Item, Items, OutputNames, Prediction, predict, scores_of
from ...compute.interventions import EditedTwin, Edits
from ...compute.layers import Layer, LayerTable, one_image, run, run_operations
from ...compute.scan import Scan
from ..passes import RECENT, Beginning, ByteCache, Pass, Passes, take_behind


@dataclass(frozen=True, kw_only=True)
class Look(Pass):
    """One image, and what one forward pass told about it."""

    item: Item
    key: tuple[Hashable, ...]
    """What its outputs are kept under: all that can change what a pass gives."""


class Snapshot:
    """One image as a network sees it now: one question for all that a drawing needs.

    Attributes
    ----------
    subject : Subject
        Whose.
    index : int
        Of the image in the data set.
    item : Item
        The image with its label.
    modules : LayerTable
        The layers that hooks see, and what they put out.
    prediction : Prediction or None
        The most probable classes; None where the network gives no class scores.
    """

    def __init__(self, subject: Subject, index: int, look: Look) -> None:
        self.subject, self.index, self._look = subject, index, look
        self.item, self.modules, self.prediction = look.item, look.modules, look.prediction
        self._weights = look.key[:2]

    @property
    def weights(self) -> tuple[Hashable, ...]:
        """Another pair where the weights or the edits are others, or where everything was forgotten since."""
        return self._weights

    @property
    def table(self) -> LayerTable:
        """Every layer and what it put out, operations too: the network is traced when they are first asked for."""
        return self.subject.table_of(self._look)

    @property
    def known(self) -> LayerTable:
        """The table as far as it is known: without operations, as long as nobody has asked for them."""
        return self.subject.known_table(self._look) or self.modules

    @property
    def traced(self) -> bool:
        """Whether the operations are known."""
        return self.subject.known_table(self._look) is not None

    def trace(self) -> bool:
        """Trace the network, unless that is done: the longer part of what `table` takes; whether there was need to."""
        return self.subject.trace()

    def find(self, layer: str) -> Layer:
        """The row of `layer`; traces the network where it is none of the modules.

        Raises
        ------
        LookupError
            There is no such layer; says which is nearest.
        """
        return self.modules.get(layer) or self.table.find(layer)

    def same(self, other: Snapshot) -> bool:
        """Whether both are of the same image, by the same weights."""
        return self._look is other._look

    def outdated(self) -> bool:
        """Whether the weights have changed since."""
        return self._weights != self.subject.weights

    def beginning(self, layer: str) -> Beginning:
        """What is known of a pass in which `layer` is edited, as far as that is the same."""
        subject, look = self.subject, self._look
        return Beginning(subject.module, look, look.key, subject.outputs, layer)

    def cached(self, layer: str) -> bool:
        """Whether the output of `layer` is at hand, so that nothing needs to run."""
        return self.subject.held(self._look, layer) is not None

    def have(self, operations: Sequence[str]) -> None:
        """Have what these operations put out at hand, by one pass for all that are not."""
        self.subject.have(self._look, operations)

    def output(self, layer: str) -> torch.Tensor:
        """Output of `layer`, without the batch axis, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be shown.
        """
        return self.subject.output_of(self._look, self.index, layer)

    def passed(self, layer: str) -> LayerPass:
        """What `layer` is given and puts out, from one pass, with batch axes, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be explained.
        """
        return self.subject.passed_of(self._look, self.index, layer)

    def now(self, layer: str) -> tuple[torch.Tensor, Snapshot]:
        """Output of a module as the weights are now, with the batch axis, and this snapshot with the new prediction.

        One pass that ends at the layer and at the output, and of which nothing is kept: for weights that change with
        each step of a training.
        """
        output, prediction = self.subject.now(self.item, layer)
        fresh = copy(self)
        fresh.prediction, fresh._weights = prediction, self.subject.weights
        return output, fresh


class Subject:
    """A model with a data set, and a bounded memory of the passes made. Several views may share one.

    Those that were made separately share the passes all the same, where they look at the same model and at images
    whose numbers are equal.

    Parameters
    ----------
    model : torch.nn.Module
        Looked at, never changed.
    dataset : indexable
        Gives (image, label).
    classes, denormalize, prepare
        As `Items` takes them.
    edits : mapping of str to Edit, optional
        As for `intervene`: the model computes so for all that look at this subject, and for nobody else. A view that is
        given the subject says in its title what is edited.
    cache_bytes : int
        Bytes of layer outputs to keep at most, of those that all views of the process share.

    Attributes
    ----------
    model, module : torch.nn.Module
        What is looked at, and the plain module in it. With edits both are a twin of the model that shares its weights,
        on which the edits are, so that no number is ever shared with the model as it is.
    given : dict
        Those of `classes`, `denormalize` and `prepare` that are not None, as they were given.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Any,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Prepare | None = None,
        edits: Edits | None = None,
        cache_bytes: int = 512 * 2**20,
    ) -> None:
        self.model = model
        self.module = plain(model)
        self._original, self._edits = model, edits
        self._cache_bytes = cache_bytes
        self.items = Items(dataset, classes=classes, denormalize=denormalize, prepare=prepare, model=self.module)
        self.names = OutputNames(self.module, self.items)
        self.prepare = prepare
        given = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        self.given = {name: value for name, value in given.items() if value is not None}
        self.passes = 0
        self._own = object()
        self._looks: LRUCache[tuple[int, int, int], Look] = LRUCache(RECENT)
        self._twin: EditedTwin | None = None
        self._judged: tuple[Scan | None, Hashable, bool] = (None, None, False)
        self._look_at(model, edits)

    @classmethod
    def of(cls, model: nn.Module | Subject, dataset: Any = None, **options: Any) -> Subject:
        """What another view already looks at, or a new one of a model and a data set; `options` as for those."""
        return model if isinstance(model, Subject) else cls(model, dataset, **options)

    def _look_at(self, model: nn.Module, edits: Edits | None) -> None:
        """Look at a model, or with edits at a new twin of it, from now on."""
        if edits is not None:
            self._twin = EditedTwin(model, edits, prepare=self.prepare)
            self.model = self.module = self._twin.module
        self._shared = Passes.of(self.module, self._cache_bytes)
        self._outputs = self._shared.outputs
        self.known_table: Callable[[Pass], LayerTable | None] = self._shared.table
        self._judged = (None, None, False)
        self._looks.clear()

    # ------------------------------------------------------------------ what is edited

    def under(self, edits: Edits) -> Subject:
        """The same model and images, with these edits after those that there are; whoever looks at this sees none.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> subject = cw.Subject(cw.models.lenet5(), cw.data.digits())
        >>> edited = subject.under({"C3": cw.Ablate(channels=[3, 7])})
        >>> edited.edited, float(edited.at(0).output("C3")[3].abs().max())
        ('channels 3, 7 of C3 set to 0', 0.0)
        """
        other = copy(self)
        other.passes, other._own, other._looks = 0, object(), LRUCache(RECENT)
        other._edits = together(self._edits or {}, edits)
        other._look_at(self._original, other._edits)
        return other

    def edit(self, edits: Edits) -> None:
        """Edit this instead, from now on; views that look at an edited subject show it with their next drawing.

        Raises
        ------
        LookupError, TypeError, ValueError
            As for `intervene`; the edits before stay. A subject without edits has none to change: see `under`.
        """
        if self._twin is None:
            raise ValueError("this subject is looked at without edits: subject.under(edits) is another one, with them")
        if self._twin.current:
            self._twin.edit(edits)
            self._looks.clear()
        else:
            self._look_at(self._original, edits)
        self._edits = edits

    @property
    def edits(self) -> Edits:
        """Layer -> what is done to it; empty for nothing."""
        return self._edits or {}

    @property
    def edited(self) -> str:
        """What is edited, in a line: `channels 3, 7 of layer4 set to 0`; empty for nothing."""
        intervention = None if self._twin is None else self._twin.intervention
        return "" if intervention is None else intervention.words

    @property
    def warnings(self) -> list[str]:
        """What may mislead in the edits; see `Intervention`."""
        intervention = None if self._twin is None else self._twin.intervention
        return [] if intervention is None else intervention.warnings

    def _keep_up(self) -> None:
        """Look at a new twin where the model is built otherwise than when the edits were made."""
        if self._twin is not None and not self._twin.current:
            self._look_at(self._original, self._edits)

    # ------------------------------------------------------------------ what is known

    @property
    def outputs(self) -> ByteCache:
        """The outputs that are kept, shared with all that look at the same model."""
        return self._outputs

    def refresh(self) -> None:
        """Forget everything: the weights, or the data, are no longer what they were."""
        self._shared.forget()
        self._looks.clear()

    def at(self, index: int, *, before: Snapshot | None = None, layer: str = "") -> Snapshot:
        """Image `index` as the network sees it now; one forward pass unless known.

        Parameters
        ----------
        index : int
            Of the image.
        before : Snapshot, optional
            The same image as the same network sees it without the edits of `layer`. Then the pass spares what had run
            before that layer gave its output; the numbers are the same.
        layer : str
            That layer.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> subject = cw.Subject(cw.models.lenet5(), cw.data.digits())
        >>> subject.at(0).output("C1").shape
        torch.Size([6, 28, 28])
        """
        return Snapshot(self, index, self.look(index) if before is None else self._look_behind(index, before, layer))

    @property
    def weights(self) -> tuple[int, int]:
        """Another pair whenever the weights or the edits have changed, or everything was forgotten."""
        if self._twin is None:
            return self._shared.forgotten, weights_version(self.module)
        self._keep_up()
        return self._shared.forgotten, hash((weights_version(self.module), hooks_version(self.module)))

    def check_scan(self, scan: Scan) -> None:
        """Raise ValueError, as `Scan.check` does, unless a scan is of the network as it is now and of these images."""
        scan.check(self.module, self.items)
        self._judged = scan, self.weights, True

    def is_scanned_by(self, scan: Scan) -> bool:
        """Whether a scan is of the network as it is now; all weights are read, once for each time that they change."""
        judged, now = self._judged, self.weights
        if judged[0] is not scan or judged[1] != now:
            judged = self._judged = scan, now, not scan.differs_from(self.module)
        return judged[2]

    def held(self, look: Look, layer: str) -> torch.Tensor | None:
        """The output of `layer`, with its batch axis, if it is at hand."""
        return self._outputs.get((*look.key, look.same.get(layer, layer)))

    def known(self, index: int, layer: str) -> bool:
        """Whether the output of `layer` for image `index` is at hand, so that nothing needs to run."""
        look = self._looks.get(self._at(index))
        return look is not None and self.held(look, layer) is not None

    def look(self, index: int) -> Look:
        """Item, layer table and prediction of image `index`; one forward pass unless known."""
        at = self._at(index)
        look = self._looks.get(at)
        if look is None:
            item = self.items[index]
            key = self._key(at, item)
            found = self._shared.known.get(key)
            if found is None:
                self.passes += 1
                found = self._shared.take(key, self._images(item), self.prepare)
                self._shared.known[key] = found
            look = self._looks[at] = Look(**vars(found), item=item, key=key)
        return look

    def _look_behind(self, index: int, before: Snapshot, layer: str) -> Look:
        """The same, from what is known of the image without the edits of `layer`; its item is not read again."""
        with alone(self.module):  # the weights stay as they are
            at = self._at(index)
            if before.outdated() or at in self._looks:
                return self.look(index)
            item, beginning = before.item, before.beginning(layer)
            key = self._key(at, item)
            found = self._shared.known.get(key)
            if found is None:
                self.passes += 1
                images = self._images(item)
                found = take_behind(self._shared, beginning, key, images, self.prepare)
                if found is None:
                    found = self._shared.take(key, images, self.prepare)
                self._shared.known[key] = found
            look = self._looks[at] = Look(**vars(found), item=item, key=key)
            return look

    def returned(self, item: Item, index: int) -> torch.Tensor | None:
        """What the network returns for `item`, the image `index`, with its batch axis; None where no pass has told it.

        None too where it is no single tensor, or a large one. Runs nothing.
        """
        found = self._shared.known.get(self._key(self._at(index), item))
        return None if found is None else found.returned

    def prediction(self, index: int, item: Item) -> Prediction | None:
        """The most probable classes of `item`, the image `index`; None where the network gives no class scores.

        From the pass that told them before, or from one of which nothing is kept: what many images are judged by takes
        no room from what is looked at.
        """
        found = self._shared.known.get(self._key(self._at(index), item))
        return self._passed(item)[1] if found is None else found.prediction

    def table_of(self, look: Look) -> LayerTable:
        """Every layer of a look; where the operations are not known, a trace, and a pass that checks it."""
        table = self.known_table(look)
        if table is None:
            with alone(self.module):  # the weights stay as they are
                key = (*self.weights, *look.key[2:-1], hooks_version(self.module))
                self.passes += self._shared.find_operations(look, key, self._images(look.item), self.prepare)
            table = self.known_table(look) or look.modules  # those of a network that has changed since the look
        return table

    def trace(self) -> bool:
        """Trace the network; False if that was done before."""
        return self._shared.trace_first()

    def output(self, index: int, layer: str) -> torch.Tensor:
        """Output of `layer` for image `index`, without the batch axis, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be shown.
        """
        return self.output_of(self.look(index), index, layer)

    def output_of(self, look: Look, index: int, layer: str) -> torch.Tensor:
        """The same for a look that was taken before."""
        row = look.modules.get(layer) or self.table_of(look).find(layer)
        if row.reason is not None:
            raise LookupError(f"layer {layer!r} of {_called(index)} cannot be shown: it {row.reason}")
        held = self.held(look, layer)
        if held is None:  # more than the memory holds, or already gone: run for this layer, and keep it first
            look = self.look(index)  # the weights may have changed since
            held = self.held(look, layer)
        if held is None:
            held = self._pass_for(look.same.get(layer, layer), look, index)
        return one_image(held, row)

    def have(self, look: Look, operations: Sequence[str]) -> None:
        """Have what these operations of a look put out at hand, by one pass for all that are not."""
        missing = [name for name in operations if self.held(look, name) is None]
        if missing:
            self.passes += 1
            images = self._images(look.item)
            outputs, _ = run_operations(self.module, self._shared.trace(), images, missing, prepare=self.prepare)
            self._shared.keep(look.key, outputs)

    def passed(self, index: int, layer: str) -> LayerPass:
        """What `layer` is given and puts out for image `index`, from one pass, with batch axes, on the CPU; read only.

        Raises
        ------
        LookupError
            There is no such layer, or it cannot be explained.
        """
        return self.passed_of(self.look(index), index, layer)

    def passed_of(self, look: Look, index: int, layer: str) -> LayerPass:
        """The same for a look that was taken before."""
        passed: LayerPass | None = self._outputs.get((*look.key, layer, LayerPass))
        if passed is None:
            look = self.look(index)  # the weights may have changed since
            self.passes += 1
            row = look.modules.get(layer) or self.table_of(look).find(layer)
            last, images = row.kind != "vector" and row.layout == "last", self._images(look.item)
            passed = layer_pass(self.module, images, layer, prepare=self.prepare, device="cpu", last=last)
            self._outputs.put((*look.key, layer, LayerPass), passed)
        return passed

    def now(self, item: Item, layer: str) -> tuple[torch.Tensor, Prediction | None]:
        """Output of a module, with the batch axis, and the prediction, as the weights are now; nothing is kept."""
        captured, prediction = self._passed(item, layer)
        return captured[layer], prediction

    def _passed(self, item: Item, *layers: str) -> tuple[Captured, Prediction | None]:
        """What one pass tells of some layers, and the prediction; nothing is kept."""
        self.passes += 1
        captured = run(self.module, self._images(item), [*layers, OUTPUT], prepare=self.prepare, device="cpu")
        return captured, predict(scores_of(captured.output))

    def _images(self, item: Item) -> Any:
        return self.items.batch(item)

    def _at(self, index: int) -> tuple[int, int, int]:
        return *self.weights, index

    def _key(self, at: tuple[int, int, int], item: Item) -> tuple[Hashable, ...]:
        """All that can change what a pass gives; for what `prepare` makes of an item, no other subject's."""
        image = digest(item.image) if self.prepare is None and item.image is not None else self._own
        return (*at, image, hooks_version(self.module))

    def _pass_for(self, layer: str, look: Look, index: int) -> torch.Tensor:
        """The output of a layer, from one pass for it alone."""
        shared, images = self._shared, self._images(look.item)
        self.passes += 1
        if any(layer in found for found, _ in shared.operations.values()):
            outputs, _ = run_operations(self.module, shared.trace(), images, [layer], prepare=self.prepare)
            if layer not in outputs:
                raise LookupError(f"operation {layer!r} gave no tensor for {_called(index)}")
            return shared.keep(look.key, outputs)[layer]
        limit = self._outputs.limit
        captured = run(self.module, images, [layer], prepare=self.prepare, budget=limit, device="cpu")
        return shared.keep(look.key, {layer: captured[layer]})[layer]


def together(first: Edits, then: Edits) -> Edits:
    """The edits of both: of a layer that both edit, the second ones last."""

    def listed(edits: Edits, layer: str) -> list[Any]:
        given = edits.get(layer, [])
        return list(given) if isinstance(given, (list, tuple)) else [given]

    return {layer: [*listed(first, layer), *listed(then, layer)] for layer in {**first, **then}}


def _called(index: int) -> str:
    return f"image {index}" if index >= 0 else "the own image"
