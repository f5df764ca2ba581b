"""The points of an EmbeddingView by public functions."""

from __future__ import annotations

from typing import Any, Protocol

from ...compute.embedding import States
from ...compute.layers import Layer
from ...training.recording import Recording
from ...widgets.state import Given, Subject, call, image_of, recording_of

POOLS = {"mean": ".mean(1, keepdim=True)", "max": ".amax(1, keepdim=True)", "none": ""}


class Embedded(Protocol):
    """What of an `EmbeddingView` its points come from."""

    layer: str
    count: int
    pooling: str
    points: str
    frames: States
    subject: Subject | None
    recorded: Recording | None
    recorded_as: Any


def points_in_code(view: Embedded, given: Given) -> list[str]:
    """Lines that take the vectors and lay them on a plane; none where no public function does the same in short.

    So it is for state dicts, which would have to be loaded into the model, and for layers whose outputs have no axis of
    images in front.
    """
    row, count = view.frames.layers.find(view.layer), view.count
    if row.batch_axis != 0 or given.options("states") or (row.dtype is not None and row.dtype.is_complex):
        return []
    each = _channels_first(row, view.pooling)
    layer, whole = given.trait("layer"), len(view.frames.items)
    lines = [f"indices = np.linspace(0, {whole - 1}, {count}).round().astype(int).tolist()"]
    if isinstance(view.recorded, Recording):
        opened, film = recording_of(given["source"], view.recorded_as)
        lines += [*opened, f"outputs = [{film}.maps(frame, {layer})[indices] for frame in range(len({film}))]"]
    else:
        several = view.subject is None and len(view.frames.names) > 1
        model = "each" if several else given["source"]
        image = image_of(given.where(model=model), view.frames.items[0], 0, at="index")
        output = call("cw.activations", model, image, layer, **given.options("prepare"))
        taken = f"torch.stack([{output}[0] for index in indices])"
        lines.append(f"outputs = [{taken} for each in {given['source']}]" if several else f"outputs = [{taken}]")
    # (states, images, channels, positions)
    lines.append(f"vectors = torch.stack([torch.stack([one{each} for one in state]) for state in outputs])")
    turned = ".transpose(1, 2)" if view.points == "channels" else ""
    points = call("cw.embed", f"vectors{turned}.flatten(2).numpy()", given.trait("method"))
    return [*lines, f"points = {points}.points"]


def _channels_first(row: Layer, pooling: str) -> str:
    """What makes (channels, positions), pooled, of one output."""
    if row.kind == "vector":
        return ".float().reshape(-1, 1)"
    return f".float(){'.movedim(-1, 0)' if row.layout == 'last' else ''}.flatten(1){POOLS[pooling]}"
