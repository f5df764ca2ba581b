"""Files of a recording: a header, the probes, a list of the frames, and one file per frame, each written atomically.

The tensors are safetensors: eight bytes with the length of a JSON text, the text, the numbers. The metadata of a
frame is in that text, so that a list of frames reads a few hundred bytes of each file. The text holds its own checksum,
which is proved when it is read, and those of the numbers, proved with the numbers: for maps, one a probe.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from ...files import SEAL, UNSEALED, put, seal_holds, sealed
from .fields import Damaged, Unreadable, check

HEADER = "recording.json"
PROBES = "probes.safetensors"
LIST = "frames.txt"
FRAME = "frame-{:08d}.safetensors"
FRAMES = "frame-*.safetensors"
_FRAME = re.compile(r"frame-(\d{8,})\.safetensors")
Checks = dict[str, list[int]]
"""Tensor -> checksums of its entries along the first axis, or of the whole."""


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
    checks : dict
        Checksums of the tensors; empty in files of version 1, which has none.
    sealed : bool
        Whether the header had a checksum, which was right.
    """

    about: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    size: int
    checks: Checks = field(default_factory=dict)
    sealed: bool = False


def pack(tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> bytes:
    """Tensors and their metadata as the bytes of a file."""
    checks = {name: _checksums(value if _by_entry(name) else value[None]) for name, value in tensors.items()}
    data = safetensors.torch.save(
        dict(tensors), {"about": json.dumps(about), "checks": json.dumps(checks), SEAL: UNSEALED}
    )
    end = 8 + int.from_bytes(data[:8], "little")
    return sealed(data[:end]) + data[end:]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise Unreadable where the file is there and cannot be read: a folder in its place, no permission, a bad disk."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}") from None


def head(path: Path) -> Head:
    """The header of a file of tensors.

    Raises
    ------
    Damaged
        The file is truncated or not a file of tensors, its header has changed since it was written, or it cannot be
        read.
    FileNotFoundError
        There is none.
    """
    with readable(path):
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if not 2 <= length <= size - 8:
                raise Damaged(f"{path.name} is truncated, or not a file of a recording: {size:,} bytes")
            written = file.read(length)
    holds = seal_holds(start + written)
    if holds is False:
        raise Damaged(f"{path.name} is damaged: the checksum of its header is wrong")
    try:
        text = json.loads(written)
        known = text.pop("__metadata__", {})
        about, checks = json.loads(known.get("about", "{}")), json.loads(known.get("checks", "{}"))
        check(about, dict[str, Any], "about")
        check(checks, Checks, "checks")
        wanted = 8 + length + max((entry["data_offsets"][1] for entry in text.values()), default=0)
        shapes = {name: tuple(entry["shape"]) for name, entry in text.items()}
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError) as error:
        raise Damaged(f"{path.name} is not a file of a recording ({type(error).__name__})") from None
    if size != wanted:
        raise Damaged(f"{path.name} is truncated: {size:,} of {wanted:,} bytes")
    return Head(about, shapes, size, checks, bool(holds))


def read(
    path: Path, name: str, at: int | None = None, *, exact: bool = False, checks: Mapping[str, list[int]] | None = None
) -> torch.Tensor:
    """One tensor of a file, or entry `at` of its first axis; nothing else is read. float32, unless `exact`ly as it is.

    Raises
    ------
    LookupError
        The file no longer exists.
    Damaged
        The file changed since it was listed or cannot be read, or its numbers do not have the checksums `checks`.
    """
    try:
        with readable(path), safetensors.safe_open(str(path), "pt") as file:
            found = file.get_tensor(name) if at is None else file.get_slice(name)[at : at + 1][0]
    except FileNotFoundError:
        raise LookupError(f"{path.name} is no longer there: frames were dropped; refresh() lists those left") from None
    except safetensors.SafetensorError as error:
        raise Damaged(f"{path.name} is damaged: {error}") from None
    if checks:
        expected = checks[name] if at is None else checks[name][at : at + 1]
        if _checksums(found if _by_entry(name) and at is None else found[None]) != expected:
            entry = "" if at is None else f", entry {at}"
            raise Damaged(f"{path.name} is damaged: the checksum of its {name}{entry} is wrong")
    return found.float() if found.dtype in (torch.float16, torch.bfloat16) and not exact else found


def _by_entry(name: str) -> bool:
    """Whether single entries of a tensor are read."""
    return name.startswith("maps/") or name == "probes"


def _checksums(value: torch.Tensor) -> list[int]:
    return [zlib.crc32(entry.contiguous().reshape(-1).view(torch.uint8).numpy()) for entry in value]


# ---------------------------------------------------------------------- the list of frames


def number(name: str) -> int:
    """The number of a frame in the name of its file; -1 for another file."""
    found = _FRAME.fullmatch(name)
    return -1 if found is None else int(found[1])


def write_list(folder: Path, names: Iterable[str]) -> None:
    """Write which frames there are."""
    put(folder / LIST, "".join(f"{name}\n" for name in names).encode())


def add_to_list(folder: Path, name: str) -> None:
    """Add a frame to the list: after its file is there, so that who reads meanwhile misses none."""
    with (folder / LIST).open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{name}\n")


def read_list(folder: Path) -> tuple[set[str], list[str]]:
    """The frames that should be there, and what is wrong with the list."""
    try:
        with readable(folder / LIST):
            lines = (folder / LIST).read_bytes().decode("utf-8", "backslashreplace").split("\n")
    except FileNotFoundError:
        return set(), [f"{LIST} is lost: whether frames are missing cannot be told"]
    except Damaged as error:
        return set(), [f"{error}: whether frames are missing cannot be told"]
    last = lines.pop()  # empty, or the beginning of a line that a crash cut off
    wrong = [line for line in lines if not _FRAME.fullmatch(line)]
    if not _FRAME.fullmatch(last + FRAME.format(0)[len(last) :]):
        wrong.append(last)
    return set(lines) - set(wrong), [f"{LIST} is damaged: it has a line {line!r:.60}" for line in wrong]


# ---------------------------------------------------------------------- numbers


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
