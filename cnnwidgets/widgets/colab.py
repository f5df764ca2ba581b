"""Google Colab shows the widgets of other packages only after it was asked to."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("cnnwidgets")
SAID = (
    "cnnwidgets: turned on Colab's manager for widgets of other packages. It loads their code from a CDN; "
    "where a view stays blank, view.save('view.png') and view.to_html('view.html') do without."
)
_asked = False


def enable() -> bool:
    """Ask Colab, once in a kernel, to load the code of bqplot; say so in one line. Elsewhere nothing happens.

    Returns
    -------
    bool
        Whether Colab was asked by this call.
    """
    global _asked
    if _asked or "google.colab" not in sys.modules:  # a Colab kernel has loaded it before the first cell
        return False
    try:
        from google.colab import output

        output.enable_custom_widget_manager()
    except Exception as error:  # an older or a newer Colab: the views may work all the same
        log.warning("Colab's manager for widgets could not be turned on: %s", error)
        return False
    _asked = True
    print(SAID)
    return True
