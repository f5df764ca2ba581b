"""The header of a recording: its network, layers and probes, and notes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...compute.core import listing, plain, unknown
from ...compute.layers import Layer
from ...files import SEAL, UNSEALED, checked_version, put, seal_holds, sealed
from . import storage
from .fields import Damaged, built, check
from .storage import HEADER, readable

FORMAT, VERSION = "cnnwidgets recording", 2
"""Version 2 has checksums and a list of the frames; version 1 is read as well.

A file says its `version`, and what version of a reader it `needs`: a later one that only adds something needs an
earlier one. What a reader does not know it leaves out, and says so.
"""
NEEDED: dict[str, Any] = {
    "id": str,
    "model": str,
    "weights": dict[str, list[int]],
    "layers": list[dict[str, Any]],
    "probes": int,
    "labels": list[int],
    "classes": list[str],
    "normalization": list[list[float]] | None,
    "half": bool,
    "stride": int,
    "notes": list[str],
}
"""Required keys of a header, and their types."""
LAYER = {field.name for field in fields(Layer)}
KNOWN = {*NEEDED, "format", "version", "needs", "every", "budget", "image", SEAL}


def write(path: Path, about: Mapping[str, Any]) -> None:
    """Write the header of the recording in folder `path`; that of a recording of version 1 stays one."""
    version = about.get("version", VERSION)
    seal = {"needs": version, SEAL: UNSEALED} if version > 1 else {}
    kept = {key: value for key, value in about.items() if key not in seal}
    text = json.dumps({"format": FORMAT, "version": version, **seal, **kept}, indent=1).encode()
    put(path / HEADER, sealed(text) if seal else text)


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The header of the recording in folder `path`, and what is to be said of it.

    A header that is damaged is replaced by the copy that lies with the probes.

    Raises
    ------
    FileNotFoundError
        There is no header.
    ValueError
        It is damaged, and so is its copy; or it is of another kind, or needs a later version.
    """
    file = path / HEADER
    try:
        with readable(file):
            written = file.read_bytes()
        return _checked(written, f"{HEADER} of the recording in {path}")
    except FileNotFoundError:
        if (copy := _copy(path)) is None:
            others = [each.name for each in path.parent.iterdir() if each != path] if path.parent.is_dir() else []
            problem = f"no recording in {path}: there is no {HEADER}"
            raise FileNotFoundError(unknown(problem, path.name, others)) from None
        return copy, [f"{HEADER} is lost: its copy is taken, without the notes"]
    except Damaged as error:
        if (copy := _copy(path)) is None:
            raise
        return copy, [f"{error}: its copy is taken, without the notes"]


def _checked(text: bytes, where: str) -> tuple[dict[str, Any], list[str]]:
    try:
        about = json.loads(text)
        check(about, dict[str, Any], where)
    except (ValueError, RecursionError):
        raise Damaged(f"{where} is truncated, or is not that of a recording") from None
    if about.get("format") != FORMAT:
        raise Damaged(f"{where} is truncated, or is not that of a recording")
    version = checked_version(about, VERSION, where, Damaged)
    if (version > 1 or SEAL in about) and not seal_holds(text):
        raise Damaged(f"{where} is damaged: its checksum is wrong")
    if missing := [name for name in NEEDED if name not in about]:
        raise Damaged(f"{where} has no {', '.join(missing)}: it is damaged")
    for name, hint in NEEDED.items():
        check(about[name], hint, f"{where} is damaged: {name}")
    rows = [key for row in about["layers"] for key in row if key not in LAYER]
    unknown_keys = [*(key for key in about if key not in KNOWN), *dict.fromkeys(rows)]
    later = f"it is of version {version}, later than this cnnwidgets: " if version > VERSION else ""
    told = f"{later}what it says of {listing(unknown_keys)} is not known here and left out"
    return about, [told] if unknown_keys else []


def _copy(path: Path) -> dict[str, Any] | None:
    """What lies with the probes of a header, if anything."""
    try:
        found = storage.head(path / storage.PROBES)
        text = found.about["header"] if found.sealed else ""
        about, _ = _checked(text.encode(), storage.PROBES)
    except (ValueError, LookupError, AttributeError, OSError):
        return None
    return about


def text_of(about: Mapping[str, Any]) -> str:
    """A header as the text that lies with the probes."""
    told = {**about, "format": FORMAT, "version": VERSION, "needs": VERSION, SEAL: UNSEALED}
    return sealed(json.dumps(told).encode()).decode()


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


def layer_row(record: dict[str, Any], where: str) -> Layer:
    """The entry of the layer table from its JSON; raises Damaged if it is not one."""
    dtype = getattr(torch, str(record.get("dtype")), None)
    row = built(Layer, record | {"dtype": dtype if isinstance(dtype, torch.dtype) else None}, where)
    return replace(row, shape=tuple(row.shape))


def _form(shape: Sequence[int] | None) -> str:
    return "missing" if shape is None else " x ".join(map(str, shape)) or "a number"
