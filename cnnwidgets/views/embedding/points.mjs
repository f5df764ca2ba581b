// @ts-check
// The points in a page without a kernel: the nearest one is named beside the mouse, and a group of the legend stands out.
import {Tip} from '../../widgets/steered/over.mjs';

/**
 * Places are of a square with sides of `side`; `legend` has the groups as they stand below one another.
 * @typedef {{x: number, y: number, group: number, words: string}} Point
 * @typedef {{side: number, places: [number, number][], groups: number[], words: string[], colors: Record<string, string>,
 *   legend: number[], chosen: number | null, accent: string}} Given
 */

const REACH = 12; // of the mouse, in units of the side
const SVG = 'http://www.w3.org/2000/svg';

/** The number of the place nearest to (x, y), within reach; -1 for none. @param {[number, number][]} places
 * @param {number} x @param {number} y @param {number} reach */
export function nearestPoint(places, x, y, reach = REACH) {
  let best = -1, least = reach * reach;
  places.forEach(([left, top], at) => {
    const off = (left - x) ** 2 + (top - y) ** 2;
    if (off <= least) [best, least] = [at, off];
  });
  return best;
}

/** @param {Given} given @param {unknown} parts nothing @param {HTMLElement} el where it stands in the card
 * @returns {{controls: HTMLElement[], close: () => void}} */
export function points(given, parts, el) {
  const {side, places, groups, words, colors, legend, chosen, accent} = given, tip = new Tip(el);
  const card = el.closest('.cnnw'), figure = card?.querySelector('.cnnw-of-points .picture');
  const circle = (/** @type {[number, number]} */ [cx, cy], /** @type {Record<string, string | number>} */ look) => {
    const made = document.createElementNS(SVG, 'circle');
    for (const [name, value] of Object.entries({cx, cy, ...look})) made.setAttribute(name, String(value));
    return made;
  };
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${side} ${side}`);
  svg.setAttribute('class', 'cnnw-points');
  const dots = places.map((place, at) => circle(place, {r: 3.6, fill: colors[groups[at]]}));
  const ring = circle([0, 0], {r: 7.5, fill: 'none', stroke: accent, 'stroke-width': 2});
  const mark = (/** @type {number | null} */ at) => {
    ring.style.display = at === null || at < 0 ? 'none' : '';
    if (at !== null && at >= 0) [ring.cx, ring.cy].forEach((each, axis) => (each.baseVal.value = places[at][axis]));
  };
  mark(chosen);
  svg.append(...dots, ring);
  figure?.append(svg);
  figure?.classList.add('cnnw-pointed');
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect(), share = side / box.width;
    const at = nearestPoint(places, (event.clientX - box.left) * share, (event.clientY - box.top) * share);
    mark(at < 0 ? chosen : at);
    if (at < 0) tip.remove();
    else tip.say(event, words[at]);
  });
  svg.addEventListener('pointerleave', () => {
    tip.remove();
    mark(chosen);
  });
  let held = /** @type {number | null} */ (null); // the group that a click keeps
  const show = (/** @type {number | null} */ group) =>
    dots.forEach((dot, at) => dot.setAttribute('opacity', group === null || groups[at] === group ? '1' : '0.12'));
  const rows = /** @type {HTMLElement[]} */ ([...card?.querySelectorAll('.cnnw-of-groups tr') ?? []]);
  rows.forEach((row, at) => {
    const toggle = () => {
      held = held === legend[at] ? null : legend[at];
      rows.forEach((each, i) => each.setAttribute('aria-pressed', String(legend[i] === held)));
      show(held);
    };
    row.tabIndex = 0;
    row.setAttribute('role', 'button');
    row.setAttribute('aria-pressed', 'false');
    row.title = 'Show this group alone';
    row.addEventListener('pointerenter', () => show(legend[at]));
    row.addEventListener('pointerleave', () => show(held));
    row.addEventListener('click', toggle);
    row.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      toggle();
    });
  });
  return {controls: [], close: () => tip.remove()};
}
