"""A page needs no network: no file that it gets names an address to load from, and all widgets are of known modules,
which VS Code finds in the environment."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import ipywidgets as W
import pytest
from jupyter_core.paths import jupyter_path

import cnnwidgets
import cnnwidgets as cw
from cnnwidgets.widgets.surface import tree
from tests.test_testing import MAKES, images, network

PACKAGE = Path(cnnwidgets.__file__).parent
PAGES = sorted(path for ending in ("mjs", "css", "html") for path in PACKAGE.rglob(f"*.{ending}"))
NAMESPACE = "http://www.w3.org/"
"""Of SVG: a name, which nothing loads."""
CORE = {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"}
"""Of JavaScript, which every front end has."""
MODULES = CORE | {"bqplot", "anywidget"}
"""Of JavaScript, which their own packages put into a Jupyter server."""
CONFIG = re.compile(r"""require(?:js)?(?:['"]\])?\??\.config\(([^)]*)\)""")
PATH = re.compile(r"['\"]?([\w@/.-]+)['\"]?\s*:\s*['\"](nbextensions/[^'\"]+)['\"]")


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


def scripts() -> dict[str, Path]:
    """The file of each module as VS Code finds it without a CDN: it reads the `extension.js` of every package and takes
    from the call of `require.config` the names and paths between the innermost braces."""
    found = {}
    for folder in map(Path, jupyter_path("nbextensions")):
        for entry in folder.glob("**/extension.js"):
            config = CONFIG.search(entry.read_text(encoding="utf-8"))
            if config is not None:
                innermost = config[1].rpartition("{")[2].partition("}")[0]
                found |= {name: folder.parent / f"{path}.js" for name, path in PATH.findall(innermost)}
    return found


def test_vs_code_finds_the_code_of_every_widget_of_every_view_in_the_environment(tmp_path_factory):
    shown = [make(tmp_path_factory.mktemp("view")) for make in MAKES.values()]
    shown.append(cw.Lesson(network(), images(), seed=7))
    widgets = [widget for view in shown for widget in tree(view)]
    asked = {name for widget in widgets for name in (widget._model_module, getattr(widget, "_view_module", None))}
    assert {"bqplot", "@jupyter-widgets/controls"} <= asked
    found = scripts()
    needed = (asked | MODULES) - CORE - {None}  # outside of a notebook no view paints, and none needs anywidget
    assert {name: found.get(name) for name in needed if not found.get(name, Path()).is_file()} == {}
