"""Photos: the pictures in a folder, or those that come with scikit-image, ready for a network."""

from __future__ import annotations

import csv
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from ..late import imported

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, a number a channel, of values in [0, 1]."""

# scikit-image's file -> what the photo shows
SKIMAGE = {
    "chelsea.png": "cat",
    "coffee.png": "coffee",
    "rocket.jpg": "rocket",
    "astronaut.png": "astronaut",
    "motorcycle_left.png": "motorcycle",
    "coins.png": "coins",
    "camera.png": "cameraman",
    "moon.png": "moon",
    "brick.png": "brick",
    "grass.png": "grass",
    "gravel.png": "gravel",
}


class Photos(Dataset[tuple[Tensor, "str | int"]]):
    """Pictures in files, read on demand; item `index` is `(image, label)`.

    Attributes
    ----------
    paths : list of pathlib.Path
        The files, sorted.
    labels : list of str or int
        A name, or the number of a network's output where `labels.csv` gives it.
    classes : list of str
        Class names; empty where the labels are no classes.
    transform : callable
        PIL image in RGB -> image tensor.
    skipped : list of (pathlib.Path, str)
        Picture files that cannot be read, each with the reason.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[str | int],
        classes: Sequence[str],
        transform: Callable[[Image.Image], Tensor],
        skipped: Sequence[tuple[Path, str]] = (),
    ) -> None:
        self.paths, self.labels, self.classes = list(paths), list(labels), list(classes)
        self.transform = transform
        self.skipped = list(skipped)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: SupportsIndex) -> tuple[Tensor, str | int]:
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"no photo {position}; allowed: {-len(self)} to {len(self) - 1}")
        return self.transform(read_rgb(self.paths[position])), self.labels[position]

    def __repr__(self) -> str:
        skipped = f", {len(self.skipped)} broken files skipped" if self.skipped else ""
        return f"Photos({len(self):,} photos, {len(set(self.labels)):,} labels{skipped})"


def photos(folder: str | Path | None = None, transform: Callable[[Image.Image], Any] | None = None) -> Photos:
    """The pictures in a folder and everything below it, or else the photographs inside scikit-image.

    Parameters
    ----------
    folder
        Its .jpg, .jpeg, .png and .webp files are taken, in the order of their paths; hidden ones are not. Every file is
        opened once to check that it is complete. Without a folder: about ten photographs (a cat, coffee, a rocket ...)
        that the installed scikit-image has; nothing is downloaded.
    transform
        Turns a PIL image (RGB) into the tensor that goes into the network, such as `pretrained(...).transform`. By
        default the shorter side is resized to 256 pixels, followed by a centre crop of 224 x 224, and the values are
        normalised with ImageNet's mean and deviation; views undo that for display.

    Returns
    -------
    Photos
        A label is a name, because most photos show none of the classes that a network knows, and a number would be
        taken for one of its outputs: the name of the subfolder that the picture lies in; of a picture right in the
        folder its file's name; of scikit-image's what they show. `classes` are the subfolders' names, in order.

        Where the folder has a `labels.csv` with the columns `file` (path within the folder), `class_index` and, if you
        like, `class_name`, a label is that number: which output of the network stands for the picture. `classes` has
        their names then, or the number where none is given. A picture that is not listed is labelled as above.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        There is no such folder.
    ValueError
        It holds no picture that can be read, or its `labels.csv` a class that is no number.
    """
    transform = transform or imagenet()
    if folder is None:
        found = _inside_skimage()
        return Photos(list(found), list(found.values()), [], transform)
    root = Path(folder).expanduser()
    if not root.exists():
        raise FileNotFoundError(f"no folder {str(root)!r}")
    if not root.is_dir():
        raise NotADirectoryError(f"{str(root)!r} is a file; photos() wants the folder")
    paths, skipped = _whole(_pictures(root))
    if not paths:
        raise ValueError(_nothing(root, skipped))
    labels, classes = _labels(root, paths)
    return Photos(paths, labels, classes, transform, skipped)


def read_rgb(path: Path) -> Image.Image:
    """The picture in a file, upright, as RGB; transparent pixels become white, 16 bits become 8."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # Pillow would clip everything above 255
            image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
        if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")


def imagenet() -> Callable[[Image.Image], Tensor]:
    """Shorter side 256 pixels, centre crop of 224 x 224, normalised with ImageNet's mean and deviation."""
    transforms = imported("torchvision.transforms")

    return transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )


def _inside_skimage() -> dict[Path, str]:
    """Photographs that the installed scikit-image holds (`skimage.data` would download others)."""
    spec = find_spec("skimage")
    folders = [Path(place) / "data" for place in (spec.submodule_search_locations or [])] if spec else []
    found = {folder / file: name for folder in folders for file, name in SKIMAGE.items() if (folder / file).is_file()}
    if not found:
        raise FileNotFoundError(f"scikit-image holds no photographs here (looked in {folders}): give photos() a folder")
    return found


def _pictures(root: Path) -> list[Path]:
    inside = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    visible = [path for path in inside if not any(part.startswith(".") for part in path.parts)]
    return [root / path for path in sorted(visible, key=lambda path: path.as_posix())]


def _whole(candidates: Sequence[Path]) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The complete files, and the others with the reason."""
    whole, broken = [], []
    for path in candidates:
        try:
            with Image.open(path) as image:
                image.draft("RGB", (1, 1))  # decodes a JPEG at 1/8 scale, which also detects truncation
                image.load()
            whole.append(path)
        except Exception as error:  # Pillow's readers raise many kinds of errors for a broken file
            broken.append((path, f"{type(error).__name__}: {error}"))
    return whole, broken


def _nothing(root: Path, skipped: Sequence[tuple[Path, str]]) -> str:
    words = f"no pictures ({', '.join(SUFFIXES)}) in {str(root)!r}"
    if skipped:
        path, reason = skipped[0]
        return f"{words} that can be read: {len(skipped)} are broken, the first {str(path)!r} ({reason})"
    others = Counter(path.suffix.lower() or "no suffix" for path in root.rglob("*") if path.is_file())
    listed = ", ".join(f"{number} {suffix}" for suffix, number in others.most_common(3))
    return f"{words}; it holds {f'other files ({listed})' if others else 'no files at all'}"


def _labels(root: Path, paths: Sequence[Path]) -> tuple[list[str | int], list[str]]:
    """Label of each picture, and the class names; see `photos`."""
    inside = [path.relative_to(root) for path in paths]
    folders = [path.parts[-2] if len(path.parts) > 1 else None for path in inside]
    listed, names = _listed(root / "labels.csv")
    labels = [listed.get(path.as_posix(), folder or path.stem) for path, folder in zip(inside, folders, strict=True)]
    if names:
        return labels, [names.get(number, str(number)) for number in range(max(names) + 1)]
    return labels, sorted({folder for folder in folders if folder})


def _listed(file: Path) -> tuple[dict[str, int], dict[int, str]]:
    """File -> class number and class number -> name, of a `labels.csv`; empty if it has other columns."""
    listed: dict[str, int] = {}
    names: dict[int, str] = {}
    if not file.is_file():
        return listed, names
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not {"file", "class_index"} <= row.keys():
                break
            try:
                number = int(row["class_index"])
            except (TypeError, ValueError):
                raise ValueError(f"{file}: class_index of {row['file']} is {row['class_index']!r}, no number") from None
            listed[row["file"]] = number
            names[number] = (row.get("class_name") or str(number)).replace("_", " ")
    return listed, names
