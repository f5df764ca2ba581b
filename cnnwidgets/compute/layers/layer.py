"""The layers of a model in execution order, with the kind and shape of their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import torch

from ...late import imported
from ..axes import Layout
from ..core import unknown_layer
from ..tabular import to_html, to_text
from .kinds import Kind

COLUMNS = ("name", "type", "call", "kind", "shape", "parameters", "macs", "ran", "note")
"""Of the layer table, as `to_records` names them."""


@dataclass(frozen=True)
class Layer:
    """One entry of the layer table: one value returned by one call of one module.

    Attributes
    ----------
    name : str
        Name of the layer: dotted, `:k` for a call, `.key` for a part of the output.
    module : str
        Dotted name of the module alone; empty for the network itself.
    type : str
        Class name of the module.
    call : int
        Number of the call of the module in the pass, from 1; 0 if none was seen.
    kind : str
        `maps` (C, H, W), `vector`, `tokens` (T, D), `volume` (C, D, H, W), or `other` (not showable, see `reason`).
    shape : tuple of int
        Shape for one image, without the batch axis.
    layout : str
        Position of the channel axis: `first` or `last`.
    axes_known : bool
        Whether that is known, by the type of the layer, the sizes of those before it, or a pass that followed the axes
        of the image. Otherwise the axes are taken in their order, and `note` says so.
    dtype : torch.dtype or None
        Number type.
    batch_axis : int or None
        Index of the batch axis, which `shape` leaves out: 0, or 1 for sequence-first layers. None if there is none: an
        output of three or more axes is then a stack (image windows, regions) along its first axis.
    planes : int
        Number of slices of a volume or stack; otherwise 1.
    parameters : int
        Number of parameters in the module and everything inside it.
    macs : int or None
        Multiply-accumulate operations for one image, for convolutions and linear layers; None elsewhere.
    ran : bool
        Whether it was seen to run in the pass: no hook tells of a `forward` that is called by itself, nor of a parent
        that uses the weights of its child.
    leaf : bool
        Whether the module holds no other modules.
    repeats : bool
        Whether it returns the output of the previous entry itself, as a Sequential does.
    reason : str or None
        Reason why it cannot be shown, or None.
    operation : bool
        Whether it is an operation of the traced network (`add`, `cat`, `relu`) rather than a module.
    depends : bool
        Whether it depends on the image, as far as the traced network tells; position embeddings and standardised
        weights do not.
    """

    name: str
    module: str
    type: str
    call: int
    kind: Kind
    shape: tuple[int, ...]
    layout: Layout
    dtype: torch.dtype | None
    batch_axis: int | None
    planes: int
    parameters: int
    macs: int | None
    ran: bool
    leaf: bool
    repeats: bool
    reason: str | None
    operation: bool = False
    depends: bool = True
    axes_known: bool = True

    @cached_property
    def note(self) -> str:
        """What else there is to say: why it cannot be shown, or what is not known of it."""
        if self.reason is not None or self.repeats:
            return self.reason or "same as the entry before"
        return "" if self.axes_known else f"which axis is the channels is not known: the {self.layout} one is taken"

    @cached_property
    def channels(self) -> int:
        """Number of maps, units or token features."""
        if not self.shape:
            return 1
        if self.kind == "vector":
            return self.shape[0]
        return self.shape[0] if self.layout == "first" else self.shape[-1]

    @cached_property
    def size(self) -> tuple[int, ...]:
        """Extent of one channel: (H, W) of a map, (T,) of tokens, () of a unit."""
        return self.shape[1:] if self.layout == "first" else self.shape[:-1]

    @cached_property
    def form(self) -> str:
        """`16 @ 10x10` for maps, `84` for a vector, `197 x 768` for tokens."""
        if self.reason is not None:
            return "-"
        if self.kind == "tokens" and self.layout == "last":
            return f"{self.shape[0]} tokens x {self.shape[1]}"
        if self.kind == "vector" and len(self.shape) < 2:
            return str(self.channels)
        return f"{self.channels} @ {'x'.join(map(str, self.size))}"

    @cached_property
    def label(self) -> str:
        """`C3 · Conv2d · 16 @ 10x10`, as menus show it."""
        return f"{self.name} · {self.type} · {self.form}"


class LayerTable(Sequence[Layer]):
    """The layers of a model in the order they ran; those that were not seen to run come last. Displayed as a table.

    `note` gives the reason if operations without a module (`+`, `cat`, a functional ReLU) are not included.
    """

    def __init__(self, layers: Sequence[Layer], note: str = "") -> None:
        self.note = note
        self._layers = list(layers)
        self._by_name = {layer.name: layer for layer in self._layers}

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> LayerTable: ...
    def __getitem__(self, key: int | str | slice) -> Layer | LayerTable:
        if isinstance(key, str):
            return self.find(key)
        return LayerTable(self._layers[key], self.note) if isinstance(key, slice) else self._layers[key]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @cached_property
    def names(self) -> list[str]:
        """Names in execution order."""
        return list(self._by_name)

    @cached_property
    def showable(self) -> LayerTable:
        """The layers that can be drawn."""
        return LayerTable([layer for layer in self if layer.reason is None and layer.ran], self.note)

    def get(self, name: str) -> Layer | None:
        """The layer called `name`, or None."""
        return self._by_name.get(name) if isinstance(name, str) else None

    def find(self, name: str) -> Layer:
        """The layer called `name`; raises LookupError with the nearest name, or the existing calls or parts."""
        found = self.get(name)
        if found is not None:
            return found
        within = [layer for layer in self if layer.module == name and not layer.operation]
        if len(within) == 1 and len(self) == sum(layer.module == "" for layer in self):  # one bare layer, as `""`
            return within[0]
        if within:
            names = ", ".join(layer.name for layer in within)
            raise LookupError(f"layer {name!r} has several entries; choose one of {names}")
        error = unknown_layer(name, self.names)
        raise LookupError(f"{error}; modules only: {self.note}") if self.note else error

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per layer, ready for `pandas.DataFrame(table.to_records())`."""
        return [
            {
                "name": layer.name,
                "type": layer.type,
                "call": layer.call,
                "kind": layer.kind,
                "shape": layer.shape,
                "parameters": layer.parameters,
                "macs": layer.macs,
                "ran": layer.ran,
                "note": layer.note,
            }
            for layer in self
        ]

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, one row per layer."""
        pd = imported("pandas")

        return pd.DataFrame(self.to_records()).set_index("name")

    def __repr__(self) -> str:
        return to_text(COLUMNS, [[str(value) for value in record.values()] for record in self.to_records()])

    def _repr_html_(self) -> str:
        return to_html(COLUMNS, [[_text(value) for value in record.values()] for record in self.to_records()])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return "" if value is None else str(value)
