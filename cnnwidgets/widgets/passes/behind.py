"""A pass whose beginning is known: from one of the same image by the same weights, before a layer was edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ...compute.core import OUTPUT, Prepare, device_of, named_parts
from ...compute.dataset import predict, scores_of
from ...compute.layers import Layer, LayerTable, run
from ...compute.recall import Known, recallable
from .cache import ByteCache
from .passes import Pass, Passes, small


@dataclass(frozen=True)
class Beginning:
    """What a network told before one of its layers was edited.

    Nothing that had run when this layer gave its output can depend on the edit.

    Attributes
    ----------
    module : torch.nn.Module
        Without the edit.
    told : Pass
        What its pass told.
    key : tuple
        What its outputs are kept under.
    outputs : ByteCache
        Where.
    layer : str
        The layer that is edited.
    """

    module: nn.Module
    told: Pass
    key: tuple[Hashable, ...]
    outputs: ByteCache
    layer: str

    def split(self) -> tuple[list[Layer], list[Layer]]:
        """The layers that ran before the edited one, and it with those that ran after it; empty where it did not."""
        ran, row = [row for row in self.told.modules if row.ran], self.told.modules.get(self.layer)
        places = [(each.module, each.call) for each in ran]
        at = places.index((row.module, row.call)) if row is not None and row.ran else len(ran)
        return ran[:at], ran[at:]

    def held(self) -> dict[str, torch.Tensor] | None:
        """The output of each layer, with its batch axis; None where one is not at hand."""
        found = {}
        for row in self.told.modules:
            if row.ran and row.reason is None and row.name not in self.told.same:
                tensor = self.outputs.get((*self.key, row.name))
                if tensor is None:
                    return None
                found[row.name] = tensor
        return found

    def known(self, outputs: dict[str, torch.Tensor]) -> dict[str, Known]:
        """The modules that need not run again: those before the edit, and that of the edited layer itself."""
        if device_of(self.module).type != "cpu":
            return {}
        before, behind = self.split()
        parts, strides = named_parts(self.module), self.told.strides
        calls = Counter(module for module, _ in {(row.module, row.call) for row in (*before, *behind)})
        return {
            row.module: Known(outputs[row.name], strides[row.name])
            for row in [*before, *behind[:1]]
            if row.name in outputs and strides[row.name] and calls[row.module] == 1 and recallable(parts[row.module])
        }


def take_behind(
    passes: Passes, beginning: Beginning, key: tuple[Hashable, ...], images: Any, prepare: Prepare | None
) -> Pass | None:
    """What a pass of the edited network tells, with every number that `Passes.take` gives; what is known is not run.

    None where nothing could be spared, or where the network then runs otherwise than before.
    """
    before, behind = beginning.split()
    outputs = beginning.held() if behind else None
    known = beginning.known(outputs) if outputs else {}
    if not known or outputs is None:
        return None
    names, told = [row.name for row in behind], beginning.told
    wanted = names if OUTPUT in names else [*names, OUTPUT]
    captured = run(passes.module, images, wanted, prepare=prepare, device="cpu", known=known)
    seen = captured.seen if OUTPUT in names else [each for each in captured.seen if each.module]
    shapes = told.shapes[len(before) :]
    if [(captured.name(each), each.shape, each.dtype, each.reason) for each in seen] != [
        (row.name, shape, row.dtype, row.reason) for row, shape in zip(behind, shapes, strict=False)
    ]:
        return None
    early, strides = {row.name for row in before}, dict(told.strides)
    same, first = {name: other for name, other in told.same.items() if name in early}, ""
    for each, name in zip(seen, names, strict=True):
        strides[name] = each.strides
        if each.repeats:
            same[name] = first
            outputs.pop(name, None)
        elif each.tensor is not None:
            first = name
            outputs[name] = each.tensor
    for name, output in outputs.items():
        passes.outputs.put((*key, name), output)
    passes.untell()
    table = _with_repeats(told.modules, {name: each.repeats for each, name in zip(seen, names, strict=True)})
    single, prediction = captured.output.get(""), predict(scores_of(captured.output))
    return Pass(table, told.shapes, prediction, same, single is not None, small(single), strides)


def _with_repeats(table: LayerTable, repeats: dict[str, bool]) -> LayerTable:
    """The table as the edited network has it: the edited layer itself hands on no other's output any more."""
    rows = [replace(row, repeats=repeats.get(row.name, row.repeats)) for row in table]
    changed = any(one.repeats != other.repeats for one, other in zip(rows, table, strict=True))
    return LayerTable(rows, table.note) if changed else table
