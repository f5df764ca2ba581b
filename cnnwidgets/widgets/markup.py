"""The text around the pictures: style sheet, title, bars, colour scale. What came from outside is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from ..render import ACCENT, css_gradient

TOO_OLD = (
    "This page could not load all widgets: it needs JupyterLab 3 or Notebook 7 and later with ipywidgets 7.7 or 8 and "
    "bqplot 0.12.45 or later where the server runs, or the network that it takes them from. view.save('view.png') and "
    "view.to_html('view.html') do without."
)
"""Stands under a card in which a widget has no code in the page."""

ARROW = (
    "url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='none' "
    "stroke='%23808080' stroke-width='1.6' d='M5 7.5l4 4 4-4'/%3E%3C/svg%3E\")"
)
"""Of a menu: grey, so that it is seen in the dark theme too."""

STYLE = f"""<style>
.cnnw {{ --cnnw-text: var(--jp-ui-font-color1, #1f2328); --cnnw-muted: var(--jp-ui-font-color2, #6b7280);
  --cnnw-line: var(--jp-border-color2, #e0e3e8); --cnnw-track: var(--jp-border-color3, #e8ebf2);
  --cnnw-accent: var(--jp-brand-color1, {ACCENT}); --jp-widgets-dropdown-arrow: {ARROW}; color: var(--cnnw-text);
  border: 1px solid var(--cnnw-line); border-radius: 6px; padding: 12px 16px; box-sizing: border-box;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; }}
.cnnw .widget-html-content, .cnnw .jupyter-widgets.widget-html > div {{ line-height: 1.35; font-size: 13px;
  min-width: 0; }}
.cnnw .widget-label, .cnnw .widget-inline-hbox .widget-label {{ color: var(--cnnw-muted); }}
.cnnw-head {{ display: flex; flex-direction: column; gap: 2px; }} /* the status never jumps between two lines */
.cnnw-title {{ font-size: 15px; color: var(--cnnw-muted); }} .cnnw b {{ color: var(--cnnw-text); font-weight: 600; }}
.cnnw-quiet {{ color: var(--cnnw-muted); font-size: 12px; }}
.cnnw .noUi-handle, .cnnw .widget-slider .ui-slider .ui-slider-handle {{ background: var(--cnnw-accent);
  border-color: var(--cnnw-accent); }}
.cnnw .widget-hslider {{ margin-right: 12px; }} /* the handle reaches over the end of its track */
.cnnw-heading {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.cnnw-rule {{ border-top: 1px solid var(--cnnw-line); height: 0; }}
.cnnw .widget-checkbox input[type=checkbox] {{ vertical-align: middle; }}
.cnnw-label {{ color: var(--cnnw-muted); white-space: nowrap; line-height: var(--jp-widgets-inline-height, 28px); }}
.cnnw-bars {{ display: grid; grid-template-columns: fit-content(45%) 1fr auto; gap: 3px 10px; align-items: center;
  margin-top: 5px; }}
.cnnw-bars span:nth-child(3n) {{ color: var(--cnnw-muted); text-align: right; font-variant-numeric: tabular-nums; }}
.cnnw-bars span:nth-child(3n+1) {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.cnnw-stacked {{ grid-template-columns: 1fr auto; row-gap: 1px; }}
.cnnw-stacked span:nth-child(3n+1) {{ grid-column: 1 / -1; }}
.cnnw-track {{ position: relative; height: 7px; border-radius: 2px; background: var(--cnnw-track); overflow: hidden; }}
.cnnw-track i {{ position: absolute; top: 0; bottom: 0; background: var(--cnnw-accent); }}
.cnnw-scale {{ display: flex; justify-content: space-between; color: var(--cnnw-muted); font-size: 12px;
  font-variant-numeric: tabular-nums; }}
.cnnw-ramp {{ height: 9px; border-radius: 2px; margin-bottom: 2px; }}
.cnnw-facts {{ display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin-top: 6px;
  font-variant-numeric: tabular-nums; }}
.cnnw-facts span:nth-child(odd) {{ color: var(--cnnw-muted); }}
.cnnw-dot {{ display: inline-block; width: 8px; height: 8px; border-radius: 4px; margin: 0 4px 0 10px; }}
.cnnw .cnnw-chart svg path.domain {{ display: none; }} /* its ends lie under the numbers */
.cnnw .cnnw-chart svg text.axislabel {{ font-size: 12px; font-weight: normal; fill: var(--cnnw-muted); }}
@media (max-width: 930px) {{ .cnnw .cnnw-many {{ order: 1; }} }} /* the small panels share a row */
.cnnw-error {{ color: var(--jp-error-color1, #b71c1c); overflow-wrap: anywhere; }}
.cnnw-stale > :first-child, .cnnw-stale > :last-child {{ opacity: 0.4; }} /* title and pictures; controls are live */
.cnnw-side {{ display: none; }}
.cnnw-instead {{ position: relative; z-index: 1; margin-top: calc(-1 * var(--cnnw-room));
  min-height: var(--cnnw-room); }}
.cnnw-frames {{ position: relative; }}
.cnnw-frames svg {{ position: absolute; left: 2px; top: 2px; overflow: visible; pointer-events: none; z-index: 1; }}
.cnnw-frames rect {{ fill: none; stroke-width: 2px; }}
.cnnw .cnnw-figure {{ display: block; }} img.cnnw-crisp {{ image-rendering: pixelated; }}
img.cnnw-input {{ image-rendering: pixelated; outline: 1px solid var(--cnnw-line); }}
.cnnw:has(.jupyter-widgets-error-widget)::after {{ content: "{TOO_OLD}"; display: block; margin-top: 10px;
  color: var(--jp-error-color1, #b71c1c); }}
.cnnw-tip {{ color: var(--jp-ui-font-color1, #1f2328); font-size: 12px; padding: 0 6px; white-space: nowrap; }}
.tooltip_div:has(.cnnw-tip), .bqplot_tooltip_div:has(.cnnw-tip) {{ pointer-events: none; }} /* lets clicks through */
</style>"""


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, with a real minus sign, and none before 0."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


def counted(count: int, what: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def pictured(index: int, label: str) -> str:
    """`image 7, a "3"`: which image of the data set is seen."""
    article = "an" if label[:1].lower() in "aeio" or label.startswith("8") else "a"
    return f'image {index}, {article} "{label}"' if label else f"image {index}"


def drawn_in(milliseconds: float) -> str:
    """`drawn in 4.3 ms`; seconds where it took them."""
    took = f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
    return f"drawn in {took}"


def title(name: str, *parts: str, status: str = "") -> str:
    """Title line: bold name, quiet parts, and the status line at the right."""
    rest = "".join(f" · {escape(part)}" for part in parts if part)
    return (
        f'<div class="cnnw-head"><span class="cnnw-title"><b>{escape(name)}</b>{rest}</span>'
        f'<span class="cnnw-quiet">{escape(status)}</span></div>'
    )


def heading(name: str, *parts: str) -> str:
    """Heading of a panel in one line: bold name, quiet parts; what does not fit is in its tooltip."""
    rest = "".join(f" · {escape(part)}" for part in parts if part)
    whole = escape(" · ".join(filter(None, (name, *parts))))
    return (
        f'<div class="cnnw-heading" title="{whole}"><b>{escape(name)}</b><span class="cnnw-quiet">{rest}</span></div>'
    )


def label(text: str) -> str:
    """The quiet name of a control."""
    return f'<span class="cnnw-label">{escape(text)}</span>'


def legend(name: str, entries: Iterable[tuple[str, str]]) -> str:
    """Heading of a chart in one line: bold name, and (text, colour) of each of its lines."""
    marks = "".join(
        f'<i class="cnnw-dot" style="background:{color}"></i><span class="cnnw-quiet">{escape(text)}</span>'
        for text, color in entries
    )
    return f'<div class="cnnw-heading"><b>{escape(name)}</b>{marks}</div>'


def bars(
    rows: Sequence[tuple[str, float]],
    texts: Sequence[str],
    limit: float | None = None,
    *,
    stack: float = math.inf,
    chosen: int | None = None,
) -> str:
    """Labelled horizontal bars; where a value is negative, all start at a zero in the middle.

    Parameters
    ----------
    rows : sequence of (label, value)
        From top to bottom.
    texts : sequence of str
        What stands at the right of each.
    limit : float, optional
        Value of a full bar; by default the largest magnitude.
    stack : float
        With a label of more characters than this, labels stand above their bars instead of beside them.
    chosen : int, optional
        The row that stands out.
    """
    finite = [abs(value) for _, value in rows if math.isfinite(value)]
    full = limit or max(finite, default=1.0) or 1.0
    middle = any(value < 0 for _, value in rows)
    cells = []
    for at, ((label, value), text) in enumerate(zip(rows, texts, strict=True)):
        name = f"<b>{escape(label)}</b>" if at == chosen else escape(label)
        share = 100 * min(1.0, abs(value) / full) if math.isfinite(value) else 0.0
        start, length = (50 - share / 2 * (value < 0), share / 2) if middle else (0.0, share)
        cells.append(
            f'<span title="{escape(label)}">{name}</span><span class="cnnw-track">'
            f'<i style="left:{start:.1f}%;width:{length:.1f}%"></i></span><span>{escape(text)}</span>'
        )
    stacked = " cnnw-stacked" if any(len(label) > stack for label, _ in rows) else ""
    return f'<div class="cnnw-bars{stacked}">{"".join(cells)}</div>'


def colorbar(colormap: str, low: str, middle: str | None, high: str, width: int) -> str:
    """A colour scale with its ends and, for a centred one, its middle."""
    texts = [low, high] if middle is None else [low, middle, high]
    spans = "".join(f"<span>{escape(text)}</span>" for text in texts)
    return (
        f'<div style="width:{width}px;max-width:100%">'
        f'<div class="cnnw-ramp" style="background:{css_gradient(colormap)}"></div>'
        f'<div class="cnnw-scale">{spans}</div></div>'
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Quiet labels with their values."""
    cells = "".join(f"<span>{escape(label)}</span><span>{escape(value)}</span>" for label, value in rows)
    return f'<div class="cnnw-facts">{cells}</div>'


def error(text: str) -> str:
    """The one line that says what went wrong."""
    return f'<div class="cnnw-error" role="alert">{escape(text)}</div>' if text else ""
