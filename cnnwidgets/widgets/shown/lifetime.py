"""How long a view lives: as long as a name holds it, or the output of a cell shows it.

ipywidgets holds every widget until somebody closes it. So a cell that is run again would leave its model, its data and
some 200 widgets behind each time. The widgets of a view are held there weakly instead (`Register`), and the run of the
cell in whose output the view stands holds it. When that cell runs again, its output is emptied, and the run lets go;
what then no name holds, Python's garbage collection takes, and with it the widgets in the page.

A kernel is not told when a cell's output is cleared by hand, or its notebook closed: such a view stays.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as W

from ...compute.core import give_back
from ..passes import ByteCache
from ..state import Subject
from ..surface import tree, widgets_in
from .register import Register

TWINS = 2
"""Where the front end does not say which cell it runs, cells are told apart by their text; so many runs of the same
text count as shown: there may be two cells of it."""


@dataclass(eq=False)
class Run:
    """One execution of a cell, with the views that its output shows."""

    cell: Hashable
    message: Any
    number: int
    """What `Out` calls its result."""
    views: list[W.Widget] = field(default_factory=list)


_runs: dict[Hashable, list[Run]] = {}
_followed: list[Any] = []  # the shell whose cells are followed
_gone = False  # whether anything may have to be collected after the present cell


def loosen(view: W.Widget) -> list[W.Widget]:
    """Have all widgets of a view live no longer than the view, and that one no longer than somebody holds it.

    Returns those of which a page may hear: all in a notebook, none outside.
    """
    widgets, register = tree(view), _register()
    register.loosen(widgets)
    return widgets if register.made_in is not None else []


def count() -> int:
    """How many widgets ipywidgets holds: another number where widgets were made that are not loose yet."""
    return _register().held


def shown(view: W.Widget) -> None:
    """Hold a view: the output of the present cell shows it. In IPython's terminal there is nothing that could."""
    loosen(view)
    run = _present()
    if run is not None and view not in run.views:
        run.views.append(view)


def closed(view: W.Widget) -> None:
    """Hold a view no longer."""
    for runs in list(_runs.values()):
        for run in runs:
            run.views = [other for other in run.views if other is not view]


def _register() -> Register:
    """The register of widgets; where there is a page, it is told in which run of a cell each was made."""
    return Register.now(_present if _shell() is not None else None)


def _shell() -> Any:
    """The shell of this kernel; None where there is no page."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython and ipython.get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _present() -> Run | None:
    """The run of the cell to which what is displayed now belongs; None where there is no page."""
    shell = _shell()
    if shell is None:
        return None
    _follow(shell)
    parent = _parent(shell)
    header = parent.get("header") or {}
    if header.get("msg_type") == "comm_msg":  # in the output of the cell that made the button, or near it
        made = _register().run_of(parent.get("content", {}).get("comm_id"))
        if isinstance(made, Run):
            return made
    cell, message = _cell(parent), header.get("msg_id")
    runs = _runs.setdefault(cell, [])
    if not runs or runs[-1].message != message:
        runs.append(Run(cell, message, shell.displayhook.prompt_count))
    return runs[-1]


def _parent(shell: Any) -> dict[str, Any]:
    """The message of the page that is being answered."""
    return getattr(shell, "get_parent", dict)() or {}


def _cell(parent: dict[str, Any]) -> Hashable:
    """What names a cell: its id as JupyterLab, VS Code and Colab tell it, or its text."""
    metadata = parent.get("metadata") or {}
    name = metadata.get("cellId") or (metadata.get("colab") or {}).get("cell_id")
    return ("id", name) if name else ("text", (parent.get("content") or {}).get("code"))


def _follow(shell: Any) -> None:
    if not any(shell is other for other in _followed):
        _followed.append(shell)
        shell.events.register("pre_run_cell", _begins)
        shell.events.register("post_run_cell", _ends)


def _begins(*_: Any) -> None:
    """A cell runs, perhaps again: what its output showed is gone, and that of cells that were deleted."""
    shell = _followed[-1]
    parent = _parent(shell)
    for name in (parent.get("metadata") or {}).get("deletedCells") or ():
        _let_go(shell, _runs.pop(("id", name), []))
    cell = _cell(parent)
    runs = _runs.pop(cell, [])
    kept = runs[1 - TWINS :] if cell[0] == "text" else []  # type: ignore[index]
    if kept:
        _runs[cell] = kept
    _let_go(shell, runs[: len(runs) - len(kept)])


def _let_go(shell: Any, runs: list[Run]) -> None:
    """Hold nothing any more for runs whose output is gone; nor let the history of outputs, or a box, hold it."""
    global _gone
    for run in runs:
        register = _register()
        _gone = True
        for view in run.views:
            loosen(view)  # it may have made widgets since
        _make_way(run.views)
        run.views = []
        for box in register.boxes(run):
            if any(register.is_loose(part) for part in tree(box)):
                register.loosen(tree(box))
        results = shell.user_ns.get("_oh", {})
        if any(register.is_loose(part) for part in widgets_in(results.get(run.number))):
            _forget(shell, results.pop(run.number), f"_{run.number}")


def _make_way(views: list[W.Widget]) -> None:
    """Have what views remember make way for what the cell looks at now, unless others that are shown remember it too.

    They themselves live until the cell has ended: it has not given their names new values yet.
    """
    shown = {cache for runs in list(_runs.values()) for run in runs for view in run.views for cache in _caches(view)}
    for cache in {cache for view in views for cache in _caches(view)} - shown:
        cache.leave()


def _caches(view: W.Widget) -> list[ByteCache]:
    held = list(vars(view).values())
    own = [each for each in held if isinstance(each, ByteCache)]
    return own + [each.outputs for each in held if isinstance(each, Subject)]


def _forget(shell: Any, result: Any, name: str) -> None:
    """Take a result out of IPython's names for the last results."""
    shell.user_ns_hidden.pop(name, None)
    if shell.user_ns.get(name) is result:
        del shell.user_ns[name]
    for unders in ("_", "__", "___"):
        if getattr(shell.displayhook, unders, None) is result:
            setattr(shell.displayhook, unders, "")
        if shell.user_ns.get(unders) is result:
            shell.push({unders: ""}, interactive=False)


def _ends(*_: Any) -> None:
    """The cell has given its names new values: now."""
    global _gone
    if _gone:
        _gone = False
        gc.collect()
        gc.collect()  # torch lets a tensor go only after those that are views of it
        give_back()
