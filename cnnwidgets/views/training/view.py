"""TrainingView: curves and feature maps of a network while it learns, with buttons that hold the training."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.core import get_layer
from ...compute.gradients import edits_of
from ...compute.layers import Layer, describe_module, drawable, one_image
from ...live import weakly
from ...render.color import Shaded
from ...render.static import Panel
from ...training.loop import Step, Trainer
from ...widgets import controls
from ...widgets.base import ImageView
from ...widgets.panels import CurvePanel, classes_panel, grid_panel, image_panel
from ...widgets.state import Colormap, Given, Integer, Snapshot, maps_of
from ...widgets.surface import markup
from .curves import Track, curve_panel, has_values
from .pace import Pace
from .panels import gradients_panel, progress_panel, state


class TrainingView(ImageView):
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
        Initial `layer`, `main_layers`, `index`, `epochs`, `log`, `colormap`.

    Raises
    ------
    TypeError, ValueError
        There is no data set; an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer or image.
    """

    epochs = Integer(1, min=1, help="how many epochs the button trains").tag(display=True)
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
        self._pace, self._track = Pace(), Track(trainer.history)
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        dataset = _probes(trainer) if dataset is None else dataset
        super().__init__(trainer.model, dataset, cache_bytes=64 * 2**20, **options, **traits)
        self._stepped_weakly, self._watched_weakly = weakly(self._stepped), weakly(self._watched)
        trainer.listeners.append(self._stepped_weakly)  # the trainer may outlive the view
        trainer.watchers.append(self._watched_weakly)
        self._set_buttons()

    # ------------------------------------------------------------------ the training

    def train(self, n_epochs: int | None = None) -> None:
        """Train in the background; `n_epochs` as for `Trainer.train`, by default what the box says."""
        self.trainer.start(self.epochs if n_epochs is None else n_epochs)

    def close(self) -> None:
        """Close every widget of the view; a training goes on."""
        if not self.closed and self.ready:
            self.trainer.listeners.remove(self._stepped_weakly)
            self.trainer.watchers.remove(self._watched_weakly)
        super().close()

    def outdated(self) -> bool:
        """While the network learns, its weights are new at each step: the pictures follow at their own pace."""
        return not self.trainer.running and super().outdated()

    def redraw(self) -> None:
        """Have the state drawn: by the training thread where that one has to look at the model, or else here."""
        if not self.trainer.running:
            super().redraw()
        elif self.computed or self.trainer.paused:
            self.draw_now()
        else:
            self._pace.hurry()

    def _stepped(self, step: Step) -> None:
        """In the thread that trains, between two steps."""
        if self._pace.step(step.examples) and not self.closed:
            self._draw_step()

    def _watched(self) -> None:
        if self.closed:
            return
        self._set_buttons()
        if not self.trainer.running or self.trainer.paused:
            self._draw_step()
        if not self.trainer.running and self.trainer.error is not None:
            self.say(f"The training stopped: {self.trainer.error}")

    def _draw_step(self) -> None:
        with self._pace.drawing():
            self.draw_now(compute=True)

    def _set_buttons(self) -> None:
        running, paused = self.trainer.running, self.trainer.paused
        self._train.disabled, self._pause.disabled, self._stop.disabled = running, not running, not running
        self._pause.description = "Resume" if paused else "Pause"

    def numbers_in_code(self, given: Given) -> list[str]:
        """The history of the training, and the maps, by `activations`."""
        trainer = given["trainer"]
        names = {"model": f"{trainer}.model"}
        if not given.has("dataset"):
            names["dataset"] = f"{trainer}.{_loader(self.trainer)}.dataset"
        return [f"history = {trainer}.history", *maps_of(given.where(**names), self.item, self.index)]

    # ------------------------------------------------------------------ what the base asks for

    def choosable(self, row: Layer) -> bool:
        """Modules alone: a pass that ends at one is quick."""
        return row.reason is None and not row.operation

    def controls(self) -> list[W.Widget]:
        """Buttons for the training, layer, image, and how curves and maps are drawn."""
        trainer = self.trainer
        train, tip = (lambda: self.attempt(self.train)), "Train for this many epochs"
        self._train = controls.button("Train", train, width=64, tip=tip)
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
        return [
            controls.labelled("Epochs", epochs, self._train, self._pause, self._stop),
            controls.labelled("Log", log),
            self.layer_control(),
            self.image_control(),
            controls.colormap_menu(self),
        ]

    def take_snapshot(self) -> Snapshot:
        """The image, looked at once: weights change with each step, the image and the layer table do not."""
        return self.remember("snapshot", (self.index,), super().take_snapshot)

    def compute(self) -> None:
        """Run the model as it is now, for the layer and the image."""
        output, self.snapshot = self.snapshot.now(self.layer_row.name)
        self._output = one_image(output, self.layer_row)

    def panels(self) -> list[Panel | list[Panel]]:
        """Progress and curves, the maps, and the image with its prediction.

        The maps are next to the curves: in a window that has no room for all three, the image goes below.
        """
        self._shaded = self.remember("maps", (self._output, self.layer_row, self.colormap), self._colored)
        return [
            self._training_panels(),
            self.remember("grid", (self._shaded,), lambda: grid_panel(self._shaded, self.layer_row)),
            [
                self.remember("image", (self.item,), lambda: image_panel(self.snapshot)),
                self.remember("classes", (self.snapshot.prediction,), lambda: classes_panel(self.snapshot)),
            ],
        ]

    def title(self) -> list[str]:
        """After how many steps, the layer, what it is, what it puts out, and of which image."""
        row, steps = self.layer_row, self.trainer.history.steps
        extent = " × ".join(map(str, row.size[-2:]))
        what = {"vector": "units", "tokens": f"features of {extent} tokens"}.get(row.kind, f"maps of {extent}")
        module = describe_module(get_layer(self.subject.module, row.module)) if row.module else row.type
        after = f"after {markup.counted(len(steps), 'step')}" if steps else state(self.trainer)
        pictured = markup.pictured(self.snapshot.index, self.item.text)
        return ["Training", after, row.name, module, f"{row.channels:,} {what}", pictured]

    def status(self) -> str:
        """What the colours mean, and the speed of a training that runs."""
        speed = f"{self._pace.rate:,.0f} images/s" if self._pace.rate and self.trainer.running else ""
        return " · ".join(filter(None, [markup.scale_words(self._shaded, "layer"), speed]))

    def source(self) -> str:
        """How long the drawing took: the model is asked for each."""
        return markup.source("", self.milliseconds)

    # ------------------------------------------------------------------ parts

    def _colored(self) -> Shaded:
        maps = drawable(self._output, self.layer_row, aspect=self.item.aspect).numpy()
        return Shaded.of(maps, colormap=self.colormap, scale="layer")

    def _training_panels(self) -> list[Panel]:
        history = self.trainer.history
        goal = max(self.trainer.goal, len(history.epochs))
        panels = [progress_panel(self.trainer, goal)]
        key = (history.steps[-1] if history.steps else None, len(history.steps), len(history.epochs), goal)
        panels += self.remember("curves", (*key, self.log), lambda: self._curves(goal))
        edits = edits_of(self.subject.module)
        return [*panels, gradients_panel(edits)] if edits else panels

    def _curves(self, goal: int) -> list[CurvePanel]:
        self._track.update()
        charts = {"Loss": self._track.chart("loss", goal, log=self.log)}
        charts["Accuracy"] = self._track.chart("accuracy", goal)
        return [curve_panel(name, chart) for name, chart in charts.items() if has_values(chart)]


def _probes(trainer: Trainer) -> Any:
    """The data set that a loader of the trainer reads."""
    if name := _loader(trainer):
        return getattr(trainer, name).dataset
    raise ValueError(
        "there are no images to look at: give TrainingView(trainer, dataset), or set_loaders of the trainer first, "
        "with a loader that has a data set (`loader.dataset`)"
    )


def _loader(trainer: Trainer) -> str:
    """Attribute of the trainer that holds a loader with a data set; empty where none does."""
    names = ("valid_loader", "train_loader")
    return next((name for name in names if getattr(getattr(trainer, name), "dataset", None) is not None), "")
