"""Google Colab shows the widgets of other packages only after it was asked to, and only those of ipywidgets 7."""

from __future__ import annotations

import logging
import sys
from typing import Any

import ipywidgets

log = logging.getLogger("cnnwidgets")
SAID = (
    "cnnwidgets: turned on Colab's manager for widgets of other packages. It loads their code from a CDN; "
    "where a view stays blank, view.save('view.png') and view.to_html('view.html') do without."
)
MISFIT = (
    "cnnwidgets: Colab's page shows no widget of ipywidgets {version}: a view is a still picture here. For live views "
    "run %pip install 'ipywidgets==7.7.1' 'bqplot<0.13', choose Runtime > Restart session, and run the cells again."
)
_asked = False


def here() -> bool:
    """Whether this is a kernel of Colab: it has loaded its package before the first cell."""
    return "google.colab" in sys.modules


def fits() -> bool:
    """Whether the page can show the widgets of the ipywidgets that is installed; Colab's has those of 7 only."""
    return not here() or ipywidgets.__version__.startswith("7.")


def metadata() -> dict[str, Any]:
    """What Colab's page needs beside a widget: where its manager for widgets lies; elsewhere nothing.

    Colab adds it by a hook that sees `display(view)` and never the value of a cell's last line.
    """
    widgets = getattr(sys.modules.get("google.colab.output"), "_widgets", None)
    url = getattr(widgets, "_installed_url", None)
    return {"colab": {"custom_widget_manager": {"url": url}}} if url else {}


def enable() -> bool:
    """Ask Colab, once in a kernel, to load the code of bqplot; say so in one line. Elsewhere nothing happens.

    Returns
    -------
    bool
        Whether Colab was asked by this call.
    """
    global _asked
    if _asked or not here():
        return False
    try:
        from google.colab import output

        output.enable_custom_widget_manager()
    except Exception as error:  # an older or a newer Colab: the views may work all the same
        log.warning("Colab's manager for widgets could not be turned on: %s", error)
        return False
    _asked = True
    print(SAID if fits() else MISFIT.format(version=ipywidgets.__version__))
    return True
