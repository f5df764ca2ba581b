"""The JavaScript of the strip, in Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cnnwidgets.widgets.picker.strip import code
from tests.widgets.conftest import exported_by

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_computes_what_it_should():
    done = subprocess.run([NODE, "--test", str(HERE / "sight.test.mjs")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(code(), tmp_path / "strip.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'render'", "]"]
    assert "import {" not in code()
