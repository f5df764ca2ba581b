/**
 * A card over the whole window, for a projector: large type, few controls, nothing below the fold.
 *
 * It goes into the browser's top layer, so that nothing it stands in can cut it off, and the page alone takes it there
 * and back: a kernel that is busy, or gone, keeps nobody from leaving. A card that is too high is set in the usual type;
 * then it goes without panels that stand below its first row, with one row of controls, and without the last panels of
 * its lowest columns, in this order and no further than it must. Where the view says which panels explain most, all
 * others go before one of these, the lowest first. What it goes without is said.
 */

const ON = 'cnnw-presents', TIGHT = 'cnnw-tight', ROW = 'cnnw-one-row', OUT = 'cnnw-left-out', TIP = 'cnnw-floats';
const STAYS = 'cnnw-stays', FITTING = 'cnnw-fitting';
const TIPS = 'body > :is(.cnnw-says, .mark_tooltip, .bqplot_mark_tooltip, .tooltip_div, .bqplot_tooltip_div)';

/** The panel to go without next, of all that are seen: the lowest of those below the first row, or else the last of the
 * lowest column that has another; where some are to stay, the lowest of the others in either; -1 for none.
 * @param {{top: number, bottom: number, column: number, stays?: boolean}[]} panels from above, column by column
 * @param {boolean} first whether those of the first row may go @returns {number} its place in the list */
export function lesser(panels, first) {
  const begins = panels.map(({column}) => panels.find(each => each.column === column)?.top ?? 0);
  const row = Math.min(...panels.filter((_, at) => begins[at] - Math.min(...begins) < 1).map(({top}) => top));
  const wrapped = panels.map((_, at) => begins[at] - row >= 1);
  const some = panels.some(({stays}) => stays);
  const spare = panels.map(({column, stays}, at) =>
    !stays && (wrapped[at] || (first && (some || at > 0 && panels[at - 1].column === column))));
  const height = (/** @type {number} */ at) => panels[at].bottom + (wrapped[at] ? 1e6 : 0);
  return panels.reduce((best, _, at) => spare[at] && (best < 0 || height(at) >= height(best)) ? at : best, -1);
}

/** Make a card fit, and say what it goes without. @param {HTMLElement} card */
function fit(card) {
  const seen = (/** @type {Element[]} */ list) => list.filter(each => each.getClientRects().length);
  const low = () => card.scrollHeight > card.clientHeight;
  const columns = () => [...card.querySelector('.cnnw-columns')?.children ?? []];
  const goWithout = (/** @type {boolean} */ first, any = false) => {
    while (low()) {
      const panels = columns().flatMap((each, column) =>
        seen(each.matches('.cnnw-stack') ? [...each.children] : [each]).map(panel => ({panel, column})));
      const at = lesser(panels.map(({panel, column}) => {
        const {top, bottom} = panel.getBoundingClientRect();
        return {top, bottom, column, stays: !any && panel.classList.contains(STAYS)};
      }), first);
      if (at < 0) return;
      panels[at].panel.classList.add(OUT);
    }
  };
  const inOneRow = () => {
    if (low()) card.classList.add(ROW);
    if (low()) card.classList.remove(ROW);
  };
  clear(card);
  card.classList.add(FITTING);
  if (low()) card.classList.add(TIGHT);
  goWithout(false);
  inOneRow();
  goWithout(true);
  inOneRow();
  goWithout(true, true);
  if (low()) card.classList.add(ROW);
  if (!low()) {
    card.classList.remove(TIGHT);
    if (low()) card.classList.add(TIGHT);
  }
  card.classList.remove(FITTING);
  const names = [...card.querySelectorAll('.' + OUT + ' .cnnw-heading b')].map(each => each.textContent);
  if (names.length) card.dataset.without = 'not shown here: ' + [...new Set(names)].join(', ');
}

/** As it is in large type. @param {HTMLElement} card */
function clear(card) {
  card.classList.remove(TIGHT, ROW);
  card.querySelectorAll('.' + OUT).forEach(each => each.classList.remove(OUT));
  delete card.dataset.without;
}

/** Follow the button `present` of a card. @param {any} card */
export function presents(card) {
  const cutOff = document.body.dataset.vscodeThemeKind; /** VS Code has outputs in a frame, and shows a part of it */
  if (!card.showPopover || cutOff) return;
  const button = () => card.querySelector('.cnnw-present');
  const wanted = () => card.isConnected && button()?.classList.contains('mod-active');
  /** @type {any} */
  let before = null;
  const float = () => document.querySelectorAll(TIPS).forEach((/** @type {any} */ tip) => {
    if (tip.matches(':popover-open')) return;
    tip.classList.add(TIP);
    tip.setAttribute('popover', 'manual');
    tip.showPopover();
  });
  const tips = new MutationObserver(float);
  const content = new ResizeObserver(() => before && fit(card));
  const leave = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !wanted()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button().click();
  };
  const stay = (/** @type {any} */ event) => {
    if (!card.contains(event.target)) button().focus({preventScroll: true});
  };
  const enter = () => {
    const around = card.parentElement;
    const scrolled = [];
    for (let part = around; part; part = part.parentElement) if (part.scrollTop) scrolled.push([part, part.scrollTop]);
    before = {around, height: around.style.minHeight, focused: document.activeElement, scrolled};
    around.style.minHeight = around.offsetHeight + 'px';
    card.classList.add(ON);
    card.setAttribute('popover', 'manual');
    card.showPopover();
    if (!card.contains(before.focused)) button().focus({preventScroll: true});
    window.addEventListener('keydown', leave, true);
    document.addEventListener('focusin', stay);
    float();
    tips.observe(document.body, {childList: true});
    fit(card);
    for (const part of card.children) content.observe(part);
  };
  const back = () => {
    const {around, height, focused, scrolled} = before;
    before = null;
    content.disconnect();
    tips.disconnect();
    window.removeEventListener('keydown', leave, true);
    document.removeEventListener('focusin', stay);
    document.querySelectorAll('.' + TIP).forEach(tip => {
      tip.removeAttribute('popover');
      tip.classList.remove(TIP);
    });
    card.removeAttribute('popover');
    card.classList.remove(ON);
    clear(card);
    around.style.minHeight = height;
    if (focused !== document.activeElement) focused?.focus?.({preventScroll: true});
    const scroll = () => scrolled.forEach((/** @type {[Element, number]} */ [part, top]) => { part.scrollTop = top; });
    scroll();
    requestAnimationFrame(() => requestAnimationFrame(scroll)); /** JupyterLab goes to the cell that gets the focus */
  };
  const follow = () => {
    if (wanted() && !before) enter();
    else if (!wanted() && before) back();
    else if (before) fit(card);
  };
  new ResizeObserver(follow).observe(card);
  const watched = new WeakSet();
  const watch = () => {
    if (!button() || watched.has(button())) return;
    watched.add(button());
    new MutationObserver(follow).observe(button(), {attributes: true, attributeFilter: ['class']});
    follow();
  };
  new MutationObserver(watch).observe(card, {childList: true, subtree: true});
  watch();
}
