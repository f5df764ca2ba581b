"""The JavaScript of the strip, in Node."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cnnwidgets.widgets.picker.strip import code
from tests.widgets.conftest import exported_by, passes_in_node

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_computes_what_it_should():
    passes_in_node(HERE / "sight.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(code(), tmp_path / "strip.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'render'", "]"]
    assert "import {" not in code()
