"""What layers a model has, in the order they run, and what each puts out."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import nn

from .activations import run
from .forward import Prepare
from .hooks import Captured
from .kinds import Kind, Layout, as_maps, kind_of, layout_of, planes
from .model import plain
from .names import unknown_layer


@dataclass(frozen=True)
class Layer:
    """One entry of the layer table: one value that one call of one module returns.

    Attributes
    ----------
    name : str
        What the layer is called everywhere: dotted, `:k` for a call, `.key` for a part.
    module : str
        Dotted name of the module alone; empty for the network itself.
    type : str
        Class name of the module.
    call : int
        Which call of the module in the pass, from 1; 0 where it never ran.
    kind : str
        `maps` (C, H, W), `vector`, `tokens` (T, D), `volume` (C, D, H, W), or `other` (not showable, see `reason`).
    shape : tuple of int
        Shape for one image, without the batch axis.
    layout : str
        `first` or `last`: where the channel axis is.
    dtype : torch.dtype or None
        Type of the numbers.
    batch_axis : int or None
        Which axis of the raw output is the batch that `shape` leaves out: 0, or 1 for sequence-first layers. None
        where there is none: the output of three or more axes is then a stack (image windows, regions) along its first.
    planes : int
        Slices to page through: of a volume, or of a stack; otherwise 1.
    parameters : int
        Number of parameters in the module and everything inside it.
    macs : int or None
        Multiply-accumulates for one image, for convolutions and linear layers; None elsewhere.
    ran : bool
        Whether it ran in the pass.
    leaf : bool
        Whether the module holds no other modules.
    repeats : bool
        Whether it hands on the very output of the entry before, as a Sequential does.
    reason : str or None
        Why it cannot be shown, or None.
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

    @property
    def channels(self) -> int:
        """Number of maps, units or token features."""
        if not self.shape:
            return 1
        if self.kind == "vector":
            return self.shape[0]
        return self.shape[0] if self.layout == "first" else self.shape[-1]

    @property
    def size(self) -> tuple[int, ...]:
        """Extent of one channel: (H, W) of a map, (T,) of tokens, () of a unit."""
        return self.shape[1:] if self.layout == "first" else self.shape[:-1]

    @property
    def form(self) -> str:
        """`16 @ 10x10` for maps, `84` for a vector, `197 x 768` for tokens."""
        if self.reason is not None:
            return "-"
        if self.kind == "tokens" and self.layout == "last":
            return f"{self.shape[0]} tokens x {self.shape[1]}"
        if self.kind == "vector" and len(self.shape) < 2:
            return str(self.channels)
        return f"{self.channels} @ {'x'.join(map(str, self.size))}"

    @property
    def label(self) -> str:
        """`C3 · Conv2d · 16 @ 10x10`, as menus show it."""
        return f"{self.name} · {self.type} · {self.form}"


class LayerTable(Sequence[Layer]):
    """The layers of a model in the order they ran; those that never ran come last. Draws itself as a table."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = list(layers)
        self._by_name = {layer.name: layer for layer in self._layers}

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> LayerTable: ...
    def __getitem__(self, key: int | str | slice) -> Layer | LayerTable:
        if isinstance(key, str):
            return self.find(key)
        return LayerTable(self._layers[key]) if isinstance(key, slice) else self._layers[key]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @property
    def names(self) -> list[str]:
        """Names in the order of running."""
        return list(self._by_name)

    @property
    def showable(self) -> LayerTable:
        """The layers that can be drawn."""
        return LayerTable([layer for layer in self if layer.reason is None and layer.ran])

    def find(self, name: str) -> Layer:
        """The layer called `name`; raises LookupError with the nearest name, or the calls or parts there are."""
        if isinstance(name, str) and name in self._by_name:
            return self._by_name[name]
        within = [layer.name for layer in self if layer.module == name]
        if within:
            raise LookupError(f"layer {name!r} has several entries; choose one of {', '.join(within)}")
        raise unknown_layer(name, self.names)

    def to_records(self) -> list[dict[str, Any]]:
        """One dict a layer, ready for `pandas.DataFrame(table.to_records())`."""
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
                "note": layer.reason or ("same as the entry before" if layer.repeats else ""),
            }
            for layer in self
        ]

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, a row a layer."""
        import pandas as pd

        return pd.DataFrame(self.to_records()).set_index("name")

    def __repr__(self) -> str:
        rows = [[str(value) for value in record.values()] for record in self.to_records()]
        head = ["name", "type", "call", "kind", "shape", "parameters", "macs", "ran", "note"]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        records = self.to_records()
        head = "".join(f"<th>{key}</th>" for key in (records[0] if records else {}))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_text(value))}</td>" for value in record.values()) + "</tr>"
            for record in records
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return "" if value is None else str(value)


def layer_table(model: nn.Module, image: Any, *, prepare: Prepare | None = None) -> LayerTable:
    """What layers `model` has, in the order they run for `image`, and what each puts out.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; it is looked at in evaluation mode and afterwards as it was.
    image : torch.Tensor
        (C, H, W) or a batch (N, C, H, W). Anything at all where `prepare` is given.
    prepare : callable, optional
        `prepare(image)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    LayerTable
        A sequence of `Layer`, also by name (`table["C3"]`); an HTML table in a notebook, `to_frame()` for pandas.

    Raises
    ------
    ForwardError
        The model raised; says which layer refused what.
    TypeError, ValueError
        `model` is no module, or has no layers.
    """
    return table_of(run(model, image, prepare=prepare, budget=0), model, batch_size(image, prepare))


def batch_size(image: Any, prepare: Prepare | None) -> int:
    """Images in one call: the first axis of a batch; 1 for a single image and for prepared calls."""
    return image.shape[0] if prepare is None and isinstance(image, torch.Tensor) and image.ndim != 3 else 1


def table_of(captured: Captured, model: nn.Module, batch: int = 1) -> LayerTable:
    """The layer table of a pass that `capture` has seen with every module hooked."""
    module = plain(model)
    rows: list[Layer] = []
    before: tuple[tuple[int, ...], Layout] | None = None
    for seen in captured.seen:
        axis = _batch_axis(seen.shape, batch)
        stacked = axis is None and len(seen.shape) >= 3
        shape = seen.shape[1:] if stacked or axis == 0 else seen.shape[:1] + seen.shape[2:] if axis == 1 else seen.shape
        layout = layout_of(seen.owner, shape, before)
        kind: Kind = "other" if seen.reason else kind_of(shape)
        if seen.reason is None:
            before = (shape, layout)
        rows.append(
            Layer(
                name=captured.name(seen),
                module=seen.module,
                type=type_name(seen.owner),
                call=seen.call,
                kind=kind,
                shape=shape,
                layout=layout,
                dtype=seen.dtype,
                batch_axis=axis,
                planes=planes(shape, kind, layout) * (seen.shape[0] if stacked else 1),
                parameters=_parameters(seen.owner),
                macs=None if seen.reason else macs(seen.owner, shape),
                ran=True,
                leaf=next(seen.owner.children(), None) is None,
                repeats=seen.repeats,
                reason=seen.reason,
            )
        )
    for name, part in module.named_modules():
        if name and not captured.calls[name]:
            rows.append(_never_ran(name, part))
    return LayerTable(rows)


def _batch_axis(shape: tuple[int, ...], batch: int) -> int | None:
    if shape and shape[0] == batch:
        return 0
    return 1 if len(shape) == 3 and shape[1] == batch else None


def one_image(output: torch.Tensor, layer: Layer, number: int = 0) -> torch.Tensor:
    """Output of `layer` for image `number` of the batch, shaped as `layer.shape` says (a stack stays whole)."""
    if layer.batch_axis is None:
        return output
    return output.select(layer.batch_axis, number)


def drawable(output: torch.Tensor, layer: Layer, *, aspect: float = 1.0, plane: int = 0) -> torch.Tensor:
    """One image's output (from `one_image`) as maps (C, H, W) of real numbers.

    Parameters
    ----------
    output : torch.Tensor
        What `layer` put out for one image.
    layer : Layer
        Its row of the table.
    aspect : float
        Width over height of the input image, for the grid of tokens.
    plane : int
        Which slice of a volume or stack, 0 .. `layer.planes` - 1.
    """
    if layer.batch_axis is None and output.ndim >= 3:
        inside = max(1, layer.planes // output.shape[0])
        output, plane = output[plane // inside], plane % inside
    return as_maps(output, layer.kind, layer.layout, aspect=aspect, plane=plane)


def _never_ran(name: str, part: nn.Module) -> Layer:
    leaf = next(part.children(), None) is None
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
        leaf=leaf,
        repeats=False,
        reason="never ran in this pass",
    )


def type_name(part: nn.Module) -> str:
    """Class name; the original one for TorchScript modules."""
    return str(getattr(part, "original_name", type(part).__name__))


def _parameters(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters() if not _is_lazy(parameter))


def _is_lazy(parameter: torch.Tensor) -> bool:
    return isinstance(parameter, nn.parameter.UninitializedParameter)


def macs(part: nn.Module, shape: tuple[int, ...]) -> int | None:
    """Multiply-accumulates of a convolution or a linear layer whose output for one image has `shape`."""
    outputs = 1
    for extent in shape:
        outputs *= extent
    if isinstance(part, nn.modules.conv._ConvTransposeNd):
        return None
    if isinstance(part, nn.modules.conv._ConvNd):
        return outputs * part.weight[0].numel()
    if isinstance(part, nn.Linear):
        return outputs * part.in_features
    return None


def signature(part: nn.Module) -> str:
    """A module in a few characters: `Conv2d(6, 16, 5×5)`, `Linear(120, 84)`, `ReLU`."""
    name = type_name(part)
    if isinstance(part, nn.modules.conv._ConvNd):
        kernel = "×".join(map(str, part.kernel_size))
        return f"{name}({part.in_channels}, {part.out_channels}, {kernel})"
    if isinstance(part, nn.Linear):
        return f"{name}({part.in_features}, {part.out_features})"
    return name
