"""The environment for Binder covers what is imported and agrees with pyproject.toml."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
# import name -> name on conda-forge, where they differ
CONDA = {"PIL": "pillow", "skimage": "scikit-image", "sklearn": "scikit-learn", "torch": "pytorch-cpu"}
ON_CONDA = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}
OPTIONAL = {"google", "imageio_ffmpeg", "lightning", "pytorch_lightning", "tensorboard", "umap", "zmq"}
"""Imported only where the user has them, or a kernel that brings them."""


def pinned() -> dict[str, str]:
    """Name on conda-forge -> the version that is asked for, or nothing."""
    found = {}
    for line in ENVIRONMENT["dependencies"]:
        name, version = re.fullmatch(r"([\w-]+)(?:[=<>]+([\w.]+))?", line).groups()
        found[name] = version or ""
    return found


def imported() -> set[str]:
    """The packages that the package and its notebooks import."""
    sources = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "cnnwidgets").rglob("*.py"))]
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        sources += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cnnwidgets", "IPython"} - OPTIONAL


def test_every_import_is_covered():
    assert {CONDA.get(name, name.lower()) for name in imported()} - {"matplotlib"} <= set(pinned())


def test_every_requirement_is_there_in_a_version_that_it_allows():
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    for requirement in map(Requirement, wanted):
        version = pinned()[ON_CONDA.get(requirement.name, requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} against {version}"


def test_nothing_is_there_that_nothing_asks_for():
    names = {Requirement(line).name for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]}
    wanted = {ON_CONDA.get(name, name) for name in names}
    assert set(pinned()) - wanted == {"python", "pip", "hatchling"}  # what installs the package itself


@pytest.mark.skipif(
    "CI" not in os.environ or importlib.metadata.version("ipywidgets").startswith("7."),
    reason="only the newest versions are compared, which CI installs first",
)
def test_no_pinned_version_is_newer_than_the_one_that_is_tested():
    back = {conda: name for name, conda in ON_CONDA.items()}
    for name, version in pinned().items():
        if version and name not in ("python", "hatchling"):
            tested = Version(importlib.metadata.version(back.get(name, name)))
            assert Version(version).release <= tested.release, name


def test_only_conda_forge_and_the_build_for_the_cpu_are_used():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert "pytorch-cpu" in pinned() and not any("cuda" in name for name in pinned())


def test_the_last_step_installs_the_package_and_can_be_run():
    script = ROOT / "binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert "pip install --no-deps" in script.read_text(encoding="utf-8")
