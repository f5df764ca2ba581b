"""A scan in a folder: a ledger in JSON and a file of numbers, both whole or not at all, and one writer at a time.

The ledger names the file of numbers that it belongs to and its checksum. A new file of numbers is written first, then
the ledger, then the old file goes: whenever a process is killed, the ledger that lies there fits the numbers it names.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from ...files import SEAL, UNSEALED, checked_version, put, seal_holds, sealed
from ...late import imported

FORMAT, VERSION, NEEDS = "cnnwidgets scan", 2, 1
"""Version 2 adds predictions, and what reads version 1 leaves them out."""
_held: set[int] = set()
"""Files that this process has locked."""
_LEDGER = re.compile(r"scan(-\d+-of-\d+)?\.json")


class Damaged(ValueError):
    """A file of a scan is truncated or has been changed."""


def stem(part: tuple[int, int]) -> str:
    """How the files of a part are called: `scan` for the whole, `scan-3-of-8` for part 3 of 8."""
    return "scan" if part[1] == 1 else f"scan-{part[0]}-of-{part[1]}"


def ledgers(folder: Path) -> list[Path]:
    """The ledgers in a folder: that of the whole, or those of the parts.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    found = sorted(path for path in folder.glob("scan*.json") if _LEDGER.fullmatch(path.name))
    if not found:
        raise FileNotFoundError(f"no scan in {folder}: there is no scan.json")
    whole = folder / "scan.json"
    return [whole] if whole in found else found


def write(folder: Path, name: str, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Write a scan, in the place of what was written under this name.

    Raises
    ------
    OSError
        It cannot be written; what was there is left as it was.
    """
    ledger = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = _numbers_of(folder, name)
        data = safetensors.torch.save({key: value.contiguous() for key, value in tensors.items()})
        number = 1 + max((int(path.stem.rpartition(".")[2]) for path in old), default=0)
        file = f"{name}.{number}.safetensors"
        told = {"format": FORMAT, "version": VERSION, "needs": NEEDS, SEAL: UNSEALED}
        text = json.dumps({**told, **about, "numbers": file, "numbers_crc32": zlib.crc32(data)}, indent=1)
        put(folder / file, data)
        put(ledger, sealed(text.encode()))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OSError(
            error.errno, f"the scan cannot be written to {folder}: {reason}; what was written before stays as it was"
        ) from error
    for path in old:
        with suppress(OSError):
            path.unlink()


def read(ledger: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The numbers of a scan and what the ledger says.

    Raises
    ------
    FileNotFoundError
        There is no ledger.
    Damaged
        A file is truncated, has been changed, or is missing.
    ValueError
        It needs a later version.
    """
    again = f"delete it and {ledger.stem}.*.safetensors to scan again"
    text = ledger.read_bytes()
    try:
        about = json.loads(text)
        if about["format"] != FORMAT:
            raise ValueError("another format")
        file, checksum = str(about["numbers"]), about["numbers_crc32"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Damaged(f"{ledger} is truncated, or is not that of a scan: {again}") from None
    checked_version(about, VERSION, str(ledger), Damaged)
    if not seal_holds(text):
        raise Damaged(f"{ledger} is damaged: its checksum is wrong; {again}")
    path = ledger.parent / Path(file).name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is missing, which {ledger.name} names: {again}") from None
    if zlib.crc32(data) != checksum:
        raise Damaged(f"{path} is truncated or damaged, {len(data):,} bytes: its checksum is wrong; {again}")
    try:
        return safetensors.torch.load(data), about
    except safetensors.SafetensorError as error:
        raise Damaged(f"{path} is damaged ({error}): {again}") from None


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keep other processes from writing this scan; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    RuntimeError
        Another process or thread is writing it.
    OSError
        The folder cannot be written to.
    """
    path = folder / f"{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OSError(error.errno, f"the scan cannot be written to {folder}: {reason}") from error
    _held.add(file)
    try:
        try:
            _lock(file)
        except OSError:
            raise RuntimeError(
                f"another process is writing the scan {name!r} in {folder}: wait for it, or give another folder"
            ) from None
        yield
    finally:
        if file in _held:
            _held.remove(file)
            os.close(file)


def _let_go() -> None:
    """A process that was forked from this one holds no lock, so that it keeps none when this one is killed."""
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _lock(file: int) -> None:
    if os.name == "nt":
        system = imported("msvcrt")
        system.locking(file, system.LK_NBLCK, 1)
    else:
        system = imported("fcntl")
        system.flock(file, system.LOCK_EX | system.LOCK_NB)


def _numbers_of(folder: Path, name: str) -> list[Path]:
    """The files of numbers of this scan, also one that no ledger names."""
    pattern = re.compile(rf"{re.escape(name)}\.\d+\.safetensors")
    return [path for path in folder.glob(f"{name}.*.safetensors") if pattern.fullmatch(path.name)]
