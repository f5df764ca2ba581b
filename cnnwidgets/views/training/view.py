"""TrainingView: a network as it learns - curves, feature maps of a probe image, and a hand on the training."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ...compute.core import get_layer
from ...compute.gradients import edits_of
from ...compute.layers import Layer, describe_module, drawable, one_image
from ...live import weakly
from ...render.color import COLORMAPS, Shaded
from ...render.static import Card
from ...training.loop import Step, Trainer
from ...widgets import controls
from ...widgets.base import SubjectView
from ...widgets.panels import GridPanel, ImagePanel
from ...widgets.state import Colormap, Whole
from ...widgets.surface import Text, markup
from .panels import CoursePanel, state

SHARE = 50
"""After a drawing the training goes on undisturbed for so many times as long: drawing takes 2 % at most."""
APART = 0.5
"""Seconds that lie between two drawings at least: the browser that paints them may share the training's processor."""


class TrainingView(SubjectView):
    """Live loss and accuracy, and the feature maps of a layer for one image, while a trainer trains.

    The button "Train", or `view.train(n_epochs)`, trains in the background, so that the notebook stays usable;
    `trainer.train(n_epochs)` in a cell is shown as well, and answers the buttons and sliders between two steps. Drawing
    is done there too, twice a second or less, and takes at most about 2 % of the time.

    Parameters
    ----------
    trainer : Trainer
        Pausing, stopping and looking change nothing of the result.
    dataset : indexable, optional
        Gives the probe images, (image, label); by default the data set of the validation loader, or else of the
        training loader.
    classes : sequence of str, optional
        Names of the network's outputs, and of labels where the data set names none; by default the data set's own, or
        ImageNet's for a network of torchvision or timm with 1,000 outputs.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, for networks that take more than one image tensor.
    **traits
        Initial `layer`, `index`, `epochs`, `log`, `colormap`.

    Raises
    ------
    TypeError, ValueError
        There is no data set; an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer or image.
    """

    epochs = Whole(1, min=1, help="how many epochs the button trains").tag(display=True)
    log = T.Bool(False, help="logarithmic axis for the loss").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    def __init__(
        self,
        trainer: Trainer,
        dataset: Any = None,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        **traits: Any,
    ) -> None:
        if not isinstance(trainer, Trainer):
            raise TypeError(f"trainer must be a Trainer, not a {type(trainer).__name__}")
        self.trainer = trainer
        self._next, self._since, self._examples = 0.0, time.monotonic(), 0
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        dataset = _probes(trainer) if dataset is None else dataset
        super().__init__(trainer.model, dataset, cache_bytes=64 * 2**20, **options, **traits)
        self._stepped_weakly, self._watched_weakly = weakly(self._stepped), weakly(self._watched)
        trainer.listeners.append(self._stepped_weakly)  # the trainer may outlive the view
        trainer.watchers.append(self._watched_weakly)
        self._buttons()

    # ------------------------------------------------------------------ the training

    def train(self, n_epochs: int | None = None) -> None:
        """Train in the background; `n_epochs` as for `Trainer.train`, by default what the box says."""
        self.trainer.start(self.epochs if n_epochs is None else n_epochs)

    def close(self) -> None:
        """Close every widget of the view; a training goes on."""
        if not self._closed and self._ready:
            self.trainer.listeners.remove(self._stepped_weakly)
            self.trainer.watchers.remove(self._watched_weakly)
        super().close()

    def ask(self) -> None:
        """Have the state drawn: by the training thread where that one has to look at the model, or else here."""
        if not self.trainer.running:
            super().ask()
        elif self._computed or self.trainer.paused:
            self._newest.draw_now()
        else:
            self._next = 0.0  # after the present step

    def _stepped(self, step: Step) -> None:
        """In the thread that trains, between two steps."""
        self._examples += step.examples
        if not self._closed and time.monotonic() >= self._next:
            self._draw_now()

    def _watched(self) -> None:
        if self._closed:
            return
        self._buttons()
        if not self.trainer.running or self.trainer.paused:
            self._draw_now()
        if not self.trainer.running and self.trainer.error is not None:
            self._say(f"The training stopped: {self.trainer.error}")

    def _draw_now(self) -> None:
        start = time.monotonic()
        self._computed = False
        self._newest.draw_now()
        end = time.monotonic()
        self._next = end + max(APART, SHARE * (end - start))

    def _press(self, action: Any) -> None:
        if self._guarded(action):
            self._say("")

    def _buttons(self) -> None:
        running, paused = self.trainer.running, self.trainer.paused
        self._train.disabled, self._pause.disabled, self._stop.disabled = running, not running, not running
        self._pause.description = "Resume" if paused else "Pause"

    # ------------------------------------------------------------------ building

    def choosable(self, row: Layer) -> bool:
        """Modules alone: a pass that ends at one is quick."""
        return row.reason is None and not row.operation

    def build(self) -> None:
        """Make the controls and the three panels."""
        trainer = self.trainer
        self._train = controls.button("Train", lambda: self._press(self.train), width=64, tip="Train so many epochs")
        self._train.button_style = "primary"
        self._pause = controls.button(
            "Pause",
            lambda: (trainer.resume if trainer.paused else trainer.pause)(),
            width=72,
            tip="Hold the training after this step, or go on",
        )
        self._stop = controls.button("Stop", trainer.stop, width=60, tip="End the training after this step")
        epochs = controls.entry(self, "epochs", maximum=9999, width=64, tip="How many epochs to train")
        epochs.min = 1
        log = controls.checkbox(self, "log", "", width=20, tip="Logarithmic axis for the loss")
        log.layout.margin = "2px 6px 2px 0"
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colours = controls.dropdown(
            self, "colormap", colormaps, width=100, tip="auto: a diverging map centred on 0 for signed values"
        )
        bar = [
            controls.labelled("Epochs", epochs, self._train, self._pause, self._stop),
            controls.labelled("Log", log),
            self.layer_control(),
            self.image_control(),
            controls.labelled("Colours", colours),
        ]
        self._title = Text()
        self._course, self._grid, self._input = CoursePanel(trainer), GridPanel(), ImagePanel()
        # The maps next to the curves: in a window that has no room for all three, the image goes below.
        self._body.children = controls.card_body(self._title, bar, [self._course, self._grid, self._input])

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Run the model as it is now, for the layer and the image."""
        if self.index != self._shown:
            self.look()
        row = self._look.table.find(self.layer)
        output, prediction = self._subject.now(self._look.item, row.name)
        self._output, self._row = one_image(output, row), row
        self._look = replace(self._look, prediction=prediction)

    def render(self) -> None:
        """Draw the panels."""
        image = self._look.item.image
        aspect = 1.0 if image is None else image.shape[-1] / image.shape[-2]
        maps = drawable(self._output, self._row, aspect=aspect).numpy()
        self._shaded = Shaded.of(maps, colormap=self.colormap, scale="layer")
        self._grid.draw(self._shaded, self._row, 0, False)
        self._course.draw(self.log, edits_of(self._subject.module))
        if self._input.look is not self._look:
            self._input.draw(self._shown, self._look, self._subject)
        source = markup.source("", self.milliseconds)
        self._title.value = markup.title("Training", *self._said(), status=self._speed(), source=source)

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        return self._card(dark=dark).draw(dark=dark)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        return self._card(dark=False)

    def _card(self, *, dark: bool) -> Card:
        panels = (self._course.static(dark=dark), self._input.static(), self._grid.static())
        return Card(" · ".join(["Training", *self._said()]), panels, markup.scale_words(self._shaded, "layer"))

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        row, steps = self._row, self.trainer.history.steps
        extent = " × ".join(map(str, row.size[-2:]))
        what = {"vector": "units", "tokens": f"features of {extent} tokens"}.get(row.kind, f"maps of {extent}")
        module = describe_module(get_layer(self._subject.module, row.module)) if row.module else row.type
        after = f"after {markup.counted(len(steps), 'step')}" if steps else state(self.trainer)
        return [after, row.name, module, f"{row.channels:,} {what}", markup.pictured(self._shown, self._look.item.text)]

    def _speed(self) -> str:
        """Images a second since the last drawing."""
        now, examples = time.monotonic(), self._examples
        rate = examples / max(now - self._since, 1e-3)
        self._since, self._examples = now, 0
        return f"{rate:,.0f} images/s" if examples and self.trainer.running else ""


def _probes(trainer: Trainer) -> Any:
    """The data set that a loader of the trainer reads."""
    for loader in (trainer.valid_loader, trainer.train_loader):
        if (dataset := getattr(loader, "dataset", None)) is not None:
            return dataset
    raise ValueError(
        "there are no images to look at: give TrainingView(trainer, dataset), or set_loaders of the trainer first, "
        "with a loader that has a data set (`loader.dataset`)"
    )
