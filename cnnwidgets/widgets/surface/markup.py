"""The text around the pictures: style sheet, title, bars, colour scale. `Markup` escapes texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from ...render.color import Shaded, css_gradient
from ...render.static import TRUE
from .theme import COLORS

TOO_OLD = (
    "This page could not load all widgets: it needs JupyterLab 3 or Notebook 7 and later with ipywidgets 7.7 or 8 and "
    "bqplot 0.12.45 or later where the server runs, or the network that it takes them from. view.save('view.png') and "
    "view.to_html('view.html') do without."
)
"""Stands under a card in which a widget has no code in the page."""

KERNEL_GONE = "The kernel is gone: run this cell again."
"""Stands in a card that is still in the page while its kernel is not."""

ARROW = (
    "url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='none' "
    "stroke='%23808080' stroke-width='1.6' d='M5 7.5l4 4 4-4'/%3E%3C/svg%3E\")"
)
"""Of a menu: grey, so that it is seen in the dark theme too."""

STYLE = f"""<style>{COLORS}
.cnnw {{ --jp-widgets-dropdown-arrow: {ARROW};
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
.cnnw :is(.cnnw-as-code, .cnnw-present, .cnnw-opens) {{ background: none; border: none; box-shadow: none;
  font-size: 12px; color: var(--cnnw-muted); }}
.cnnw :is(.cnnw-as-code, .cnnw-present, .cnnw-opens).mod-active {{ color: var(--cnnw-accent); }}
.cnnw .cnnw-opens.mod-active {{ box-shadow: inset 0 -2px var(--cnnw-accent); }}
.cnnw-presents[popover] {{ position: fixed; inset: 0; width: 100vw; max-width: none; height: 100vh; max-height: none;
  margin: 0; border: 0; border-radius: 0; padding: 10px 16px 18px; overflow: auto !important; color: inherit;
  background: var(--cnnw-ground); }} /* four columns side by side at 1280 px */
.cnnw-presents[popover].cnnw-fitting {{ overflow: hidden !important; }} /* a scroll bar would have columns wrap */
.cnnw-presents[popover].cnnw-tight {{ padding-top: 4px; }}
.cnnw-presents > *, .cnnw-presents > .widget-vbox > * {{ flex: 0 0 auto; }} /* nothing is squeezed: it is measured */
.cnnw-presents .cnnw-columns {{ min-height: 0 !important; }}
.cnnw-presents .cnnw-title {{ font-size: 22px; line-height: 1.25; padding-right: 90px; }}
.cnnw-tight .cnnw-title {{ font-size: 20px; line-height: 1.2; }}
.cnnw-presents.cnnw-presents:not(.cnnw-tight) :is(.widget-html-content, .widget-html > div, .cnnw-painter, .cnnw-label,
  .cnnw-quiet, .cnnw-scale, .cnnw-heading) {{ font-size: 15px; }}
.cnnw-presents:not(.cnnw-tight) .cnnw-bar {{ --jp-widgets-font-size: 15px; }}
.cnnw-presents .cnnw-bar > :not(:nth-child(-n+3), .cnnw-present), .cnnw-presents .cnnw-head > .cnnw-quiet,
.cnnw-presents .cnnw-left-out {{ display: none !important; }}
.cnnw-presents > .widget-vbox, .cnnw-presents .cnnw-bar {{ position: static; }}
.cnnw-presents .cnnw-bar > .cnnw-present {{ position: absolute; top: 10px; right: 20px; }}
.cnnw-one-row .cnnw-bar {{ max-height: 32px; overflow: hidden; }}
.cnnw-presents[data-without]::after {{ content: attr(data-without); position: absolute; left: 16px; bottom: 2px;
  max-width: calc(100% - 32px); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 12px;
  color: var(--cnnw-muted); background: var(--cnnw-ground); }}
.cnnw-floats[popover] {{ inset: auto; margin: 0; overflow: visible; }}
.cnnw-floats[popover]:not(.cnnw-says) {{ border: 0; padding: 0; }}
.cnnw-code {{ position: relative; border: 1px solid var(--cnnw-line); border-radius: 4px; margin-top: 8px; }}
.cnnw-code pre {{ margin: 0; padding: 8px 12px; overflow-x: auto; font-size: 12px; color: var(--cnnw-text);
  background: none; font-family: var(--jp-code-font-family, monospace); user-select: all; }}
.cnnw-code button {{ position: absolute; top: 4px; right: 4px; font-size: 12px; color: var(--cnnw-muted);
  background: var(--cnnw-ground); border: 1px solid var(--cnnw-line); border-radius: 4px; cursor: pointer; }}
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
.cnnw-true {{ font-weight: 600; }} .cnnw-true small {{ display: block; font-size: 11px; line-height: 1.1; }}
.cnnw-stacked .cnnw-true small {{ display: inline; margin-left: 6px; }}
.cnnw-bars .cnnw-right {{ color: var(--cnnw-right); }} .cnnw-bars .cnnw-wrong {{ color: var(--cnnw-wrong); }}
.cnnw-right + .cnnw-track i {{ background: var(--cnnw-right); }}
.cnnw-wrong + .cnnw-track i {{ background: var(--cnnw-wrong); }}
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
.cnnw .widget-hbox > .cnnw-stack:has(> .cnnw-patches) {{ flex: 1 1 312px !important; flex-flow: row wrap; min-width: 0;
  align-items: flex-start; }}
.cnnw .cnnw-elastic {{ container-type: inline-size; }}
.cnnw .widget-hbox > :is(.cnnw-elastic, .widget-vbox:has(> .cnnw-elastic)) {{ flex: 1 1 280px !important;
  max-width: 660px; }}
@media (max-width: 930px) {{ /* what is no part of the formula goes below it */
  .widget-hbox:has(.cnnw-elastic) > .cnnw-stack:not(:has(> .cnnw-elastic)) {{ display: contents; }}
  .widget-hbox:has(.cnnw-elastic) > .cnnw-stack > :not(:first-child, .cnnw-elastic) {{ order: 1; }} }}
.cnnw-error {{ color: var(--cnnw-error); overflow-wrap: anywhere; }}
.cnnw-stale > :first-child, .cnnw-stale > :last-child {{ opacity: 0.4; }} /* title and pictures; controls are live */
.cnnw-side {{ display: none; }} .cnnw-copy .cnnw-side {{ display: block; }}
.cnnw-covered {{ display: none !important; }}
.cnnw-unsaid {{ position: relative; }}
.cnnw-unsaid::after {{ content: "as seen before · the kernel has not answered yet"; position: absolute; right: 0;
  bottom: 0; padding-left: 12px; font-size: 12px; color: var(--cnnw-muted); background: var(--cnnw-ground); }}
.cnnw-instead {{ position: relative; z-index: 1; margin-top: calc(-1 * var(--cnnw-room));
  min-height: var(--cnnw-room); }}
.cnnw-frames {{ position: relative; }}
.cnnw-frames svg {{ position: absolute; left: 2px; top: 2px; overflow: visible; pointer-events: none; z-index: 1; }}
.cnnw-frames rect {{ fill: none; stroke-width: 2px; }}
.cnnw .cnnw-figure {{ display: block; }} .cnnw-crisp {{ image-rendering: pixelated; }}
.cnnw-painter {{ margin: 0; line-height: 1.35; font-size: 13px; }} .cnnw-full {{ margin: 2px; }}
.cnnw-room {{ position: relative; padding: 2px 0; box-sizing: border-box; margin: 2px 0; }}
.cnnw-room:focus-visible {{ outline: 2px solid var(--cnnw-accent); outline-offset: -1px; }}
.cnnw-room canvas {{ display: block; }} .cnnw-room .cnnw-frames svg {{ left: 0; }}
.cnnw-room .cnnw-frames {{ position: static; }}
.cnnw-room.cnnw-closer {{ overflow: clip !important; cursor: grab; touch-action: none; }}
.cnnw-closer:active {{ cursor: grabbing; }}
.cnnw-numbers {{ font-family: var(--jp-ui-font-family, system-ui, sans-serif); text-anchor: middle;
  font-variant-numeric: tabular-nums; }}
.cnnw-noted {{ display: flex; white-space: pre; }} .cnnw-noted > span {{ overflow: hidden; text-overflow: ellipsis; }}
.cnnw-noted > .cnnw-note {{ flex: none; }} .cnnw-noted > .cnnw-note::before {{ content: " · "; }}
.cnnw-below {{ grid-column: 1 / -1; min-height: 34px; line-height: 17px; margin-top: -3px; }}
.cnnw-says {{ position: fixed; z-index: 10000; pointer-events: none; border: 1px solid #8888; border-radius: 3px;
  padding: 2px 0; }}
.cnnw-says .cnnw-tip {{ color: inherit; }}
img.cnnw-input {{ image-rendering: pixelated; outline: 1px solid var(--cnnw-line); }}
.cnnw:has(.jupyter-widgets-error-widget)::after {{ content: "{TOO_OLD}"; display: block; margin-top: 10px;
  color: var(--cnnw-error); }}
.cnnw .jupyter-widgets-disconnected::before {{ content: none; }} /* a broken link at each widget */
.cnnw.jupyter-widgets-disconnected::before {{ content: "{KERNEL_GONE}"; color: var(--cnnw-text); font: inherit;
  font-weight: 600; padding: 0 0 8px; }}
.cnnw.jupyter-widgets-disconnected > * {{ opacity: 0.45; filter: grayscale(1); pointer-events: none; }}
.cnnw-tip {{ color: var(--cnnw-text); font-size: 12px; padding: 0 6px; white-space: nowrap; }}
.mark_tooltip:has(.cnnw-tip), .bqplot_mark_tooltip:has(.cnnw-tip), .tooltip_div:has(.cnnw-tip),
.bqplot_tooltip_div:has(.cnnw-tip) {{ pointer-events: none; }} /* lets clicks through */
</style>"""


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, with a real minus sign, and none before 0."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


def percent(share: float) -> str:
    """`12.5 %`."""
    return f"{100 * share:.1f} %"


def counted(count: int, what: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def pictured(index: int, label: str) -> str:
    """`image 7 · label: 3`: which image of the data set is seen."""
    return " · ".join(filter(None, [image_name(index).lower(), labelled(label)]))


def image_name(index: int) -> str:
    """`Image 7`, or what an image beside the data set is called."""
    return f"Image {index}" if index >= 0 else "Own image"


def labelled(label: str) -> str:
    """`label: 3`: what the data set calls an image; empty where it says nothing."""
    return f"label: {label}" if label else ""


def scale_words(shaded: Shaded, scale: str | Sequence[float]) -> str:
    """`scale: ±6.1, 0.5 % beyond, centred on 0`: what the colours of all maps of a layer mean."""
    low, _, high = shaded.ends()
    beyond = beyond_words(shaded.beyond())
    if not isinstance(scale, str):
        words = " to ".join(map(number, scale))
    elif scale == "map" and not shaded.numbers:
        words, beyond = "each map its own", ""
    else:
        words = (
            (f"±{number(high)}" if shaded.centred else f"{number(low)} to {number(high)}") if beyond else "whole layer"
        )
    centred = "centred on 0" if shaded.centred else ""
    return f"scale: {', '.join(filter(None, [words, beyond, centred]))}"


def heat_words(sign: str, outliers: float) -> str:
    """What the colours of maps mean that are drawn as `Heat`: which sign, and what share is clipped, in per cent."""
    words = {"absolute": "magnitudes", "positive": "positive values", "negative": "negative values"}
    drawn = words.get(sign, "both signs, centred on 0")
    return f"{drawn}, each map its own scale, {number(outliers)} % of the sum clipped"


def source(known: str, milliseconds: float) -> str:
    """`cached · drawn in 4.3 ms`: how a picture came about, for the tooltip of the title line."""
    return " · ".join(filter(None, [known, drawn_in(milliseconds)]))


def drawn_in(milliseconds: float) -> str:
    """`drawn in 4.3 ms`; seconds where it took them."""
    took = f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
    return f"drawn in {took}"


def title(name: str, *parts: str, status: str = "", source: str = "") -> Markup:
    """Title line: bold name, quiet parts, and the status at the right; `source`, how it came about, is its tooltip."""
    tip = Markup(' title="{}"').format(source) if source else ""
    return Markup(
        '<div class="cnnw-head"{}><span class="cnnw-title"><b>{}</b>{}</span><span class="cnnw-quiet">{}</span></div>'
    ).format(tip, name, _quieter(parts), status)


def _quieter(parts: Iterable[str]) -> str:
    return "".join(f" · {part}" for part in parts if part)


def heading(name: str, *parts: str) -> Markup:
    """Heading of a panel in one line: bold name, quiet parts; what does not fit is in its tooltip."""
    whole = " · ".join(filter(None, (name, *parts)))
    return Markup('<div class="cnnw-heading" title="{}"><b>{}</b><span class="cnnw-quiet">{}</span></div>').format(
        whole, name, _quieter(parts)
    )


def picture(address: str, width: int, height: int) -> Markup:
    """A picture of pixels in so many px; it is there when the page paints what stands around it."""
    return Markup(
        '<img class="cnnw-input" decoding="sync" alt="" src="{}" width="{}" height="{}" '
        'style="display:block;max-width:none;width:{}px;height:{}px;margin:3px 3px 8px">'
    ).format(address, width, height, width, height)


def label(text: str) -> Markup:
    """The quiet name of a control."""
    return Markup('<span class="cnnw-label">{}</span>').format(text)


def legend(name: str, entries: Iterable[tuple[str, str]]) -> Markup:
    """Heading of a chart in one line: bold name, and (text, colour) of each of its lines."""
    mark = Markup('<i class="cnnw-dot" style="background:{}"></i><span class="cnnw-quiet">{}</span>')
    marks = Markup().join(mark.format(color, text) for text, color in entries)
    return Markup('<div class="cnnw-heading"><b>{}</b>{}</div>').format(name, marks)


def bars(
    rows: Sequence[tuple[str, float]],
    texts: Sequence[str],
    limit: float | None = None,
    *,
    stack: float = math.inf,
    chosen: int | None = None,
    truth: tuple[int, bool] | None = None,
) -> Markup:
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
    truth : (int, bool), optional
        The row of the true class, and whether the first row is that one: marked by a word and a colour.
    """
    finite = [abs(value) for _, value in rows if math.isfinite(value)]
    full = limit or max(finite, default=1.0) or 1.0
    middle = any(value < 0 for _, value in rows)
    cells = []
    for at, ((label, value), text) in enumerate(zip(rows, texts, strict=True)):
        name = Markup("<b>{}</b>").format(label) if at == chosen else escape(label)
        marked = Markup()
        if truth is not None and at == truth[0]:
            name += Markup(" <small>{}</small>").format(TRUE)
            marked = Markup(' class="cnnw-true cnnw-{}"').format("right" if truth[1] else "wrong")
        share = 100 * min(1.0, abs(value) / full) if math.isfinite(value) else 0.0
        start, length = (50 - share / 2 * (value < 0), share / 2) if middle else (0.0, share)
        cells.append(
            Markup(
                '<span{} title="{}">{}</span><span class="cnnw-track"><i style="left:{:.1f}%;width:{:.1f}%"></i></span>'
                "<span>{}</span>"
            ).format(marked, label, name, start, length, text)
        )
    stacked = " cnnw-stacked" if any(len(label) > stack for label, _ in rows) else ""
    return Markup('<div class="cnnw-bars{}">{}</div>').format(stacked, Markup().join(cells))


def colorbar(colormap: str, low: str, middle: str | None, high: str, width: int) -> Markup:
    """A colour scale with its ends and, for a centred one, its middle."""
    texts = [low, high] if middle is None else [low, middle, high]
    spans = Markup().join(Markup("<span>{}</span>").format(text) for text in texts)
    return Markup(
        '<div style="width:{}px;max-width:100%"><div class="cnnw-ramp" style="background:{}"></div>'
        '<div class="cnnw-scale">{}</div></div>'
    ).format(width, css_gradient(colormap), spans)


def scale_texts(low: float, middle: float | None, high: float, beyond: float = 0.0) -> tuple[str, str | None, str]:
    """What stands below a colour scale: its ends, 0 in the middle of a centred one, the share of values beyond it."""
    words = [*([] if middle is None else ["0"]), *filter(None, [beyond_words(beyond)])]
    return number(low), " · ".join(words) or None, number(high)


def beyond_words(share: float) -> str:
    """`0.5 % beyond`: how many values lie outside of a colour scale; empty for none."""
    percent = 100 * share
    if share < 1:
        percent = min(max(percent, 0.01), 99.9)  # some are, and some are not
    return f"{number(percent, 1 if percent < 1 else 2 if percent < 99.5 else 3)} % beyond" if share else ""


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Quiet labels with their values."""
    cell = Markup("<span>{}</span><span>{}</span>")
    return Markup('<div class="cnnw-facts">{}</div>').format(Markup().join(cell.format(*row) for row in rows))


def note(text: str) -> Markup:
    """A quiet line."""
    return Markup('<div class="cnnw-quiet">{}</div>').format(text)


def dotted(entries: Iterable[tuple[str, str]]) -> Markup:
    """(text, colour) of each entry of a legend, one below the other."""
    entry = Markup('<div><i class="cnnw-dot" style="background:{};margin-left:0"></i>{}</div>')
    return Markup().join(entry.format(color, text) for text, color in entries)


def code(text: str) -> Markup:
    """A cell of a notebook, to be copied."""
    copy = "navigator.clipboard.writeText(this.nextElementSibling.textContent); this.textContent = 'copied'"
    return Markup('<div class="cnnw-code"><button type="button" onclick="{}">copy</button><pre>{}</pre></div>').format(
        copy, text
    )


def in_words(error: Exception) -> str:
    """The message of an error; with its type, where the message is empty or a single word, as a KeyError's."""
    text = " ".join(str(error).split())
    return text if " " in text else ": ".join(filter(None, [type(error).__name__, text]))


def error(text: str) -> Markup:
    """The one line that says what went wrong."""
    return Markup('<div class="cnnw-error" role="alert">{}</div>').format(text) if text else Markup()
