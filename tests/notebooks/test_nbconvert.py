"""Where widgets cannot run, nbconvert shows a picture of every view: as a page, as slides, and on the way to a PDF."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pypandoc
import pytest
from nbconvert import HTMLExporter, LatexExporter, SlidesExporter
from nbformat import NotebookNode
from traitlets.config import PyFileConfigLoader

from cnnwidgets import views
from notebooks import refresh

NOTEBOOKS = sorted(refresh.FOLDER.glob("*.ipynb"))
EMBEDDED = re.compile(r'src="data:image/png;base64,([^"]+)"')

FIRST = """
import torch
import cnnwidgets as cw
model, images = cw.models.lenet5(pretrained=True), cw.data.digits()
trainer = cw.Trainer(model, torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.0), progress=False)
trainer.set_loaders(torch.utils.data.DataLoader(torch.utils.data.Subset(images, range(64)), 64))
recorder = cw.Recorder(model, ["C1"], [images[0]], every=1)
trainer.recorder = recorder
trainer.train(1)
"""
CALLS = {
    "ActivationView": "(model, images)",
    "AttributionView": "(model, images)",
    "ChannelsView": "(cw.scan(model, images, 'F6'))",
    "CompareFrames": "(recorder.recording)",
    "CompareView": "([model, model], images)",
    "ConvolutionView": "(model, images)",
    "EmbeddingView": "(model, images, 'F6', count=20, method='pca')",
    "ExamplesView": "(model, images)",
    "FilmView": "(recorder.recording)",
    "FilterView": "(model)",
    "InterventionView": "(model, images)",
    "KernelPlayground": "()",
    "MaximizeView": "(model, images)",
    "ModelSummary": "(model, images)",
    "OcclusionView": "(model, images)",
    "ReceptiveFieldView": "(model, images)",
    "SignatureView": "(model, images, 'F6')",
    "TrainingView": "(trainer, images)",
}


@pytest.fixture(scope="module", autouse=True)
def pandoc() -> Iterator[None]:
    """The way to a PDF leads through pandoc, which nbconvert looks for on the PATH; the test extra brings one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(pypandoc.get_pandoc_path()).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def every_view(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A notebook that has run, with one view a cell, as a user leaves it: with the widgets, without their state."""
    path = tmp_path_factory.mktemp("views") / "views.ipynb"
    cells = [FIRST, *(f"cw.{name}{call}" for name, call in CALLS.items())]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    return refresh.run(path)


def pictures(notebook: NotebookNode) -> list[bytes]:
    """The PNGs among the outputs, in their order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    stored = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [base64.b64decode(png) for png in stored]


def converted(notebook: NotebookNode, exporter: type[HTMLExporter] | type[LatexExporter]) -> list[bytes]:
    """The PNGs of what nbconvert makes of a notebook, in their order."""
    body, resources = exporter().from_notebook_node(nbformat.from_dict(notebook))
    if exporter is LatexExporter:
        names = re.findall(r"\{(output_[\d_]+\.png)\}", body)
        return [resources["outputs"][name] for name in names]
    return [base64.b64decode(png) for png in EMBEDDED.findall(body)]


def test_the_notebook_has_every_view_of_the_package(every_view: NotebookNode):
    assert sorted(views.__all__) == sorted(CALLS)
    assert len(pictures(every_view)) == len(CALLS)


@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter, LatexExporter])
def test_each_view_is_shown_as_its_picture(every_view: NotebookNode, exporter: type[HTMLExporter]):
    assert converted(every_view, exporter) == pictures(every_view)


@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter, LatexExporter])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_all_pictures_of_a_stored_notebook_are_shown(path: Path, exporter: type[HTMLExporter]):
    stored = nbformat.read(path, as_version=4)
    assert converted(stored, exporter) == pictures(stored) != []


def test_slides_scroll_and_show_whole_lines_of_code_and_no_code_that_is_hidden():
    exporter = SlidesExporter(config=PyFileConfigLoader("slides.py", path=str(refresh.FOLDER)).load_config())
    stored = nbformat.read(refresh.FOLDER / "lenet5_mnist.ipynb", as_version=4)
    for cell in stored.cells:
        cell.source = f"{cell.source}\n# {cell.id}" if cell.cell_type == "code" else cell.source
    html = exporter.from_notebook_node(stored)[0]
    assert "width: 1280" in html and "overflow-y: auto" in html and "white-space: pre-wrap" in html
    hidden = [refresh.HIDDEN in cell.metadata.get("tags", []) for cell in stored.cells if cell.cell_type == "code"]
    shown = [f"# {cell.id}" in html for cell in stored.cells if cell.cell_type == "code"]
    assert (
        any(hidden) and not any(map(bool.__and__, hidden, shown)) and sum(shown) >= sum(not each for each in hidden) - 1
    )
