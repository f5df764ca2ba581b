"""Run notebooks from top to bottom and store what they show: `python notebooks/refresh.py [NOTEBOOK ...]`.

Without names, all notebooks of this folder. Static pictures and text are stored. The state of the widgets is not: it
belongs to one run, and a viewer that finds it looks for the widget instead of showing the picture.
`CNNWIDGETS_FAST=1` in the environment makes those notebooks short that train: few images, few epochs. It is for tests;
what is stored comes from a run in full.
Needs `pip install -e '.[test]'`, and in `$CNNWIDGETS_DATA/weights` those of ResNet-18, which stands in for AlexNet;
beside them MNIST and the other data sets, if they are not to be downloaded.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).resolve().parent
WIDGET = "application/vnd.jupyter.widget-view+json"
STILL = '<style class="cnnw-still">'
"""How the style sheet of a still begins."""
SECONDS = 3600  # for one cell; the longest trains two networks for 30 epochs each
PATIENCE = 300  # for a kernel to start, and for outputs to arrive, on a busy machine; by default they are lost after 4
LARGE = 60_000  # characters of a picture; such a one is stored with 256 colours, in a third of the room
STAND_INS = {'net = cw.models.pretrained("alexnet")': 'net = cw.models.pretrained("resnet18")'}
"""Lines that are run in place of those that are stored: a smaller download. The notebook's output names the model."""


LONG_CODE = 10  # lines beyond which code is no part of a slide
HIGH, WIDE, MOST_HIGH = 700, 1090, 520  # px of a slide of `slides.py`, and of a picture on it
LINE, LETTERS = 27, 110  # px of a line of text, and how many characters it has
MOST_CELLS = 3  # of a slide
HIDDEN = "hide-input"  # tag of a cell of which a slide shows the output alone
HEADING = re.compile(r"#{1,2} ")
IN_COLAB = """\
import sys

if "google.colab" in sys.modules:  # elsewhere this cell does nothing
    get_ipython().run_line_magic("pip", "install -q 'bqplot<0.13' git+https://github.com/cnnwidgets/cnnwidgets")"""
"""The first cell of every notebook. Where Colab has no bqplot, on TPUs, pip would take one that needs ipywidgets 8, of
which Colab's page shows nothing."""


class ThisPython(KernelSpecManager):
    """Knows one kernel: the very Python that runs this file."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The same for every name."""
        return KernelSpec(**get_kernel_dict())


def run(path: Path, *, fast: bool = False) -> NotebookNode:
    """The notebook at `path` with fresh outputs, run in an empty folder with `STAND_INS`; raises CellExecutionError.

    `fast` sets `CNNWIDGETS_FAST=1` for it.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        cell.source = "\n".join(STAND_INS.get(line, line) for line in cell.source.split("\n"))
    kernel = AsyncKernelManager(kernel_spec_manager=ThisPython())
    patience = {"timeout": SECONDS, "startup_timeout": PATIENCE, "iopub_timeout": PATIENCE}
    client = NotebookClient(notebook, km=kernel, store_widget_state=False, **patience)
    python_path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"PYTHONPATH": python_path} | ({"CNNWIDGETS_FAST": "1"} if fast else {})
        client.execute(cwd=folder, env=env, cleanup_kc=True)
    for cell, source in zip(notebook.cells, stored, strict=True):
        cell.source = source
    return notebook


def strip(notebook: NotebookNode) -> NotebookNode:
    """Take out, in place, what belongs to one run only: widgets, times, versions; and make large pictures smaller."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if "outputs" in cell:
            cell.outputs = joined([output for output in gathered(cell.outputs) if not is_bar(output)])
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(WIDGET, None)
            if "image/png" in data:
                data.pop("image/jpeg", None)  # the same once more
            if len(data.get("image/png", "")) > LARGE:
                data["image/png"] = with_few_colors(data["image/png"])
    return as_slides(notebook)


def as_slides(notebook: NotebookNode) -> NotebookNode:
    """Say, in place, what `jupyter nbconvert --to slides` makes of each cell.

    Each heading begins a slide; what does not fit below what is there goes to one below it. The cell for Colab is left
    out, and so is long code: without a picture it is in the speaker's notes, else its picture is shown alone.
    """
    count, pictures, used = 0, 0, 0
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)
        code, long = cell.cell_type == "code", len(cell.source.splitlines()) > LONG_CODE
        picture = any(
            any(kind.startswith("image/") for kind in each.get("data", {})) for each in cell.get("outputs", [])
        )
        if cell.source == IN_COLAB:
            kind = "skip"
        elif code and long and not picture:
            kind = "notes"
        elif not code and HEADING.match(cell.source):
            kind = "slide"
        elif count == 0 or count == MOST_CELLS or (picture and pictures) or used + height(cell) > HIGH:
            kind = "subslide" if count else "slide"
        else:
            kind = "-"
        if code and long and picture:
            cell.metadata["tags"] = [HIDDEN]
        cell.metadata["slideshow"] = {"slide_type": kind}
        if kind in ("slide", "subslide"):
            count = pictures = used = 0
        if kind not in ("skip", "notes"):
            count, pictures, used = count + 1, pictures + picture, used + height(cell)
    return notebook


def height(cell: NotebookNode) -> int:
    """About how many px a cell takes on a slide: lines of text, and pictures no larger than they are shown."""
    hidden = cell.cell_type == "code" and len(cell.source.splitlines()) > LONG_CODE
    texts, found = [] if hidden else [cell.source], 0
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
                found += min(MOST_HIGH, picture.height * min(WIDE, picture.width) // picture.width)
        else:
            texts.append(output.get("text", data.get("text/plain", "")))
    lines = [line for text in texts for line in text.splitlines()]
    headings = 40 * sum(line.startswith("#") and cell.cell_type != "code" for line in lines)
    return found + headings + sum(LINE * max(1, -(-len(line) // LETTERS)) for line in lines)


def is_bar(output: NotebookNode) -> bool:
    """Whether an output is a progress bar, which is over."""
    data = output.get("data", {})
    return WIDGET in data and "%|" in data.get("text/plain", "")


def gathered(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The still that stands before a live view, and its style sheet, put into the output of the view itself."""
    whole: list[NotebookNode] = []
    png: str | None = None
    marked = False
    for output in outputs:
        data = output.get("data", {})
        if data.get("text/html", "").startswith(STILL):
            marked = True
        elif marked and "image/png" in data:
            png, marked = data["image/png"], False
        else:
            if png and WIDGET in data:
                data = {WIDGET: data[WIDGET], "image/png": png, "text/plain": data["text/plain"]}
                output.data, png = nbformat.from_dict(data), None
            whole.append(output)
    return whole


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What was printed piece by piece in one piece, as if there had been no time in between."""
    whole: list[NotebookNode] = []
    for output in outputs:
        if whole and output.output_type == whole[-1].output_type == "stream" and output.name == whole[-1].name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def with_few_colors(png: str) -> str:
    """The same picture (PNG in base64) with its 256 most useful colours."""
    stored = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        few = picture.convert("RGB").quantize(256, kmeans=1, dither=Image.Dither.NONE)
    few.save(stored, "PNG", optimize=True)
    return base64.b64encode(stored.getvalue()).decode()


def begin(path: Path) -> None:
    """Have the notebook at `path` begin with the cell for Colab."""
    notebook = nbformat.read(path, as_version=4)
    cell = nbformat.v4.new_code_cell(IN_COLAB, id=f"{path.stem}-colab")
    if notebook.cells[0].source != IN_COLAB:
        notebook.cells[: notebook.cells[0].id == cell.id] = [cell]  # in place of an older one
        nbformat.write(notebook, path)


def main() -> None:
    """Refresh the notebooks named on the command line, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        begin(path)
        nbformat.write(strip(run(path)), path)
        print(f"{path.name}: {path.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
