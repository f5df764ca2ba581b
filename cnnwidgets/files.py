"""Write a file whole or not at all, so that what was there stays until the new one is; checksums, versions, sizes."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

UNFINISHED = ".part"
"""Ending of a file that is being written."""
SEAL = "crc32"
"""Key of a JSON text whose value is the checksum of the text."""
UNSEALED = "00000000"
"""Its value while the checksum is computed."""
_SEAL = re.compile(rf'"{SEAL}": ?"([0-9a-f]{{8}})"'.encode())


def check_writable(path: Path) -> None:
    """Raise OSError where no file `path` could be written."""
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise OSError(f"cannot write {path}: no such folder, or no permission to write there")


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and move it into place.

    Raises
    ------
    OSError
        It cannot be written; what was there is left as it was.
    """
    path = path.resolve()  # a link stays one
    check_writable(path)
    put(path, data)


def put(path: Path, data: bytes) -> None:
    """Write a file atomically, under another name that is then renamed."""
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    except BaseException as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is not None:
            raise type(error)(error.errno, error.strerror, str(path)) from None  # by the name that was given
        raise


def sealed(text: bytes) -> bytes:
    """A JSON text with `"crc32": "00000000"` in it, with its checksum in the place of the zeros."""
    found = _SEAL.search(text)
    if found is None or found[1] != UNSEALED.encode():
        raise ValueError(f'there is no "{SEAL}": "{UNSEALED}" in the text to take the checksum')
    return text[: found.start(1)] + f"{zlib.crc32(text):08x}".encode() + text[found.end(1) :]


def seal_holds(text: bytes) -> bool | None:
    """Whether a text is as `sealed` left it; None where it has no checksum."""
    found = _SEAL.search(text)
    if found is None:
        return None
    return int(found[1], 16) == zlib.crc32(text[: found.start(1)] + UNSEALED.encode() + text[found.end(1) :])


def checked_version(told: Mapping[str, Any], reads: int, where: str, damaged: type[ValueError] = ValueError) -> int:
    """The version of a file, which says its `version` and what version of a reader it `needs`.

    A later one that only adds something needs an earlier reader; where a file says nothing of that, it needs its own.

    Parameters
    ----------
    told : mapping
        What the file says.
    reads : int
        The latest version that can be read.
    where : str
        What it is, for the errors.
    damaged : type
        Of the error for what is no version.

    Raises
    ------
    ValueError
        It needs a later reader.
    """
    version = told.get("version")
    needs = told.get("needs", version)
    if not isinstance(version, int) or not isinstance(needs, int) or min(version, needs) < 1:
        raise damaged(f"{where} is damaged: it has version {version!r} and needs {needs!r}")
    if needs > reads:
        raise ValueError(
            f"{where} has version {version} and needs a cnnwidgets that reads version {needs}; this one reads 1 to "
            f"{reads}: a later cnnwidgets opens it"
        )
    return version


def parsed_bytes(budget: int | str) -> int:
    """Bytes of `"512MB"`, `"2 GB"`, `"100KiB"` or a number.

    Raises
    ------
    ValueError
        Any other text, or a number that is not positive.
    """
    found = re.fullmatch(r"([\d.]+)\s*([KMGT]?)(I?)B?", str(budget).strip().upper())
    count = 0
    if found is not None:
        number, prefix, binary = found.groups()
        with suppress(ValueError):
            count = int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix or " "))
    if count <= 0:
        raise ValueError(f'budget {budget!r}; allowed: a number of bytes above 0, or "512MB", "2GB", "100KiB"')
    return count


def readable(count: float) -> str:
    """`3.2 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
