"""The JavaScript of the question card, in Node."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cnnwidgets.lessons.widget import code
from tests.widgets.conftest import exported_by, passes_in_node

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_counts_what_it_should():
    passes_in_node(HERE / "answering.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(code(), tmp_path / "card.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'render'", "]"]
    assert "import {" not in code()
