"""Checkpoint files: written atomically, read without running code, checked against the model."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

FORMAT = "cnnwidgets training 1"
"""Kind and version. A later version that only adds keys keeps the number; one that this cannot read has another."""
NEEDED = ("model", "optimizer", "history", "kinds", "position", "random")
"""Keys of a checkpoint."""


def write(path: str | Path, state: dict[str, Any]) -> Path:
    """Write `state` atomically: concurrent readers, or a crash, leave either the old file or the new one.

    Raises
    ------
    OSError
        The file cannot be written; an existing file is unchanged.
    """
    path = Path(path).expanduser()
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
        os.replace(aside, path)
    except RuntimeError as error:  # torch's own, for a full disk
        raise OSError(f"the checkpoint {path} cannot be written: {error}") from error
    finally:
        aside.unlink(missing_ok=True)
    return path


def read(path: str | Path) -> dict[str, Any]:
    """What `write` wrote, on the CPU.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file is damaged, was not written by `Trainer.save`, or by that of a later version.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {str(path)!r}")
    _prove(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds of errors for a broken file
        raise ValueError(f"{path} is damaged, or not a checkpoint of Trainer.save()") from error
    kind = state.get("format") if isinstance(state, dict) else None
    if not isinstance(kind, str) or kind.rpartition(" ")[0] != FORMAT.rpartition(" ")[0]:
        raise ValueError(f"{path} is not a checkpoint of Trainer.save()")
    if kind != FORMAT:
        raise ValueError(f"{path} is of another version of cnnwidgets: it is {kind!r}, this one reads {FORMAT!r}")
    if missing := [key for key in NEEDED if key not in state]:
        raise ValueError(f"{path} is damaged: it has no {', '.join(missing)}")
    return state


def _prove(path: Path) -> None:
    """Raise ValueError if a checksum of the file is wrong; `torch.load` reads past them."""
    try:
        with zipfile.ZipFile(path) as file:
            wrong = file.testzip()
    except Exception as error:  # zipfile raises many kinds of errors for a broken file
        raise ValueError(f"{path} is damaged, or not a checkpoint of Trainer.save()") from error
    if wrong is not None:
        raise ValueError(f"{path} is damaged: the checksum of {wrong} in it is wrong")


def check_weights(model: nn.Module, weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Raise ValueError if `weights` do not fit the model, before any of them is loaded."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items() if hasattr(value, "shape")}
    given = {name: tuple(value.shape) for name, value in weights.items() if hasattr(value, "shape")}
    for name in [*own, *given]:
        if own.get(name) != given.get(name):
            here, there = own.get(name, "not there"), given.get(name, "not there")
            raise ValueError(f"{path} is of another model: {name!r} is {here} in the model, {there} in the checkpoint")
