"""The command line: `cnnwidgets quickstart` and `cnnwidgets explore resnet18 photo.jpg` open a notebook."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTEBOOK = "quickstart.ipynb"
MORE = "More options go to JupyterLab; the folder comes before them: cnnwidgets quickstart FOLDER --port 8899."

RANDOM = "The weights are RANDOM: the network has learned nothing. Give the file of trained ones: --weights FILE"
LOOK = """\
from PIL import Image, ImageOps

paths = {paths!r}
dataset = [(transform(ImageOps.exif_transpose(Image.open(path)).convert("RGB")), path) for path in paths]
view = cw.explore(model, dataset, classes=classes, denormalize=normalization)
view
"""
TRAINED = """\
import cnnwidgets as cw

net = cw.models.pretrained({name!r}, weights={weights!r})
model, transform, classes, normalization = net.model, net.transform, net.classes, net.normalization
"""
UNTRAINED = """\
import torchvision

import cnnwidgets as cw

model = torchvision.models.get_model({name!r}, weights=None)  # RANDOM weights: it has learned nothing
transform = torchvision.models.get_model_weights({name!r}).DEFAULT.transforms()
classes, normalization = None, (transform.mean, transform.std)
"""


def stored() -> Path:
    """The first notebook: in an installed package beside this file, in the repository among the notebooks."""
    inside = HERE / NOTEBOOK
    return inside if inside.exists() else HERE.parent / "notebooks" / NOTEBOOK


def quickstart(folder: Path, options: Sequence[str] = (), *, start: bool = True) -> int:
    """Copy the first notebook into `folder`, where none is yet, and open it in JupyterLab; its exit status."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NOTEBOOK
        if path.exists() or path.is_symlink():
            print(f"{path} is already there and stays as it is")
        else:
            unfinished = path.with_name(f".{NOTEBOOK}.part")
            try:
                shutil.copyfile(stored(), unfinished)
                os.replace(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
            print(f"copied the first notebook to {path}")
    except OSError as error:
        print(f"cannot write the notebook to {folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    return opened(path, options) if start else 0


def explore(name: str, pictures: Sequence[Path], weights: Path | None, options: Sequence[str] = ()) -> int:
    """Write a notebook that explores a network of torchvision on these pictures, and open it; its exit status."""
    missing = [path for path in (*pictures, *([] if weights is None else [weights])) if not path.is_file()]
    if missing:
        print(f"there is no file {missing[0]}", file=sys.stderr)
        return 1
    models = import_module("torchvision.models")
    names = models.list_models(module=models)  # of the others, the backbone would be downloaded
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        print(f"torchvision has no network {name!r} that names what is in a picture{hint}", file=sys.stderr)
        return 1
    if weights is None:
        print(RANDOM, file=sys.stderr)
    given = {"name": name, "weights": None if weights is None else str(weights.resolve())}
    look = LOOK.format(paths=[str(path.resolve()) for path in pictures])
    code = [(UNTRAINED if weights is None else TRAINED).format(**given), look]
    text = [f"# {name}", *([] if weights else [f"**{RANDOM}**"])]
    try:
        path = _written(f"explore-{name}", text, code)
    except OSError as error:
        print(f"cannot write the notebook here: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"wrote {path}")
    return opened(path, options)


def _written(stem: str, text: Sequence[str], code: Sequence[str]) -> Path:
    """A new notebook in this folder, with a paragraph a text and a cell a piece of code."""
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "text", "metadata": {}, "source": "\n\n".join(text)}]
    more: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells += [more | {"id": f"code-{at}", "source": part.rstrip()} for at, part in enumerate(code)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    for number in range(1, 1000):
        path = Path(f"{stem}.ipynb" if number == 1 else f"{stem}-{number}.ipynb")
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(notebook, file, indent=1)
        except FileExistsError:
            continue
        return path
    raise OSError(f"there are a thousand notebooks {stem} already")


def opened(path: Path, options: Sequence[str]) -> int:
    """Open a notebook in JupyterLab; its exit status."""
    if find_spec("jupyterlab") is None:
        print("JupyterLab is not installed: pip install 'cnnwidgets[lab]'", file=sys.stderr)
        return 1
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(path), *options])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser("cnnwidgets", description="Look inside convolutional networks in Jupyter.")
    commands = parser.add_subparsers(dest="command", required=True)
    help = "copy the first notebook and open JupyterLab"
    first = commands.add_parser("quickstart", help=help, description=MORE)
    first.add_argument("folder", nargs="?", type=Path, default=Path(), help="where to copy it; by default here")
    first.add_argument("--copy-only", action="store_true", help="do not open JupyterLab")
    help = "write a notebook that explores a network of torchvision on your pictures, and open it"
    second = commands.add_parser("explore", help=help, description="More options go to JupyterLab.")
    second.add_argument("model", help="torchvision's name, such as resnet18")
    second.add_argument("pictures", nargs="+", type=Path, help="files of pictures")
    second.add_argument("--weights", type=Path, help="a file with trained weights; without it, they are random")
    given = list(sys.argv[1:] if arguments is None else arguments)
    known, options = parser.parse_known_args(given)
    if known.command == "explore":
        return explore(known.model, known.pictures, known.weights, options)
    before = given[given.index(str(known.folder)) - 1] if str(known.folder) in given else ""
    if before in options and "=" not in before:  # is it the folder, or what that option shall be?
        first.error(f"what does {known.folder} belong to, {before} or the notebook? " + MORE)
    return quickstart(known.folder, options, start=not known.copy_only)


if __name__ == "__main__":
    sys.exit(main())
