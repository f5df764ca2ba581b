"""The still picture of a view: hidden while the view lives, there where it is not, as in a notebook opened again."""

from __future__ import annotations

import json
import uuid

from page_tools import becomes, soon, wait_until
from playwright.sync_api import Page, expect

from cnnwidgets.widgets.shown.still import GONE as CAPTION
from cnnwidgets.widgets.surface import markup

FIRST = """
import torch
import cnnwidgets as cw
model, images = cw.models.lenet5(pretrained=True), cw.data.digits()
trainer = cw.Trainer(model, torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.0), progress=False)
trainer.set_loaders(torch.utils.data.DataLoader(torch.utils.data.Subset(images, range(64)), 64))
recorder = cw.Recorder(model, ["C1"], [images[0]], every=1)
trainer.recorder = recorder
trainer.train(1)
"""
VIEWS = [
    "cw.ActivationView(model, images)",
    "cw.AttributionView(model, images)",
    "cw.ConvolutionView(model, images)",
    "cw.EmbeddingView(model, images, 'F6', count=20, method='pca')",
    "cw.FilmView(recorder.recording)",
    "cw.ChannelsView(cw.scan(model, images, ['C1', 'F6'], progress=False))",
    "cw.CompareView([model, cw.models.lenet5()], images)",
    "cw.ExamplesView(model, images)",
    "cw.FilterView(model)",
    "cw.InterventionView(model, images, off=(0,))",
    "cw.KernelPlayground()",
    "cw.Lesson(model, images, topics=['receptive_field'])",
    "cw.MaximizeView(model, images)",
    "cw.ModelSummary(model, images)",
    "cw.OcclusionView(model, images)",
    "cw.ReceptiveFieldView(model, images)",
    "cw.SignatureView(model, images, 'F6')",
    "cw.TrainingView(trainer, images)",
]
SHOWN = [
    "import cnnwidgets as cw\nview = cw.KernelPlayground()",
    "view",
    "display(view)",
]
STILL = ".jp-RenderedImage img"
LOST = ".jp-OutputArea-output:has-text('model not found')"

SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
READY = "window.jupyterapp?.shell?.currentWidget?.context?.isReady"
TRUSTED = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    return cells.every(cell => cell.model.trusted);
}"""
CAPTIONS = """selector => Array.from(document.querySelectorAll(selector)).filter(image => image.offsetParent)
    .map(image => getComputedStyle(image.parentElement, '::after').content)"""
SAID = """() => Array.from(document.querySelectorAll('.jupyter-widgets-disconnected'))
    .filter(part => part.closest('.cnnw')).map(part => getComputedStyle(part, '::before').content)"""


def opened(page: Page, url: str, *, trusted: bool) -> None:
    """Open a notebook that has run before, with all of its cells in sight: those far below are not drawn."""
    page.goto("about:blank")
    page.set_viewport_size({"width": 1200, "height": 26_000})
    page.goto(f"{url}?reset")
    page.wait_for_function(READY, timeout=60_000)
    becomes(page, lambda: page.evaluate(TRUSTED), trusted, "whether JupyterLab trusts its outputs")


def captions(page: Page) -> list[str]:
    """What stands under the stills that can be seen."""
    return [text.strip('"') for text in page.evaluate(CAPTIONS, STILL)]


def test_a_notebook_opened_again_shows_a_picture_of_each_view(run_cells, lab):
    page = run_cells(FIRST, *VIEWS)
    url = page.url.split("?")[0]
    page.evaluate(SAVE)
    page.evaluate(SHUT_DOWN)
    opened(page, url, trusted=True)
    wait_until(page, lambda: captions(page) == [CAPTION] * len(VIEWS), "a picture of each view, and why", 30)
    wait_until(page, lambda: page.locator(LOST).count() == len(VIEWS), "JupyterLab found no widget", 30)
    assert captions(page) == [CAPTION] * len(VIEWS)  # its error lines are there, and cannot be seen
    expect(page.locator(f"{LOST}:visible")).to_have_count(0)
    page.evaluate(SHUT_DOWN)
    sent = f"{uuid.uuid4().hex}.ipynb"  # by someone else: JupyterLab does not trust its outputs
    notebook = json.loads((lab.notebooks / url.rsplit("/", 1)[1]).read_text())
    notebook["cells"][0]["source"] += "\n"
    (lab.notebooks / sent).write_text(json.dumps(notebook))
    opened(page, f"{lab.url}/lab/tree/{sent}", trusted=False)
    wait_until(page, lambda: page.locator(f"{STILL}:visible").count() == len(VIEWS), "a picture of each view", 30)
    texts = [text.strip() for text in page.locator(".jp-OutputArea-output").all_inner_texts()]
    assert [text for text in texts if text and "History(" not in text] == []  # nothing stands under the pictures


def test_the_still_is_stored_once_and_hidden_while_the_view_lives(run_cells, lab):
    page = run_cells(*SHOWN)
    page.locator(".cnnw .bqplot").nth(1).wait_for()
    wait_until(page, lambda: page.locator(f"{STILL}:visible").count() == 0, "no still is seen beside a live view")
    expect(page.locator(STILL)).to_have_count(2)
    assert captions(page) == []
    expect(page.locator(".jp-OutputArea-child:visible")).to_have_count(2)

    def stored_once() -> None:
        page.evaluate(SAVE)
        stored = (lab.notebooks / page.url.split("?")[0].rsplit("/", 1)[1]).read_text()
        assert stored.count('"image/png"') == 2

    soon(page, stored_once, "a picture for each of the two cells in the file")


def test_a_card_without_its_kernel_says_so_in_one_line(run_cells):
    page = run_cells(*SHOWN[:2])
    card = page.locator(".cnnw")
    card.locator(".bqplot").first.wait_for()
    assert page.evaluate(SAID) == []
    page.evaluate(RESTART)
    page.locator(".cnnw.jupyter-widgets-disconnected").wait_for()
    part = card.locator(".widget-vbox").first

    def told() -> None:
        before = page.evaluate(SAID)
        assert before[0] == f'"{markup.KERNEL_GONE}"'
        assert len(before) > 20 and set(before[1:]) == {"none"}  # each would have an icon of a broken link
        assert part.evaluate("part => getComputedStyle(part).pointerEvents") == "none"
        assert float(part.evaluate("part => getComputedStyle(part).opacity")) < 0.6

    soon(page, told, "one line, and a card that is pale and hears no mouse")
