"""The header of a recording: its network, layers and probes, and notes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...compute.core import plain, unknown
from ...compute.layers import Layer
from ...files import put
from .storage import HEADER

FORMAT, VERSION = "cnnwidgets recording", 1
NEEDED = (
    *("id", "model", "weights", "layers", "probes", "labels", "classes", "normalization"),
    *("half", "stride", "notes"),
)
"""Required keys of a header."""


def write(path: Path, about: Mapping[str, Any]) -> None:
    """Write the header of the recording in folder `path`."""
    put(path / HEADER, json.dumps({"format": FORMAT, "version": VERSION, **about}, indent=1).encode())


def read(path: Path) -> dict[str, Any]:
    """The header of the recording in folder `path`.

    Raises
    ------
    FileNotFoundError
        There is no header.
    ValueError
        It is truncated, of another kind, or of another version.
    """
    file = path / HEADER
    if not file.is_file():
        others = [each.name for each in path.parent.iterdir() if each != path] if path.parent.is_dir() else []
        raise FileNotFoundError(unknown(f"no recording in {path}: there is no {HEADER}", path.name, others))
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        kind, version = about["format"], about["version"]
    except (ValueError, LookupError, TypeError):
        kind, version = None, 0
    if kind != FORMAT:
        raise ValueError(f"{file} is truncated, or is not that of a recording")
    if version != VERSION:
        raise ValueError(f"the recording in {path} has version {version}; this cnnwidgets reads version {VERSION}")
    if missing := [name for name in NEEDED if name not in about]:
        raise ValueError(f"{file} has no {', '.join(missing)}: it is damaged")
    return dict(about)


def weight_shapes(model: nn.Module) -> dict[str, list[int]]:
    """Name -> shape of every parameter and buffer: identifies the architecture."""
    module = plain(model)
    return {name: list(value.shape) for name, value in chain(module.named_parameters(), module.named_buffers())}


def difference(about: Mapping[str, Any], model: nn.Module) -> str:
    """In which weight a recorded network first differs from `model`, as text; empty if it does not."""
    known, shapes = about["weights"], weight_shapes(model)
    name = next((name for name in [*known, *shapes] if known.get(name) != shapes.get(name)), None)
    if name is None:
        return ""
    return (
        f"weight {name!r} of the recorded {about['model']} is {_form(known.get(name))}, "
        f"of this {type(plain(model)).__name__} it is {_form(shapes.get(name))}"
    )


def layer_record(row: Layer) -> dict[str, Any]:
    """An entry of the layer table as JSON."""
    return asdict(row) | {"dtype": str(row.dtype).removeprefix("torch.")}


def layer_row(record: dict[str, Any]) -> Layer:
    """The entry of the layer table from its JSON."""
    dtype = getattr(torch, record["dtype"], None)
    return Layer(**record | {"dtype": dtype, "shape": tuple(record["shape"])})


def _form(shape: Sequence[int] | None) -> str:
    return "missing" if shape is None else " x ".join(map(str, shape)) or "a number"
