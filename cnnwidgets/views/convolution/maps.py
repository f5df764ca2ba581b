"""What a layer was given and what it put out, as maps in colours, and where a window lies on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...compute.convolution import Addition, Concatenation, Explanation, LayerPass
from ...compute.layers import Layer, drawable, one_image, token_grid
from ...render.color import Shaded
from ...widgets.panels import NOTHING, Around
from ...widgets.surface import Box
from .tables import window_of, winner_of


class PassMaps:
    """The maps of one pass through one layer.

    Parameters
    ----------
    passed : LayerPass
        Input and output of the layer.
    row : Layer
        Its row of the layer table.
    colormap, scale : str
        As the traits of `ConvolutionView`.
    aspect : float
        Width over height of the image, for the grid of tokens.

    Attributes
    ----------
    inputs, output : Shaded
        Maps (C, H, W) of the input, and of the output.
    vector : bool
        Whether the output is a vector, whose units are its channels.
    windowed : bool
        Whether the layer reads windows of maps; a Linear layer reads a whole vector.
    alike : bool
        Whether each place reads the same place of what the layer is given, as an activation does.
    around : tuple
        How far windows reach beyond the input: the padding.
    """

    def __init__(self, passed: LayerPass, row: Layer, colormap: str, scale: str, aspect: float) -> None:
        self.passed, self.colormap, self.scale = passed, colormap, scale
        self.vector = row.kind == "vector"
        self.alike = passed.rule is not None
        self.windowed = not isinstance(passed.module, nn.Linear) and not self.alike
        self._row, self._aspect = row, aspect
        maps = drawable(one_image(passed.output, row), row, aspect=aspect).numpy()
        self.output = Shaded.of(maps, colormap=colormap, scale=scale)
        self._sources: dict[int, Shaded] = {}
        given = passed.input[0].float()
        given = given.reshape(len(given), *(given.shape[1:] if given.ndim == 3 else (1, -1)))
        self.inputs = Shaded.of(given.numpy(), colormap=colormap, scale=scale)
        self._peaks = np.nan_to_num(np.abs(self.inputs.maps)).max((1, 2))
        padding = passed.padding
        self.around: Around = NOTHING
        if padding:
            self.around = (padding[0], padding[1]) if len(padding) == 2 else ((0, 0), padding[0])

    def sources(self, channel: int) -> list[tuple[str, Shaded, int]]:
        """The tensors that a number of `channel` comes from: a heading, their maps, and which of these."""
        names = getattr(self.passed.module, "sources", [])
        inputs, rule = list(enumerate(self.passed.inputs or (self.passed.input,))), self.passed.rule
        if isinstance(rule, Concatenation):
            if rule.axis != (self.passed.output.ndim - 1 if self.passed.last else 1):
                return []
            number, channel = rule.source(channel, self.passed.inputs)
            inputs = [inputs[number]]
        found = []
        for number, given in inputs:
            if isinstance(rule, Addition):
                given = given.expand(self.passed.output.shape)
            if number not in self._sources:
                maps = drawable(one_image(given, self._row), self._row, aspect=self._aspect).numpy()
                self._sources[number] = Shaded.of(maps, colormap=self.colormap, scale=self.scale)
            heading = f"Input {number + 1}" if names else "Input" if self.vector else f"Input {channel}"
            name = names[number] if number < len(names) else ""
            found.append((" · ".join(filter(None, [heading, name])), self._sources[number], channel))
        return found

    def largest(self, channel: int) -> tuple[int, int]:
        """Place (row, column) of the largest value of a map; of a vector, (unit, 0)."""
        map_ = np.nan_to_num(self.output.maps[:, :, 0] if self.vector else self.output.maps[channel])
        row, column = divmod(int(map_.argmax()), map_.shape[1])
        return row, column

    def bounds(self, e: Explanation, channel: int) -> tuple[float, float]:
        """Largest weight, and largest product that the layer's input allows: the same wherever the window stands."""
        weight, product = self.all_bounds(e)[channel - e.inputs.start]
        return float(weight), float(product)

    def all_bounds(self, e: Explanation) -> NDArray[np.floating]:
        """The same for each input channel of `e`, (C', 2)."""
        if e.kind != "convolution":
            return np.zeros((len(e.inputs), 2))
        whole = self.passed.filter(e.channel).float()
        weights = whole.abs().reshape(len(whole), -1).amax(1).numpy()
        found = np.stack([weights, weights * self._peaks[e.inputs.start : e.inputs.stop]], 1)
        return found if self.scale == "map" else np.broadcast_to(found.max(0), found.shape)

    def boxes(self, e: Explanation) -> list[Box]:
        """The window (left, top, right, bottom) on the input, and around the pixel that won, if one did."""
        if not self.windowed:
            return []
        rows, columns = window_of(e)
        if not rows or not columns:
            return []
        boxes: list[Box] = [(min(columns), min(rows), max(columns) + 1, max(rows) + 1)]
        if e.winner is not None:
            row, column = winner_of(e)
            boxes.append((column, row, column + 1, row + 1))
        return boxes


def unit_of(row: Layer, pixel: tuple[int, int], aspect: float) -> tuple[int, ...]:
    """A pixel (row, column) of a map as it is drawn, as `explain` counts it."""
    if row.kind == "tokens":
        grid = token_grid(row.size[0], aspect) if row.layout == "last" else None
        return (pixel[1],) if grid is None else (grid[0] + pixel[0] * grid[2] + pixel[1],)
    return pixel if row.kind == "maps" else (0,) * (len(row.shape) - 1)
