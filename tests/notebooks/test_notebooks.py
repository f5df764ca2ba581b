"""Every notebook runs from top to bottom without a word on stderr, and is stored so that any viewer can show it."""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

from notebooks import refresh

NOTEBOOKS = sorted(refresh.FOLDER.glob("*.ipynb"))
RUN = [path if path.stem == "quickstart" else pytest.param(path, marks=pytest.mark.slow) for path in NOTEBOOKS]
# Two folders or more from the root on; not the end of a web address, nor of an HTML tag.
ABSOLUTE_PATH = re.compile(r"(?<![\w<.:/~-])(?:/[\w.-]+){2,}|\b[A-Za-z]:\\\w")
WEIGHTS = re.compile(r"weights from (\S+):")
MOVES_ON = ("TrainingView", "OcclusionView")
"""Views that go on by themselves after their cell: their pictures need not stay."""
# In the kernel of a notebook: a list of all views that were displayed, each with what it showed then. On a busy machine
# that is only a part of what otherwise comes bit by bit, so that the view is first drawn to the end.
WATCH = f"""

def _watch():
    import cnnwidgets

    shown, display = [], cnnwidgets.ModelView._repr_mimebundle_

    def watched(view, *args, **options):
        bundle = display(view, *args, **options)
        if not repr(view).startswith({MOVES_ON!r}):
            view.settle()
        shown.append((view, repr(view), view.picture()))
        return bundle

    cnnwidgets.ModelView._repr_mimebundle_ = watched
    return shown


_shown = _watch()"""
LOOK_BACK = f"""
import json
import sys
import numpy as np


def _same(one, other):
    # what comes bit by bit is taken in batches as large as the machine is quick, which round differently
    if one.shape != other.shape:
        return False
    return bool((np.abs(one.astype(int) - other).max(-1) > 8).mean() < 1e-4)


for view, said, _ in _shown:
    view.refresh()
    if not said.startswith({MOVES_ON!r}):
        view.settle()
found = [(said, repr(view), _same(view.picture(), picture)) for view, said, picture in _shown]
sys.stdout.write(json.dumps(found))"""
LONGEST_FUNCTION = 10  # lines
LARGEST, USUAL = (
    {"quickstart": 400_000, "alexnet": 1_000_000, "lenet5_mnist": 900_000, "resnet_transfer": 1_000_000},
    600_000,
)  # bytes


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def stored(request: pytest.FixtureRequest) -> NotebookNode:
    """A notebook as it is stored."""
    return nbformat.read(request.param, as_version=4)


@pytest.fixture(scope="module")
def weights(data_folder: Path) -> str:
    """File name of ResNet-18's weights, the real ones or random ones that are called so."""
    (path,) = (data_folder / "weights").glob("resnet18-*.pth")
    return path.name


@pytest.fixture(scope="module", params=RUN, ids=lambda path: path.stem)
def executed(
    request: pytest.FixtureRequest, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> NotebookNode:
    """A notebook that has just run in its short form, with all outputs as they came; a cell that raises is an error.

    `metadata.shown` has what `looking_back` found.
    """
    return looking_back(request.param, tmp_path_factory.mktemp("looking_back"))


def looking_back(path: Path, folder: Path) -> NotebookNode:
    """The notebook at `path` as it has run, with `metadata.shown`: for each view what it showed when its cell ran,
    and what it shows, drawn anew, when all cells have."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += WATCH
    notebook.cells.append(nbformat.v4.new_code_cell(LOOK_BACK))
    nbformat.write(notebook, folder / path.name)
    ran = refresh.run(folder / path.name, fast=True)
    ran.cells[0].source = ran.cells[0].source.removesuffix(WATCH)
    ran.metadata["shown"] = json.loads(ran.cells.pop().outputs[0].text)
    return ran


def test_there_are_a_notebook_to_begin_with_and_one_for_each_walkthrough():
    walkthroughs = {"alexnet", "lenet5_mnist", "lenet5_fashion_mnist", "training", "resnet_transfer"}
    assert {"quickstart"} | walkthroughs <= {path.stem for path in NOTEBOOKS}


def test_every_code_cell_runs_and_writes_nothing_to_stderr(executed: NotebookNode):
    cells = code_cells(executed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [output.text for output in outputs(executed) if output.get("name") == "stderr"] == []


def test_after_all_cells_each_view_shows_what_the_text_beside_it_was_written_about(executed: NotebookNode):
    shown = executed.metadata.shown
    live = [output for output in outputs(executed) if refresh.WIDGET in output.get("data", {})]
    assert len(shown) >= sum(not refresh.is_bar(output) for output in live) > 0
    assert [(before, after) for before, after, _ in shown if before != after] == []
    assert [state for state, _, same in shown if not same and not state.startswith(MOVES_ON)] == []


def test_a_view_that_a_later_cell_moves_and_one_whose_network_learns_are_noticed(tmp_path: Path):
    cells = [
        "import time\nimport cnnwidgets as cw\nmodel, images = cw.models.lenet5(), cw.data.digits()",
        "stays = cw.ActivationView(cw.models.lenet5(), images)\nstays",
        "moves = cw.ActivationView(cw.models.lenet5(), images)\nmoves",
        "learns = cw.ActivationView(model, images)\nlearns",
        "slow = cw.models.lenet5()\nslow.register_forward_pre_hook(lambda *_: time.sleep(0.1))\n"
        "cw.EmbeddingView(slow, images, 'F6', count=50, method='pca')",
        "moves.index = 3\nmodel.C1.weight.data.neg_()",
    ]
    path = tmp_path / "moved.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    (tmp_path / "copy").mkdir()
    shown = looking_back(path, tmp_path / "copy").metadata.shown
    stays, moves, learns, comes_bit_by_bit = [(before == after, same) for before, after, same in shown]
    assert (stays, moves, learns) == ((True, True), (False, False), (True, False))
    assert comes_bit_by_bit == (True, True)


def test_each_begins_with_a_cell_that_installs_in_colab_and_does_nothing_elsewhere(executed: NotebookNode):
    first = executed.cells[0]
    assert first.source == refresh.IN_COLAB
    assert first.outputs == []


def test_the_cell_for_colab_installs_the_repository_that_the_project_names():
    asked: list[tuple[str, ...]] = []
    shell = types.SimpleNamespace(run_line_magic=lambda *line: asked.append(line))
    repository = re.search(r'Repository = "(.*)"', (refresh.FOLDER.parent / "pyproject.toml").read_text())
    assert repository is not None
    with pytest.MonkeyPatch.context() as patch:
        exec(refresh.IN_COLAB, {"get_ipython": lambda: shell})
        assert asked == []
        patch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
        exec(refresh.IN_COLAB, {"get_ipython": lambda: shell})
    assert asked == [("pip", f"install -q 'bqplot<0.13' git+{repository[1]}")]


def test_the_cell_for_colab_is_added_once(tmp_path: Path):
    path = written(tmp_path, "1")
    for _ in range(2):
        refresh.begin(path)
        assert [cell.source for cell in nbformat.read(path, as_version=4).cells] == [refresh.IN_COLAB, "1"]


def test_an_older_cell_for_colab_is_replaced(tmp_path: Path):
    path = written(tmp_path, "1")
    refresh.begin(path)
    path.write_text(path.read_text().replace("bqplot<0.13", "bqplot<0.12"))
    refresh.begin(path)
    assert [cell.source for cell in nbformat.read(path, as_version=4).cells] == [refresh.IN_COLAB, "1"]


def test_the_next_code_cell_shows_the_live_widget_and_a_static_picture(executed: NotebookNode):
    style, still, live = [output.data for output in code_cells(executed)[1].outputs]
    assert style["text/html"].startswith(refresh.STILL)
    assert re.fullmatch("[0-9a-f]{32}", live[refresh.WIDGET]["model_id"])
    width, height = picture_size(still["image/png"])
    assert width > 600 and height > 300


def test_stored_pictures_are_those_of_a_fresh_run(executed: NotebookNode, stored_twin: NotebookNode):
    assert kinds(refresh.strip(nbformat.from_dict(executed))) == kinds(stored_twin)


@pytest.fixture
def stored_twin(executed: NotebookNode, request: pytest.FixtureRequest) -> NotebookNode:
    """The stored copy of the notebook that `executed` has run."""
    return nbformat.read(request.node.callspec.params["executed"], as_version=4)


def test_no_widget_state_is_stored(stored: NotebookNode):
    assert "widgets" not in stored.metadata
    assert [data for data in datas(stored) if any("widget" in mimetype for mimetype in data)] == []


def test_the_first_stored_output_is_a_picture_that_viewers_can_show(stored: NotebookNode):
    width, height = picture_size(code_cells(stored)[1].outputs[0].data["image/png"])
    assert width > 600 and height > 300


def test_no_absolute_path_is_stored(stored: NotebookNode):
    texts = [cell.source for cell in stored.cells]
    texts += [output.text for output in outputs(stored) if "text" in output]
    texts += [text for data in datas(stored) for mimetype, text in data.items() if mimetype.startswith("text/")]
    assert [found.group() for text in texts for found in ABSOLUTE_PATH.finditer(text)] == []


@pytest.mark.parametrize("line", refresh.STAND_INS)
def test_a_line_with_a_stand_in_is_in_exactly_one_place(line: str):
    sources = [cell.source for path in NOTEBOOKS for cell in code_cells(nbformat.read(path, as_version=4))]
    assert sum(source.split("\n").count(line) for source in sources) == 1


def test_the_stand_in_runs_and_what_is_stored_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(refresh.STAND_INS, "name = 'large'", "name = 'small'")
    (cell,) = code_cells(refresh.run(written(tmp_path, "name = 'large'\nprint(name, 'is the network')")))
    assert cell.outputs[0].text == "small is the network\n"
    assert cell.source.startswith("name = 'large'")


def test_the_notebook_about_alexnet_says_that_it_was_stored_with_the_real_weights_of_resnet18():
    notebook = nbformat.read(refresh.FOLDER / "alexnet.ipynb", as_version=4)
    assert "are of ResNet-18" in notebook.cells[1].source
    assert WEIGHTS.findall(printed(notebook)) == ["resnet18-imagenet-pq.pth"]


def test_what_is_stored_about_mnist_was_trained_in_full():
    notebook = nbformat.read(refresh.FOLDER / "lenet5_mnist.ipynb", as_version=4)
    assert "as published: 469 batches to train, 141 to validate; 18,000 of the 18,000" in printed(notebook)
    assert "epochs:   20" in printed(notebook)


def test_what_is_stored_about_fashion_mnist_was_trained_in_full():
    notebook = nbformat.read(refresh.FOLDER / "lenet5_fashion_mnist.ipynb", as_version=4)
    assert "60,000 images" in printed(notebook) and "epochs:   30" in printed(notebook)


def test_random_weights_say_that_they_are(executed: NotebookNode, weights: str, request: pytest.FixtureRequest):
    named = {"alexnet": [weights]}.get(request.node.callspec.params["executed"].stem, [])
    assert WEIGHTS.findall(printed(executed)) == named


@pytest.mark.parametrize("text", ["/home/ada/cnn.png", "in '/usr/lib'", r"C:\Users", 'open("/data/x")'])
def test_the_search_for_absolute_paths_finds(text: str):
    assert ABSOLUTE_PATH.search(text)


@pytest.mark.parametrize(
    "text", ["a/b/c", "https://pytorch.org/vision/stable", "<td>1</td></tr>", "x / y / z", "~/a/b"]
)
def test_the_search_for_absolute_paths_leaves_alone(text: str):
    assert not ABSOLUTE_PATH.search(text)


def test_no_function_is_longer_than_ten_lines(stored: NotebookNode):
    trees = [ast.parse(cell.source) for cell in code_cells(stored)]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    lengths = {function.name: function.end_lineno - function.lineno + 1 for function in functions}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_the_file_is_small():
    sizes = {path: path.stat().st_size for path in NOTEBOOKS}
    assert {path.name: size for path, size in sizes.items() if size > LARGEST.get(path.stem, USUAL)} == {}


@pytest.mark.parametrize(("fast", "printed"), [(True, "1\n"), (False, "None\n")])
def test_a_notebook_is_told_to_be_fast_only_when_asked(
    fast: bool, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("CNNWIDGETS_FAST", raising=False)
    (cell,) = code_cells(
        refresh.run(written(tmp_path, "import os\nprint(os.environ.get('CNNWIDGETS_FAST'))"), fast=fast)
    )
    assert cell.outputs[0].text == printed


def test_a_cell_that_fails_is_an_error(tmp_path: Path):
    path = written(tmp_path, "1 / 0")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        refresh.run(path)


def test_a_widget_is_taken_out_of_an_output_and_its_picture_stays(tmp_path: Path):
    notebook = nbformat.read(written(tmp_path, "view"), as_version=4)
    notebook.metadata["widgets"] = {"state": {}}
    Image.new("RGB", (1, 1)).save(file := io.BytesIO(), "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    data = {refresh.WIDGET: {"model_id": "0"}, "image/png": png, "text/plain": "ActivationView()"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
    stripped = refresh.strip(notebook)
    assert "widgets" not in stripped.metadata
    assert stripped.cells[0].outputs[0].data == {"image/png": png, "text/plain": "ActivationView()"}


def test_a_progress_bar_is_not_stored(tmp_path: Path):
    (cell,) = code_cells(
        refresh.strip(refresh.run(written(tmp_path, "from tqdm.notebook import tqdm\nfor at in tqdm([1]): print(at)")))
    )
    assert [(output.output_type, output.text) for output in cell.outputs] == [("stream", "1\n")]


def test_what_was_printed_piece_by_piece_is_stored_in_one(tmp_path: Path):
    notebook = nbformat.read(written(tmp_path, "slow()"), as_version=4)
    pieces = [("stdout", "a\n"), ("stdout", "b\n"), ("stderr", "c\n"), ("stdout", "d\n")]
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    stored = [(output.name, output.text) for output in refresh.strip(notebook).cells[0].outputs]
    assert stored == [("stdout", "a\nb\n"), ("stderr", "c\n"), ("stdout", "d\n")]


def test_a_large_picture_is_stored_with_256_colours_and_looks_the_same(tmp_path: Path):
    across = np.linspace(0, 255, 400).astype(np.uint8)
    pixels = np.stack([*np.meshgrid(across, across[:300]), np.random.default_rng(0).integers(0, 9, (300, 400))], -1)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    notebook = nbformat.read(written(tmp_path, "view"), as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", {"image/png": png})]
    (stored,) = datas(refresh.strip(notebook))
    after = np.asarray(Image.open(io.BytesIO(base64.b64decode(stored["image/png"]))).convert("RGB")).astype(int)
    assert len(stored["image/png"]) < len(png) / 3
    assert np.abs(after - pixels).mean() < 5


def written(folder: Path, source: str) -> Path:
    path = folder / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    return path


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook: NotebookNode) -> str:
    return "".join(output.text for output in outputs(notebook) if "text" in output)


def datas(notebook: NotebookNode) -> list[dict[str, Any]]:
    return [output.data for output in outputs(notebook) if "data" in output]


def kinds(notebook: NotebookNode) -> list[list[tuple[str, list[str]]]]:
    """For each code cell, what it put out: streams, and the mimetypes of displayed things."""
    return [
        [(output.output_type, sorted(output.get("data", {}))) for output in cell.outputs]
        for cell in code_cells(notebook)
    ]


def picture_size(png: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(png))).size


def shown_on(notebook: NotebookNode) -> list[list[NotebookNode]]:
    """The cells of each slide."""
    slides: list[list[NotebookNode]] = []
    for cell in notebook.cells:
        kind = cell.metadata.slideshow.slide_type
        if kind in ("slide", "subslide"):
            slides.append([])
        if kind not in ("skip", "notes"):
            slides[-1].append(cell)
    return slides


def test_a_notebook_begins_with_a_slide_of_its_title_and_no_slide_is_full(stored: NotebookNode):
    kinds = [cell.metadata.slideshow.slide_type for cell in stored.cells]
    assert kinds[:2] == ["skip", "slide"] and stored.cells[1].source.startswith("# ")
    slides = shown_on(stored)
    assert len(slides) >= 5 and max(map(len, slides)) <= refresh.MOST_CELLS == 3
    for slide in slides:
        headings = [cell for cell in slide if cell.cell_type == "markdown" and cell.source.startswith(("# ", "## "))]
        assert headings in ([], slide[:1])  # one idea a slide
        assert sum(bool(datas_of(cell)) for cell in slide) <= 1
        assert len(slide) == 1 or sum(map(refresh.height, slide)) <= refresh.HIGH


def test_long_code_is_on_no_slide_and_no_picture_is_lost(stored: NotebookNode):
    for cell in stored.cells:
        kind, tags = cell.metadata.slideshow.slide_type, cell.metadata.get("tags", [])
        if cell.cell_type == "code" and len(cell.source.splitlines()) > refresh.LONG_CODE:
            assert refresh.HIDDEN in tags if datas_of(cell) else kind == "notes"
        if datas_of(cell):
            assert kind not in ("skip", "notes")


def test_slides_are_as_the_script_says(stored: NotebookNode):
    again = refresh.as_slides(nbformat.from_dict(json.loads(json.dumps(stored))))
    assert [cell.metadata for cell in again.cells] == [cell.metadata for cell in stored.cells]


def datas_of(cell: NotebookNode) -> list[str]:
    """The pictures that a cell put out."""
    return [kind for each in cell.get("outputs", []) for kind in each.get("data", {}) if kind.startswith("image/")]
