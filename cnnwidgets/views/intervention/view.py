"""InterventionView: channels of a layer switched off by a click, and what the network then says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T

from ...compute.accuracy import AccuracyEffects
from ...compute.core import plain
from ...compute.effects import ChannelEffects, Patching
from ...compute.interventions import check_edited, editable_operations
from ...compute.layers import Layer, LayerTable, drawable
from ...live import cell_thread
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets.base import ImageView, LayerView
from ...widgets.panels import grid_panel, image_panel
from ...widgets.state import Colormap, Given, Index, Integer, NotNone, Snapshot, Subject, Target, image_of, together
from ...widgets.state import call as call_of
from ...widgets.surface import markup
from .ahead import Ahead
from .beside import Beside, Present
from .controls import InterventionControls
from .edits import AVERAGED, REPLACES, Switches, checked_gains, checked_off, norms_of, replacement, unfit_words
from .growing import GrowingFinding
from .later import LaterPanels, later_layers, later_panels
from .panels import score_panel
from .ranking import Ranking

GRID = 288
"""Width of the grid, in px."""


def _classes(view: InterventionView) -> dict[int, str]:
    prediction = view.snapshot.prediction
    count = 0 if prediction is None else len(prediction.shares)
    return dict(enumerate(view.subject.names.all(count)))


class InterventionView(ImageView):
    """The maps of a layer, each of which a click switches off, with the scores and the later layers before and after.

    A click in the grid switches a channel off, another one on again. Channels that are off are crossed out. Beside the
    grid the channels are ranked by how much the score of a class falls without each alone; that ranking grows in
    portions of about 40 ms between which cells and widgets are answered, and without a notebook is made where it is
    asked for, by `effects` and `save`. A curve tells what becomes of the score without the first k of them together.

    With `replace="image"` channels are carried over from another image (activation patching), and a table tells how
    much of its score each layer brings back; a click in it carries that layer over. A button takes the whole data set
    through both networks and tells the accuracy before and after, by class. Both grow as the ranking does.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images; or what another view already looks at, edited or not. The edits of
        the view are on a twin of it: whoever runs the model itself sees none.
    dataset : indexable
        Gives (image, label), as for `ActivationView`; None with a `Subject`.
    classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `main_layers`, `index`, `channel`, `off`, `gains`, `replace`, `other`, `target`, `score`,
        `ranking`, `carried`, `measured`, `top`, `colormap`.

    Attributes
    ----------
    edited : Subject
        The model as it is edited, for other views: `cw.OcclusionView(view.edited)`. Without edits it is `subject`.
    growing : GrowingFinding
        Makes the ranking.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; the model cannot be copied; a keyword is
        misspelt.
    LookupError, IndexError
        No such layer, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> view = cw.InterventionView(cw.models.lenet5(), cw.data.digits(), layer="C3", off=(3, 7))
    >>> view.static().title
    'C3 · channels 3, 7 set to 0 · image 0 · label: 0'
    """

    sliders: ClassVar[dict[str, str]] = {"index": "Image"}
    panels_height: ClassVar[int] = 480

    channel = Index(of=LayerView.of_layer, help="the chosen channel, from 0").tag(display=True)
    off = NotNone((), help="channels that are switched off").tag(source=True)
    gains = NotNone((), help="(channel, factor) for channels that are multiplied").tag(source=True)
    replace = T.Enum(
        REPLACES, "zero", help="what is there instead: 0, the channel's mean, or its values for another image"
    ).tag(source=True)
    other = Index(
        0,
        of=lambda view: (len(view.subject.items), f"the data set has {len(view.subject.items)} images"),
        what="image",
        help="the other image, whose values replace a channel",
    ).tag(source=True)
    target = Target(of=_classes, help="class that channels are ranked for; None: the predicted one").tag(source=True)
    score = T.Enum(("logit", "probability"), "logit", help="what they are ranked by").tag(source=True)
    ranking = T.Bool(True, help="whether the ranking is made; False stops it, what is done stays").tag(display=True)
    carried = T.Bool(
        True, help="whether the table of carried layers is made, with `replace` image; False stops it"
    ).tag(display=True)
    measured = T.Bool(
        False, help="whether the accuracy over the data set is measured; False stops it, what is done stays"
    ).tag(display=True)
    top = Integer(5, help="how many channels of the ranking `top_off` switches off").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    # ------------------------------------------------------------------ what may be asked and done

    @property
    def effects(self) -> ChannelEffects | None:
        """What each channel does to the score; what is not yet done is done now.

        None without class scores, and where the values of the other image do not fit.
        """
        found: ChannelEffects | None = self._beside.ranking.finish()
        return found

    @property
    def patching(self) -> Patching | None:
        """What each layer restores of the score of the other image, with `replace` image; what is left is done now."""
        found: Patching | None = self._beside.carrying.finish()
        return found

    @property
    def accuracy(self) -> AccuracyEffects | None:
        """The accuracy before and after; what is not yet done is done now. None where nothing is edited.

        Raises
        ------
        ValueError
            The network gives no class scores; no label of the data set is one of its classes.
        ForwardError
            The network, or its edited twin, refuses an image; says which.
        """
        self.flush()
        if self.edited is not self.subject and self.snapshot.prediction is None:
            name = type(plain(self.subject.model)).__name__
            raise ValueError(f"{name} gives no class scores (images x classes), whose accuracy could be measured")
        found: AccuracyEffects | None = self._beside.measuring.finish()
        return found

    @property
    def growing(self) -> GrowingFinding[Ranking]:
        """Makes the ranking."""
        return self._beside.ranking.growing

    def carry(self, layer: str) -> None:
        """Carry a whole layer over from the other image."""
        channels = self.snapshot.find(layer).channels
        with self.hold_trait_notifications():
            self.layer, self.replace, self.off, self.gains = layer, "image", tuple(range(channels)), ()
            self.channel = min(self.channel, channels - 1)

    def switch(self, channel: int, off: bool | None = None) -> None:
        """Switch a channel off or on again, by default the other way, and choose it."""
        off = channel not in self.off if off is None else off
        with self.hold_trait_notifications():
            self.channel = channel
            self.off = tuple({*self.off, channel} if off else {*self.off} - {channel})

    def all_off(self) -> None:
        """Switch every channel of the layer off."""
        self.off = tuple(range(self.layer_row.channels))

    def all_on(self) -> None:
        """Let every channel be as it is."""
        with self.hold_trait_notifications():
            self.off = self.gains = ()

    def top_off(self) -> None:
        """Switch off the first `top` channels of the ranking, as far as it is known, and no others."""
        if (found := self.growing.result) is not None:
            self.off = tuple(found.ranking[: self.top].tolist())

    def follow_norm(self) -> None:
        """Go on to the layer behind the norm, and switch the same channels off there."""
        if self._norms:
            self._keeping = True
            try:
                self.layer = self._norms[0]
            finally:
                self._keeping = False

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Set up what is done beside the drawing."""
        self.edited: Subject = self.subject
        self._own: Subject | None = None
        self._norms: list[str] = []
        self._unfit = ""
        self._keeping = False
        self._beside, self._later, self._ahead = Beside(self), LaterPanels(self), Ahead(self)

    def choosable(self, row: Layer) -> bool:
        """Layers with channels that can be edited: modules, and most operations, but those on weights."""
        edited = row.depends and row.name in self._editable if row.operation else bool(row.module)
        return super().choosable(row) and edited and row.channels > 0

    def checked_layer(self, layer: str) -> Layer:
        """The row of `layer`; raises LookupError where there is none, or where it cannot be edited, and says why."""
        row = self.snapshot.find(layer)
        if row.operation:
            check_edited(self.subject.module, row.name)
        return super().checked_layer(layer)

    @T.validate("off")
    def _validate_off(self, proposal: Any) -> tuple[int, ...]:
        return checked_off(proposal["value"], self.of_layer()[0], self.layer)

    @T.validate("gains")
    def _validate_gains(self, proposal: Any) -> Any:
        return checked_gains(proposal["value"], self.of_layer()[0], self.layer)

    @T.validate("top")
    def _validate_top(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise ValueError(f"top must be 1 or more channels, not {proposal['value']}")
        return int(proposal["value"])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():  # the channels of one layer are none of another
                for name in ("off", "gains"):
                    if not (self._keeping or self.set_together(name)):
                        setattr(self, name, ())
                self._controls.channel.fit(self.snapshot.find(self.layer))

    def numbers_in_code(self, given: Given) -> list[str]:
        """The output of the network under the edits, by `intervene`; not with the mean over images."""
        switches = self._applied
        if not (switches.off or switches.live) or (switches.off and self.replace == "mean"):
            return []
        image = image_of(given, self.item, self.index)
        other = image_of(given, self.subject.items[self.other], self.other) if self.replace == "image" else ""
        last = f'"{self.snapshot.modules.showable[-1].name}"'
        block = call_of("cw.intervene", given["model"], switches.code(other), **given.options("prepare"))
        output = call_of("cw.activations", given["model"], image, last, **given.options("prepare"))
        return [f"with {block}:", f"    output = {output}[0]"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, image and channel, what is done to it, and for which class the channels are ranked."""
        self._controls = InterventionControls(self, self._beside)
        return self._controls.bar

    @property
    def apart(self) -> list[W.Widget]:
        """What stands in the page where there is something to count: it goes with the view."""
        parts = self._controls
        return [*super().apart, parts.ranked, parts.carried, parts.measured, parts.measure, parts.behind]

    def compute(self) -> None:
        """Run the network with the edits, and compare the layers behind them."""
        weights = self.snapshot.weights
        place = (weights, self.index, self.layer, self.replace, self.other)
        row = self.layer_row
        looked = (self.snapshot.modules, weights, self.layer)
        self._output = self.remember("output", looked, lambda: self.snapshot.output(self.layer))
        self._instead = self.remember("instead", place, lambda: self._replacement(row))
        self._unfit = unfit_words(self._instead, self._output, self._switches, self.other, self.index)
        switches = self._applied
        key = (*place, switches.off, switches.live)
        self._after = self.remember("after", key, lambda: self._run(switches))
        self._edited_key = key
        removing = (switches.removing, self.layer, weights)
        self._norms = self.remember("norms", removing, lambda: self._norms_behind(row, switches))
        self._ahead.look_at((weights, self.layer))
        other = self.subject.at(self.other) if self.replace == "image" else None
        self._beside.look_at(Present(place, (switches.off, switches.live), self._instead, other, self._unfit))

    def panels(self) -> list[Panel | list[Panel]]:
        """The image, the grid of the maps, the scores and the ranking, and the later layers."""
        row, snapshot, parts, beside = self.layer_row, self.snapshot, self._controls, self._beside
        parts.fit(self._norms)
        self.remember("classes", (snapshot.prediction,), self._offer)
        key = (self._output, row, self.colormap)
        shaded = self.remember("maps", key, lambda: self._shaded(row))
        grid = self.remember("grid", (shaded,), lambda: grid_panel(shaded, row, on_choose=self.switch, width=GRID))
        assert grid.cells is not None
        grid = replace(
            grid,
            marks=[grid.cells.box(self.channel)],
            flags=[grid.cells.box(channel) for channel in self._applied.off],
            hint="click: off, on",
            lines=[
                *filter(None, [self._unfit]),
                *(f"0 is not off: {norm} behind {self.layer} makes another number of it" for norm in self._norms),
            ],
        )
        scores = self.remember("scores", (snapshot.prediction, self._after.prediction), self._scores)
        later = self._later.panels((*self._edited_key, self.colormap), self._later_panels)
        image = self.remember("image", (self.item,), lambda: image_panel(snapshot))
        return [
            [image, *beside.other_panels()],
            [grid, *beside.carried_panels(parts.carried), *beside.accuracy_panels(parts.measure, parts.measured)],
            [scores, *beside.ranking_panels(parts.ranked)],
            *later,
        ]

    def title(self) -> list[str]:
        """The layer, what is done to it, and the image."""
        instead = {
            "zero": "set to 0",
            "mean": f"set to the mean over {min(AVERAGED, len(self.subject.items))} images",
            "image": f"as for image {self.other}",
        }[self.replace]
        return [self.layer, self._applied.words(instead), markup.pictured(self.snapshot.index, self.item.text)]

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self._beside.forget()
        super().refresh()

    # ------------------------------------------------------------------ what is done beside the drawing

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self.closed:
            self._ahead.stop()
            self._beside.stop()
        super().close()

    def flush(self) -> None:
        """Draw at once what waits to be drawn, the later layers too."""
        super().flush()
        if self._later.due:
            self._later.draw()
            super().flush()

    def settle(self) -> None:
        """Draw the present state to the end, with all that grows where it is wanted; raises what goes wrong."""
        super().settle()
        self.flush()
        self._beside.settle()

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does; outside a notebook with all that grows, where it is wanted."""
        if cell_thread.loop() is None:
            self.settle()
        self.flush()
        return super().save(path, **options)

    # ------------------------------------------------------------------ parts

    _operations_of: tuple[LayerTable | None, Collection[str]] = (None, ())  # the base asks before `prepare`

    @property
    def _editable(self) -> Collection[str]:
        """Names of the operations that can be edited, for the table as far as it is known."""
        known = self.snapshot.known
        if self._operations_of[0] is not known:
            self._operations_of = known, editable_operations(self.subject.module)
        return self._operations_of[1]

    @property
    def _switches(self) -> Switches:
        return Switches(self.layer, self.off, self.gains, self.replace)

    @property
    def _applied(self) -> Switches:
        """Those that can be applied to this image: without what does not fit."""
        return replace(self._switches, off=()) if self._unfit else self._switches

    def _replacement(self, row: Layer) -> Any:
        return replacement(self.subject, row, self.replace, self.other)

    def _run(self, switches: Switches) -> Snapshot:
        """The image as the edited network sees it; without edits, as the network itself does."""
        edits = switches.edits(self._instead)
        if not edits:
            self.edited = self.subject
            return self.snapshot
        own, before = self.twin, self.twin.edits
        own.edit(together(self.subject.edits, edits))
        try:
            found = own.at(self.index, before=self.snapshot, layer=self.layer)
        except BaseException:
            own.edit(before)  # of the picture that stays
            raise
        self.edited = own
        return found

    @property
    def twin(self) -> Subject:
        """What is edited: the model beside the one that is looked at, also while it has no edits."""
        if self._own is None:
            self._own = self.subject.under({})
        return self._own

    def _later_panels(self) -> list[list[Panel]]:
        found = self.remember("later", self._edited_key, lambda: later_layers(self.snapshot, self._after, self.layer))
        return later_panels(found, self.colormap)

    def _norms_behind(self, row: Layer, switches: Switches) -> list[str]:
        if not switches.removing:
            return []
        found = map(self.snapshot.known.get, norms_of(self.subject, row))
        return [norm.name for norm in found if norm is not None and self.choosable(norm)]

    def _shaded(self, row: Layer) -> Shaded:
        maps = drawable(self._output, row, aspect=self.item.aspect, plane=row.planes // 2).numpy()
        return Shaded.of(maps, colormap=self.colormap, scale="layer")

    def _scores(self) -> Panel:
        prediction, names = self.snapshot.prediction, self.subject.names
        truth = None if prediction is None else names.truth(self.item, len(prediction.shares))
        return score_panel(prediction, self._after.prediction, names, truth)

    def _offer(self) -> bool:
        """Have the menu of classes list those of the network, the predicted ones first."""
        prediction, names = self.snapshot.prediction, _classes(self)
        best = {} if prediction is None else {at: markup.percent(prediction.shares[at]) for at in prediction.targets}
        none = "predicted" if prediction is None else f"predicted · {names[prediction.targets[0]]}"
        self._controls.target.offer(names, best, none=none)
        return True
