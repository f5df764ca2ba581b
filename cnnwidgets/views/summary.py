"""ModelSummary: a network as a table of layers, output shapes and parameters, with the totals."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T
from torch import nn

from ..compute.core import Prepare, get_layer, plain
from ..compute.dataset import Items
from ..compute.layers import Layer, LayerTable, describe_module, layer_table
from ..render.static import Card, Panel
from ..widgets import controls
from ..widgets.base import ModelView
from ..widgets.surface import markup

STYLE = """<style>
.cnnw-summary { display: grid; grid-template-columns: repeat(3, max-content) minmax(0, 140px) max-content;
  gap: 3px clamp(10px, 2vw, 24px); align-items: center; font-variant-numeric: tabular-nums; overflow-x: auto;
  margin: 6px 0; }
.cnnw-summary .cnnw-right { text-align: right; }
.cnnw-summary .cnnw-line { grid-column: 1 / -1; border-top: 1px solid var(--cnnw-line); height: 0; }
</style>"""
WIDTHS = (280, 130, 110)
"""Of the columns of the static picture, in px."""


class ModelSummary(ModelView):
    """Every layer of a network with what it puts out for one image and how many parameters it has, and the totals.

    Parameters
    ----------
    model : torch.nn.Module
        Looked at, never changed.
    images : torch.Tensor or indexable
        (N, C, H, W), a single (C, H, W), or a data set; the first is run through the network.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model.
    **traits
        Initial `blocks`.

    Raises
    ------
    TypeError, ValueError
        The model or the images are not what they must be; a keyword is misspelt.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    blocks = T.Bool(False, help="list modules that hold other modules too").tag(display=True)

    def __init__(self, model: nn.Module, images: Any, *, prepare: Prepare | None = None, **traits: Any) -> None:
        self.check_keywords(traits)
        self._model, self._module, self._prepare = model, plain(model), prepare
        single = getattr(images, "ndim", 0) == 3 and prepare is None
        self._items = Items([images] if single else images, prepare=prepare)
        self._run()
        super().__init__(**traits)
        self._title, self._rows = W.HTML(), W.HTML()
        blocks = controls.checkbox(self, "blocks", "blocks too", width=110, tip="List modules that hold others too")
        blocks.layout.display = "" if any(not row.leaf and row.name for row in self.table) else "none"
        self._body.children = controls.card_body(self._title, [blocks], [W.HTML(STYLE), self._rows], height=0)
        self.start()

    def _run(self) -> None:
        item = self._items[0]
        image = item.image if self._prepare is None else item.raw
        self.table: LayerTable = layer_table(self._model, image, prepare=self._prepare)

    @property
    def total(self) -> int:
        """Number of parameters of the network; those that layers share count once."""
        return sum(parameter.numel() for parameter in self._module.parameters())

    @property
    def trainable(self) -> int:
        """Number of parameters that an optimizer may change (`requires_grad`)."""
        return sum(parameter.numel() for parameter in self._module.parameters() if parameter.requires_grad)

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, a row a layer, with what the page leaves out."""
        return self.table.to_frame()

    def refresh(self) -> None:
        """Run the model anew: for layers that changed."""
        self._run()
        super().refresh()

    def render(self) -> None:
        """Write the table."""
        rows = self._listed()
        largest = max((count for *_, count in rows), default=0) or 1
        cells = [f'<b class="{side}">{name}</b>' for name, side in zip(_HEADS, _SIDES, strict=True)]
        line = '<span class="cnnw-line"></span>'
        for name, kind, form, count in rows:
            bar = f'<span class="cnnw-track"><i style="left:0;width:{100 * count / largest:.1f}%"></i></span>'
            cells += [
                f"<span>{escape(name)}</span><span>{escape(kind)}</span>",
                f'<span class="cnnw-right">{escape(form)}</span>',
                bar if count else "<span></span>",
                f'<span class="cnnw-right">{count:,}</span>',
            ]
        cells.insert(5, line)
        total = f'{line}<b>total</b><span></span><span></span><span></span><b class="cnnw-right">{self.total:,}</b>'
        self._rows.value = f'<div class="cnnw-summary">{"".join(cells)}{total}</div>'
        self._title.value = markup.title(type(self._module).__name__, *self._said())

    def static(self) -> Card:
        """What the view shows, without the controls."""
        rows = self._listed()
        columns = [
            ("Layer", [f"{name} · {kind}" for name, kind, *_ in rows] + ["total"]),
            ("Output", [form for *_, form, _ in rows]),
            ("Parameters", [f"{count:,}" for *_, count in rows] + [f"{self.total:,}"]),
        ]
        panels = [Panel(name, width=width, lines=lines) for (name, lines), width in zip(columns, WIDTHS, strict=True)]
        return Card(" · ".join([type(self._module).__name__, *self._said()]), panels)

    def _listed(self) -> list[tuple[str, str, str, int]]:
        """Name, kind, output and parameters of each row; a module that runs again has its parameters named once."""
        rows = [row for row in self.table if row.name and (row.leaf or self.blocks)]
        return [(row.name, self._kind(row), _form(row), row.parameters if row.call <= 1 else 0) for row in rows]

    def _kind(self, row: Layer) -> str:
        return row.type if row.operation or not row.module else describe_module(get_layer(self._module, row.module))

    def _said(self) -> list[str]:
        total, trainable = self.total, self.trainable
        numbers = f"{total:,} parameters" + (f", {trainable:,} of them trainable" if trainable < total else "")
        size = sum(parameter.nbytes for parameter in self._module.parameters()) / 1e6
        image = self._items[0].image
        given = "" if image is None else f"for an image of {' × '.join(map(str, image.shape))}"
        return [numbers, f"{markup.number(size)} MB", given] if given else [numbers, f"{markup.number(size)} MB"]


_HEADS = ("Layer", "Kind", "Output", "", "Parameters")
_SIDES = ("", "", "cnnw-right", "", "cnnw-right")


def _form(row: Layer) -> str:
    if not row.ran:
        return "never ran"
    return " × ".join(map(str, row.shape)) or "one number"
