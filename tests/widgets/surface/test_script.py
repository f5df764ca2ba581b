"""Modules of JavaScript as one, and what the shared ones compute, in Node."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cnnwidgets.widgets.surface import joined
from tests.widgets.conftest import passes_in_node

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_of_what_waits_the_newest_goes():
    passes_in_node(Path(__file__).parent / "newest.test.mjs")


def test_modules_become_one_also_from_a_folder_beside(tmp_path):
    here, beside = tmp_path / "here", tmp_path / "beside"
    here.mkdir()
    beside.mkdir()
    (beside / "first.mjs").write_text("export const one = 1;\n")
    (here / "second.mjs").write_text("import {one} from '../beside/first.mjs';\nexport const two = one + one;\n")
    (here / "third.mjs").write_text("import {two} from './second.mjs';\nexport default {two};\n")
    whole = joined(here, "../beside/first", "second", "third")
    assert whole == "const one = 1;\n\nconst two = one + one;\n\nexport default {two};\n"
