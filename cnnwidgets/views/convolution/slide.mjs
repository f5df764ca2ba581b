// @ts-check
// Moves the window in the page: frames on both maps, tables and sum follow the mouse, the sliders and the player, and the
// kernel is told where it stands. What the kernel has drawn stays beneath, as it is, and is seen again where the page
// has no numbers: for another layer, until they have come.
import {OVER, Tip, UNDER} from '../../widgets/steered/over.mjs';
import {Steered, steeredBy} from '../../widgets/steered/steered.mjs';
import {Closer} from './closer.mjs';
import {boxes, inputAt, nearest, sheetOf, windowAt} from './window.mjs';
import {described, inputBelow, inputHeading, outputBelow, outputHeading, sumHtml, tablesHtml} from './words.mjs';

/**
 * @typedef {import('./window.mjs').Sheet} Sheet
 * @typedef {import('./window.mjs').Win} Win
 * @typedef {import('../../widgets/steered/steered.mjs').Place} Place
 */

const STEPS = /** @type {Record<string, Place>} */ (
  {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]});

/** A text of the page's own in place of one of the kernel's, which is hidden meanwhile. */
class Instead {
  /** @param {HTMLElement} text */
  constructor(text) {
    this.under = text;
    this.own = /** @type {HTMLElement} */ (text.cloneNode(false));
    this.own.classList.add('cnnw-own');
    this.content = document.createElement('div');
    this.content.className = 'widget-html-content';
    this.own.append(this.content);
    text.after(this.own);
    text.classList.add(UNDER);
    this.html = '';
  }

  /** @param {string} html */
  write(html) {
    if (html === this.html) return;
    this.html = html;
    this.content.innerHTML = html;
  }

  close() {
    this.own.remove();
    this.under.classList.remove(UNDER);
  }
}

/** @param {Uint8ClampedArray} pixels @param {number} width @param {number} height */
function address(pixels, width, height) {
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  canvas.getContext('2d')?.putImageData(new ImageData(/** @type {any} */ (pixels), width, height), 0, 0);
  return canvas.toDataURL();
}

/** Moves the window of one card. */
class Slider extends Steered {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    super(model, el);
    this.last = /** @type {Sheet | null} */ (null); // the newest that came, whose input may still be of use
    this.held = /** @type {Place | null} */ (null); // where a click holds the window
    this.down = /** @type {{at: Place, moved: boolean} | null} */ (null);
    this.parts = /** @type {{input: Closer, output: Closer, texts: Record<string, Instead>} | null} */ (null);
    this.tip = new Tip(el);
    const style = document.createElement('style');
    style.textContent = OVER;
    el.append(style);
  }

  // ------------------------------------------------------------------ numbers

  /** The kernel shows something else. */
  another() {
    this.down = null;
    super.another();
  }

  get holds() {
    return this.last?.input ?? '';
  }

  /** @param {any} content @param {DataView[]} buffers */
  take(content, buffers) {
    if (content.kind !== 'numbers' || content.key !== this.model.get('key') || content.key === this.sheet?.key) return;
    const sheet = sheetOf(content, buffers, this.last);
    if (!sheet) return; // another page has the input, this one asks for it itself
    if (sheet.subject !== this.last?.subject) this.held = null;
    this.last = sheet;
    this.begin(sheet);
  }

  // ------------------------------------------------------------------ where the window stands

  values() {
    const [row, column] = this.place;
    return {row, column, position: row * this.sheet.out[1] + column};
  }

  /** @param {string} name @param {number} value @returns {Place} */
  led(name, value) {
    const columns = this.sheet.out[1];
    return name === 'position' ? [Math.floor(value / columns), value % columns] : super.led(name, value);
  }

  // ------------------------------------------------------------------ what is seen

  paint() {
    const sheet = /** @type {Sheet} */ (this.sheet), parts = this.attach(sheet);
    if (!parts) return;
    const [row, column] = this.place, win = windowAt(sheet, row, column), {input, output, texts} = parts;
    const {room, accent, subject: of, padded} = sheet, k = win.shown - sheet.first, [high, wide] = sheet.size;
    const alone = sheet.alone !== undefined;
    output.show({
      name: `output ${sheet.key}`, levels: sheet.levels, colors: sheet.paint, padded, size: sheet.out,
      value: (y, x) => sheet.output[y * sheet.out[1] + x],
    }, [[column, row, column + 1, row + 1]], [[0, 0], [0, 0]], {room, accent, of, always: false, alone, name: sheet.title});
    input.show({
      name: `input ${sheet.key} ${k}`, levels: sheet.tiles.subarray(k * high * wide, (k + 1) * high * wide),
      colors: sheet.colors, padded, size: sheet.size, value: (y, x) => inputAt(sheet, k, y, x) ?? NaN,
    }, boxes(win), sheet.around, {room, accent, of, always: sheet.count > 1, alone, name: alone ? 'Image' : 'Input'});
    texts.title.write(outputHeading(sheet, win));
    texts.tables.write(tablesHtml(sheet, win, address));
    texts.sum.write(sumHtml(sheet, win));
    if (alone) texts.under.write(outputBelow(sheet, Math.round(sheet.out[1] * output.factor)));
    if (sheet.count > 1 || alone) {
      const [, [left, right]] = sheet.around;
      texts.heading.write(inputHeading(sheet, win));
      texts.below.write(inputBelow(sheet, win, Math.round((left + sheet.size[1] + right) * input.factor)));
    }
  }

  /** What the page shows of its own, put in place where it is not. @param {Sheet} sheet */
  attach(sheet) {
    const card = this.el.closest('.cnnw'), there = this.parts, alone = sheet.alone !== undefined;
    if (there && [there.input.host, there.output.host, ...Object.values(there.texts).map(text => text.own)]
      .every(each => each.isConnected) && (sheet.count > 1 || alone) === 'heading' in there.texts) return there;
    this.release();
    const panel = (/** @type {string} */ key) => card?.querySelector(`.cnnw-of-${key}`);
    const [input, output, tables, sum] = [sheet.heading, 'output', 'tables', 'sum'].map(panel);
    const figures = [input, output].map(each => /** @type {HTMLElement | null} */ (each?.querySelector('.cnnw-figure') ?? null));
    if (!figures[0] || !figures[1] || !input || !output || !tables || !sum) return null;
    const text = (/** @type {Element} */ of, /** @type {number} */ at) =>
      new Instead(/** @type {HTMLElement} */ ([...of.children].filter(each => each.matches('.widget-html:not(.cnnw-frames)')).at(at)));
    const texts = /** @type {Record<string, Instead>} */ ({title: text(output, 0), tables: text(tables, -1), sum: text(sum, -1)});
    if (sheet.count > 1 || alone) Object.assign(texts, {below: text(input, -1), heading: text(input, 0)});
    if (alone) texts.under = text(output, -1);
    this.parts = {input: new Closer(figures[0]), output: new Closer(figures[1]), texts};
    this.listen(this.parts.input, this.parts.output, sheet);
    return this.parts;
  }

  /** Show what the kernel has drawn. */
  release() {
    const {parts} = this;
    this.parts = null;
    this.tip.remove();
    if (parts) for (const part of [parts.input, parts.output, ...Object.values(parts.texts)]) part.close();
  }

  // ------------------------------------------------------------------ the mouse

  /** @param {Closer} input @param {Closer} output @param {Sheet} sheet */
  listen(input, output, sheet) {
    for (const over of [input, output]) over.room.addEventListener('pointerleave', () => this.tip.remove());
    input.host.style.pointerEvents = sheet.over[0] || sheet.alone ? '' : 'none';
    input.room.addEventListener('click', event => {
      const at = input.place(event);
      if (this.sheet?.alone && input.inside(...at)) this.model.send({kind: 'pressed', at});
    });
    input.room.addEventListener('pointermove', event => {
      const at = input.place(event), {sheet} = this;
      if (!sheet?.over[0] || input.lens.held) return this.tip.remove();
      if (!this.held) this.move([nearest(sheet.axes[0], at[0]), nearest(sheet.axes[1], at[1])]);
      const k = windowAt(sheet, ...this.place).shown - sheet.first;
      this.tip.say(event, described(at[0], at[1], inputAt(sheet, k, at[0], at[1])));
    });
    output.room.addEventListener('pointerdown', event => {
      const at = output.place(event);
      if (event.button || !this.sheet || !output.inside(...at)) return;
      event.preventDefault();
      output.room.focus({preventScroll: true});
      this.down = {at, moved: false};
      if (output.lens.zoomed) return; // a drag takes the picture along
      output.room.setPointerCapture(event.pointerId);
      this.move(at);
    });
    output.room.addEventListener('pointermove', event => {
      if (!this.sheet || output.lens.held) return this.tip.remove();
      const at = output.place(event), [rows, columns] = this.sheet.out;
      if (this.down && !output.lens.zoomed) {
        const near = /** @type {Place} */ ([Math.max(0, Math.min(at[0], rows - 1)), Math.max(0, Math.min(at[1], columns - 1))]);
        this.down.moved ||= String(near) !== String(this.down.at);
        if (this.down.moved) this.move(near);
      } else if (output.inside(...at) && this.sheet.over[1] && !this.held) {
        this.move(at);
      }
      if (this.sheet.over[1] && output.inside(...at)) this.tip.say(event, described(at[0], at[1], this.sheet.output[at[0] * columns + at[1]]));
      else this.tip.remove();
    });
    output.room.addEventListener('pointerup', () => {
      const {down} = this;
      this.down = null;
      if (!down || !this.sheet || output.lens.dragging) return;
      if (output.lens.zoomed) this.move(down.at);
      if (!this.sheet.over[1]) return;
      if (!down.moved) this.held = this.held && String(this.held) === String(down.at) ? null : down.at;
      else if (this.held) this.held = this.place;
    });
    output.room.addEventListener('pointercancel', () => {
      this.down = null;
    });
    output.room.addEventListener('keydown', event => {
      const by = STEPS[event.key];
      if (!by || !this.sheet || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.move([this.place[0] + by[0], this.place[1] + by[1]]);
    });
  }
}

export default steeredBy(Slider);
