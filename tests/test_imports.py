"""The walls of the house: who may import whom, and what `import cnnwidgets` may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cnnwidgets"

# room -> the modules of the package that it may import
MAY_IMPORT = {
    "compute": ("cnnwidgets.compute",),
    "render": ("cnnwidgets.render",),
    "training": ("cnnwidgets.training", "cnnwidgets.compute"),
    "data": ("cnnwidgets.data",),
    "models": ("cnnwidgets.models",),
    "widgets": ("cnnwidgets.widgets", "cnnwidgets.compute", "cnnwidgets.render", "cnnwidgets.training"),
}
# package -> the only rooms where it may be imported
ONLY_IN = {
    "torch": ("compute", "training", "data", "models", "widgets"),
    "torchvision": ("data", "models"),
    "bqplot": ("widgets",),
    "ipywidgets": ("widgets",),
    "traitlets": ("widgets",),
}
HEAVY = ("captum", "matplotlib", "pandas", "scipy", "skimage", "sklearn", "tensorboard", "tqdm")
HOOKED = ("cnnwidgets.compute.core.hooks", "cnnwidgets.compute.gradients.hooks")
"""The only files that register hooks: on a look, and on a training that goes by."""
HOOK = re.compile(r"register_(\w+_)?hook")


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[ast.AST, str]]:
    """Each import statement with the full dotted name that it brings in, one pair a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*above, node.module] if node.module else above)
            for alias in node.names:
                yield node, f"{source}.{alias.name}"


def run_on_import(tree: ast.Module) -> set[int]:
    """The ids of the nodes that run when the module is imported: outside functions and `if TYPE_CHECKING`."""
    found, waiting = set(), list(tree.body)
    while waiting:
        node = waiting.pop()
        found.add(id(node))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += list(ast.iter_child_nodes(node))
    return found


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def faults(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What breaks the rules in the source of `module`, a line for each."""
    tree = ast.parse(source)
    at_once = run_on_import(tree)
    room = module.split(".")[1] if "." in module else ""
    found = []

    def report(node: ast.AST, words: str) -> None:
        found.append(f"{module}, line {getattr(node, 'lineno', 0)}: {words}")

    for node, name in imports(tree, module, is_package=is_package):
        if within(name, "cnnwidgets") and room:
            if len(name.split(".")) < 2 or name.split(".")[1] not in MAY_IMPORT:
                report(node, "imports the top level of cnnwidgets")
            elif not any(within(name, allowed) for allowed in MAY_IMPORT[room]):
                report(node, f"{room} may not import {name}")
        for package, rooms in ONLY_IN.items():
            if within(name, package) and room and room not in rooms:
                report(node, f"{room} may not import {package}")
        if within(name, "matplotlib.pyplot") or within(name, "pylab"):
            report(node, "imports pyplot, whose figures are global state")
        if id(node) in at_once and any(within(name, heavy) for heavy in HEAVY):
            report(node, f"imports {name} when the module is imported; do it in the function that needs it")
    if module not in HOOKED:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and HOOK.fullmatch(node.attr):
                report(node, f"{node.attr}: only {' and '.join(HOOKED)} register hooks")
    return found


def test_every_module_keeps_the_import_rules():
    files = sorted(PACKAGE.rglob("*.py"))
    assert PACKAGE / "__init__.py" in files
    found = []
    for file in files:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        found += faults(file.read_text(encoding="utf-8"), module, is_package=is_package)
    assert found == []


def test_every_module_lives_in_a_room_that_has_rules():
    rooms = {file.relative_to(PACKAGE).parts[0] for file in PACKAGE.rglob("*.py")}
    assert rooms - {"__init__.py", "__main__.py"} <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cnnwidgets.render.mosaic.grid", "import torch"),
        ("cnnwidgets.render.mosaic.grid", "from torch import nn"),
        ("cnnwidgets.compute.filters.filters", "import torchvision.models as zoo"),
        ("cnnwidgets.training.loop.loop", "def f():\n    from bqplot import Figure"),
        ("cnnwidgets.compute.filters.filters", "import traitlets"),
        ("cnnwidgets.compute.filters.filters", "from ..render import grid"),
        ("cnnwidgets.compute.filters.filters", "from ..render.grid import mosaic"),
        ("cnnwidgets.models.lenet5", "from cnnwidgets.data import mnist"),
        ("cnnwidgets.widgets.base.view", "from ..models import lenet5"),
        ("cnnwidgets.training.recording.recorder", "from ..widgets.view import ModelView"),
        ("cnnwidgets.compute.core.hooks", "from ..training import Recorder"),
        ("cnnwidgets.widgets.base.view", "import cnnwidgets"),
        ("cnnwidgets.widgets.base.view", "from cnnwidgets import explore"),
        ("cnnwidgets.widgets.base.view", "from .. import explore"),
        ("cnnwidgets.render.color.colormap", "def f():\n    import matplotlib.pyplot as plt"),
        ("cnnwidgets.render.color.colormap", "def f():\n    from matplotlib import pyplot"),
        ("cnnwidgets.compute.signatures.signatures", "from sklearn.decomposition import PCA"),
        ("cnnwidgets.compute.signatures.signatures", "try:\n    import pandas\nexcept ImportError:\n    pandas = None"),
        ("cnnwidgets.training.loop.loop", "class Loop:\n    from tqdm.auto import tqdm"),
        ("cnnwidgets.training.recording.recorder", "layer.register_forward_hook(keep)"),
        ("cnnwidgets.training.recording.recorder", "weight.register_hook(keep)"),
    ],
)
def test_a_broken_rule_is_found(module, source):
    assert len(faults(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cnnwidgets.widgets.base.view", "from ..compute import layers\nfrom .figure import PixelFigure"),
        ("cnnwidgets.training.recording.recorder", "from ..compute.hooks import capture"),
        ("cnnwidgets.training.recording.recorder", "from cnnwidgets.compute import hooks"),
        ("cnnwidgets.training.recording.recorder", "from ..compute.layers import LayerTable"),
        ("cnnwidgets.compute.core.hooks", "layer.register_forward_hook(keep)"),
        ("cnnwidgets.compute.filters.filters", "self.register_buffer('kernel', kernel)"),
        ("cnnwidgets.models.zoo", "import torchvision"),
        ("cnnwidgets.render.color.colormap", "def f():\n    from matplotlib import colormaps"),
        ("cnnwidgets.render.color.scale", "if TYPE_CHECKING:\n    import pandas"),
        ("cnnwidgets", "from .widgets.explorer import explore"),
    ],
)
def test_what_the_rules_allow_is_left_alone(module, source):
    assert faults(source, module, is_package=module == "cnnwidgets") == []


def test_a_package_that_imports_its_own_files_keeps_the_rules():
    assert faults("from .hooks import capture", "cnnwidgets.compute", is_package=True) == []
    assert len(faults("from ..render import grid", "cnnwidgets.compute", is_package=True)) == 1


def test_import_cnnwidgets_loads_nothing_heavy_of_its_own():
    program = (
        "import sys, torch, torchvision, ipywidgets, bqplot\n"  # bqplot itself loads pandas, torch tqdm
        "before = set(sys.modules)\n"
        "import cnnwidgets\n"
        f"print(*[name for name in {HEAVY} if name in set(sys.modules) - before])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
