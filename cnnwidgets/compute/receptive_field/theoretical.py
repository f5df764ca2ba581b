"""The theoretical receptive field of every layer of any network: the pixels that a unit can depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..core import Prepare, check_numbers, plain
from ..layers import Layer, LayerTable, arguments_of, drawable, layer_table, one_image, run, run_operations, trace
from .boxes import NOTHING, PixelBox, flattened, thin
from .dispatch import Following, following
from .fields import Pixels, ReceptiveField, ReceptiveFields, pair, text


def receptive_field(model: nn.Module, image: Any, layer: str, *, prepare: Prepare | None = None) -> ReceptiveField:
    """The theoretical receptive field of the units of `layer`: the pixels that they can depend on.

    The network runs once, and pixel boxes are propagated with all numbers (see `reach`): through the windows of
    convolutions, merging branches, slices. The result is valid for the path that this image takes, whatever code the
    network consists of. A pixel outside the box never has an influence; for how strong that of the pixels inside is,
    see `effective_receptive_field`.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    image : torch.Tensor
        (C, H, W) or (1, C, H, W); its values do not matter, unless `forward` branches on them. Any object if
        `prepare` is given: the image is then the first tensor of three axes or more among the model's arguments.
    layer : str
        Name as in `layer_table`: also `"relu:2"`, an operation such as `"add_3"`, one tensor of several.
    prepare : callable, optional
        `prepare(image)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    ReceptiveField
        `size`, `stride` and `start` in pixels, and the `box` of each unit.

    Raises
    ------
    LookupError
        The layer does not exist, or it returns no tensor.
    TypeError
        There is no image among the arguments.
    ForwardError
        The model raised an error; the message names the layer and its input.

    Notes
    -----
    A transposed convolution or upsampling unites the fields of the positions that contribute to its output. Layers that
    normalise by the statistics of the image (GroupNorm, InstanceNorm), squeeze-and-excitation and attention make every
    unit depend on the whole image. So does, by assumption, an unknown operation. Numbers that `forward`
    takes out of torch (`.item()`, `.numpy()`) are not tracked further, which the `note` of the layers behind says. Of
    several images among the arguments only the first is tracked: a layer that sees the others alone has the field of
    a layer that does not depend on the image, and a `note`.
    """
    check_numbers(model)
    table = layer_table(model, image, operations=False, prepare=prepare)
    if layer not in table.names:
        table = layer_table(model, image, prepare=prepare)
    row = table.find(layer)
    if row.reason is not None:
        raise LookupError(f"layer {layer!r} has no receptive field: it {row.reason}")
    return fields_of(model, image, [row], prepare=prepare)[0]


def receptive_fields(model: nn.Module, image: Any, *, prepare: Prepare | None = None) -> ReceptiveFields:
    """The theoretical receptive fields of all layers; arguments and errors as for `receptive_field`."""
    check_numbers(model)
    return fields_of(model, image, layer_table(model, image, prepare=prepare).showable, prepare=prepare)


def fields_of(
    model: nn.Module, image: Any, table: LayerTable | Sequence[Layer], *, prepare: Prepare | None = None
) -> ReceptiveFields:
    """The receptive fields of the layers of a layer table of `model`, for an image as in `receptive_field`."""
    module = plain(model)
    operations = [row.name for row in table if row.operation]
    traced = trace(module) if operations else None
    given, as_it_is = arguments_of(module, image, prepare)
    with following(given) as mode:
        outputs: dict[str, torch.Tensor] = {}
        if traced is not None:
            outputs |= run_operations(module, traced, given, operations, prepare=as_it_is)[0]
        if len(operations) < len(table):  # copies on the meta device take no memory, and keep their boxes
            captured = run(module, given, prepare=as_it_is, device="meta")
            outputs |= {row.name: captured[row.name] for row in table if not row.operation}
    return ReceptiveFields([_field(row, outputs[row.name], mode) for row in table])


def _field(row: Layer, output: torch.Tensor, mode: Following) -> ReceptiveField:
    nothing = torch.tensor(NOTHING).expand(output.shape)
    reach = mode.of(output) or PixelBox((nothing,) * 4)
    return field_of(row, reach, mode.size, images=mode.images, note=mode.note(output))


def field_of(row: Layer, reach: PixelBox, image: tuple[int, int], *, images: int = 1, note: str = "") -> ReceptiveField:
    """The receptive field of a layer in an image of this size, from the boxes of all its numbers.

    `images` are how many images of this size the model was given, `note` what may make the boxes too small.
    """
    maps = [_as_maps(edge, row, image[1] / image[0]) for edge in reach.edges]
    grid = (int(maps[0].shape[1]), int(maps[0].shape[2]))
    edges = tuple(thin(flattened(edge)) for edge in maps)
    vector = len(row.shape) < 2  # each number is a unit; otherwise a unit is all channels of a position
    top, left, bottom, right = united = [edge if vector else edge.amax(0).expand(grid) for edge in edges]
    everything = PixelBox(tuple(united)).covers(image)
    size: Pixels = 0
    stride: Pixels = 0
    start: Pixels = 0
    reason = differs = ""
    if everything and reach.reason:
        size, reason = pair(*image), reach.reason
        edges = tuple(torch.full((1, 1, 1), float(end)) for end in (0, 0, *image))
    elif bool((top == NOTHING).all()):
        differs = "does not depend on the image" if images == 1 else f"does not depend on image 1 of {images}"
    else:
        heights, widths = _extents(top + bottom), _extents(left + right)
        size = pair(heights[-1], widths[-1])
        stride = (
            0 if vector else pair(_distance(bottom - top, reach.step[0], 0), _distance(right - left, reach.step[1], 1))
        )
        start = pair(*(-float(edge[edge > NOTHING][0]) for edge in (top, left)))
        reason = f"its field of {text(size)} px covers the image" if everything else ""
        differ = dict.fromkeys(f"{extents[0]} to {extents[-1]}" for extents in (heights, widths) if len(extents) > 1)
        differs = f"fields differ: {' and '.join(differ)} px" if differ else ""
    note = "; ".join(filter(None, [differs, note]))
    return ReceptiveField(
        layer=row.name,
        image=image,
        grid=grid,
        channels=row.channels,
        size=size,
        stride=stride,
        start=start,
        everything=everything,
        reason=reason,
        note=note,
        _edges=edges,
    )


def _extents(extents: torch.Tensor) -> list[int]:
    """The different heights or widths that boxes have, in order."""
    return [int(extent) for extent in extents[extents > NOTHING].unique().tolist()]


def _distance(twice_centre: torch.Tensor, step: float, axis: int) -> float:
    """Distance between the boxes of adjacent units: as measured if it is the same everywhere, otherwise `step`."""
    distances = twice_centre.diff(dim=axis).unique() / 2
    return float(distances) if len(distances) == 1 and torch.isfinite(distances) else step


def _as_maps(edge: torch.Tensor, row: Layer, aspect: float) -> torch.Tensor:
    """One edge of the boxes as (C, rows, columns), united over the slices of a volume."""
    one = one_image(edge, row)
    maps = [drawable(one, row, aspect=aspect, plane=plane) for plane in range(row.planes)]
    return torch.stack(maps).amax(0) if len(maps) > 1 else maps[0]
