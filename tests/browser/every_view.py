"""All views in one output, and what a page can be asked about each of them."""

from __future__ import annotations

from typing import Any

from page_tools import next_frames
from playwright.sync_api import Page

_IN_ORDER = [
    *("ActivationView", "FilterView", "ConvolutionView", "KernelPlayground", "ReceptiveFieldView", "OcclusionView"),
    *("InterventionView", "MaximizeView", "CompareView", "CompareFrames", "ExamplesView", "ChannelsView"),
    *("AttributionView", "TrainingView", "FilmView", "SignatureView", "EmbeddingView", "ModelSummary"),
]

NAMES = [*_IN_ORDER[::2], *_IN_ORDER[1::2]]
"""As they stand on the page."""

# A LeNet-5 in every view; a film of two steps; a training that has one epoch behind it.
VIEWS = """
import tempfile
import torch
from torch import nn
from IPython.display import display
import cnnwidgets as cw

torch.manual_seed(0)
model, data = cw.models.lenet5(pretrained=True), torch.utils.data.Subset(cw.data.digits(), range(200))
batches = [(torch.stack([data[i][0] for i in range(8)]), torch.tensor([data[i][1] for i in range(8)]))] * 3
learner = cw.models.lenet5()
trainer = cw.Trainer(learner, nn.CrossEntropyLoss(), torch.optim.SGD(learner.parameters(), 0.0), progress=False)
trainer.set_loaders(batches, batches[:1])
trainer.train(1)
folder = tempfile.mkdtemp() + "/film"
with cw.Recorder(model, ["C1", "C3", "F6"], [data[i] for i in range(3)], folder, every=1) as recorder:
    for step in range(2):
        model(data[step][0][None])
        recorder.step(0, step, of=2, loss=1.0)
scan = cw.scan(model, data, ["C1", "C3"], progress=False)
views = [
    cw.ActivationView(model, data, layer="C3"),
    cw.FilterView(model, data),
    cw.ConvolutionView(model, data, layer="C3"),
    cw.KernelPlayground(),
    cw.ReceptiveFieldView(model, data, layer="C3"),
    cw.OcclusionView(model, data),
    cw.InterventionView(model, data, layer="C3", off=(3, 7)),
    cw.MaximizeView(model, data, layer="C3", steps=16),
    cw.CompareView([model, learner], data, layer="C3", sample=16),
    cw.CompareFrames(cw.Recording.open(folder)),
    cw.ExamplesView(model, data, scan, layer="C3"),
    cw.ChannelsView(scan, layer="C3"),
    cw.AttributionView(model, data),
    cw.TrainingView(trainer, data),
    cw.FilmView(cw.Recording.open(folder)),
    cw.SignatureView(model, data, "F6", targets=[1, 3, 5], count=5),
    cw.EmbeddingView(model, data, "F6", count=60, method="pca"),
    cw.ModelSummary(model, data[0][0][None]),
]
"""
SHOW = ["display(*views[::2])", "display(*views[1::2])"]
"""Two cells: JupyterLab shows 50 outputs of a cell, and a view may have three."""

# The style sheet of ipywidgets' controls 4.0, which Colab's and VS Code's pages have: a light theme, whatever their own
# is.
COLAB = """
:root { --jp-ui-font-color0: black; --jp-ui-font-color1: rgba(0, 0, 0, 0.8); --jp-ui-font-color2: rgba(0, 0, 0, 0.5);
  --jp-ui-font-color3: rgba(0, 0, 0, 0.3); --jp-content-font-color0: black; --jp-content-font-color1: black;
  --jp-content-font-color2: #616161; --jp-content-font-color3: #9e9e9e; --jp-layout-color0: white;
  --jp-layout-color1: white; --jp-layout-color2: #eeeeee; --jp-layout-color3: #bdbdbd; --jp-border-color0: #616161;
  --jp-border-color1: #9e9e9e; --jp-border-color2: #e0e0e0; --jp-border-color3: #f5f5f5; --jp-brand-color1: #2196f3; }
:where(.jp-OutputArea) .lm-Widget, :where(.jp-OutputArea) .p-Widget { position: static; }
html[theme=dark] .jp-OutputArea { background: #383838; color: #d5d5d5; }
"""
AS_IN_COLAB = """([style, dark]) => {
    document.body.removeAttribute('data-jp-theme-light');
    if (dark) document.documentElement.setAttribute('theme', 'dark');
    document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
}"""
# A page without any of JupyterLab's variables.
BARE = """() => {
    document.body.removeAttribute('data-jp-theme-light');
    document.body.removeAttribute('data-vscode-theme-kind');
    for (const sheet of document.styleSheets)
        for (const rule of sheet.cssRules)
            for (const name of [...(rule.style ?? [])])
                if (/^--(jp|md)-.*color|^--md-/.test(name)) rule.style.removeProperty(name);
}"""

CONTROLS = "select, input, textarea, button, .noUi-handle, .ui-slider-handle"

# Of each view: what is not hit at its own middle.
COVERED = """controls => [...document.querySelectorAll('.cnnw')].map(card => [...card.querySelectorAll(controls)]
    .filter(control => control.checkVisibility({visibilityProperty: true}) && control.getBoundingClientRect().width)
    .filter(control => {
        control.scrollIntoView({block: 'center', inline: 'nearest'});
        const box = control.getBoundingClientRect();
        const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        const slider = hit?.closest('.noUi-target, .widget-slider'); // its track may lie over its handle
        return !(hit && (control.contains(hit) || slider?.contains(control)));
    }).map(control => control.outerHTML.slice(0, 120)))"""
# Of each view: what around it and in it, pictures aside, can be scrolled sideways.
WIDE = """() => [...document.querySelectorAll('.cnnw')].map(card => {
    const wide = [];
    for (let part = card; part && !part.matches('.jp-Cell'); part = part.parentElement)
        if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth) wide.push(part.className);
    return wide;
})"""

# Of each view: text whose contrast with what lies under it is below 4.5, and how many texts were looked at.
CONTRAST = """cards => {
    const parse = color => {
        const [r, g, b, a = 1] = (color.match(/[\\d.]+/g) ?? [0, 0, 0]).map(Number);
        return [r, g, b, a];
    };
    const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
    const light = color => color.slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => {
        const [low, high] = [light(a), light(b)].sort((p, q) => p - q);
        return (high + 0.05) / (low + 0.05);
    };
    const ground = element => {
        if (!element) return [255, 255, 255];
        const style = getComputedStyle(element), color = parse(style.backgroundColor);
        return color[3] === 1 ? color : over(color, ground(element.parentElement));
    };
    const skipped = '.cnnw-named > .widget-label, .cnnw-named > .widget-label-basic > span, [disabled], style, script,'
        + ' option, .texts, noscript, .cnnw-stale > *, .cnnw-figure svg text, .cnnw-numbers text,'
        + ' .jupyter-widgets-error-widget';
    const texts = card => {
        const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT), found = [];
        while (walker.nextNode())
            if (walker.currentNode.data.trim()) found.push([walker.currentNode.parentElement, walker.currentNode.data]);
        for (const box of card.querySelectorAll('select, input:not([type=checkbox], [type=range]), textarea'))
            found.push([box, box.value || box.placeholder || '0']);
        return found;
    };
    return [...document.querySelectorAll(cards)].map(card => {
        const low = [];
        let count = 0;
        for (const [element, text] of texts(card)) {
            const style = getComputedStyle(element);
            if (element.closest(skipped) || !element.checkVisibility({visibilityProperty: true})) continue;
            count += 1;
            const under = ground(element);
            let ink = parse(element instanceof SVGElement ? style.fill : style.color);
            for (let part = element; part; part = part.parentElement) ink[3] *= Number(getComputedStyle(part).opacity);
            const found = ratio(over(ink, under), under);
            if (found < 4.5) low.push(`${found.toFixed(2)} ${text.trim().slice(0, 40)} (${element.className})`);
        }
        return [count, low];
    });
}"""


def show_all(run_cells: Any) -> Page:
    """A page with every view."""
    page = run_cells(VIEWS, *SHOW)
    page.locator(".cnnw").nth(len(NAMES) - 1).wait_for(timeout=60_000)
    page.wait_for_timeout(3000)  # bqplot takes on sizes step by step
    next_frames(page)
    return page


def by_view(found: list[Any]) -> dict[str, Any]:
    """What was found, by the name of the view, where anything was."""
    assert len(found) == len(NAMES)
    return {name: each for name, each in zip(NAMES, found, strict=True) if each}
