"""The controls of OcclusionView that no other view has: for a length in pixels, the filling, the progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W
import torch
import traitlets as T

from ...compute.dataset import Items
from ...widgets import controls
from ...widgets.controls import Guard, IntBox, IntRange, ProgressRow, TargetMenu, duration, hint
from .seen import Seen


class OpenMenu(W.Dropdown):
    """Menu for a trait of a view that may also hold what is not listed: it is called "own" then."""

    def __init__(self, view: T.HasTraits, trait: str, options: Sequence[tuple[str, Any]], *, width: int, tip: str):
        self._listed, self._writing = list(options), Guard()
        value = getattr(view, trait)
        super().__init__(options=self._with(value), value=value, layout=W.Layout(width=f"{width}px"))
        hint(self, tip)
        view.observe(lambda change: self._follow(change["new"]), trait)
        self.observe(lambda change: None if self._writing else view.set_trait(trait, change["new"]), "value")

    def _with(self, value: Any) -> list[tuple[str, Any]]:
        return self._listed if any(value == listed for _, listed in self._listed) else [*self._listed, ("own", value)]

    def _follow(self, value: Any) -> None:
        with self._writing:  # new options choose the first of them for a moment
            known: Sequence[tuple[str, Any]] = self.options  # type: ignore[has-type]
            if all(value != one for _, one in known):
                self.options = self._with(value)
            self.value = value


class PixelsControl(W.HBox):
    """A length in pixels. It sets a trait of a view that may also hold None or (height, width).

    Parameters
    ----------
    slide : bool
        A slider beside the box.
    """

    def __init__(self, view: T.HasTraits, trait: str, *, slide: bool, tip: str) -> None:
        self._view, self._trait, self._writing = view, trait, Guard()
        self.box = IntBox(value=1, min=1, max=1, layout=W.Layout(width="58px"))
        parts: list[Any] = [self.box]
        if slide:
            slider = IntRange(value=1, min=1, max=1, readout=False, layout=W.Layout(width="110px"))
            parts.insert(0, slider)
        for part in parts:
            hint(part, tip)
            part.observe(self._moved, "value")
        super().__init__(parts, layout=W.Layout(overflow="hidden"))

    def show(self, pixels: int, maximum: int) -> None:
        """Tell what the view makes of its trait: so many pixels, of at most `maximum`."""
        with self._writing:
            for part in self.children:
                part.max = max(maximum, pixels)
                part.value = pixels

    def _moved(self, change: Any) -> None:
        if not self._writing:
            setattr(self._view, self._trait, change["new"])


class MapProgress(ProgressRow):
    """How far the map is, with a button to stop it, to go on, or to make it again; there is always one to press."""

    def __init__(self, on_button: Callable[[], object]) -> None:
        super().__init__("places", on_button)
        self.layout.display = ""

    def show(self, done: int, total: int, seconds: float | None, running: bool) -> None:
        """Say how far the map is; `seconds` are left, None where that is not known."""
        self.bar.max, self.bar.value = max(1, total), done
        said = f"{done:,} of {total:,} places"
        if running and seconds is not None:
            said += f" · {duration(seconds)} left"
        elif not running and 0 < done < total:
            said += " · stopped"
        self.text.value = f'<span class="cnnw-quiet">{said}</span>'
        start = "Again" if done == total else "Go on" if done else "Start"
        self.button.description = "Cancel" if running else start
        self.button.tooltip = (
            "Stop; what is done stays" if running else "Move the patch over the image, one position after another"
        )


def fillings(items: Items) -> list[tuple[str, Any]]:
    """What a patch can be filled with, as (label, baseline); in units of the network's input."""
    found: list[tuple[str, Any]] = [("zero", 0.0), ("mean colour", "mean"), ("blurred", "blur"), ("noise", "noise")]
    if items.normalization is None:
        found.append(("one", 1.0))
    else:
        mean, std = (torch.as_tensor(part, dtype=torch.float64).flatten() for part in items.normalization)
        for name, level in (("black", 0.0), ("white", 1.0)):
            numbers = ((level - mean) / std).tolist()  # a single one is for every channel
            found.append((name, numbers[0] if len(numbers) == 1 else tuple(numbers)))
    return found


class OcclusionControls:
    """The controls of an OcclusionView: `bar` stands above its panels, `progress` below its map.

    Attributes
    ----------
    place : list of Widget
        The sliders of the upper and of the left edge of the patch.
    laid : dict of Widget
        The box `overlay` and the slider `opacity`.
    """

    def __init__(self, view: Any) -> None:
        self._target = TargetMenu(
            view, "target", tip="Class whose score is shown and mapped: the predicted, or another"
        )
        self._window = PixelsControl(view, "window", slide=True, tip="Side of the patch in pixels (arrow keys work)")
        self._stride = PixelsControl(view, "stride", slide=False, tip="Pixels from one place of the map to the next")
        self.progress = MapProgress(lambda: (view.cancel if view.growing.running else view.start_map)())
        scores = [("logit", "logit"), ("probability", "probability")]
        score = OpenMenu(view, "score", scores, width=104, tip="The score that is shown and mapped")
        shape = controls.dropdown(view, "shape", ["square", "disc"], width=84, tip="What of the window is hidden")
        options = fillings(view.subject.items)
        baseline = OpenMenu(view, "baseline", options, width=116, tip="What the patch is filled with")
        overlay = controls.checkbox(view, "overlay", "", width=20, tip="Lay the heat map over the photo")
        overlay.layout.margin = "2px 6px 2px 0"
        opacity = controls.fraction(view, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        self.laid = {"overlay": overlay, "opacity": opacity}
        self.bar = [
            controls.index_control(view, len(view.subject.items)),
            controls.labelled("Target", self._target),
            controls.labelled("Score", score),
            controls.labelled("Window", self._window),
            controls.labelled("Stride", self._stride),
            controls.labelled("Shape", shape),
            controls.labelled("Filling", baseline),
            controls.labelled("Overlay", overlay, opacity),
            self._place(view),
        ]

    def fit(self, seen: Seen) -> None:
        """Make them fit the image and its classes."""
        classes, predicted, size = seen.classes, seen.predicted(), seen.occluder.patches.size
        none = "predicted" if predicted is None else f"predicted · {classes[predicted]}"
        self._target.offer(classes, dict.fromkeys(seen.best(), ""), none=none)
        self._window.show(seen.occluder.patches.window[0], min(size))
        self._stride.show(seen.occluder.patches.stride[0], min(size))
        for slider, length in zip(self.place, size, strict=True):
            slider.max = length - 1

    def _place(self, view: Any) -> W.HBox:
        """Sliders for the upper and the left edge of the patch, which arrow keys move."""
        parts = (("top", "Row", "Upper"), ("left", "Column", "Left"))
        self.place = [
            controls.slider(
                view, trait, maximum=length - 1, width=110, tip=f"{edge} edge of the patch (arrow keys work)"
            )
            for (trait, _, edge), length in zip(parts, view.seen.occluder.patches.size, strict=True)
        ]
        groups = [controls.labelled(label, slider) for (_, label, _), slider in zip(parts, self.place, strict=True)]
        return W.HBox(groups, layout=W.Layout(flex_flow="row wrap", overflow="hidden"))
