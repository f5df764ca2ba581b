"""A file is written whole or not at all: what was there before stays until the new one is complete."""

from __future__ import annotations

import os
from pathlib import Path

from .training.recording import put


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
