"""What a notebook gets of a view, from a real kernel: the live widget, a still, and what Colab's page needs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from cnnwidgets.widgets.shown import still
from notebooks import refresh

PNG = "image/png"
URL = "https://colab.example/manager.js"
COLAB = """
import sys, types
import ipywidgets
WIDGET, URL = %r, %r
ipywidgets.__version__ = %r
package, output = types.ModuleType("google.colab"), types.ModuleType("google.colab.output")
output._widgets = types.SimpleNamespace(_installed_url=None)

def hook(message):
    data = message["content"].get("data", {})
    if WIDGET in data:
        metadata = message["content"].setdefault("metadata", {}).setdefault(WIDGET, {})
        metadata["colab"] = {"custom_widget_manager": {"url": output._widgets._installed_url}}
    return message

def enable_custom_widget_manager():
    output._widgets._installed_url = URL
    get_ipython().display_pub.register_hook(hook)

output.enable_custom_widget_manager = enable_custom_widget_manager
package.output = output
sys.modules |= {"google": types.ModuleType("google"), "google.colab": package, "google.colab.output": output}
"""
"""As `google.colab` does it: a hook that sees what is displayed, and never an `execute_result`."""
VS_CODE = {"header": {}, "metadata": {"cellId": "vscode-notebook-cell:/home/me/x.ipynb#W0sZmlsZQ%3D%3D"}}
"""The parent of what a cell does, of which VS Code says which it is."""
VIEW = "import torch, cnnwidgets as cw\nview = cw.KernelPlayground()"
SUMMARY = "cw.ModelSummary(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)), torch.zeros(1, 1, 8, 8))"


@pytest.fixture
def ran(tmp_path: Path):
    """`ran(code, ...)`: the outputs of each of these cells, run in a kernel of their own."""

    def run(*cells: str) -> list[list[NotebookNode]]:
        path = tmp_path / "views.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
        return [cell.outputs for cell in refresh.run(path).cells]

    return run


def test_a_still_is_put_out_once_before_the_view(ran):
    _, last, displayed, listed, boxed, closed = ran(
        VIEW,
        "view",
        "display(view)",
        "[view]",
        "import ipywidgets\nipywidgets.HBox([view])",
        "view.close()\nview",
    )
    for outputs, kind in ((last, "execute_result"), (displayed, "display_data")):
        style, picture, live = outputs
        assert style.data == {"text/html": still.STYLE, "text/latex": ""}
        assert list(picture.data) == [PNG]
        assert (live.output_type, live.metadata) == (kind, {})
        assert live.data["text/plain"].startswith("KernelPlayground(")
        assert still.WIDGET in live.data and PNG not in live.data
    for outputs in (listed, boxed, closed):
        (only,) = outputs
        assert PNG not in only.data


def test_what_is_stored_of_a_still_and_its_view_is_one_output_with_the_picture(ran):
    (_, outputs) = ran(VIEW, "print(1)\nview")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=outputs)])
    png = outputs[2].data[PNG]
    printed, picture = refresh.strip(notebook).cells[0].outputs
    assert printed.text == "1\n"
    assert picture.output_type == "execute_result"
    assert sorted(picture.data) == [PNG, "text/plain"]
    assert len(png) > refresh.LARGE or picture.data[PNG] == png


def test_in_colab_a_last_line_names_colabs_widget_manager_as_display_does(ran):
    _, _, last, displayed, boxed, table, drawn = ran(
        COLAB % (still.WIDGET, URL, "7.7.1"),
        VIEW,
        "view",
        "display(view)",
        "import ipywidgets\ndisplay(ipywidgets.HBox([view]))",
        SUMMARY,
        "cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits())",
    )
    kinds = ("execute_result", "display_data", "display_data", "execute_result", "execute_result")
    for outputs, kind in zip((last, displayed, boxed, table, drawn), kinds, strict=True):
        (shown,) = outputs  # the still would be seen beside the view there
        assert shown.output_type == kind
        assert shown.metadata == {still.WIDGET: {"colab": {"custom_widget_manager": {"url": URL}}}}
        assert still.WIDGET in shown.data
    assert PNG in last[0].data and PNG in displayed[0].data


def test_in_colab_with_ipywidgets_8_a_line_says_what_to_run_and_the_still_is_shown(ran):
    _, said, last, displayed = ran(COLAB % (still.WIDGET, URL, "8.1.9"), VIEW, "view", "display(view)")
    assert "ipywidgets 8.1.9" in said[0].text
    assert "%pip install 'ipywidgets==7.7.1' 'bqplot<0.13'" in said[0].text
    for (shown,) in (last, displayed):
        assert sorted(shown.data) == [PNG, "text/plain"]


def test_in_vs_code_the_still_stays_beside_the_widget(ran):
    _, (started,), _, (joined,) = ran(
        "__vsc_ipynb_file__ = 'x.ipynb'\n" + VIEW,
        "view",
        f"del __vsc_ipynb_file__\nget_ipython().get_parent = lambda: {VS_CODE!r}",  # a kernel that ran already
        "view",
    )
    for shown in (started, joined):
        assert {PNG, still.WIDGET} <= set(shown.data)
