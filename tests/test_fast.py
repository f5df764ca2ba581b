"""`python -m pytest -m fast` runs some 500 tests, for which nothing heavy is needed, nor imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Prints, as its last line, what was selected and which modules that took.
COLLECT = """
import json, sys
import pytest

class Selected:
    def pytest_collection_finish(self, session):
        self.items = {
            item.nodeid: [*item.fixturenames, *(marker.name for marker in item.iter_markers())]
            for item in session.items
        }

selected = Selected()
status = pytest.main(["-m", "fast", "--collect-only", "-qq"], plugins=[selected])
print()
print(json.dumps([status, selected.items, list(sys.modules)]))
"""
HEAVY = {"browser", "data", "data_folder", "data_root", "every_view", "lab", "run_cells", "running", "slow"}
"""Fixtures and markers."""


@pytest.fixture(scope="module")
def collected() -> Any:
    """The exit status, what each selected test asks for, and the modules that were imported."""
    root = Path(__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", COLLECT], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_some_500_tests_of_several_rooms_are_fast(collected):
    status, items, _ = collected
    assert status == 0
    assert 400 < len(items) < 700
    assert {name.split("/")[1] for name in items} >= {"compute", "live", "render", "training", "widgets"}


def test_no_fast_test_asks_for_the_browser_for_real_data_or_for_a_kernel(collected):
    _, items, _ = collected
    assert {name: HEAVY.intersection(asked) for name, asked in items.items() if HEAVY.intersection(asked)} == {}


def test_the_fast_tests_import_neither_a_browser_nor_the_zoo(collected):
    _, _, modules = collected
    assert {"playwright", "nbclient", "nbconvert", "timm", "tests.compute.zoo_tools"}.isdisjoint(modules)
