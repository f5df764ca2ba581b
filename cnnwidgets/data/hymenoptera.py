"""Ants and bees: the photos of PyTorch's transfer learning tutorial."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ..late import imported
from ._torchvision import data_places
from .photos import MEAN, STD, SUFFIXES, Photos, imagenet

NAME = "hymenoptera_data"
URL = f"https://download.pytorch.org/tutorial/{NAME}.zip"
CLASSES = ("ants", "bees")
COUNTS = {"train": 244, "val": 153}
SHA256 = "b3aa3b70f5da7a272f0729db06f645f7037f4203604d6ba7ffaf3858f31a5939"
"""Of the photos, as `_digest` takes it."""


def hymenoptera(
    root: str | Path | None = None,
    train: bool = True,
    *,
    augment: bool = False,
    transform: Callable[[Any], Any] | None = None,
) -> Photos:
    """Photos of ants and bees, from this computer or downloaded from PyTorch's tutorial.

    Parameters
    ----------
    root
        Folder that has, or will get, `train/ants`, `train/bees`, `val/ants` and `val/bees`. Without it they are read
        from `$CNNWIDGETS_DATA/hymenoptera_data`, if that is set and has them, and otherwise kept in the user's cache:
        `$XDG_CACHE_HOME/cnnwidgets/hymenoptera_data` or `~/.cache/cnnwidgets/hymenoptera_data`.
    train
        The 244 training photos, or else the 153 of the validation.
    augment
        Crop and flip at random each time a photo is read (`RandomResizedCrop(224)`, `RandomHorizontalFlip`), for
        training. Otherwise the shorter side is resized to 256 pixels, followed by a centre crop of 224 x 224.
    transform
        Turns a PIL image (RGB) into a tensor, instead of both.

    Returns
    -------
    Photos
        Images of 3 x 224 x 224, normalised with ImageNet's mean and deviation; label 0 is "ants", 1 "bees".

    Raises
    ------
    FileNotFoundError
        There are no photos and they cannot be downloaded, or the download is damaged. The message says what to do.
    ValueError
        `augment` and `transform` are both given.

    Notes
    -----
    Source: S. Chilamkurthy, "Transfer learning for computer vision tutorial", PyTorch. The photos are a very small
    subset of ImageNet, for research and teaching.
    """
    if augment and transform is not None:
        raise ValueError("augment=True and a transform of your own exclude each other")
    part = "train" if train else "val"
    folder = _found(root) / part
    paths = [path for name in CLASSES for path in _pictures(folder / name)]
    labels = [CLASSES.index(path.parent.name) for path in paths]
    return Photos(paths, labels, CLASSES, transform or (_augmenting() if augment else imagenet()))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)


def _augmenting() -> Callable[[Any], Any]:
    transforms = imported("torchvision.transforms")

    return transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )


def _found(root: str | Path | None) -> Path:
    """The folder that has all photos; the photos are downloaded if there is none."""
    places, home = data_places(NAME, root)
    for place in places:
        if all(sum(len(_pictures(place / part / name)) for name in CLASSES) == count for part, count in COUNTS.items()):
            return place
    try:
        if root is not None and home == places[0]:
            _check_free(home)
        _fetch(home)
    except (OSError, HTTPException, ValueError, zipfile.BadZipFile) as error:
        lines = [
            "The photos of ants and bees are not here: 244 for training and 153 for validation.",
            *(f"Looked in: {place}" for place in places),
            f"Tried to download {URL}, which failed: {str(error).strip()}",
            f"What to do: download that address elsewhere and unpack it so that there is {home / 'train' / 'ants'}, or "
            f"give the folder that has train/ants as hymenoptera(root=...); or put it as {NAME} into the folder that "
            "the environment variable CNNWIDGETS_DATA names.",
        ]
        raise FileNotFoundError("\n".join(lines)) from error
    return home


def _check_free(home: Path) -> None:
    """Raise FileExistsError if a download would replace files of the user."""
    for part in COUNTS:
        if (home / part).exists() and (not (home / part).is_dir() or any((home / part).iterdir())):
            raise FileExistsError(f"{home / part} holds other files, which it would replace: give another folder")


def _fetch(home: Path) -> None:
    """Download and unpack to a temporary folder; move the photos to `home` when all are complete."""
    import torch

    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="unpacking-") as aside:
        archive = Path(aside) / "photos.zip"
        torch.hub.download_url_to_file(URL, str(archive), progress=False)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(aside)
        found = _digest(Path(aside) / NAME)
        if found != SHA256:
            raise ValueError(f"what arrived is damaged: the SHA-256 of its photos is {found}, not {SHA256}")
        for part in COUNTS:
            shutil.rmtree(home / part, ignore_errors=True)
            (home / part).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(aside) / NAME / part, home / part)


def _digest(folder: Path) -> str:
    """SHA-256 over names and contents of all photos in `folder`, in the order of the names."""
    digest = hashlib.sha256()
    for path in (path for part in COUNTS for name in CLASSES for path in _pictures(folder / part / name)):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
