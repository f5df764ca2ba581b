"""How a view is put into a notebook: the live widget, and a still picture for when it cannot run."""

from __future__ import annotations

import base64
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render import encode_still
from . import colab

WIDGET = "application/vnd.jupyter.widget-view+json"
GONE = "A picture of the view as it was: run the cell again for the live one."
"""Stands under the still where JupyterLab has no widget to show."""

_MARK = ".jp-OutputArea-child:has(> .jp-OutputArea-output > .cnnw-still)"
_NEXT = "+ .jp-OutputArea-child"
_LOST = f"{_NEXT} > .jupyter-widgets"  # JupyterLab's line "Error displaying widget" holds text and no widget
_HELD = ".jupyter-widgets > .lm-Widget"  # no `*` within :has: each element that comes into the page would be asked
STYLE = f"""<style class="cnnw-still">
{_MARK}, {_MARK} {_NEXT}:has({_NEXT} .cnnw), {_MARK} {_NEXT} {_NEXT}:has(> .jupyter-widgets):not(:has(> {_HELD})) {{
  display: none; }}
{_MARK} {_NEXT}:has({_LOST}):not(:has({_NEXT} > {_HELD})) > .jp-OutputArea-output::after {{ content: "{GONE}";
  display: block; color: var(--jp-ui-font-color2, #616161); font: 12px var(--jp-ui-font-family, sans-serif);
  padding: 4px 0; }}
</style>"""
"""Marks the two outputs behind it, a still and a view: hides the still while the view lives, else the error line."""


def apart() -> bool:
    """Whether the still is an output of its own, before the widget.

    JupyterLab never looks at the picture beside a widget in the same output, not even where the widget is gone, as it
    is in every notebook that was closed and opened again. Colab and VS Code do not know the style sheet that hides the
    still: there it stays beside the widget, and so it does without a kernel.
    """
    shell = _shell()
    return hasattr(shell, "kernel") and not colab.here() and not _in_vs_code(shell)


def encoded(picture: NDArray[np.uint8]) -> str:
    """A picture, (H, W, 3), as a notebook stores it: PNG in base64."""
    return base64.b64encode(encode_still(picture)).decode()


def publish(png: str) -> None:
    """Put out the style sheet and the still (PNG in base64), which the output of the live view must follow."""
    from IPython.display import publish_display_data

    publish_display_data({"text/html": STYLE, "text/latex": ""})
    publish_display_data({"image/png": png})


def bundle(model_id: str, text: str, png: str | None) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
    """What `_repr_mimebundle_` returns for a view.

    Parameters
    ----------
    model_id : str
        Of the widget.
    text : str
        For a terminal.
    png : str or None
        The still in base64; None where it was published apart.
    """
    data: dict[str, Any] = {"text/plain": text}
    if colab.fits():
        data[WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    # where only the still can be shown, nothing stands under it, in place of the text
    data |= {"text/html": "", "text/latex": ""} if png is None else {"image/png": png}
    metadata = colab.metadata()
    return (data, {WIDGET: metadata}) if metadata and WIDGET in data else data


def variables() -> dict[str, Any]:
    """The variables of the notebook, if there is one."""
    return dict(getattr(_shell(), "user_ns", {}))


def _in_vs_code(shell: Any) -> bool:
    """Whether VS Code asked for what runs, by the name it gives the cell, or else started this kernel.

    It names the notebook only in kernels that it starts; one that was running already has but the names of the cells.
    """
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = str((parent.get("metadata") or {}).get("cellId", ""))
    return "__vsc_ipynb_file__" in shell.user_ns or cell.startswith("vscode-")


def _shell() -> Any:
    """The IPython that runs this, if there is one."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
