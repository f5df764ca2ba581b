"""What Colab pre-installs is good enough for the package: installing it there changes none of Colab's own packages."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = [Requirement(line) for line in PROJECT["dependencies"]]
NEW = ("captum",)
"""What Colab does not have, and pip therefore brings."""
UNKNOWN = ("cachetools", "markupsafe", "pillow", "tqdm")
"""What Colab has, in a version that is not written down here."""


def pinned() -> dict[str, str]:
    """Name -> version of what is pinned in `.ci/colab.txt`, which `.ci/run` tests with."""
    lines = (ROOT / ".ci" / "colab.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {each.name: str(each.specifier).removeprefix("==") for each in found}


def needed_by(package: str) -> list[Requirement]:
    """What an installed package needs without any extra."""
    found = [Requirement(line) for line in importlib.metadata.requires(package) or []]
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


@pytest.mark.parametrize("requirement", OURS + [each for name in NEW for each in needed_by(name)], ids=str)
def test_colabs_version_of_what_we_need_is_left_alone(requirement: Requirement):
    version = pinned().get(requirement.name)
    assert version is None or requirement.specifier.contains(version)


def test_colab_has_all_that_we_need_but_what_is_named_here():
    assert {each.name for each in OURS} - set(pinned()) == {*NEW, *UNKNOWN}
