"""Controls that are rarely used: out of sight until they are asked for, which the page sees to by itself."""

from __future__ import annotations

import ipywidgets as W

from ...widgets.controls import hint
from ...widgets.surface import layout, plain

STYLE = """<style>
.cnnw .cnnw-more { background: transparent; color: var(--cnnw-muted); box-shadow: none; border: 0; }
.cnnw .cnnw-more.mod-active { color: var(--cnnw-text); } .cnnw .cnnw-more:focus-visible { outline: 2px solid
  var(--cnnw-accent); } .cnnw .cnnw-rest { display: none; } .cnnw-more.mod-active ~ .cnnw-rest { display: flex; }
.cnnw .cnnw-more::after { content: " ▾"; } .cnnw .cnnw-more.mod-active::after { content: " ▴"; }
</style>"""


def more(*controls: W.Widget) -> list[W.Widget]:
    """A quiet button, and behind it the controls that it shows and hides: to be put behind the other ones."""
    button = W.ToggleButton(description="more", layout=layout(width="70px", padding="0"))
    hint(button, "Show or hide the place by number, the speed, the input channel and the colours")
    button.add_class("cnnw-more")
    rest = W.HBox(list(controls), layout=layout(flex_flow="row wrap", align_items="center", width="100%"))
    rest.add_class("cnnw-rest")
    return [button, plain(W.HTML, STYLE, layout=layout(display="none")), rest]
