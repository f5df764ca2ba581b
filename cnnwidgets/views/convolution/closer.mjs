// @ts-check
// A map of the card as the page draws it: framed, painted where that takes other pixels than the kernel has drawn, looked
// at closer by wheel, drag and keys, with its numbers in pixels that are large enough.
import {Lens} from '../../widgets/painter/lens.mjs';
import {number, shownFactor} from '../../widgets/painter/numbers.mjs';
import {WHOLE, factorWords, inkOn, lettering, placeOf, written} from '../../widgets/painter/zoom.mjs';
import {Over, UNDER} from '../../widgets/steered/over.mjs';

/**
 * The pixels of a map without its padding: level and value of each, as Python has them; the colours of the levels.
 * @typedef {{name: string, levels: Uint8Array, colors: Uint8Array, padded: number[], size: [number, number],
 *   value: (row: number, column: number) => number}} Shown
 * @typedef {[[number, number], [number, number]]} Around
 */

/** The pixels of a map with the padding around it, as a canvas has them. @param {Shown} shown @param {Around} around
 * @returns {Uint32Array} */
export function pixelsOf({levels, colors, padded, size: [high, wide]}, [[top, bottom], [left, right]]) {
  const width = left + wide + right, pixels = new Uint32Array(width * (top + high + bottom));
  const color = (/** @type {ArrayLike<number>} */ of, at = 0) => (255 << 24 | of[at + 2] << 16 | of[at + 1] << 8 | of[at]) >>> 0;
  pixels.fill(color(padded));
  for (let row = 0; row < high; row++)
    for (let column = 0; column < wide; column++)
      pixels[(row + top) * width + column + left] = color(colors, 4 * levels[row * wide + column]);
  return pixels;
}

/** The ends of the finite values, and whether all are whole. @param {Shown} shown @returns {[number, number, boolean]} */
export function endsOf({size: [high, wide], value}) {
  let least = Infinity, most = -Infinity, whole = true;
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      const each = value(row, column);
      if (!Number.isFinite(each)) continue;
      [least, most] = [Math.min(least, each), Math.max(most, each)];
      whole &&= Number.isInteger(each);
    }
  }
  return least > most ? [0, 0, true] : [least, most, whole];
}

/** What lies over one of the two maps. */
export class Closer extends Over {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    super(figure);
    this.shown = /** @type {Shown | null} */ (null);
    this.around = /** @type {Around} */ ([[0, 0], [0, 0]]);
    this.list = /** @type {number[][]} */ ([]);
    this.accent = this.drawn = this.counted = '';
    this.always = false; // whether it is painted also as a whole
    this.alone = false; // whether what lies beneath is nothing of what is shown
    this.ends = /** @type {[number, number, boolean]} */ ([0, 0, true]);
    this.pixels = new Uint32Array();
    this.numbers = document.createElementNS('http://www.w3.org/2000/svg', 'g');
    this.numbers.setAttribute('class', 'cnnw-numbers');
    this.over.prepend(this.numbers);
    this.note = document.createElement('div');
    this.note.className = 'cnnw-closeness';
    this.room.append(this.note);
    this.room.className = 'cnnw-room';
    this.room.tabIndex = 0;
    for (const kind of ['lm', 'p', 'jp']) this.room.setAttribute(`data-${kind}-suppress-shortcuts`, 'true');
    this.lens = new Lens(this.room, this.canvas, this.over, {view: WHOLE, of: ''}, () => this.dress());
  }

  get scale() {
    return this.lens.scale;
  }

  /** @param {Shown} shown @param {number[][]} list boxes in pixels of the map @param {Around} around
   * @param {{room: number, accent: string, of: string, always: boolean, alone: boolean, name: string}} options */
  show(shown, list, around, {room, accent, of, always, alone, name}) {
    const [[top, bottom], [left, right]] = around, [high, wide] = [top + shown.size[0] + bottom, left + shown.size[1] + right];
    Object.assign(this, {shown, around, accent, always: always || alone, alone});
    this.host.classList.toggle('cnnw-alone', alone);
    if (alone) for (const each of this.figure.children) if (each !== this.host) each.classList.add(UNDER);
    this.list = list.map(([x, y, end, below]) => [
      Math.max(x + left, 0), Math.max(y + top, 0), Math.min(end + left, wide), Math.min(below + top, high)]);
    this.fit(wide, high, shownFactor(wide, high, room, room));
    this.room.setAttribute('aria-label', name);
    const size = {width: Math.round(wide * this.factor), height: Math.round(high * this.factor)};
    this.lens.show(`${of} ${wide} ${high}`, {columns: wide, rows: high, factor: this.factor, ...size}, false);
    this.dress();
  }

  /** Put what the view of the map takes. */
  dress() {
    const {lens, shown} = this;
    if (!shown) return;
    const {zoomed} = lens, painted = zoomed || this.always;
    this.canvas.hidden = !painted;
    if (painted) this.paint(shown);
    this.frame(this.list, this.accent);
    this.write(zoomed || this.alone ? shown : null);
  }

  /** @param {Shown} shown */
  paint(shown) {
    if (shown.name === this.drawn) return;
    this.drawn = shown.name;
    const {canvas, wide, high} = this;
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, {width: wide, height: high});
    this.pixels = pixelsOf(shown, this.around);
    const bytes = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (this.pixels.buffer));
    canvas.getContext('2d')?.putImageData(new ImageData(bytes, wide, high), 0, 0);
  }

  /** Write the numbers into the pixels that are seen, where they have room. @param {Shown | null} shown */
  write(shown) {
    this.numbers.replaceChildren();
    if (shown && this.counted !== shown.name) [this.counted, this.ends] = [shown.name, endsOf(shown)];
    const {scale, around: [[top], [left]]} = this, style = shown && lettering(...this.ends, scale);
    const factor = style && style.power ? ` · numbers ${factorWords(style.power)}` : '', {zoomed} = this.lens;
    this.note.textContent = shown && zoomed ? `×${number(this.lens.look.view.zoom, 2)}${factor} · double click resets` : '';
    if (!shown || !style || (factor && !zoomed)) return;
    this.numbers.setAttribute('font-size', style.size.toFixed(1));
    const [x0, y0, x1, y1] = this.lens.seen;
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        if (!this.inside(y - top, x - left)) continue;
        const text = document.createElementNS('http://www.w3.org/2000/svg', 'text');
        const place = {x: (x + 0.5) * scale, y: (y + 0.5) * scale, dy: '.35em', fill: inkOn(this.pixels[y * this.wide + x])};
        for (const [name, value] of Object.entries(place)) text.setAttribute(name, String(value));
        text.textContent = written(shown.value(y - top, x - left), style);
        this.numbers.append(text);
      }
    }
  }

  /** Whether the map has such a place. @param {number} row @param {number} column */
  inside(row, column) {
    const [high, wide] = this.shown?.size ?? [0, 0];
    return row >= 0 && column >= 0 && row < high && column < wide;
  }

  /** @param {MouseEvent} event @returns {[number, number]} row and column of the map; beyond its edges in the padding */
  place(event) {
    const box = this.room.getBoundingClientRect(), [[top], [left]] = this.around, {lens} = this;
    const [x, y] = placeOf(lens.look.view, lens.fit, event.clientX - box.left, event.clientY - box.top);
    return [Math.floor(y) - top, Math.floor(x) - left];
  }
}
