"""What the script of a card computes, and that it is one that a page can read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cnnwidgets.widgets.surface import markup
from cnnwidgets.widgets.surface.helper import helped, script
from tests.widgets.conftest import passes_in_node

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_magnifier_finds_the_pixels_of_an_enlarged_photo():
    passes_in_node(Path(__file__).parent / "loupe.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_a_card_for_a_projector_goes_without_its_lesser_panels():
    passes_in_node(Path(__file__).parent / "present.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_script_is_one_line_that_a_page_can_read(tmp_path):
    path = tmp_path / "handler.js"
    path.write_text(f"function handler() {{ {script()} }}")
    done = subprocess.run([NODE, "--check", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "\n" not in script() and not re.search(r"/\*|(^|\s)//", script())
    assert "magnify(card)" in script() and "presents(card)" in script()


def test_a_style_sheet_runs_it_and_stays_as_it_is():
    style = helped(markup.STYLE)
    assert style.startswith('<style onload="function ')
    assert style.endswith(markup.STYLE.removeprefix("<style>"))
