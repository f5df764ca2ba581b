"""ExploreView: every stage of a network with its most active maps, and a way down to each."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T
from torch import nn

from ..compute.layers import Layer
from ..compute.overview import Edge, Stages
from ..compute.scan import Scan
from ..live import Linked
from ..render.static import Panel
from ..widgets import controls
from ..widgets.base import ImageView, LayerView
from ..widgets.state import Colormap, Given, Index, Subject, Target, maps_of
from ..widgets.surface import layout, markup, number, plain
from .hovered import Ahead, Hovered
from .panel import OverviewPanel, image_and_scores
from .picture import WIDTH, picture
from .seen import Seen
from .sheet import colormaps, legend
from .stages import Row
from .tabs import TABS, History, Tabs
from .widget import style

SCALES = ("map", "layer", "network")
Place = tuple[str, int, str]
"""Layer, channel and tab that one looks at."""


def _classes(view: ExploreView) -> dict[int, str]:
    prediction = view.snapshot.prediction
    count = 0 if prediction is None else len(prediction.shares)
    return {target: view.subject.names.called(target, count) for target in range(count)}


class ExploreView(ImageView):
    """The whole network at a glance: every stage in running order with its most active maps, beside the image.

    A press on a thumbnail looks at that layer and channel, and opens the other views below, as tabs: they look at the
    same model, data set, image, layer and channel, and are made when their tab is first opened. Escape closes the tab;
    Alt with the arrow keys, or the buttons beside the tabs, lead back and forward through what one has looked at.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images. It is looked at, never changed.
    dataset : indexable
        Gives (image, label); None with a `Subject`.
    classes, denormalize, prepare, cache_bytes
        As of every `LayerView`.
    **traits
        Initial `layer`, `main_layers`, `index`, `channel`, `target`, `tab`, `opened`, `find`, `scale`, `colormap`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel, stage or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> view = cw.ExploreView(cw.models.lenet5(), cw.data.digits())
    >>> [row.stage.name for row in view.rows][:2]
    ['C1', 'S2']
    """

    sliders: ClassVar[dict[str, str]] = {"index": "Image"}

    channel = Index(of=LayerView.of_layer, help="which map, unit or token feature is looked at, from 0").tag(
        display=True
    )
    target = Target(of=_classes, help="class for occlusion and attribution; None: the predicted one").tag(display=True)
    tab = T.Enum(("", *TABS), "", help="the view that is open below; empty for none").tag(source=True)
    opened = T.Tuple(default_value=None, allow_none=True, help="names of the stages that are open; None: as fits").tag(
        display=True
    )
    find = T.Unicode("", help="shows only stages whose name, kind or shape holds this text").tag(display=True)
    scale = T.Enum(SCALES, "layer", help="value range of the colours: map, layer, network").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    tabs: Tabs | None = None  # until the constructor gets there: it may raise before

    def __init__(self, model: nn.Module | Subject, dataset: Any = None, **options: Any) -> None:
        super().__init__(model, dataset, **options)
        self.tabs = Tabs(self, self.back, self.forward)
        *above, error_line = self.children
        look = plain(W.HTML, style(), layout=layout(display="none"))
        self.children = [look, *above, error_line, self.tabs]
        self.add_class("cnnw-explore")
        self.observe(self._follow, ["layer", "main_layers", "channel", "index", "target", "tab"])
        self._follow()

    # ------------------------------------------------------------------ moving through it

    def back(self) -> None:
        """Look at what was looked at before."""
        self._go(self._history.back())

    def forward(self) -> None:
        """Look at what was looked at before the last `back`."""
        self._go(self._history.forward())

    def up(self) -> None:
        """Close the view below."""
        self.tab = ""

    def look_at(self, layer: str | Layer, channel: int, tab: str = "") -> None:
        """Look at a channel of a layer, in the view that is open below, or in that of `tab`; by default the maps.

        The layer is its name, or its row in `layers`.
        """
        name = layer.name if isinstance(layer, Layer) else layer
        with self.hold_trait_notifications():
            self.layer, self.channel, self.tab = name, channel, tab or self.tab or "maps"

    def toggle(self, name: str) -> None:
        """Open a stage that is closed, or close it."""
        now = set(self.stages.opened if self.opened is None else self.opened)
        self.opened = tuple(now ^ {name})

    def pick_by(self, scan: Scan) -> None:
        """Let the filters of the strip go by a scan, and hand it on to the views below; see `ImageView`."""
        super().pick_by(scan)
        if self.tabs is not None:
            self.tabs.pick_by(scan)

    def _go(self, place: Place | None) -> None:
        if place is not None:
            with self.hold_trait_notifications():
                self.layer, self.channel, self.tab = place

    def _follow(self, change: Any = None) -> None:
        """Have the view below look at the same."""
        if self.tabs is not None:
            self.tabs.show(self.tab)
            self.tabs.push()
            self.tabs.can_go(self._history.behind, self._history.ahead)

    def numbers_in_code(self, given: Given) -> list[str]:
        """The maps of the layer that is looked at, by `activations`."""
        return maps_of(given, self.item, self.index)

    # ------------------------------------------------------------------ what the traits may be

    @T.validate("opened")
    def _validate_opened(self, proposal: Any) -> tuple[str, ...] | None:
        value = proposal["value"]
        if value is None:
            return None
        for name in value:
            _ = self.stages[str(name)]  # raises, with the nearest, where there is none
        return tuple(sorted(set(value)))

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready and not self.set_together(
            "channel"
        ):  # at once: a channel of the new layer may be set right after
            with self.quiet():
                self.channel = min(self.channel, self.snapshot.find(self.layer).channels - 1)

    # ------------------------------------------------------------------ what the base asks for

    def prepare(self, traits: dict[str, Any]) -> None:
        """Have the stages, against which names are checked."""
        self._history: History[Place] = History()
        self._seen = Seen(self.subject)
        self._seen.take(self.known)
        self._hovered = Hovered(self.subject)
        self._ahead = Ahead(self)

    def controls(self) -> list[W.Widget]:
        """Image, which stages are seen, and how the maps are drawn."""
        box = plain(W.Text, value=self.find, placeholder="name, kind or shape", layout=layout(width="150px"))
        Linked((self, "find"), (box, "value"))
        controls.hint(box, "Show only stages whose name, kind or shape holds this text")
        tip = "Value range of the colours: each map its own, one for each layer, or one for the whole network"
        names = [("each map", "map"), ("each layer", "layer"), ("whole network", "network")]
        first = controls.button(
            "as at first", lambda: self.set_trait("opened", None), width=84, tip="Open as many stages as fit"
        )
        closed = controls.button("close all", lambda: self.set_trait("opened", ()), width=74, tip="Close all stages")
        self._folds = W.HBox([closed, first], layout=W.Layout(margin="0 14px 0 0"))
        return [
            self.image_control(),
            controls.labelled("Find", box),
            self._folds,
            controls.labelled("Scale", controls.dropdown(self, "scale", names, width=118, tip=tip)),
            controls.colormap_menu(self),
        ]

    def compute(self) -> None:
        """Find the stages; the outputs are at hand."""
        self._seen.take(self.snapshot.known)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image with what is predicted of it, the stages, and the scores."""
        sheet = self._sheet()
        self._folds.layout.display = "" if any(stage.foldable for stage in self.stages) else "none"
        image, *scores = self.remember(
            "image", (self.snapshot.item, self.snapshot.prediction), lambda: image_and_scores(self.snapshot)
        )
        key = (sheet, self.layer, self.channel)
        return [image, self.remember("overview", key, lambda: self._overview(sheet)), *scores]

    def title(self) -> list[str]:
        """The network, how many stages of it are seen, and of which image."""
        shown = sum(not row.opened for row in self.rows)
        layers = len(self.known.showable)
        stages = f"{shown} stage{'' if shown == 1 else 's'} of {layers:,} layers"
        return [type(self.subject.module).__name__, stages, markup.pictured(self.snapshot.index, self.item.text)]

    def status(self) -> str:
        """What the colours mean."""
        words = {
            "map": "scale: each map its own, vectors as a whole",
            "layer": "scale: each layer its own, the two numbers beside its shape; 99.5 % of its values lie within",
        }
        low, high = self._sheet()["common"]
        return words.get(self.scale, f"scale: {number(low)} to {number(high)} for the whole network")

    def render(self) -> None:
        """Draw what `compute` found, and remember the place."""
        super().render()
        self._history.visit((self.layer, self.channel, self.tab))
        if self.tabs is not None:
            self.tabs.can_go(self._history.behind, self._history.ahead)
        if self.snapshot.traced and self.lacks():  # before, the operations would be left out
            self._ahead.start()

    def choices(self, name: str) -> Any:
        """What the trait `name` may be, as the view now stands."""
        if name == "target":
            return [None, *_classes(self)]
        if name == "opened":
            return [None, (), *[(stage.name,) for stage in self.stages if stage.foldable][:1]]
        return super().choices(name)

    def list_layers(self) -> None:
        """Have the stages follow what is known of the present image."""
        super().list_layers()
        if self.snapshot.traced and self._seen.follow(self.known, self.snapshot) and self.ready:
            self.redraw()

    def list_later(self) -> None:
        """Have the operations, and the edges, come in a moment, where the thread that runs the cells has one."""
        if self._operations is not None:
            self._operations.start()

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self._seen.forget()
        self._hovered.forget()
        super().refresh()

    def lacks(self) -> bool:
        """Whether what a hover asks for is still to be worked out, for what is seen now."""
        return self._hovered.lacks(self.snapshot, self._feeding())

    def work_ahead(self) -> bool:
        """Work out the next part of what a hover asks for; whether there is more."""
        return self._hovered.prepare(self.snapshot, self._feeding())

    def close(self) -> None:
        """Close every widget of the view and of those below it; the model is as it was before."""
        if self.tabs is not None:
            self._ahead.stop()
        for view in [] if self.tabs is None else self.tabs.apart:
            view.close()
        super().close()

    # ------------------------------------------------------------------ parts

    @property
    def rows(self) -> list[Row]:
        """The rows of the overview, from top to bottom."""
        return self._seen.rows(self.opened, self.find)

    @property
    def stages(self) -> Stages:
        """The stages of the network, each with those that it holds."""
        return self._seen.stages

    def _sheet(self) -> dict[str, Any]:
        look = {"scale": self.scale, "colormap": self.colormap}
        return self._seen.sheet(self.snapshot, self.opened, self.find, **look)

    def _hover(self, said: dict[str, Any]) -> dict[str, Any]:
        """What the strongest place of the map under the mouse sees, and what fed it; nothing where that is not known.

        Runs nothing: what is not worked out yet is begun, and the page asks again.
        """
        waits = self.lacks() and self._ahead.start(soon=True)
        while not waits and self.lacks():  # a script, a test
            self.work_ahead()
        answer: dict[str, Any] = {"kind": "frame", "key": said["key"], "box": None, "fed": [], "waits": waits}
        layer, channel = self.snapshot.known.get(str(said["layer"])), int(said["channel"])
        if layer is not None and 0 <= channel < layer.channels:
            answer["box"] = self._hovered.frame(self.snapshot, layer, channel)
            stage = str(said.get("stage", ""))
            answer["fed"] = self._hovered.fed(self.snapshot, layer, channel, stage, self._feeding())
        return answer

    def _feeding(self) -> list[Edge]:
        return self._seen.feeding(self.opened, self.find)

    def _overview(self, sheet: dict[str, Any]) -> OverviewPanel:
        return OverviewPanel(
            "Stages",
            width=WIDTH,
            key="overview",
            chart=partial(picture, sheet, colormaps(self.colormap)),
            sheet=sheet,
            selected=(self.layer, self.channel),
            scales=legend(sheet, self.scale, self.colormap),
            heard={
                "toggle": lambda said: self.toggle(str(said["name"])),
                "choose": lambda said: self.look_at(str(said["layer"]), int(said["channel"])),
                "up": lambda said: self.up(),
                "back": lambda said: self.back(),
                "forward": lambda said: self.forward(),
                "hover": self._hover,
            },
        )


def explore(model: nn.Module | Subject, dataset: Any = None, **options: Any) -> ExploreView:
    """Look at a whole network at a glance, and go down from there: an `ExploreView`, which says what it takes.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images.
    dataset : indexable
        Gives (image, label).
    **options
        As of `ExploreView`.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> view = cw.explore(cw.models.lenet5(), cw.data.digits(), find="conv")
    >>> [row.stage.name for row in view.rows]
    ['C1', 'C3', 'C5']
    """
    return ExploreView(model, dataset, **options)
