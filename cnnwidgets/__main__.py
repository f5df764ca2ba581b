"""The command line: `cnnwidgets quickstart` opens the first notebook in JupyterLab."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
NOTEBOOK = "quickstart.ipynb"
MORE = "More options go to JupyterLab; the folder comes before them: cnnwidgets quickstart FOLDER --port 8899."


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
    if not start:
        return 0
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
    given = list(sys.argv[1:] if arguments is None else arguments)
    known, options = parser.parse_known_args(given)
    before = given[given.index(str(known.folder)) - 1] if str(known.folder) in given else ""
    if before in options and "=" not in before:  # is it the folder, or what that option shall be?
        first.error(f"what does {known.folder} belong to, {before} or the notebook? " + MORE)
    return quickstart(known.folder, options, start=not known.copy_only)


if __name__ == "__main__":
    sys.exit(main())
