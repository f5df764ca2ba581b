"""A few lines of JavaScript for what the front ends of ipywidgets leave out, the magnifier, and a card for a projector.

They run when the style sheet of a card has been put into the page. Where a page forbids that, the card works without.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path

SCRIPT = """
const card = this.closest('.cnnw');
if (card && !card.cnnwHelped) {
  card.cnnwHelped = true;
  const name = () => {
    for (const label of card.querySelectorAll('.cnnw-named > .widget-label')) {
      const tip = label.title || label.closest('.widget-hbox')?.querySelector('.cnnw-label')?.title;
      for (const box of label.parentNode.querySelectorAll('input, select'))
        if (tip && !box.title)
          box.title = tip;
      for (const handle of label.parentNode.querySelectorAll('.noUi-handle, .ui-slider-handle'))
        if (handle.getAttribute('aria-label') !== label.textContent)
          handle.setAttribute('aria-label', label.textContent);
    }
    for (const button of card.querySelectorAll('.cnnw-opens:not([aria-expanded])')) {
      const tell = () => button.setAttribute('aria-expanded', button.classList.contains('mod-active'));
      new MutationObserver(tell).observe(button, {attributes: true, attributeFilter: ['class']});
      tell();
    }
  };
  new MutationObserver(name).observe(card, {childList: true, subtree: true});
  name();
  card.addEventListener('keypress', event => {
    if (event.key === 'Enter' && event.target.matches('.widget-text input'))
      event.target.dispatchEvent(new Event('change', {bubbles: true}));
  }, true);
  presents(card);
  magnify(card);
  window.google?.colab?.output?.setIframeHeight?.(0, true, {maxHeight: 5000});
}
"""
"""What is missing without it.

ipywidgets 8 gives the tooltip of a box that has a name to the name alone, which is hidden here; the box gets it too. No
handle of a slider has a name, and no button says whether what it opens is open. Number boxes up to controls 4.0 refuse
Enter, as white space, so that the browser tells nobody of a change until the box is left. Colab cuts an output off at
1,000 px, and scrolls what is higher in it.
"""


@cache
def script() -> str:
    """`SCRIPT` with the modules that it starts, in one line."""
    code = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("loupe.mjs", "present.mjs"))
    code = re.sub(r"/\*\*.*?\*/|^// [^\n]*|^export ", "", code, flags=re.DOTALL | re.MULTILINE)
    return " ".join((code + SCRIPT).split())


def helped(style: str) -> str:
    """A style sheet, `<style>...</style>`, that runs `script()` in the card that it stands in."""
    return style.replace("<style>", f'<style onload="{escape(script())}">', 1)
