"""What holds for every view in every page: controls can be hit and have names, text can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from every_view import AS_IN_COLAB, BARE, COLAB, CONTRAST, CONTROLS, COVERED, NAMES, WIDE, by_view, show_all
from page_tools import at_rest, becomes, in_kernel, keep, next_frames, wait_until
from playwright.sync_api import Page

from cnnwidgets import views


def in_lab(dark: bool) -> Callable[[Page], None]:
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    command = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"

    def become(page: Page) -> None:
        page.evaluate(command, theme)
        page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(not dark).lower()}'")
        page.wait_for_timeout(1000)

    return become


def in_colab(dark: bool) -> Callable[[Page], None]:
    return lambda page: page.evaluate(AS_IN_COLAB, [COLAB, dark])


PAGES = {
    "JupyterLab, dark": in_lab(True),
    "JupyterLab, light": in_lab(False),
    "Colab, light": in_colab(False),
    "Colab, dark": in_colab(True),
    "Colab, light again": lambda page: page.evaluate("() => document.documentElement.removeAttribute('theme')"),
    "VS Code, dark": lambda page: page.evaluate("() => { document.body.dataset.vscodeThemeKind = 'vscode-dark'; }"),
    "no variables": lambda page: page.evaluate(BARE),
}
"""One after the other: what one page has set, the next goes on from."""
MAPS = (".cnnw-many .cnnw-room:visible", ".cnnw-many .cnnw-figure:visible")
"""Those that the page paints, and those that are pictures."""
ENDS = """card => {
    const parts = [...card.querySelectorAll('.cnnw-title, .cnnw-bar > *, .cnnw-columns > *, .cnnw-stack > *')];
    const boxes = parts.map(part => part.getBoundingClientRect()).filter(box => box.width && box.height);
    const [right, bottom] = ['right', 'bottom'].map(side => Math.max(...boxes.map(box => box[side])));
    const bar = card.querySelector('.cnnw-one-row .cnnw-bar')?.getBoundingClientRect().bottom;
    return {high: card.scrollHeight > 720, wide: card.scrollWidth > 1280, right: right > 1280,
        below: bottom > 720 && !bar, few: boxes.length < 4};
}"""
"""What of a card reaches beyond the projector's 1280 x 720."""
LOOK = """card => {
    const around = card.parentElement, box = card.getBoundingClientRect();
    const parts = [card, around, ...card.querySelectorAll('.cnnw-stack > *')];
    return [box.x, box.y, box.width, box.height, ...parts.map(part => part.className + part.style.cssText),
        [...card.querySelectorAll('*')].filter(each => each.checkVisibility({visibilityProperty: true})).length,
        document.querySelectorAll('[popover]').length];
}"""
"""How a card stands in the page."""
TIPS = ".mark_tooltip:has(.cnnw-tip), .bqplot_mark_tooltip:has(.cnnw-tip), .cnnw-says:has(.cnnw-tip)"


def test_every_control_can_be_hit_and_has_a_name_and_every_text_can_be_read(run_cells):
    page = show_all(run_cells)
    becomes(page, lambda: by_view(nameless(page)), {}, "every control has a name")
    for name, become in PAGES.items():
        become(page)
        next_frames(page)
        becomes(page, lambda: pale_in_views(page), {}, f"{name}: every text can be read")
        becomes(page, lambda: by_view(page.evaluate(COVERED, CONTROLS)), {}, f"{name}: every control can be hit")
        becomes(page, lambda: by_view(page.evaluate(WIDE)), {}, f"{name}: nothing is wider than its view")
        for maps in MAPS:
            becomes(page, lambda maps=maps: pale_in_a_tip(page, maps), [], f"{name}: every tip over {maps} can be read")


def pale_in_views(page: Page) -> dict[str, Any]:
    """Of each view, the texts that cannot be read."""
    texts = page.evaluate(CONTRAST, ".cnnw")
    few = {name: f"{count} texts" for name, (count, _) in zip(NAMES, texts, strict=True) if count <= 4}
    return few | by_view([low for _, low in texts])


def pale_in_a_tip(page: Page, maps: str) -> list[Any]:
    """What cannot be read of what the mouse is told over one of the first of such maps."""
    show_a_tip(page, maps)
    tips = page.evaluate(CONTRAST, TIPS)
    return [low for _, low in tips if low] if sum(count for count, _ in tips) else ["no tip"]


def test_every_view_fits_on_a_projector_and_leads_back_to_what_was_before(run_cells):
    page = show_all(run_cells)
    page.set_viewport_size({"width": 1280, "height": 720})
    ways: list[Callable[[int], object]] = [
        lambda at: page.keyboard.press("Escape"),
        lambda at: page.locator(".cnnw").nth(at).locator(".cnnw-present").click(),
        lambda at: in_kernel(page, f"[*views[::2], *views[1::2]][{at}].present(False)"),
    ]
    for at, name in enumerate(NAMES):
        card = page.locator(".cnnw").nth(at)
        card.locator(".cnnw-present").scroll_into_view_if_needed()
        before = at_rest(page, lambda card=card: card.evaluate(LOOK), name)
        if at % 3 < 2:
            card.locator(".cnnw-present").click()
        else:
            in_kernel(page, f"[*views[::2], *views[1::2]][{at}].present()")
        wait_until(page, lambda card=card: card.evaluate("card => card.matches(':popover-open')"), f"{name} over all")
        becomes(
            page,
            lambda card=card: [what for what, so in card.evaluate(ENDS).items() if so],
            [],
            f"what of {name} does not fit",
        )
        page.keyboard.press("Tab")
        assert card.evaluate("card => card.contains(document.activeElement)")
        keep(page, f"present-{name}", whole=True)
        ways[at % 3](at)
        becomes(page, lambda card=card: card.evaluate(LOOK), before, f"{name} as it was before")
    assert in_kernel(page, "print([view for view in views if view.presenting])").strip() == "[]"


def show_a_tip(page: Page, maps: str) -> None:
    """Hold the mouse over one of the first of such maps."""
    page.mouse.move(0, 0)
    grid = page.locator(maps).first
    grid.scroll_into_view_if_needed()

    def told() -> bool:
        box = grid.bounding_box()  # what stands above may still have grown
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.move(box["x"] + 42, box["y"] + 42)
        return page.locator(".cnnw-tip:visible").count() > 0

    wait_until(page, told, "a tip")
    page.wait_for_timeout(500)  # it comes up by and by


def nameless(page) -> list[list[str]]:
    """Of each view, the controls without a name, as a screen reader is told of them."""
    client = page.context.new_cdp_session(page)
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    cards = client.send("DOM.querySelectorAll", {"nodeId": root, "selector": ".cnnw"})["nodeIds"]
    roles = {"slider", "spinbutton", "combobox", "textbox", "checkbox", "button"}
    found = []
    for card in cards:
        nodes = client.send("Accessibility.queryAXTree", {"nodeId": card})["nodes"]
        controls = [node for node in nodes if node.get("role", {}).get("value") in roles and not node["ignored"]]
        found.append([node["role"]["value"] for node in controls if not node.get("name", {}).get("value")])
    handles = page.evaluate(
        "() => [...document.querySelectorAll('.cnnw')].map(card => [...card.querySelectorAll("
        "'.noUi-handle, .ui-slider-handle')].filter(h => !h.ariaLabel).map(h => h.className))"
    )
    return [[*a, *b] for a, b in zip(found, handles, strict=True)]


def test_names_are_those_of_the_views():
    assert set(views.__all__) == set(NAMES)
