"""Which part of an image a place of a channel sees."""

from __future__ import annotations

from typing import NamedTuple

from ..layers import Layer
from ..receptive_field import Box, ReceptiveField
from ..scan import Place


class Patch(NamedTuple):
    """The part of an image that a place sees.

    Attributes
    ----------
    box : Box
        Its edges in pixels of the image, clipped there; all 0 where it sees no pixel.
    beyond : Box
        Pixels of the receptive field beyond each edge of the image.
    """

    box: Box
    beyond: Box

    @property
    def clipped(self) -> bool:
        """Whether it ends at an edge of the image and its receptive field does not."""
        return any(self.beyond)


def patch_of(field: ReceptiveField, place: Place, channel: int, layer: Layer) -> Patch:
    """The part of an image that a place of a scan sees, by the exact receptive field of its channel.

    Parameters
    ----------
    field : ReceptiveField
        Of the layer, for images of the size of this one.
    place : Place
        Where in the map.
    channel : int
        Whose place it is.
    layer : Layer
        The layer in the layer table: a token that stands for no place of the image (class token) sees all of it.
    """
    rows, columns = field.grid
    row, column = place.row % rows, place.column  # the slices of a volume stand below one another
    if layer.kind == "vector":
        row = column = 0
    elif layer.kind == "tokens":
        number = place.column - (layer.size[0] - rows * columns)
        if number < 0:
            return Patch(Box(0, 0, *field.image), Box(0, 0, 0, 0))
        row, column = divmod(number, columns)
    beyond = Box(0, 0, 0, 0) if field.everything else field.cut_off(row, column, channel=channel)
    return Patch(field.box(row, column, channel=channel), beyond)
