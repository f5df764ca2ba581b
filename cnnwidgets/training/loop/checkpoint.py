"""Checkpoint files: written atomically, read without running code, checked against the model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

FORMAT = "cnnwidgets training 1"


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
        The file is damaged, or was not written by `Trainer.save`.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {str(path)!r}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds of errors for a broken file
        raise ValueError(f"{path} is damaged, or not a checkpoint of Trainer.save()") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{path} is not a checkpoint of Trainer.save()")
    return state


def check_weights(model: nn.Module, weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Raise ValueError if `weights` do not fit the model, before any of them is loaded."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items() if hasattr(value, "shape")}
    given = {name: tuple(value.shape) for name, value in weights.items() if hasattr(value, "shape")}
    for name in [*own, *given]:
        if own.get(name) != given.get(name):
            here, there = own.get(name, "not there"), given.get(name, "not there")
            raise ValueError(f"{path} is of another model: {name!r} is {here} in the model, {there} in the checkpoint")
