"""The sum behind one number, in words: equation, steps, verdict, cosine, and what each input channel adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

import ipywidgets as W
import torch

from ...compute.convolution import Explanation
from ...render.static import Panel
from ...widgets.panels import PanelBox
from ...widgets.surface import layout, markup, number, plain

MEANING = "1: same direction, the filter responds most; 0: orthogonal; −1: opposite direction"
"""What the cosine says."""
FEW = 8
"""Input channels whose sums are given one by one."""
CARD = 360
"""Width in px in the static picture."""
STYLE = """<style>
.cnnw-beside { display: flex; flex-wrap: wrap; gap: 0 24px; } .cnnw-beside > div { flex: 1 1 250px; min-width: 0; }
.cnnw-equation { min-height: 33px; } .cnnw-cosine { min-height: 50px; margin: 6px 0; }
</style>"""


class SumBox(PanelBox):
    """Keeps room for two lines of equation and three of cosine, so that nothing moves while the window slides."""

    panel: SumPanel

    def __init__(self, panel: SumPanel) -> None:
        super().__init__(panel)
        self.children = [plain(W.HTML, STYLE, layout=layout(display="none")), *self.children]
        self.stretch()

    def text(self, panel: Panel) -> str:
        """HTML of what stands below the heading."""
        assert isinstance(panel, SumPanel)
        parts = []
        if panel.equation:
            parts.append(f'<div class="cnnw-quiet cnnw-equation">{escape(panel.equation)}</div>')
        parts += [
            markup.facts(panel.steps),
            markup.note(panel.verdict) if panel.agrees else markup.error(panel.verdict),
        ]
        if panel.cosine:
            before, value, after = map(escape, panel.cosine)
            parts.append(f'<div class="cnnw-quiet cnnw-cosine">{before}<b>{value}</b>{after}</div>')
        more = [f"{markup.heading(part.heading)}{super(SumBox, self).text(part)}" for part in panel.parts[1:]]
        columns = filter(None, ["".join(parts), "".join(more)])
        return f'<div class="cnnw-beside">{"".join(f"<div>{column}</div>" for column in columns)}</div>'


@dataclass(frozen=True, eq=False)
class SumPanel(Panel):
    """What `sum_panel` makes.

    Attributes
    ----------
    equation
        The sum written out.
    steps
        Name and value of each step.
    verdict, agrees
        Whether the network computed the same, in words and as a fact.
    cosine
        Three parts of a sentence, of which the second stands out; or none.
    """

    box: ClassVar[type[PanelBox]] = SumBox
    equation: str = ""
    steps: Sequence[tuple[str, str]] = ()
    verdict: str = ""
    agrees: bool = True
    cosine: Sequence[str] = ()


def sum_panel(e: Explanation, chosen: int | None = None, key: str = "sum") -> SumPanel:
    """Equation, steps, verdict and cosine, and below them the contributions; input channel `chosen` is marked."""
    heading = "Sum" if e.kernel is not None else "Result"
    written, steps, said, cosine = equation(e), steps_of(e), verdict(e), cosine_words(e)
    lines: list[str | tuple[str, str]] = [*filter(None, [written]), *steps, *filter(None, [said, "".join(cosine)])]
    parts = [Panel(heading, width=CARD, lines=lines)]
    about, rows = contributions(e, chosen)
    if rows:
        full = max((abs(value) for _, value in rows if math.isfinite(value)), default=1.0) or 1.0
        bars = [(label, value / full, number(value)) for label, value in rows]
        parts.append(Panel(about, width=CARD, bars=bars))
    return SumPanel(
        heading,
        beside=True,
        equation=written,
        steps=steps,
        verdict=said,
        agrees=e.agrees,
        cosine=cosine,
        parts=parts,
        key=key,
    )


def equation(e: Explanation) -> str:
    """`0.31 − 0.12 + 0.55 + bias 0.1 = 0.84`: the sum over every input channel, the strongest ones written out."""
    if e.kernel is None:
        return ""
    terms = [float(term) for term in e.sums] if len(e.sums) <= FEW else [term for _, term in e.contributions[:4]]
    if len(e.sums) == 1 and e.product is not None and e.product.numel() <= FEW + 1:
        terms = e.product.flatten().tolist()
    text = " ".join(_signed(term, first=not k) for k, term in enumerate(terms))
    if len(e.sums) > FEW:
        text += f" … ({len(e.sums):,} terms)"
    return f"{text} {_signed(e.bias)} (bias) = {number(e.result, 4)}"


def _signed(value: float, *, first: bool = False) -> str:
    if first:
        return number(value)
    return f"{'−' if value < 0 else '+'} {number(abs(value))}"


def steps_of(e: Explanation) -> list[tuple[str, str]]:
    """The steps, and what the network computed."""
    rows = [(words.replace(" -", " −"), number(value, 5)) for words, value in e.steps]
    return [*rows, ("the network computed", number(e.value, 5))] if e.layer else rows


def verdict(e: Explanation) -> str:
    """Whether the network computed the same."""
    if not e.layer:
        return ""
    off, most = (number(value, 1).replace("e−0", "e−") for value in (e.difference, e.tolerance))
    if e.agrees:
        return f"the same: difference {off}, tolerance {most}"
    return f"NOT the same: difference {off}. A hook changes what the layer puts out"


def cosine_words(e: Explanation) -> tuple[str, ...]:
    """What the cosine is and means, before, at and after its value; empty where there is none."""
    if e.kind not in ("convolution", "linear"):
        return ()
    if e.cosine is None:
        return "cosine of window and filter: undefined, one of them is all 0", "", ""
    return "cosine of window and filter ", number(e.cosine, 2), f": {MEANING}"


def contributions(e: Explanation, chosen: int | None = None, most: int = FEW) -> tuple[str, list[tuple[str, float]]]:
    """A heading, and the input channels or features that add most, as rows for bars; `chosen` is marked."""
    if e.kind == "softmax":
        return _shares(e, most)
    if e.kind not in ("convolution", "linear") or len(e.inputs) < 2:
        return "", []
    what = "feature" if e.kind == "linear" else "channel"
    rows = [(f"{'▸ ' if at == chosen else ''}{what} {at}", value) for at, value in e.contributions[:most]]
    rest = [value for _, value in e.contributions[most:]]
    if rest:
        rows.append((f"the other {len(rest):,}", sum(rest)))
    return f"Contribution of each input {what}", rows


def _shares(e: Explanation, most: int) -> tuple[str, list[tuple[str, float]]]:
    """The same for softmax: the largest shares of the sum."""
    shares = torch.softmax(e.patch, 0)
    rows = [(f"number {at}", float(shares[at])) for at in shares.argsort(descending=True, stable=True)[:most].tolist()]
    rest = len(shares) - len(rows)
    return "Share of the sum", rows + ([(f"the other {rest:,}", 1 - sum(share for _, share in rows))] if rest else [])
