"""CompareView: two to four networks, edits or images side by side, with one set of controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import traitlets as T

from ...compute.comparison import FEWEST, Comparer, Pairing, weight_changes
from ...compute.core import ForwardError, check_numbers, in_one_line, plain
from ...compute.layers import Layer
from ...compute.overview import worth_choosing
from ...live import cell_thread
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets.base import ImageView, LayerView
from ...widgets.painter import pages, possible
from ...widgets.panels import image_panel
from ...widgets.state import Colormap, Given, Index, NotNone, Snapshot, Subject, Thumbnails
from ...widgets.surface import markup
from .code import numbers_of
from .columns import (
    LETTERS,
    Column,
    difference,
    image_words,
    names_of,
    pairing_of,
    partner_of,
    subjects_of,
)  # fmt: skip
from .controls import CompareControls
from .growing import GrowingComparison
from .panels import (
    WIDTH,
    column_grid,
    column_panels,
    curtain_panel,
    paint_of,
    pixel_lines,
    score_panel,
    shaded_alike,
    shaded_difference,
)  # fmt: skip
from .rankings import BY, Ranked, of_outputs, of_responses, of_weights, ranking_panels
from .survey import disagreement_panel, similarity_panel
from .traits import checked_beside, checked_partners, checked_pixel

SAMPLE, BATCH = 32, 8
"""Images of the sample by default, and those of a mini-batch."""


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
        Runs the sample.

    Raises
    ------
    TypeError, ValueError
        The models, the data set or an item of it are not what they must be; there is only one column, or more than
        four; a keyword is misspelt.
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

    sliders: ClassVar[dict[str, str]] = {"index": "Image", "layer": "Layer"}
    shows_operations: ClassVar[bool] = False
    panels_height: ClassVar[int] = 640

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
    curtain = Index(50, of=lambda view: (101, "a curtain"), help="percent of the first left of the curtain").tag(
        display=True
    )
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
        self.names, self._classes = names_of(self.subjects), classes
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
        traits.setdefault("by", "weights" if several else "outputs")
        traits.setdefault("sample", min(SAMPLE, self.most))
        self.growing = GrowingComparison(self._grown)
        self._thumbnails = Thumbnails(self.subject.items)

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
        self._paints = possible()
        return self._controls.bar

    def outdated(self) -> bool:
        """Whether the weights of any network have changed since."""
        return super().outdated() or any(column.snapshot.outdated() for column in self.columns)

    def compute(self) -> None:
        """Run every network, or look up what it gave; pair the layers."""
        self.growing.hold()
        first = self.snapshot
        seen = [first, *(self._look(at) for at in range(1, len(self.subjects)))]
        seen += [self.subject.at(index) for index in self.beside]
        partners = self.partners or ("",) * (len(seen) - 1)
        pairings: dict[int, Pairing] = {}
        columns: list[Column] = []
        for at, snapshot in enumerate(seen):
            row: Layer | None = self.layer_row
            note = ""
            if at:
                key = (first.modules, snapshot.modules)
                pairings[at] = self.remember(f"pairing{at}", key, lambda other=snapshot: pairing_of(first, other))
                row, note = partner_of(self.layer_row, snapshot, pairings[at], partners[at - 1])
            output = None if row is None else snapshot.output(row.name)
            columns.append(Column(LETTERS[at], self._name(at, snapshot), snapshot, row, note, output))
        self.columns, self._pairings = columns, pairings
        self._weights = tuple(each.weights for each in self.subjects)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image and the scores, a column each, the difference with the curtain, the rankings, the sample."""
        self._follow()
        columns, parts = self.columns, self._controls
        maps = [self.remember(f"maps{column.letter}", (column.output, column.row), column.maps) for column in columns]
        key = (*maps, self.colormap, self.scale)
        shaded = self.remember("shaded", key, lambda: shaded_alike(maps, self.colormap, shared=self.scale == "shared"))
        found: list[Panel | list[Panel]] = [[*self._images(), self._scores()]]
        found += [self._column(column, each) for column, each in zip(columns, shaded, strict=True)]
        found.append(self._between(maps, shaded))
        ranking = ranking_panels(self._ranked(), self.layer, self.channel, self.look_at, self._choose, [parts.by])
        found.append(ranking)
        if sample := self._sample():
            found.append(sample)
        return found

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
        self.growing.follow(None, None, 0, False)
        for each in self.subjects[1:]:
            each.refresh()
        self._thumbnails.clear()
        super().refresh()

    # ------------------------------------------------------------------ the sample, beside the drawing

    def close(self) -> None:
        """Close every widget of the view; the models are as they were before."""
        if not self.closed:
            self.growing.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end, the whole sample too where it is wanted; raises what goes wrong."""
        super().settle()
        if self.survey:
            self.growing.finish()
            with self.quiet():
                self.render()

    def save(self, path: str | Path, *, dark: bool = False) -> Path:
        """Write a PNG file as `ModelView.save` does; outside a notebook with the whole sample."""
        if self.survey and cell_thread.loop() is None:
            _ = self.comparison
        return super().save(path, dark=dark)

    def _follow(self) -> None:
        """Have the sample compared that is wanted now."""
        subject = self.subjects[self._network(self.second)]
        enough = self.sample >= FEWEST
        key = (self._weights, id(subject), self.sample)
        count = min(self.sample, self.most)
        self.growing.follow(key, (lambda: self._comparer(subject, count)) if enough else None, count, self.survey)
        self._controls.progress.show(
            self.growing.done, self.growing.total if enough else 0, self.growing.seconds_left, self.growing.running
        )

    def _comparer(self, other: Subject, count: int) -> Comparer:
        first, snapshot = self.subject, self.columns[self.second].snapshot
        same = other is first
        layers = [
            [
                row.name
                for row in each.modules
                if row.name in worth_choosing(each.modules) and row.batch_axis is not None
            ]
            for each in (self.snapshot, snapshot)
        ]
        names = self._classes if isinstance(self._classes, (list, tuple)) else None
        several = bool(names) and not any(isinstance(each, str) for each in names or ())
        return Comparer(
            first.model,
            other.model,
            first.items.dataset,
            *layers,
            indices=range(count),
            measures=["similarity"] if same else ["similarity", "responses", "disagreements"],
            batch_size=BATCH,
            classes=(names[0], names[self.second]) if several and names and len(names) > self.second else self._classes,
            prepare=first.prepare,
        )

    def _grown(self) -> bool:
        """Draw what the sample has told, or say why it tells no more; whether that went well."""
        return self.guarded(self._draw_grown)

    def _draw_grown(self) -> None:
        self.render()
        if self.growing.error is not None:
            raise self.growing.error

    # ------------------------------------------------------------------ parts

    def _look(self, at: int) -> Snapshot:
        try:
            return self.subjects[at].at(self.index)
        except ForwardError as error:
            raise ForwardError(f"{LETTERS[at]} {self.names[at]}: {in_one_line(error)}") from error

    def _name(self, at: int, snapshot: Snapshot) -> str:
        return image_words(snapshot.index, snapshot.item.text) if self.beside else self.names[at]

    def _network(self, at: int) -> int:
        """Which of the networks column `at` is of."""
        return 0 if self.beside else at

    def _images(self) -> list[Panel]:
        """The image; of columns of images each."""
        shown = self.columns if self.beside else self.columns[:1]
        found = []
        for column in shown:
            panel = self.remember(
                f"image{column.letter}", (column.snapshot.item,), lambda c=column: image_panel(c.snapshot)
            )
            heading = f"{column.letter} · {panel.heading}" if self.beside else panel.heading
            found.append(replace(panel, heading=heading, key=f"image{column.letter}"))
        return found

    def _scores(self) -> Panel:
        key = tuple(column.snapshot.prediction for column in self.columns)
        return self.remember("scores", (*key, self.beside, self.index), lambda: score_panel(self.columns))

    def _column(self, column: Column, shaded: Shaded | None) -> list[Panel]:
        heading = f"{column.letter} · {column.name}"
        if shaded is None or column.row is None:
            return [Panel(heading, width=WIDTH, lines=[column.note], key=f"maps{column.letter}")]
        return self._maps(shaded, column.row, heading, column.letter, column.note)

    def _maps(self, shaded: Shaded, row: Layer, heading: str, key: str, note: str = "") -> list[Panel]:
        words = markup.scale_words(shaded, "layer-full" if shaded.centred else "layer")
        paint = None
        if self._paints and not self.exporting and row.kind != "vector":
            made = (shaded, row, pages.ratio)
            paint = self.remember(f"paint{key}", made, lambda: paint_of(shaded, row, self._controls.slider, words))
            paint = replace(paint, state=paint.state | {"channel": min(self.channel, row.channels - 1)})
        grid = self.remember(
            f"grid{key}",
            (shaded, row, heading, note),
            lambda: column_grid(shaded, row, heading, self._choose, key=key, note=note),
        )
        pixel = (self.pixel[0], self.pixel[1]) if self.pixel else None
        return column_panels(
            grid,
            shaded,
            row,
            self.channel,
            key=key,
            names=self.unit_names,
            pixel=pixel,
            on_pixel=self._point,
            paint=paint,
        )

    def _between(self, maps: Sequence[Any], shaded: Sequence[Shaded | None]) -> list[Panel]:
        """The difference of the first and another column, and the curtain between them."""
        first, other = self.columns[0], self.columns[self.second]
        letters = first.letter + other.letter
        pair = maps[0], maps[self.second]
        found = self.remember("difference", pair, lambda: difference(*pair))
        heading = f"{letters[0]} − {letters[1]}"
        if found is None:
            forms = [f"{column.letter} is {column.row.form}" for column in (first, other) if column.row is not None]
            line = f"no difference: {' and '.join(forms)}" if len(forms) > 1 else f"no difference: {other.note}"
            return [Panel(heading, width=WIDTH, lines=[line], key="difference")]
        one, two = shaded[0], shaded[self.second]
        assert one is not None and two is not None
        made = self.remember("apart", (found, self.colormap), lambda: shaded_difference(found, self.colormap))
        note = "" if np.any(found) else "no difference: every value is the same"
        panels = self._maps(made, self.layer_row, heading, "difference", note)
        if one.numbers:
            return panels
        channel = min(self.channel, len(found) - 1)
        curtain = curtain_panel(one, two, channel, self.curtain, letters, [self._controls.curtain], self._point_at)
        there = [(c.letter, m) for c, m in zip(self.columns, maps, strict=True) if m is not None]
        pixel = (self.pixel[0], self.pixel[1]) if self.pixel else None
        lines = pixel_lines([*there, (heading, found)], channel, pixel)
        return [*panels, replace(curtain, lines=lines)]

    def _ranked(self) -> Ranked:
        first, other = self.columns[0].snapshot, self.columns[self.second].snapshot
        if self.by == "outputs":
            key = (first.modules, other.modules, self._weights, self.index, self.beside, self.second, self.layer)
            names = worth_choosing(first.modules)
            return self.remember(
                "outputs", key, lambda: of_outputs(first, other, self._pairings[self.second], self.layer, names)
            )
        if self.by == "weights":
            networks = self.subject.model, self.subjects[self._network(self.second)].model
            changes = self.remember("weights", (self._weights, self.second), lambda: weight_changes(*networks))
            return of_weights(changes, self.layer)
        comparer = self.growing.comparer
        return of_responses(None if comparer is None else comparer.responses, self.layer)

    def _sample(self) -> list[Panel]:
        """What the sample of images tells, as far as it is known."""
        comparer = self.growing.comparer
        letters = self.columns[0].letter + self.columns[self.second].letter
        if self.sample < FEWEST:
            return []
        if comparer is None or comparer.similarity is None:
            words = "not yet known: the sample is compared in a moment" if self.survey else "the sample is not compared"
            return [
                Panel(
                    "Are they alike · linear CKA",
                    width=WIDTH,
                    lines=[words],
                    controls=[self._controls.progress],
                    key="cka",
                )
            ]
        other = self.columns[self.second].row
        pair = self.layer, "" if other is None else other.name
        alike = similarity_panel(comparer.similarity, pair, letters, self.look_at)
        found: list[Panel] = [replace(alike, controls=[self._controls.progress])]
        if (votes := comparer.disagreements) is not None:
            found.append(disagreement_panel(votes, self._thumbnails, self.index, letters, self._look_at_image))
        return found

    def _choose(self, channel: int) -> None:
        self.channel = channel

    def _look_at_image(self, index: int) -> None:
        self.index = index

    def _point(self, pixel: tuple[int, int]) -> None:
        self.pixel = pixel

    def _point_at(self, x: float, y: float) -> None:
        self.pixel = (int(y), int(x))
