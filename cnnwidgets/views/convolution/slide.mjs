// @ts-check
// Moves the window in the page: frames on both maps, tables and sum follow the mouse, the sliders and the player, and the
// kernel is told where it stands. What the kernel has drawn stays beneath, as it is, and is seen again where the page
// has no numbers: for another layer, until they have come.
import {shownFactor} from '../../widgets/painter/numbers.mjs';
import {boxes, inputAt, nearest, sheetOf, windowAt} from './window.mjs';
import {described, inputBelow, inputHeading, outputHeading, sumHtml, tablesHtml} from './words.mjs';

/**
 * @typedef {import('./window.mjs').Sheet} Sheet
 * @typedef {import('./window.mjs').Win} Win
 * @typedef {[number, number]} Place row and column
 * @typedef {import('../../widgets/painter/store.mjs').Model} Model
 * @typedef {Model & {_state_lock?: any, save_changes: () => void}} Control
 */

const RESTS = 250; // ms for which nothing else is asked for, before numbers are
const TURNS = 60; // ms in which what the kernel draws has come
const SETTLES = 150; // ms after the last move of a slider, of which the kernel hears from the slider itself
const LOST = 3000; // ms after which numbers that were asked for are asked for again
const LEAST = 8, NAMES = ['row', 'column', 'position'], UNDER = 'cnnw-under';

/** @param {string} text @returns {SVGElement} */
const svg = text => /** @type {any} */ (new DOMParser().parseFromString(text, 'image/svg+xml').documentElement);

/** Boxes on a picture as frames: the accent, and a light line within. @param {number[][]} list in pixels of the picture
 * @param {number} width @param {number} height of the picture on the screen @param {number} factor @param {string} accent */
function frames(list, width, height, factor, accent) {
  const edges = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ end) => {
    const apart = Math.max(0, LEAST - (high - low) * factor) / 2;
    return [Math.max(low * factor - apart, 1), Math.min(high * factor + apart, end - 1)];
  };
  const rects = list.flatMap(([left, top, right, bottom]) => {
    const [x, across] = edges(left, right, width), [y, down] = edges(top, bottom, height);
    return [[0, accent], [2, 'white']].map(([inset, color]) => {
      const size = [across - x, down - y].map(side => Math.max(0, side - 2 * Number(inset)));
      return `<rect x="${x + Number(inset)}" y="${y + Number(inset)}" width="${size[0]}" height="${size[1]}" stroke="${color}"/>`;
    });
  });
  return svg(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1">${rects.join('')}</svg>`);
}

/** What lies over one of the two maps: its frames, and the input channel that is shown. */
class Over {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    this.host = document.createElement('div');
    this.host.className = 'cnnw-slides cnnw-frames';
    this.room = document.createElement('div');
    this.canvas = document.createElement('canvas');
    this.lines = document.createElement('div');
    this.room.append(this.canvas, this.lines);
    this.host.append(this.room);
    this.drawn = '';
    this.factor = 1;
    this.around = [[0, 0], [0, 0]];
    this.size = [0, 0];
    figure.prepend(this.host);
  }

  /** @param {Sheet} sheet @param {[number, number]} size of the map @param {number[][]} list boxes in pixels of the map
   * @param {[[number, number], [number, number]]} around */
  frame(sheet, size, list, around) {
    const [[top, bottom], [left, right]] = around, [high, wide] = [top + size[0] + bottom, left + size[1] + right];
    this.factor = shownFactor(wide, high, sheet.room, sheet.room);
    this.around = around;
    this.size = size;
    const [width, height] = [Math.round(wide * this.factor), Math.round(high * this.factor)];
    Object.assign(this.room.style, {width: `${width}px`, height: `${height}px`});
    const shown = list.map(([x, y, end, below]) => [
      Math.max(x + left, 0), Math.max(y + top, 0), Math.min(end + left, wide), Math.min(below + top, high)]);
    this.lines.replaceChildren(frames(shown, width, height, this.factor, sheet.accent));
    for (const each of this.figure.querySelectorAll('.cnnw-frames'))
      if (each !== this.host && !this.host.contains(each)) each.classList.add(UNDER);
  }

  /** Paint an input channel with the padding around it. @param {Sheet} sheet @param {number} channel counted from the
   * first that the map depends on */
  picture(sheet, channel) {
    const [[top, bottom], [left, right]] = sheet.around, [high, wide] = sheet.size;
    const width = left + wide + right, height = top + high + bottom, drawn = `${sheet.key} ${channel}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    Object.assign(this.canvas, {width, height});
    const pixels = new Uint8ClampedArray(4 * width * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 4) {
        const row = y - top, column = x - left, inside = row >= 0 && row < high && column >= 0 && column < wide;
        const from = inside ? 4 * sheet.tiles[(channel * high + row) * wide + column] : 0;
        pixels.set(inside ? sheet.colors.subarray(from, from + 4) : [...sheet.padded, 255], at);
      }
    }
    this.canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
    this.canvas.className = this.factor >= 1 ? 'cnnw-crisp' : '';
  }

  /** @param {MouseEvent} event @returns {Place} of the map; beyond its edges in the padding */
  at(event) {
    const box = this.room.getBoundingClientRect(), [[top], [left]] = this.around;
    return [Math.floor((event.clientY - box.top) / this.factor) - top, Math.floor((event.clientX - box.left) / this.factor) - left];
  }

  close() {
    this.host.remove();
    this.figure.querySelectorAll(`.${UNDER}`).forEach(each => each.classList.remove(UNDER));
  }
}

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
class Slider {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = /** @type {any} */ (model);
    this.el = el;
    this.sheet = /** @type {Sheet | null} */ (null); // of what is shown; none while the kernel draws
    this.last = /** @type {Sheet | null} */ (null); // the newest that came, whose input may still be of use
    this.place = /** @type {Place} */ ([0, 0]);
    this.number = 0; // of the newest move
    this.held = /** @type {Place | null} */ (null); // where a click holds the window
    this.down = /** @type {{at: Place, moved: boolean} | null} */ (null);
    this.due = 0;
    this.quiet = false;
    this.parts = /** @type {{input: Over, output: Over, texts: Record<string, Instead>} | null} */ (null);
    this.controls = /** @type {Record<string, Control>} */ ({});
    this.tip = document.createElement('div');
    this.tip.className = 'cnnw-says';
    const style = document.createElement('style');
    style.textContent = `.${UNDER} { display: none !important; } .cnnw-slides { position: relative; height: 0; z-index: 2; }
      .cnnw-slides > div { position: absolute; left: 2px; top: 2px; } .cnnw-slides canvas { width: 100%; height: 100%; }
      .cnnw-slides canvas:not([class]) { display: none; } 
      .cnnw-slides.cnnw-frames svg { left: 0; top: 0; }`;
    el.append(style);
    this.turn = () => this.another();
    this.hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.take(content, buffers);
    this.told = () => this.follow();
    this.model.on('change:key', this.turn);
    this.model.on('change:told', this.told);
    this.model.on('msg:custom', this.hear);
    this.end = () => this.close();
    this.model.on('destroy', this.end); // before its view goes: ipywidgets throws at what one tells a closed model
    this.link();
    this.another();
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.model.off('destroy', this.end);
    clearTimeout(this.asking);
    clearTimeout(this.turning);
    clearTimeout(this.settling);
    cancelAnimationFrame(this.due);
    this.model.off('change:key', this.turn);
    this.model.off('change:told', this.told);
    this.model.off('msg:custom', this.hear);
    for (const [name, control] of Object.entries(this.controls)) control.off('change:value', this.heard?.[name]);
    this.release();
  }

  // ------------------------------------------------------------------ numbers

  /** The kernel shows something else. */
  another() {
    this.sheet = null;
    this.down = null;
    clearTimeout(this.asking);
    clearTimeout(this.turning);
    this.turning = setTimeout(() => this.sheet || this.release(), TURNS);
    if (this.model.get('key')) this.asking = setTimeout(() => this.ask(), this.last ? RESTS : 0);
  }

  ask() {
    if (document.hidden) {
      document.addEventListener('visibilitychange', () => this.closed || this.another(), {once: true});
      return;
    }
    this.model.send({kind: 'want', key: this.model.get('key'), holds: this.last?.input ?? ''});
    this.asking = setTimeout(() => this.ask(), LOST);
  }

  /** @param {any} content @param {DataView[]} buffers */
  take(content, buffers) {
    if (content.kind !== 'numbers' || content.key !== this.model.get('key') || content.key === this.sheet?.key) return;
    const sheet = sheetOf(content, buffers, this.last);
    if (!sheet) return; // another page has the input, this one asks for it itself
    clearTimeout(this.asking);
    if (sheet.subject !== this.last?.subject) this.held = null;
    this.sheet = this.last = sheet;
    this.number = this.model.get('told')[1]; // of something new, the kernel knows best
    this.follow();
  }

  // ------------------------------------------------------------------ where the window stands

  /** The kernel says where; older than the last move here, it is no news. */
  follow() {
    const [key, number, row, column] = this.model.get('told');
    if (!this.sheet || key !== this.sheet.key || number < this.number) return;
    this.number = number;
    this.stand([row, column]);
  }

  /** Hear the controls. */
  async link() {
    const ids = Object.entries(/** @type {Record<string, string>} */ (this.model.get('controls')));
    const found = await Promise.all(ids.map(([, id]) => this.model.widget_manager.get_model(id))).catch(() => []);
    if (this.closed) return;
    this.heard = /** @type {Record<string, () => void>} */ ({});
    found.forEach((control, i) => {
      const name = ids[i][0];
      this.controls[name] = control;
      this.heard[name] = () => this.steered(name);
      control.on('change:value', this.heard[name]);
    });
  }

  /** A control has another value: by a hand, by the player, or by the kernel, which may be late. @param {string} name */
  steered(name) {
    if (this.quiet || !this.sheet) return;
    const value = this.controls[name].get('value'), {out: [, columns]} = this.sheet, [row, column] = this.place;
    if (this.controls[name]._state_lock) {
      queueMicrotask(() => this.sheet && this.show());
      return;
    }
    if (name === 'position') this.stand([Math.floor(value / columns), value % columns]);
    else this.stand(name === 'row' ? [value, column] : [row, value]);
    this.number++;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.tell(), SETTLES);
  }

  /** A hand moves the window. @param {Place} place */
  move(place) {
    if (String(place) === String(this.place)) return;
    this.number++;
    this.stand(place);
    this.tell();
  }

  /** Tell the kernel; while it has not heard of one move, only the newest of the next waits. */
  tell() {
    clearTimeout(this.settling);
    if (!this.sheet) return;
    this.model.set('moved', [this.sheet.key, this.number, ...this.place]);
    this.model.save_changes();
  }

  /** @param {Place} place */
  stand([row, column]) {
    if (!this.sheet) return;
    const [rows, columns] = this.sheet.out;
    this.place = [Math.max(0, Math.min(row, rows - 1)), Math.max(0, Math.min(column, columns - 1))];
    this.show();
    if (!this.due) this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.paint();
    });
  }

  /** Have the controls show where it stands. */
  show() {
    if (!this.sheet) return;
    const [row, column] = this.place, values = [row, column, row * this.sheet.out[1] + column];
    this.quiet = true;
    NAMES.forEach((name, i) => {
      const control = this.controls[name];
      if (control && control.get('value') !== values[i] && values[i] <= control.get('max')) control.set('value', values[i]);
    });
    this.quiet = false;
  }

  // ------------------------------------------------------------------ what is seen

  paint() {
    const {sheet} = this, parts = sheet && this.attach(sheet);
    if (!sheet || !parts) return;
    const [row, column] = this.place, win = windowAt(sheet, row, column), {input, output, texts} = parts;
    output.frame(sheet, sheet.out, [[column, row, column + 1, row + 1]], [[0, 0], [0, 0]]);
    input.frame(sheet, sheet.size, boxes(win), sheet.around);
    texts.title.write(outputHeading(sheet, win));
    texts.tables.write(tablesHtml(sheet, win, address));
    texts.sum.write(sumHtml(sheet, win));
    if (sheet.count > 1) {
      input.picture(sheet, win.shown - sheet.first);
      const [, [left, right]] = sheet.around;
      texts.heading.write(inputHeading(sheet, win));
      texts.below.write(inputBelow(sheet, win, Math.round((left + sheet.size[1] + right) * input.factor)));
    }
  }

  /** What the page shows of its own, put in place where it is not. @param {Sheet} sheet */
  attach(sheet) {
    const card = this.el.closest('.cnnw'), there = this.parts;
    if (there && [there.input.host, there.output.host, ...Object.values(there.texts).map(text => text.own)]
      .every(each => each.isConnected) && sheet.count > 1 === 'heading' in there.texts) return there;
    this.release();
    const panel = (/** @type {string} */ key) => card?.querySelector(`.cnnw-of-${key}`);
    const [input, output, tables, sum] = [sheet.heading, 'output', 'tables', 'sum'].map(panel);
    const figures = [input, output].map(each => /** @type {HTMLElement | null} */ (each?.querySelector('.cnnw-figure') ?? null));
    if (!figures[0] || !figures[1] || !input || !output || !tables || !sum) return null;
    const text = (/** @type {Element} */ of, /** @type {number} */ at) =>
      new Instead(/** @type {HTMLElement} */ ([...of.children].filter(each => each.matches('.widget-html:not(.cnnw-frames)')).at(at)));
    const texts = /** @type {Record<string, Instead>} */ ({title: text(output, 0), tables: text(tables, -1), sum: text(sum, -1)});
    if (sheet.count > 1) Object.assign(texts, {below: text(input, -1), heading: text(input, 0)});
    this.parts = {input: new Over(figures[0]), output: new Over(figures[1]), texts};
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

  /** @param {Over} input @param {Over} output @param {Sheet} sheet */
  listen(input, output, sheet) {
    const inside = ([row, column] = [0, 0]) => this.sheet && row >= 0 && column >= 0 && row < this.sheet.out[0] && column < this.sheet.out[1];
    for (const over of [input, output]) over.room.addEventListener('pointerleave', () => this.tip.remove());
    input.host.style.pointerEvents = sheet.over[0] ? '' : 'none';
    input.room.addEventListener('pointermove', event => {
      const at = input.at(event);
      if (!this.sheet?.over[0]) return;
      if (!this.held) this.move([nearest(this.sheet.axes[0], at[0]), nearest(this.sheet.axes[1], at[1])]);
      const k = windowAt(this.sheet, ...this.place).shown - this.sheet.first;
      this.say(event, described(at[0], at[1], inputAt(this.sheet, k, at[0], at[1])));
    });
    output.room.addEventListener('pointerdown', event => {
      const at = output.at(event);
      if (event.button || !inside(at)) return;
      event.preventDefault();
      output.room.setPointerCapture(event.pointerId);
      this.down = {at, moved: false};
      this.move(at);
    });
    output.room.addEventListener('pointermove', event => {
      if (!this.sheet) return;
      const at = output.at(event), [rows, columns] = this.sheet.out;
      if (this.down) {
        const near = /** @type {Place} */ ([Math.max(0, Math.min(at[0], rows - 1)), Math.max(0, Math.min(at[1], columns - 1))]);
        this.down.moved ||= String(near) !== String(this.down.at);
        if (this.down.moved) this.move(near);
      } else if (inside(at) && this.sheet.over[1] && !this.held) {
        this.move(at);
      }
      if (this.sheet.over[1] && inside(at)) this.say(event, described(at[0], at[1], this.sheet.output[at[0] * columns + at[1]]));
      else this.tip.remove();
    });
    output.room.addEventListener('pointerup', () => {
      const {down} = this;
      this.down = null;
      if (!down || !this.sheet?.over[1]) return;
      if (!down.moved) this.held = this.held && String(this.held) === String(down.at) ? null : down.at;
      else if (this.held) this.held = this.place;
    });
    output.room.addEventListener('pointercancel', () => {
      this.down = null;
    });
  }

  /** @param {MouseEvent} event @param {string} text */
  say(event, text) {
    const {color, backgroundColor} = getComputedStyle(this.el.closest('.cnnw') ?? document.body);
    const line = document.createElement('div');
    line.className = 'cnnw-tip';
    line.textContent = text;
    this.tip.replaceChildren(line);
    Object.assign(this.tip.style, {color, backgroundColor, left: `${event.clientX + 12}px`, top: `${event.clientY + 14}px`});
    if (!this.tip.isConnected) document.body.append(this.tip);
    const over = this.tip.getBoundingClientRect().right - window.innerWidth;
    if (over > 0) this.tip.style.left = `${event.clientX + 12 - over}px`;
  }
}

/** Which of these have been rendered in this page. @type {Set<string>} */
const shown = new Set();

/** @param {any} model @returns {string} */
const nameOf = model => model.get('controls').row;

/** Milliseconds after which one that is not yet rendered says so: a page that is being opened has perhaps no model of the
 * card yet, and loses the message by which the kernel puts it in. */
const WAITS = [1000, 2000, 4000, 8000];

export default {
  /** @param {{model: any}} _ */
  initialize({model}) {
    model.send({kind: 'hello'});
    const timers = WAITS.map(delay => setTimeout(() => shown.has(nameOf(model)) || model.send({kind: 'waits'}), delay));
    return () => timers.forEach(clearTimeout);
  },
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    shown.add(nameOf(model));
    const slider = new Slider(model, el);
    return () => slider.close();
  },
};
