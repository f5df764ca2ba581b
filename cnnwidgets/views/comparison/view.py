"""CompareView: two to four networks, edits or images side by side, with one set of controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T

from ...compute.comparison import Comparer, Pairing, weight_changes
from ...compute.core import ForwardError, check_numbers, plain
from ...compute.layers import Layer
from ...compute.overview import worth_choosing
from ...live import cell_thread
from ...render.static import Panel
from ...widgets.base import ImageView, LayerView
from ...widgets.state import Colormap, Given, Index, NotNone, Snapshot
from ...widgets.surface import markup
from .columns import (
    LETTERS,
    Column,
    checked_beside,
    checked_partners,
    checked_pixel,
    image_words,
    names_of,
    numbers_of,
    pairing_of,
    partner_of,
    subjects_of,
)  # fmt: skip
from .controls import CompareControls
from .drawing import PRESENTED, Drawing
from .rankings import BY, Ranked, of_outputs, of_responses, of_scans, of_weights
from .sample import Sample
from .scans import Known, Scans

SAMPLE = 32
"""Images of the sample by default."""


class CompareView(ImageView):
    """Two to four networks, edits of one, or images, in columns with one set of controls.

    Each column has all maps of its layer and the chosen one large, on one scale for all; between the first column and
    another stand their difference, on a scale centred on 0, and a curtain that shows both in one place. Below are the
    scores as bars side by side, which layers and channels changed most, and what a sample of images tells: how alike
    all layers are (linear CKA), and the images on which the two disagree. The sample is compared in portions between
    which cells and widgets are answered; without a notebook when it is asked for, by `comparison` and `save`.

    Layers are paired by name, else by order and shape, or by hand with `partners`; the column says how.

    Parameters
    ----------
    models : torch.nn.Module, Subject, or a list of them
        Networks that take the same images, on any devices and in any precision. Looked at, never changed.
    dataset : indexable
        Gives (image, label), as for `ActivationView`; None with a `Subject`.
    edits : mapping of str to Edit, or a list of them, optional
        As for `intervene`: a further column each, of the first network under these edits.
    classes : sequence of str, or one such for each network, optional
        As for `ActivationView`. Networks whose classes have names in another order are matched by name.
    scans : list of Scan, optional
        One for each network, None for one that was not scanned: which layers changed most `by="responses"`, and the
        images on which two disagree, come from them, of the whole data set and without a pass.
    denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `main_layers`, `index`, `beside`, `channel`, `partners`, `second`, `pixel`, `scale`,
        `colormap`, `curtain`, `by`, `sample`, `survey`.

    Attributes
    ----------
    subjects : list of Subject
        A network each.
    columns : list of Column
        What is shown, from left to right.
    growing : GrowingComparison
        Compares the sample.

    Raises
    ------
    TypeError, ValueError
        The models, the data set or an item of it are not what they must be; there is only one column, or more than
        four; a scan is of other weights, layers or images; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel or image.
    ForwardError
        A network refused the image; says which layer, what it got and what it wants.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> one, other = cw.models.lenet5(pretrained=True), cw.models.lenet5()
    >>> view = cw.CompareView([one, other], cw.data.digits(), layer="C3", survey=False)
    >>> [column.row.name for column in view.columns], view.ranked.by
    (['C3', 'C3'], 'weights')
    """

    sliders: ClassVar[dict[str, str]] = {**ImageView.sliders, "channel": "Channel"}
    painted: ClassVar[tuple[str, ...]] = ("channel", "colormap", "curtain")
    shows_operations: ClassVar[bool] = False
    panels_height: ClassVar[int] = 640
    presented: ClassVar[tuple[str, ...]] = PRESENTED

    channel = Index(of=LayerView.of_layer, help="which channel is shown large in every column, from 0").tag(
        display=True
    )
    beside = NotNone((), help="further images of the data set, a column each").tag(source=True)
    partners = NotNone((), help="layers of the further columns that are chosen by hand; empty for none").tag(
        source=True
    )
    second = Index(
        1,
        of=lambda view: (view.count, f"there are {view.count} columns"),
        what="column",
        help="the column that the first is compared with, from 1",
    ).tag(display=True)
    pixel = NotNone((), help="(row, column) of the maps whose values are told, or ()").tag(display=True)
    scale = T.Enum(
        ("shared", "column"), "shared", help="value range of the colours: shared, or each column its own"
    ).tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    curtain = Index(
        50, of=lambda view: (101, "percent of the first"), help="percent of the first left of the curtain"
    ).tag(display=True)
    by = T.Enum(tuple(BY), "outputs", help="what the ranking is by").tag(display=True)
    sample = Index(
        SAMPLE,
        of=lambda view: (view.most + 1, f"the data set has {view.most} images"),
        help="images that are compared, the first ones; fewer than 4: none",
    ).tag(source=True)
    survey = T.Bool(True, help="whether the sample is compared; False stops it, what is done stays").tag(display=True)

    def __init__(
        self,
        models: Any,
        dataset: Any = None,
        *,
        edits: Any = None,
        classes: Any = None,
        scans: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        cache_bytes: int = 512 * 2**20,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        options = {"denormalize": denormalize, "prepare": prepare, "cache_bytes": cache_bytes}
        self.subjects = subjects_of(models, dataset, edits, classes, options)
        beside = traits.get("beside", ())
        if len(self.subjects) == 1 and not len(beside):
            raise TypeError(
                "there is nothing to compare: give two to four models, or one with images=[i, j] or edits=[...]"
            )
        for each in self.subjects[1:]:
            check_numbers(each.module)
        self._scans = Scans(scans, self.subjects)
        self.names = names_of(self.subjects)
        self._look(0, traits.get("index", 0))  # kept for the base; an error says that it is A's
        self.columns: list[Column] = []
        self._pairings: dict[int, Pairing] = {}
        super().__init__(self.subjects[0], **traits)

    # ------------------------------------------------------------------ what may be asked and done

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.subjects) + len(self.beside)

    @property
    def most(self) -> int:
        """Images of the data set."""
        return len(self.subject.items)

    @property
    def comparison(self) -> Comparer | None:
        """The comparison over the sample; what is not yet done is done now. None without a sample."""
        self.flush()
        self.growing.finish()
        self.guarded(self.render)
        return self.growing.comparer

    @property
    def scanned(self) -> Known | None:
        """What scans tell of the first column and the one that it is compared with; None without scans of both."""
        at = self.network(self.second)
        return self._scans.known(at, (self._weights[0], self._weights[at]))

    @property
    def ranked(self) -> Ranked:
        """Which layers and channels changed most, as far as it is known."""
        self.flush()
        return self._ranked()

    def look_at(self, layer: str, partner: str = "") -> None:
        """Look at a layer, beside `partner` in the column that the first is compared with; by default its own."""
        own = self._pairings[self.second].partner(layer) if self.second in self._pairings else None
        chosen = [""] * (self.count - 1)
        if partner and (own is None or own.b != partner):
            chosen[self.second - 1] = partner
        with self.hold_trait_notifications():
            self.layer, self.partners = layer, tuple(chosen) if any(chosen) else ()

    def toggle_survey(self) -> None:
        """Stop comparing the sample, or go on with it."""
        if self.growing.running:
            self.survey = False
        else:
            self.growing.again()
            with self.quiet():
                self.survey = True
            self.redraw()

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Choose what the ranking is by, and set up what compares the sample."""
        several = any(plain(each.model) is not plain(self.subject.model) and not each.edited for each in self.subjects)
        scanned = self._scans.known(traits.get("second", 1))
        ranked = scanned is not None and scanned.changes is not None
        traits.setdefault("by", "responses" if ranked else "weights" if several else "outputs")
        traits.setdefault("sample", min(SAMPLE, self.most))
        self._sample = Sample(self, self._grown)
        self.growing = self._sample.growing
        self._drawing = Drawing(self)

    @T.validate("beside")
    def _validate_beside(self, proposal: Any) -> tuple[int, ...]:
        return checked_beside(proposal["value"], self.subject, len(self.subjects), self.ready and len(self.beside))

    @T.validate("partners")
    def _validate_partners(self, proposal: Any) -> tuple[str, ...]:
        return checked_partners(proposal["value"], [each.snapshot for each in self.columns[1:]], self.count - 1)

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> tuple[int, ...]:
        return checked_pixel(proposal["value"])

    @T.validate("second")
    def _validate_second(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise IndexError(f"column {proposal['value']} is the first: it is compared with 1 to {self.count - 1}")
        return int(proposal["value"])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():
                self._controls.fit(self.snapshot.find(self.layer))
                for name in ("partners", "pixel"):
                    if not self.set_together(name):
                        setattr(self, name, ())

    def numbers_in_code(self, given: Given) -> Sequence[str]:
        """The maps of both columns, and their difference."""
        return numbers_of(self, given)

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, image and channel of all columns, and how they are drawn."""
        self._controls = CompareControls(self, self.count)
        self._drawing.link(self._controls.drawn, self._controls.movers)
        return self._controls.bar

    def outdated(self) -> bool:
        """Whether the weights of any network have changed since."""
        return super().outdated() or any(column.snapshot.outdated() for column in self._others)

    def take_snapshot(self) -> Snapshot:
        """Image `index` as the first network sees it; errors say which network that is."""
        return self._look(0, self.index)

    def compute(self) -> None:
        """Run every network, or look up what it gave; pair the layers."""
        self.growing.hold()
        first = self.snapshot
        seen = [first, *(self._look(at, self.index) for at in range(1, len(self.subjects)))]
        seen += [self.subject.at(index) for index in self.beside]
        partners = self.partners or ("",) * (len(seen) - 1)
        pairings: dict[int, Pairing] = {}
        columns: list[Column] = []
        for at, snapshot in enumerate(seen):
            row: Layer | None = self.layer_row
            note = ""
            if at:
                key = (first.modules, snapshot.modules)
                pairings[at] = self.remember(f"pairing{at}", key, partial(pairing_of, first, snapshot))
                row, note = partner_of(self.layer_row, snapshot, pairings[at], partners[at - 1])
            output = None if row is None else snapshot.output(row.name)
            columns.append(
                Column(
                    letter=LETTERS[at],
                    name=self._name(at, snapshot),
                    row=row,
                    note=note,
                    output=output,
                    aspect=snapshot.item.aspect,
                    snapshot=snapshot,
                )
            )
        self.columns, self._pairings = columns, pairings
        self._others = [] if self.beside else columns[1:]  # of other networks, or other weights
        self._weights = tuple(each.weights for each in seen[: len(self.subjects)])

    def panels(self) -> list[Panel | list[Panel]]:
        """A column each, the difference with the curtain, the image and the scores, the rankings, the sample."""
        self._sample.follow(self._weights)
        channel = None if self.exporting else self.channel  # which a page moves without it
        ranking = self._drawing.ranking(self._ranked(), channel, self.look_at, [self._controls.by])
        image = [*self._drawing.images(), self._drawing.scores()]  # behind the columns: two fit side by side
        found: list[Panel | list[Panel]] = [*self._drawing.panels(), image, ranking]
        return [*found, *filter(None, [self._sample.panels(self._controls.progress)])]

    def render(self) -> None:
        """Draw what `compute` found; a page that has shown it before shows it at once."""
        self._drawing.render(super().render, self._address)

    def title(self) -> list[str]:
        """The layer, the columns, and the image."""
        names = [f"{column.letter} {column.name}" for column in self.columns]
        image = [] if self.beside else [markup.pictured(self.snapshot.index, self.item.text)]
        return [self.layer, " | ".join(names), *image]

    def status(self) -> str:
        """What the colours mean, and how layers are paired."""
        same = all(plain(each.model) is plain(self.subject.model) for each in self.subjects)
        alike = "one network in every column" if same and not self.beside else ""
        scale = "scale: shared by all columns" if self.scale == "shared" else "scale: each column its own"
        pairing = self._pairings[self.second]
        return " · ".join(filter(None, [scale, alike, pairing.words if not same else ""]))

    def refresh(self) -> None:
        """Run every network again: for weights or data that changed where traits cannot see it."""
        for each in self.subjects[1:]:
            each.refresh()
        self._sample.forget()
        super().refresh()

    # ------------------------------------------------------------------ the sample, beside the drawing

    def close(self) -> None:
        """Close every widget of the view; the models are as they were before."""
        if not self.closed:
            self.growing.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end; raises what goes wrong.

        The whole sample too where it is wanted: where it cannot be compared, its panels say why.
        """
        super().settle()
        if self.survey:
            self.growing.settle()
            with self.quiet():
                self.render()

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does; outside a notebook with the whole sample, as far as it goes."""
        if self.survey and cell_thread.loop() is None:
            self.flush()
            self.growing.settle()
            self.guarded(self.render)
        return super().save(path, **options)

    def _grown(self) -> bool:
        """Draw what the sample has told, and why it tells no more; whether that went well."""
        return self.guarded(self._draw_grown)

    def _draw_grown(self) -> None:
        if self.growing.error is not None and self.outdated():  # a cell has trained a network: begin again
            self.redraw()
            return
        self.render()

    # ------------------------------------------------------------------ parts

    def _look(self, at: int, index: int) -> Snapshot:
        try:
            return self.subjects[at].at(index)
        except ForwardError as error:
            raise ForwardError(f"{LETTERS[at]} ({self.names[at]}): {error}") from error

    def _name(self, at: int, snapshot: Snapshot) -> str:
        return image_words(snapshot.index, snapshot.item.text) if self.beside else self.names[at]

    def _address(self) -> dict[str, Any]:
        """All that is seen depends on, save what the page draws by itself."""
        valid = "|".join("-".join(map(str, column.snapshot.weights)) for column in self.columns)
        kept = {name: list(getattr(self, name)) for name in ("beside", "partners")}
        kept |= {name: getattr(self, name) for name in ("index", "second", "by", "sample")}
        return {"layer": self.layer_row.label, "valid": valid} | kept

    def network(self, at: int) -> int:
        """Which of the networks column `at` is of."""
        return 0 if self.beside else at

    def _ranked(self) -> Ranked:
        first, other = self.columns[0].snapshot, self.columns[self.second].snapshot
        if self.by == "outputs":
            key = (first.modules, other.modules, self._weights, self.index, self.beside, self.second, self.layer)

            def outputs() -> Ranked:
                names = worth_choosing(first.modules)
                return of_outputs(first, other, self._pairings[self.second], self.layer, names)

            return self.remember("ranked", key, outputs)
        if self.by == "weights":
            networks = self.subject.model, self.subjects[self.network(self.second)].model
            changes = self.remember("weights", (self._weights, self.second), lambda: weight_changes(*networks))
            return self.remember("ranked", (changes, self.layer), lambda: of_weights(changes, self.layer))
        known, comparer = self.scanned, self.growing.comparer
        if known is not None and known.changes is not None:
            scanned = known.changes
            return self.remember("ranked", (scanned, self.layer), lambda: of_scans(scanned, self.layer))
        why = [] if known is None else [known.unknown["responses"]]

        def responses() -> Ranked:
            found = of_responses(None if comparer is None else comparer.responses, self.layer)
            return replace(found, lines=[*found.lines, *why])

        return self.remember("ranked", (comparer, self.growing.done, known, self.layer), responses)
