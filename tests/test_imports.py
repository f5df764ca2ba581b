"""The walls of the house: which room may import which, and what `import cnnwidgets` may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cnnwidgets"

_CORE = ("compute.core", "compute.steps")
_INPUTS = (*_CORE, "compute.inputs")
_SHADOW = (*_CORE, "compute.shadow")
_LAYERS = (
    *_INPUTS,
    "compute.arithmetic",
    "compute.recall",
    "compute.shadow",
    "compute.axes",
    "compute.tabular",
    "compute.layers",
)
_COMPUTE = (
    *_LAYERS,
    "compute.settings",
    "compute.pictures",
    "compute.dataset",
    "compute.scoring",
    "compute.convolution",
    "compute.filters",
    "compute.receptive_field",
    "compute.occlusion",
    "compute.signatures",
    "compute.embedding",
    "compute.diagnosis",
    "compute.attribution",
    "compute.gradients",
    "compute.interventions",
    "compute.effects",
    "compute.accuracy",
    "compute.perturbation",
    "compute.overview",
    "compute.predictions",
    "compute.reading",
    "compute.cluster",
    "compute.scan",
    "compute.lessons",
    "compute.evidence",
    "compute.comparison",
    "compute.maximization",
)
_RENDER = ("render", "render.color", "render.document", "render.text", "render.mosaic", "render.static")
_FURNITURE = (*_COMPUTE, *_RENDER, "files", "live", "widgets.passes", "widgets.state", "widgets.surface")
_BASE = (
    *_FURNITURE,
    "widgets.controls",
    "widgets.painter",
    "widgets.panels",
    "widgets.input",
    "widgets.picker",
    "widgets.patches",
    "widgets.steered",
    "widgets.shown",
    "widgets.base",
    "training.loop",
    "training.recording",
)
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "late": (),
    "files": (),
    "live": (),
    "render": ("render.color", "render.text", "render.mosaic", "render.static"),
    "render.color": (),
    "render.text": ("render.color",),
    "render.document": ("render.color",),
    "render.mosaic": ("render.color", "render.text"),
    "render.static": ("render.color", "render.document", "render.text", "render.mosaic"),
    "compute": _COMPUTE,
    "compute.core": ("compute.settings", "compute.steps"),
    "compute.steps": (),
    "compute.settings": (),
    "compute.inputs": _CORE,
    "compute.shadow": _CORE,
    "compute.arithmetic": _SHADOW,
    "compute.axes": _CORE,
    "compute.recall": _CORE,
    "compute.tabular": (),
    "compute.layers": (*_INPUTS, "compute.shadow", "compute.axes", "compute.recall", "compute.tabular"),
    **dict.fromkeys(
        (
            "compute.scoring",
            "compute.perturbation",
            "compute.convolution",
            "compute.filters",
            "compute.receptive_field",
        ),
        _LAYERS,
    ),
    "compute.pictures": (),
    "compute.dataset": (*_LAYERS, "compute.pictures"),
    "compute.occlusion": (*_LAYERS, "compute.scoring", "compute.dataset"),
    "compute.signatures": (*_LAYERS, "compute.dataset"),
    "compute.embedding": (*_LAYERS, "compute.dataset"),
    "compute.predictions": _CORE,
    "compute.reading": (*_INPUTS, "compute.dataset", "compute.predictions"),
    "compute.cluster": _CORE,
    "compute.scan": (
        *_LAYERS,
        *("compute.dataset", "compute.predictions", "compute.reading", "compute.cluster", "compute.interventions"),
        "files",
    ),
    "compute.diagnosis": (*_LAYERS, "compute.dataset", "compute.filters", "compute.scan"),
    "compute.evidence": (*_LAYERS, "compute.dataset", "compute.receptive_field", "compute.scan"),
    "compute.comparison": (*_LAYERS, "compute.dataset", "compute.scan"),
    "compute.maximization": (*_LAYERS, "compute.scoring", "compute.dataset", "compute.receptive_field"),
    "compute.attribution": (*_LAYERS, "compute.scoring", "compute.dataset", "compute.occlusion"),
    "compute.gradients": _CORE,
    "compute.interventions": (*_LAYERS, "compute.scoring", "compute.gradients"),
    "compute.effects": (*_LAYERS, "compute.scoring", "compute.interventions"),
    "compute.accuracy": (*_LAYERS, "compute.scoring", "compute.dataset", "compute.interventions"),
    "compute.lessons": (
        *_LAYERS,
        "compute.convolution",
        "compute.dataset",
        "compute.filters",
        "compute.interventions",
        "compute.occlusion",
        "compute.receptive_field",
    ),
    "compute.overview": (*_LAYERS, "compute.convolution", "compute.diagnosis"),
    "training": ("training.loop", "training.recording"),
    "training.loop": (*_COMPUTE, "live", "files"),
    "training.recording": (*_COMPUTE, "live", "files", "training.loop"),
    "data": (),
    "models": (),
    "widgets": ("compute.core", "widgets.base", "widgets.shown", "widgets.state"),
    "widgets.passes": _COMPUTE,
    "widgets.state": _FURNITURE,
    "widgets.surface": _FURNITURE,
    "widgets.controls": (*_FURNITURE, "widgets"),
    "widgets.painter": (*_RENDER, "widgets.surface"),
    "widgets.panels": (*_FURNITURE, "widgets", "widgets.controls", "widgets.painter"),
    "widgets.input": (*_FURNITURE, "widgets.controls", "widgets.painter"),
    "widgets.picker": _FURNITURE,
    "widgets.patches": (*_FURNITURE, "widgets.panels"),
    "widgets.steered": (*_RENDER, "widgets.painter", "widgets.surface"),
    "widgets.shown": (*_FURNITURE, "widgets.painter", "widgets.panels"),
    "widgets.base": (
        *_FURNITURE,
        "widgets",
        "widgets.controls",
        "widgets.painter",
        "widgets.panels",
        "widgets.input",
        "widgets.picker",
        "widgets.shown",
    ),
    "testing": ("compute.core", "render.static", "widgets.base", "widgets.panels", "widgets.state", "widgets.surface"),
    "views": (*_BASE, "widgets", "views.*"),
    "views.*": (*_BASE, "widgets"),
    "explore": (*_BASE, "widgets", "views"),
    "lessons": (*_BASE, "widgets", "views", "data", "models"),
    "report": (*_BASE, "widgets", "views"),
    "pages": (*_RENDER, "files", "widgets.base", "widgets.shown", "widgets.state"),
}
"""Room -> the rooms that it may import besides itself; `views.*` is each view, which never imports another one."""

EVERYWHERE = "late"
"""The room that each may import: how a large library is imported when it is first needed."""

ONLY_IN = {
    "torch": ("compute", "training", "data", "models", "widgets", "views", "explore", "lessons", "report", "testing"),
    "torchvision": ("data", "models"),
    "bqplot": ("widgets", "views"),
    "ipywidgets": ("widgets", "views", "explore", "lessons", "testing"),
    "traitlets": ("widgets", "views", "explore", "lessons", "report", "testing"),
}
"""Package -> the only top-level rooms where it may be imported."""

HEAVY = ("captum", "matplotlib", "pandas", "scipy", "skimage", "sklearn", "tensorboard", "tqdm")
HOOKED = tuple(f"cnnwidgets.compute.{room}.hooks" for room in ("core", "gradients", "interventions", "maximization"))
"""The only files that register hooks: during a look, a training, an intervention, and in the graph of one backward."""
HOOK = re.compile(r"register_(\w+_)?hook")
MOST_FILES = 10
"""Python files that a room may hold besides its `__init__`."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def room_of(module: str) -> str:
    """The room of a module, without `cnnwidgets.`; a file at the top is a room of its own."""
    parts = module.split(".")[1:]
    if len(parts) > 1 and f"cnnwidgets.{'.'.join(parts)}" in MODULES and not is_room(module):
        parts = parts[:-1]
    return ".".join(parts)


def is_room(module: str) -> bool:
    return module in MODULES and MODULES[module].name == "__init__.py"


def rule_of(room: str) -> str:
    """The key of `MAY_IMPORT` that a room falls under."""
    return "views.*" if room.startswith("views.") else room


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[ast.AST, str, str]]:
    """Each import statement with the module it names and the name that it takes from there, "" for the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*above, node.module] if node.module else above)
            for alias in node.names:
                if f"{source}.{alias.name}" in MODULES:
                    yield node, f"{source}.{alias.name}", ""
                else:
                    yield node, source, alias.name


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
    room = module.split(".", 1)[1] if is_package and "." in module else ".".join(module.split(".")[1:-1])
    room = room or ".".join(module.split(".")[1:])
    found = []

    def report(node: ast.AST, words: str) -> None:
        found.append(f"{module}, line {getattr(node, 'lineno', 0)}: {words}")

    for node, target, name in imports(tree, module, is_package=is_package):
        full = f"{target}.{name}" if name else target
        if within(target, "cnnwidgets") and module not in ("cnnwidgets", "cnnwidgets.__main__"):
            other = room_of(target)
            if target == "cnnwidgets":
                report(node, "imports the top level of cnnwidgets")
            elif other != room:
                if (
                    other != EVERYWHERE
                    and other not in MAY_IMPORT.get(rule_of(room), ())
                    and rule_of(other) not in _special(room)
                ):
                    report(node, f"{room} may not import {full}")
                elif name and not is_room(target) and target in MODULES and other != target.split(".", 1)[1]:
                    report(node, f"imports {name} past the __init__ of {other}")
            if name.startswith("_") and target != module:
                report(node, f"{name} is private to {target}")
        for package, rooms in ONLY_IN.items():
            if within(full, package) and room and room.split(".")[0] not in rooms:
                report(node, f"{room} may not import {package}")
        if within(full, "matplotlib.pyplot") or within(full, "pylab"):
            report(node, "imports pyplot, whose figures are global state")
        if id(node) in at_once and any(within(full, heavy) for heavy in HEAVY):
            report(node, f"imports {full} when the module is imported; do it in the function that needs it")
    if module not in HOOKED:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and HOOK.fullmatch(node.attr):
                report(node, f"{node.attr}: only {' and '.join(HOOKED)} register hooks")
    return found


def _special(room: str) -> tuple[str, ...]:
    """`views` itself gathers all the views."""
    return ("views.*",) if room == "views" else ()


def test_every_module_keeps_the_import_rules():
    found = []
    for module, file in MODULES.items():
        found += faults(file.read_text(encoding="utf-8"), module, is_package=file.name == "__init__.py")
    assert found == []


def test_every_room_has_a_rule():
    rooms = {rule_of(room_of(module)) for module in MODULES} - {"", "__main__"}
    assert rooms <= set(MAY_IMPORT)


def test_every_room_says_what_it_is_for():
    for module, file in MODULES.items():
        if file.name == "__init__.py":
            assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), f"{module} has no docstring"


def test_no_room_holds_more_files_than_one_sees_at_a_glance():
    counts: dict[Path, int] = {}
    for file in MODULES.values():
        counts[file.parent] = counts.get(file.parent, 0) + (file.name != "__init__.py")
    assert {str(folder): count for folder, count in counts.items() if count > MOST_FILES} == {}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Circles of a graph, each as the list of its nodes."""
    found, done = [], set()

    def visit(node: str, path: list[str]) -> None:
        if node in path:
            found.append([*path[path.index(node) :], node])
        elif node not in done:
            for other in sorted(graph.get(node, ())):
                visit(other, [*path, node])
            done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return found


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) == []


def test_no_files_import_one_another_in_a_circle_not_even_for_types():
    graph: dict[str, set[str]] = {}
    for module, file in MODULES.items():
        if file.name == "__init__.py":
            continue  # a room gathers its files; its files name one another directly
        tree = ast.parse(file.read_text(encoding="utf-8"))
        graph[module] = set()
        for _, target, name in imports(tree, module, is_package=False):
            graph[module] |= defining(target, name)
    assert circles(graph) == []


def defining(target: str, name: str) -> set[str]:
    """The files behind an import: through a room's `__init__` to the file that defines the name."""
    if not is_room(target):
        return {target} if target in MODULES else set()
    tree = ast.parse(MODULES[target].read_text(encoding="utf-8"))
    found: set[str] = set()
    for _, source, offered in imports(tree, target, is_package=True):
        if offered == name and name:
            found |= defining(source, offered)
    return found


def test_no_rooms_import_one_another_in_a_circle():
    graph: dict[str, set[str]] = {}
    for module, file in MODULES.items():
        if file.name == "__init__.py":
            continue
        room = room_of(module)
        for _, target, _ in imports(ast.parse(file.read_text(encoding="utf-8")), module, is_package=False):
            if within(target, "cnnwidgets") and room_of(target) != room:
                graph.setdefault(room, set()).add(room_of(target))
    graph.pop("__main__", None)
    assert circles(graph) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cnnwidgets.render.mosaic.grid", "import torch"),
        ("cnnwidgets.render.mosaic.grid", "from torch import nn"),
        ("cnnwidgets.compute.filters.filters", "import torchvision.models as zoo"),
        ("cnnwidgets.training.loop.loop", "def f():\n    from bqplot import Figure"),
        ("cnnwidgets.compute.filters.filters", "import traitlets"),
        ("cnnwidgets.compute.filters.filters", "from ...render import mosaic"),
        ("cnnwidgets.compute.filters.filters", "from ...render.mosaic import Grid"),
        ("cnnwidgets.compute.filters.filters", "from ..occlusion import occlusion"),
        ("cnnwidgets.compute.core.hooks", "from ..layers import Layer"),
        ("cnnwidgets.compute.gradients.edits", "from ..layers import Layer"),
        ("cnnwidgets.render.color.scale", "from ..mosaic import Grid"),
        ("cnnwidgets.models.lenet5", "from cnnwidgets.data import mnist"),
        ("cnnwidgets.widgets.base.view", "from ...models import lenet5"),
        ("cnnwidgets.widgets.base.view", "from ...training.recording import Recorder"),
        ("cnnwidgets.widgets.base.view", "from ...views.film import FilmView"),
        ("cnnwidgets.widgets.state.subject", "from ..base import ModelView"),
        ("cnnwidgets.views.film.view", "from ..filter import FilterView"),
        ("cnnwidgets.training.recording.recorder", "from ...widgets.base import ModelView"),
        ("cnnwidgets.compute.core.hooks", "from ...training import Recorder"),
        ("cnnwidgets.widgets.base.view", "import cnnwidgets"),
        ("cnnwidgets.widgets.base.view", "from cnnwidgets import explore"),
        ("cnnwidgets.widgets.base.view", "from ... import explore"),
        ("cnnwidgets.widgets.base.view", "from ...compute.core.hooks import capture"),
        ("cnnwidgets.widgets.base.view", "from .layer_view import _hidden"),
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
        ("cnnwidgets.widgets.base.view", "from ...compute.layers import Layer\nfrom .frame import Frame"),
        ("cnnwidgets.views.film.view", "from ...widgets.surface import markup\nfrom ...widgets import controls"),
        ("cnnwidgets.training.recording.recorder", "from ...compute.core import capture"),
        ("cnnwidgets.training.recording.recorder", "from cnnwidgets.compute.core import capture"),
        ("cnnwidgets.compute.core.hooks", "layer.register_forward_hook(keep)"),
        ("cnnwidgets.compute.filters.filters", "self.register_buffer('kernel', kernel)"),
        ("cnnwidgets.models.zoo", "import torchvision"),
        ("cnnwidgets.render.color.colormap", "def f():\n    from matplotlib import colormaps"),
        ("cnnwidgets.render.color.scale", "if TYPE_CHECKING:\n    import pandas"),
        ("cnnwidgets", "from .views.explorer import explore"),
    ],
)
def test_what_the_rules_allow_is_left_alone(module, source):
    assert faults(source, module, is_package=module == "cnnwidgets") == []


def test_a_room_that_gathers_its_own_files_keeps_the_rules():
    assert faults("from .hooks import capture", "cnnwidgets.compute.core", is_package=True) == []
    assert len(faults("from ...render.mosaic import Grid", "cnnwidgets.compute.core", is_package=True)) == 1


def test_import_cnnwidgets_loads_nothing_heavy_of_its_own():
    program = (
        "import sys, torch, torchvision, ipywidgets, bqplot\n"  # bqplot itself loads pandas, torch tqdm
        "before = set(sys.modules)\n"
        "import cnnwidgets\n"
        f"print(*[name for name in {HEAVY} if name in set(sys.modules) - before])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
