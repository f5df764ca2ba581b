"""torchvision's MNIST-like data sets: find their files, or download them, never leaving incomplete files."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from ..late import imported
from .labelled import LabelledImages

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


def load(
    dataset_class: type[MNIST], name: str, classes: Sequence[str], *, root: str | Path | None, train: bool
) -> LabelledImages:
    """Read `dataset_class`, a torchvision data set of the MNIST family, from the first folder that has it.

    Files lie in `<folder>/<class name>/raw`, as torchvision puts them. The folder is `root`, if given;
    otherwise `$CNNWIDGETS_DATA/<name>`, if that is set, and then the user's cache, which is
    `$XDG_CACHE_HOME/cnnwidgets/<name>` or `~/.cache/cnnwidgets/<name>`.

    If none has the unpacked files, torchvision checks and unpacks those .gz files that are there and
    downloads the others. All go to `root`, or to the cache if there is no `root` or it is read-only;
    `$CNNWIDGETS_DATA` is never written to.

    Raises
    ------
    FileNotFoundError
        If files are missing and cannot be downloaded.
    """
    places, home = data_places(name, root)
    folder = next((place for place in places if _is_unpacked(dataset_class, place)), None)
    if folder is None:
        _fetch(dataset_class, name, places, home)
        folder = home
    source = dataset_class(folder, train=train)
    return LabelledImages(source.data.unsqueeze(1), source.targets, classes)


def data_places(name: str, root: str | Path | None) -> tuple[list[Path], Path]:
    """Folders to search, and the one to write to."""
    cache_home = os.environ.get("XDG_CACHE_HOME")
    cache = (Path(cache_home) if cache_home else Path.home() / ".cache") / "cnnwidgets" / name
    if root is not None:
        given = Path(root).expanduser()
        return ([given, cache], cache) if _is_read_only(given) else ([given], given)
    shared = os.environ.get("CNNWIDGETS_DATA")
    return ([Path(shared).expanduser() / name, cache] if shared else [cache]), cache


def _is_read_only(folder: Path) -> bool:
    """Whether writing there is forbidden for everybody or for this user; root might, but should not."""
    return folder.is_dir() and not (folder.stat().st_mode & 0o222 and os.access(folder, os.W_OK))


def _raw(dataset_class: type[MNIST], folder: Path) -> Path:
    return folder / dataset_class.__name__ / "raw"


def _is_unpacked(dataset_class: type[MNIST], folder: Path) -> bool:
    raw = _raw(dataset_class, folder)
    return all(_is_whole(raw / archive.removesuffix(".gz")) for archive, _ in dataset_class.resources)


def _is_whole(path: Path) -> bool:
    """Whether an unpacked IDX file of bytes is as long as its header says; an incomplete file is not."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        magic = file.read(4)  # 0, 0, type, number of dimensions; then four bytes for each dimension
        sizes = [file.read(4) for _ in range(magic[3] if len(magic) == 4 else 0)]
    if not sizes or len(sizes[-1]) < 4:
        return False
    length = math.prod(int.from_bytes(size, "big") for size in sizes)
    return path.stat().st_size == 4 + 4 * len(sizes) + length


def _fetch(dataset_class: type[MNIST], name: str, places: Sequence[Path], home: Path) -> None:
    """Put the unpacked files into `home`; if that fails, the error says what is missing and what to do."""
    check_integrity = imported("torchvision.datasets.utils").check_integrity

    good: dict[str, Path] = {}
    damaged: list[Path] = []
    for archive, md5 in dataset_class.resources:
        for path in (_raw(dataset_class, place) / archive for place in places):
            if check_integrity(path, md5):
                good.setdefault(archive, path)
            elif path.is_file():
                damaged.append(path)
    try:
        _unpack_aside(dataset_class, good.values(), home)
    except (OSError, RuntimeError, HTTPException) as error:
        archives = [archive for archive, _ in dataset_class.resources]
        missing = [archive for archive in archives if archive not in good]
        title, action = dataset_class.__name__, "download" if missing else "unpack"
        lines = [f"{title} cannot be read: " + (f"missing {', '.join(missing)}." if missing else "not unpacked.")]
        lines += [f"Damaged (wrong MD5 sum): {path}" for path in damaged]
        lines += [f"Looked in: {_raw(dataset_class, place)}" for place in places]
        lines += [
            f"Tried to {action}, which failed: {str(error).strip()}",
            f"What to do: put {', '.join(archives)} into {_raw(dataset_class, home)}; or give no root and "
            f"set the environment variable CNNWIDGETS_DATA to a folder that has them in {name}/{title}/raw.",
            "cnnwidgets.data.digits() gives handwritten digits and needs no download.",
        ]
        raise FileNotFoundError("\n".join(lines)) from error


def _unpack_aside(dataset_class: type[MNIST], archives: Iterable[Path], home: Path) -> None:
    """Let torchvision download and unpack to a temporary folder; move the files to `home` when all are complete."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="unpacking-") as aside:
        workshop = _raw(dataset_class, Path(aside))
        workshop.mkdir(parents=True)
        for archive in archives:
            shutil.copyfile(archive, workshop / archive.name)
        dataset_class(aside, download=True)
        raw = _raw(dataset_class, home)
        raw.mkdir(parents=True, exist_ok=True)
        for path in workshop.iterdir():
            path.replace(raw / path.name)
