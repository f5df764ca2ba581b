"""A page needs no network: no file that it gets names an address to load from, and all widgets are of known modules."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import ipywidgets as W
import pytest

import cnnwidgets

PACKAGE = Path(cnnwidgets.__file__).parent
PAGES = sorted(path for ending in ("mjs", "css", "html") for path in PACKAGE.rglob(f"*.{ending}"))
NAMESPACE = "http://www.w3.org/"
"""Of SVG: a name, which nothing loads."""
MODULES = {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output", "bqplot", "anywidget"}
"""Of JavaScript, which their own packages put into a Jupyter server."""


def test_there_are_files_to_look_at():
    assert {path.suffix for path in PAGES} == {".mjs", ".css", ".html"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_file_of_a_page_names_an_address(path):
    text = path.read_text(encoding="utf-8")
    assert [
        found for found in re.findall(r"(?:https?:)?//[\w.-]+\.\w+/[^\s'\"`)]*", text) if NAMESPACE not in found
    ] == []
    assert "import(" not in re.sub(
        r"/\*\*.*?\*/", "", text, flags=re.DOTALL
    )  # outside of comments, where it names types


def widgets_of_ours(kind: type[W.Widget] = W.Widget) -> Iterator[type[W.Widget]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("cnnwidgets."):
            yield each
        yield from widgets_of_ours(each)


def test_every_widget_is_shown_by_code_of_ipywidgets_bqplot_or_anywidget():
    for module in pkgutil.walk_packages(cnnwidgets.__path__, "cnnwidgets."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {each: each._model_module.default_value for each in set(widgets_of_ours())}
    assert len(found) > 50 and {each: name for each, name in found.items() if name not in MODULES} == {}
