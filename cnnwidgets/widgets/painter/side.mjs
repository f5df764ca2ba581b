// @ts-check
// One of the two places of a painted panel: the picture, what lies over it, and the texts around it.
import {Lens} from './lens.mjs';
import {number, shownFactor, valueOf} from './numbers.mjs';
import {store} from './store.mjs';
import {factorWords, inkOn, lettering, written} from './zoom.mjs';

/**
 * @typedef {import('./numbers.mjs').FullMap} FullMap
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 * @typedef {import('./numbers.mjs').State} State
 * @typedef {import('./store.mjs').Palette} Palette
 * @typedef {import('./store.mjs').Picture} Picture
 * @typedef {import('./lens.mjs').Look} Look
 * @typedef {import('./zoom.mjs').Lettering} Lettering
 *
 * What is written into large pixels: the numbers of a map, and the ends of their range.
 * @typedef {{map: FullMap, least: number, most: number}} Written
 */

const EDGE = 4, LEAST = 8, STOPS = 16, SPARE = 2;

/** @param {string} name @param {Record<string, string | number>} attributes */
export function drawing(name, attributes = {}) {
  const element = /** @type {SVGElement} */ (document.createElementNS('http://www.w3.org/2000/svg', name));
  give(element, attributes);
  return element;
}

/** Give an element attributes; what it has is not written again. @param {Element} element
 * @param {Record<string, string | number>} attributes */
function give(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  }
}

/** @param {string} name @param {string} classes @param {...(Node | string)} children */
export function build(name, classes, ...children) {
  const element = document.createElement(name);
  element.className = classes;
  element.append(...children);
  return element;
}

/** Have an element say this. The node of its text stays: for a new one the browser looks through the style sheets.
 * @param {Element} element @param {string} text */
export function sayIn(element, text) {
  const node = element.firstChild;
  if (!node) element.textContent = text;
  else if (node.nodeValue !== text) node.nodeValue = text;
}

/** Give an element children of a kind with these texts; those that it has stay.
 * @param {Element} host @param {string} kind @param {string[]} texts */
export function listIn(host, kind, texts) {
  for (const [at, text] of texts.entries())
    sayIn(host.children[at] ?? host.appendChild(document.createElement(kind)), text);
  while (host.children.length > texts.length) host.children[texts.length].remove();
}

/** One of the two places of a panel, of which one is seen. */
export class Side {
  /** @param {string} name @param {Look} look */
  constructor(name, look) {
    this.canvas = /** @type {HTMLCanvasElement} */ (build('canvas', 'cnnw-pixels'));
    const over = drawing('svg');
    over.append(this.numbers = drawing('g', {class: 'cnnw-numbers'}), this.frames = drawing('g'));
    this.room = build('div', 'cnnw-room', this.canvas, build('div', 'cnnw-frames', over));
    this.lens = new Lens(this.room, this.canvas, over, look, () => this.dress());
    this.named = build('b', '');
    this.quiet = build('span', 'cnnw-quiet');
    this.note = build('span', 'cnnw-quiet cnnw-note');
    this.room.tabIndex = 0;
    for (const kind of ['lm', 'p', 'jp']) this.room.setAttribute(`data-${kind}-suppress-shortcuts`, 'true');
    this.heading = build('div', 'cnnw-heading', this.named, this.quiet, this.note);
    this.ramp = build('div', 'cnnw-ramp');
    this.ends = build('div', 'cnnw-scale');
    this.scale = build('div', '', this.ramp, this.ends);
    this.facts = build('div', 'cnnw-facts');
    this.below = build('div', 'cnnw-quiet cnnw-below');
    this.spare = /** @type {HTMLCanvasElement[]} */ ([]); // canvases of other sizes
    this.name = name;
    this.host = build('div', `cnnw-side ${name}`);
    this.drawn = this.before = this.wide = '';
    this.ramped = /** @type {Palette | null} */ (null); // whose colours the scale has
    this.box = /** @type {number[] | null} */ (null);
    this.always = true; // whether the box is framed also where its pixels are small
    this.written = /** @type {Written | null} */ (null);
    this.reduced = false;
    this.pixels = /** @type {Uint32Array} */ (new Uint32Array());
    this.at = /** @type {((x: number, y: number) => any)} */ (() => null);
    this.columns = this.count = 0; // of a grid
  }

  empty() {
    this.host.replaceChildren();
    this.fill(false);
    this.drawn = '';
  }

  /** Say whether there is a picture, for the style sheet: beside the painter, what is shown else is hidden then.
   * @param {boolean} full */
  fill(full) {
    this.host.classList.toggle('cnnw-full', full);
    this.host.parentElement?.classList.toggle(`${this.name}-full`, full);
  }

  /** Keep the room of the picture. @param {Sheet} sheet */
  keep(sheet) {
    if (!this.host.firstChild) this.host.append(this.heading, this.room, this.scale, this.facts);
    this.fill(true);
    this.room.style.minHeight = `${sheet.reserve}px`;
  }

  /** @param {string[]} parts */
  title(parts) {
    const [name, ...quiet] = parts.filter(Boolean), whole = [name, ...quiet].join(' · ');
    if (whole === this.heading.title) return;
    this.heading.title = whole;
    sayIn(this.named, name ?? '');
    sayIn(this.quiet, quiet.map(part => ` · ${part}`).join(''));
    this.room.setAttribute('aria-label', whole);
  }

  /** @param {Sheet} sheet @param {number} width @param {number} height @param {() => Picture} make
   * @param {string} drawn what the picture depends on @param {string} of what is looked at: a view of it stays
   * @returns {Picture | null} null where it is the one that is there */
  picture(sheet, width, height, make, drawn, of) {
    const factor = shownFactor(width, height, sheet.width, sheet.role === 'grid' ? 0 : sheet.tall);
    const shown = Math.round(height * factor), room = Math.max(sheet.reserve, Math.min(shown, sheet.tall) + EDGE);
    const found = drawn === this.drawn ? null : store.pictures.of(`${sheet.role} ${drawn}`, make);
    if (found) {
      this.resize(width, height);
      this.pixels = found.pixels;
      const bytes = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (this.pixels.buffer));
      this.canvas.getContext('2d')?.putImageData(new ImageData(bytes, width, height), 0, 0);
      this.drawn = drawn;
    }
    this.room.style.height = `${room}px`; // also when the picture is looked at closer
    this.room.style.overflow = shown <= sheet.tall ? 'hidden' : 'auto';
    const fit = {columns: width, rows: height, factor, width: sheet.width, height: room - EDGE};
    this.lens.show(of, fit, sheet.role === 'grid');
    return found;
  }

  /** Have a canvas of this size in the room: the last ones are kept, since for another size the browser needs memory of
   * its own and of the screen, which takes it longer than all else. @param {number} width @param {number} height */
  resize(width, height) {
    const fits = (/** @type {HTMLCanvasElement} */ each) => each.width === width && each.height === height;
    if (fits(this.canvas)) return;
    const canvas = this.spare.find(fits) ?? /** @type {HTMLCanvasElement} */ (build('canvas', 'cnnw-pixels'));
    if (!fits(canvas)) [canvas.width, canvas.height] = [width, height];
    this.canvas.replaceWith(canvas);
    this.spare = [this.canvas, ...this.spare.filter(each => each !== canvas)].slice(0, SPARE);
    this.canvas = this.lens.canvas = canvas;
  }

  /** Put what lies over the picture, and the word for it, where the view has it. */
  dress() {
    const {zoomed, look: {view}, scale} = this.lens, numbers = this.written;
    const style = numbers && lettering(numbers.least, numbers.most, wholes(numbers.map), scale);
    this.frame();
    this.write(numbers && numbers.map, style);
    const factor = style && style.power ? `numbers ${factorWords(style.power)}` : '';
    const words = [zoomed && `×${number(view.zoom, view.zoom < 100 ? 2 : 3)}`, zoomed && this.reduced && 'reduced', factor].filter(Boolean);
    const resets = zoomed && (this.lens.scrolling || words.length === 1) ? ', double click resets' : '';
    sayIn(this.note, words.join(', ') + resets);
    this.heading.classList.toggle('cnnw-noted', words.length > 0);
    this.note.title = zoomed ? 'Double click or key 0: the whole picture' : '';
  }

  /** Tell those who measure that the canvas has another picture, or the one of another state. @param {Sheet} sheet
   * @param {State} state */
  told(sheet, {channel}) {
    const now = `${sheet.number} ${this.drawn}`, {role} = sheet;
    if (now === this.before) return;
    this.before = now;
    this.canvas.dispatchEvent(new CustomEvent('cnnwidgets:painted', {bubbles: true, detail: {role, channel}}));
  }

  /** Frame the box, or none. */
  frame() {
    const {box, lens: {scale}} = this;
    if (!box || !this.always && scale < LEAST) return void this.frames.replaceChildren();
    const edges = [[box[0], box[2], this.canvas.width], [box[1], box[3], this.canvas.height]].map(([low, high, end]) => {
      const apart = Math.max(0, LEAST - (high - low) * scale) / 2;
      return [Math.max(low * scale - apart, 1), Math.min(high * scale + apart, Math.round(end * scale) - 1)];
    });
    for (const [at, stroke] of [store.accent, 'white'].entries()) {
      const inset = 2 * at;
      const [[x, right], [y, bottom]] = edges.map(([low, high]) => [low + inset, high - inset]);
      const rect = this.frames.children[at] ?? this.frames.appendChild(drawing('rect'));
      give(rect, {x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y), stroke});
    }
  }

  /** Write the numbers of a map into its pixels that are seen. @param {FullMap | null} map
   * @param {Lettering | null} style */
  write(map, style) {
    if (this.numbers.firstChild) this.numbers.replaceChildren();
    this.numbers.removeAttribute('font-size');
    if (!map || !style) return;
    const {scale, seen: [left, top, right, bottom]} = this.lens, {low, step, codes, width} = map;
    this.numbers.setAttribute('font-size', style.size.toFixed(1));
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const at = row * width + column, place = {x: (column + 0.5) * scale, y: (row + 0.5) * scale};
        const text = drawing('text', {...place, dy: '.35em', fill: inkOn(this.pixels[at])});
        text.textContent = written(valueOf(codes[at], low, step), style);
        this.numbers.append(text);
      }
    }
  }

  /** @param {Sheet} sheet @param {Palette} palette @param {string[]} texts */
  colorbar(sheet, palette, texts) {
    const wide = `width:${Math.round(this.canvas.width * this.lens.fit.factor)}px;max-width:100%`;
    if (wide !== this.wide) this.scale.style.cssText = this.wide = wide;
    if (palette !== this.ramped) {
      const colors = Array.from({length: STOPS}, (_, i) => palette.colors[Math.round((i * 253) / (STOPS - 1))])
        .map(color => `rgb(${color & 255} ${(color >> 8) & 255} ${(color >> 16) & 255})`);
      this.ramp.style.background = `linear-gradient(to right, ${colors.join(', ')})`;
      this.ramped = palette;
    }
    listIn(this.ends, 'span', texts);
  }

  /** Without a scale: those beside it say it. */
  unscaled() {
    this.ramp.style.background = '';
    this.ramped = null;
    listIn(this.ends, 'span', []);
  }

  /** A note below the picture, with room for two lines: what stands below it is aligned with its neighbours.
   * @param {string} note */
  say(note) {
    sayIn(this.below, note);
    if (this.facts.firstChild !== this.below) this.facts.replaceChildren(this.below);
    this.facts.style.display = '';
  }

  /** @param {string[][]} rows */
  list(rows) {
    this.below.remove();
    listIn(this.facts, 'span', rows.flat());
    this.facts.style.display = rows.length ? '' : 'none';
  }
}

/** Whether all values of a map are whole numbers. @param {FullMap} map */
const wholes = ({low, step}) => Number.isInteger(low) && Number.isInteger(step);
