"""The pages of the site: their code runs, and everything public has a place on one of them."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

import cnnwidgets as cw
from cnnwidgets import views

PAGES = Path(__file__).parents[1] / "docs" / "pages"
WRITTEN = sorted(path for path in PAGES.rglob("*.md") if "notebooks" not in path.parts)
BLOCKS = {path: re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL) for path in WRITTEN}
TEXTS = [path.read_text(encoding="utf-8") for path in WRITTEN]
DOCUMENTED = {name for text in TEXTS for name in re.findall(r"^::: cnnwidgets\.([\w.]+)", text, re.MULTILINE)}


@pytest.mark.parametrize("path", [path for path in WRITTEN if BLOCKS[path]], ids=lambda path: path.stem)
def test_the_code_of_a_page_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in BLOCKS[path]:
        exec(compile(block, path.name, "exec"), names)
    for value in names.values():
        if isinstance(value, cw.ModelView):
            value.close()


def test_everything_public_is_documented():
    last = {name.split(".")[-1] for name in DOCUMENTED}
    assert set(cw.__all__) - last == {"data", "lessons", "models", "testing"}
    assert {f"lessons.{name}" for name in set(cw.lessons.__all__) - {"Lesson"}} <= DOCUMENTED
    assert {f"data.{name}" for name in cw.data.__all__} <= {
        f"{name.split('.')[0]}.{name.split('.')[-1]}" for name in DOCUMENTED
    }
    assert {f"models.{name}" for name in cw.models.__all__} <= {
        f"{name.split('.')[0]}.{name.split('.')[-1]}" for name in DOCUMENTED
    }


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_what_a_page_documents_is_where_the_page_says(name):
    assert pkgutil.resolve_name(f"cnnwidgets.{name}").__doc__


def test_every_view_has_a_page_with_a_picture():
    pages = [path.read_text(encoding="utf-8") for path in (PAGES / "views").glob("*.md")]
    for name in [*views.__all__, "ExploreView"]:
        (page,) = [page for page in pages if f"::: cnnwidgets.{name}\n" in page]
        (picture, *_) = re.findall(r"\]\(\.\./pictures/(\w+\.png)\)", page)
        assert 5_000 < (PAGES / "pictures" / picture).stat().st_size < 100_000
