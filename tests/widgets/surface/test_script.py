"""Modules of JavaScript as one, and what the shared ones compute, in Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cnnwidgets.widgets.surface import joined, run_once
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


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_what_runs_once_is_one_object_in_all_modules_of_the_same_code_alone(tmp_path):
    for name, code in {"first": "red", "again": "red", "other": "blue"}.items():
        (tmp_path / f"{name}.mjs").write_text(run_once(f"const color = '{code}';\nexport default {{color}};\n"))
    program = (
        "const names = ['first', 'again', 'other'];"
        "const [first, again, other] = await Promise.all(names.map(name => import(`./${name}.mjs`)));"
        "console.log(first.default === again.default, first.default === other.default, other.default.color);"
    )
    (tmp_path / "program.mjs").write_text(program)
    done = subprocess.run(["node", str(tmp_path / "program.mjs")], capture_output=True, text=True)
    assert done.stdout.split() == ["true", "false", "blue"], done.stderr
