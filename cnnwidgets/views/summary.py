"""ModelSummary: a network as a table of layers, output shapes and parameters, with the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, NamedTuple

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ..compute.core import Prepare, get_layer, plain
from ..compute.inputs import as_batch, holds_numbers, is_picture
from ..compute.layers import Layer, LayerTable, describe_module
from ..render.static import Panel
from ..render.text import text_length
from ..widgets import controls
from ..widgets.base import ModelView
from ..widgets.panels import PanelBox
from ..widgets.state import Given, Subject, call, image_of
from ..widgets.surface import layout, markup

STYLE = """<style>
.cnnw-summary { display: grid; grid-template-columns: repeat(3, max-content) minmax(0, 140px) max-content;
  gap: 3px clamp(10px, 2vw, 24px); align-items: center; font-variant-numeric: tabular-nums; overflow-x: auto;
  margin: 6px 0; }
.cnnw-summary .cnnw-number { text-align: right; }
.cnnw-summary .cnnw-line { grid-column: 1 / -1; border-top: 1px solid var(--cnnw-line); height: 0; }
</style>"""
BARS, LEAST = 220, 572
"""Room for the bars and the numbers of the static picture, and its least width, in px."""
HEADS = ("Layer", "Kind", "Output", "Parameters")


class Row(NamedTuple):
    """A layer: what it is, what it puts out for the image, how many parameters it has."""

    name: str
    kind: str
    output: str
    parameters: int


class TableBox(PanelBox):
    """The table on the page, as wide as it needs; its head stands in place of a heading."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.heading.layout = layout(display="none")
        self.layout.width, self.layout.max_width, self.layout.flex = "auto", "100%", "0 1 auto"

    def text(self, panel: Panel) -> str:
        """HTML of the table."""
        assert isinstance(panel, TablePanel)
        sides = ("", "", "cnnw-number", "cnnw-number")
        head = [f'<b class="{side}">{name}</b>' for name, side in zip(HEADS, sides, strict=True)]
        line = '<span class="cnnw-line"></span>'
        cells = [*head[:3], "<span></span>", head[3], line]
        for row, (_, share, count) in zip(panel.rows, panel.bars, strict=True):
            bar = f'<span class="cnnw-track"><i style="left:0;width:{100 * share:.1f}%"></i></span>'
            cells += [
                f"<span>{escape(row.name)}</span><span>{escape(row.kind)}</span>",
                f'<span class="cnnw-number">{escape(row.output)}</span>',
                bar if share else "<span></span>",
                f'<span class="cnnw-number">{count}</span>',
            ]
        empty, total = "<span></span>" * 3, f"{panel.total:,}"
        cells.append(f'{line}<b>total</b>{empty}<b class="cnnw-number">{total}</b>')
        return f'{STYLE}<div class="cnnw-summary">{"".join(cells)}</div>'


@dataclass(frozen=True, eq=False)
class TablePanel(Panel):
    """Layers with bars for their parameters, and the total.

    Attributes
    ----------
    rows
        One for each of `bars`.
    total
        Number of parameters of the network.
    """

    rows: Sequence[Row] = ()
    total: int = 0
    box: ClassVar[type[PanelBox]] = TableBox


def table_panel(rows: Sequence[Row], total: int) -> Panel:
    """Layers with what they put out, and their parameters as bars."""
    largest = max((row.parameters for row in rows), default=0) or 1
    labels = [" · ".join(row[:3]) for row in rows]
    longest = max((text_length(label, 12) for label in labels), default=0)
    return TablePanel(
        " · ".join(HEADS),
        width=max(LEAST, round(longest) + BARS),
        bars=[
            (label, row.parameters / largest, f"{row.parameters:,}") for label, row in zip(labels, rows, strict=True)
        ],
        lines=[("total", f"{total:,}")],
        rows=rows,
        total=total,
        key="layers",
    )


class ModelSummary(ModelView):
    """Every layer of a network with what it puts out for one image and how many parameters it has, and the totals.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Looked at, never changed; or what another view already looks at, to share its memory.
    images : torch.Tensor or indexable
        (N, C, H, W), a single (C, H, W), or a data set; the first is run through the network. None with a `Subject`.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model.
    **traits
        Initial `blocks`.

    Attributes
    ----------
    subject : Subject
        Model and images, and what is known of them.
    snapshot : Snapshot
        The image that was run through the network.

    Raises
    ------
    TypeError, ValueError
        The model or the images are not what they must be; a keyword is misspelt.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    panels_height: ClassVar[int] = 0

    blocks = T.Bool(False, help="list modules that hold other modules too").tag(display=True)

    def __init__(
        self, model: nn.Module | Subject, images: Any = None, *, prepare: Prepare | None = None, **traits: Any
    ) -> None:
        self.check_keywords(traits)
        if images is None and not isinstance(model, Subject):
            raise TypeError("ModelSummary needs an image to run: ModelSummary(model, images), or a Subject")
        if isinstance(model, nn.Module) and prepare is None and (is_picture(images) or holds_numbers(images)):
            images = as_batch(plain(model), images)
        self.subject = Subject.of(model, images, prepare=prepare)
        self.snapshot = self.subject.at(0)
        super().__init__(**traits)

    def numbers_in_code(self, given: Given) -> list[str]:
        """The rows, by `layer_table`."""
        batch = isinstance(self.subject.items.dataset, torch.Tensor)  # given as such, or as a single image
        image = given["images"] if batch else image_of(given, self.snapshot.item, 0, data="images")
        return [f"table = {call('cw.layer_table', given['model'], image, **given.options('prepare'))}"]

    @property
    def table(self) -> LayerTable:
        """The layer table of the image."""
        return self.snapshot.table

    @property
    def total(self) -> int:
        """Number of parameters of the network; those that layers share count once."""
        return sum(parameter.numel() for parameter in self.subject.module.parameters())

    @property
    def trainable(self) -> int:
        """Number of parameters that an optimizer may change (`requires_grad`)."""
        return sum(parameter.numel() for parameter in self.subject.module.parameters() if parameter.requires_grad)

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, a row a layer, with what the page leaves out."""
        return self.table.to_frame()

    def refresh(self) -> None:
        """Run the model again: for layers that changed."""
        self.subject.refresh()
        super().refresh()

    def controls(self) -> list[W.Widget]:
        """Whether blocks are listed, where there are any."""
        blocks = controls.checkbox(self, "blocks", "blocks too", width=110, tip="List modules that hold others too")
        blocks.layout.display = "" if any(not row.leaf and row.name for row in self.table) else "none"
        return [blocks]

    def panels(self) -> list[Panel]:
        """The table, of the network as it is now: the totals are."""
        self.snapshot = self.subject.at(0)
        return [table_panel(self._rows(), self.total)]

    def title(self) -> list[str]:
        """The network, its size, and the form of the image."""
        total, trainable = self.total, self.trainable
        numbers = f"{total:,} parameters" + (f", {trainable:,} of them trainable" if trainable < total else "")
        size = sum(parameter.nbytes for parameter in self.subject.module.parameters()) / 1e6
        image = self.snapshot.item.image
        given = "" if image is None else f"for an image of {' × '.join(map(str, image.shape))}"
        return [type(self.subject.module).__name__, numbers, f"{markup.number(size)} MB", given]

    def _rows(self) -> list[Row]:
        """The layers that are listed; a module that runs again has its parameters named once."""
        rows = [row for row in self.table if row.name and (row.leaf or self.blocks)]
        return [Row(row.name, self._kind(row), _form(row), row.parameters if row.call <= 1 else 0) for row in rows]

    def _kind(self, row: Layer) -> str:
        if row.operation or not row.module:
            return row.type
        return describe_module(get_layer(self.subject.module, row.module))


def _form(row: Layer) -> str:
    if not row.ran:
        return "not seen to run"
    return " × ".join(map(str, row.shape)) or "one number"
