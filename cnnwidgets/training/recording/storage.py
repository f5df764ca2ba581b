"""Files of a recording: a header, the probes, and one file per frame, each written atomically.

The tensors are safetensors: eight bytes with the length of a JSON text, the text, the numbers. The metadata of a
frame is in that text, so that a list of frames reads a few hundred bytes of each file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

HEADER = "recording.json"
PROBES = "probes.safetensors"
FRAME = "frame-{:08d}.safetensors"
FRAMES = "frame-*.safetensors"


class Damaged(ValueError):
    """A truncated file, or one of another kind."""


@dataclass(frozen=True)
class Head:
    """The header of a file of tensors.

    Attributes
    ----------
    about : dict
        The metadata given to `pack`.
    shapes : dict of str to tuple of int
        The tensors in the file.
    size : int
        Bytes of the file.
    """

    about: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    size: int


def pack(tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> bytes:
    """Tensors and their metadata as the bytes of a file."""
    return safetensors.torch.save(dict(tensors), {"about": json.dumps(about)})


def head(path: Path) -> Head:
    """The header of a file of tensors.

    Raises
    ------
    Damaged
        The file is truncated, or not a file of tensors.
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                raise Damaged(f"{path.name} is truncated, or not a file of a recording: {size:,} bytes")
            text = json.loads(file.read(length))
        about = json.loads(text.pop("__metadata__", {}).get("about", "{}"))
        wanted = 8 + length + max((entry["data_offsets"][1] for entry in text.values()), default=0)
        shapes = {name: tuple(entry["shape"]) for name, entry in text.items()}
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, LookupError, TypeError) as error:
        raise Damaged(f"{path.name} is not a file of a recording ({type(error).__name__})") from None
    if size != wanted:
        raise Damaged(f"{path.name} is truncated: {size:,} of {wanted:,} bytes")
    return Head(about, shapes, size)


def read(path: Path, name: str, at: int | None = None, *, exact: bool = False) -> torch.Tensor:
    """One tensor of a file, or entry `at` of its first axis; nothing else is read. float32, unless `exact`ly as it is.

    Raises
    ------
    LookupError
        The file no longer exists.
    Damaged
        The file changed since it was listed.
    """
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            found = file.get_tensor(name) if at is None else file.get_slice(name)[at : at + 1][0]
    except FileNotFoundError:
        raise LookupError(f"{path.name} is no longer there: frames were dropped; refresh() lists those left") from None
    except safetensors.SafetensorError as error:
        raise Damaged(f"{path.name} is damaged: {error}") from None
    return found.float() if found.dtype in (torch.float16, torch.bfloat16) and not exact else found


def halved(value: torch.Tensor) -> torch.Tensor:
    """`value` as float16 if that is precise enough, otherwise unchanged.

    It is precise enough if no number changes by more than 1/1000 of the largest magnitude: a quarter of a colour level.
    """
    if value.dtype != torch.float32:
        return value
    half, magnitude = value.half(), value[value.isfinite()].abs()
    moved = (half.float() - value)[value.isfinite()].abs()  # infinite where a number is too large for float16
    return value if magnitude.numel() and bool(moved.max() > magnitude.max() / 1000) else half


def finite_range(value: torch.Tensor) -> tuple[float, float] | None:
    """Smallest and largest finite number of a tensor; None if there is none."""
    if not value.is_floating_point():
        value = value.float()
    low, high = value.aminmax() if value.numel() else (torch.tensor(torch.nan),) * 2
    if not bool(low.isfinite() & high.isfinite()):
        value = value[value.isfinite()]
        if not value.numel():
            return None
        low, high = value.aminmax()
    return float(low), float(high)
