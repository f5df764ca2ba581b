// @ts-check
// A strip of small pictures of a data set, of which only those in sight exist. The kernel is asked for what is missing,
// one message at a time; what has come is kept within bounds.
import {Newest} from '../surface/newest.mjs';
import {Kept, fitted, imagesAt, inSight, led, missing, numbers, revealing, said, seen, turned, within} from './sight.mjs';

/**
 * @typedef {{get: (name: string) => any, send: (content: any) => void, on: (name: string, call: Function) => void,
 *   off: (name: string, call: Function) => void}} Model
 * @typedef {{canvas: HTMLCanvasElement | null, text: string, reason: string}} Picture
 * @typedef {{index: number, text: string, reason: string, x: number, width: number, height: number}} Told
 */

const STRIDE = 70, WIDE = 64, HIGH = 48; // px: from one image to the next, and of a picture at most
const PICTURES = 600, VERDICTS = 20000; // that are kept
const DRAG = 4; // px after which a press is no click
const PASSING = 400; // ms in which the wheel goes on scrolling the page

/** @param {string} name @param {string} className @param {...(Node | string)} children */
function build(name, className, ...children) {
  const element = Object.assign(document.createElement(name), {className});
  element.append(...children);
  return element;
}

class Strip {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.page = Math.random().toString(36).slice(2);
    this.pictures = /** @type {Kept<Picture>} */ (new Kept(PICTURES));
    this.verdicts = /** @type {Kept<string | null>} */ (new Kept(VERDICTS)); // what is wrong; '': nothing; null: not known
    this.judged = false; // whether any verdict is known
    this.why = ''; // why nothing is marked
    this.age = 0; // how often everything was forgotten
    this.sight = {offset: 0, width: 0, stride: STRIDE, count: model.get('count')};
    this.shown = /** @type {string | null} */ (null); // the filter by which the places are counted
    this.found = /** @type {Int32Array | null} */ (null); // the images that it finds; null: all
    this.at = Math.max(0, model.get('chosen')); // the place where the keyboard is
    this.asked = ''; // the images of which the kernel was told last that they are in sight
    this.tiles = /** @type {Map<number, HTMLElement>} */ (new Map());
    this.newest = new Newest(number => this.ask(number));
    this.room = build('div', 'cnnw-picker-room');
    this.room.tabIndex = 0;
    this.room.setAttribute('role', 'listbox');
    this.room.setAttribute('aria-label', 'Images of the data set: arrow keys move, Enter chooses');
    this.where = build('span', '');
    this.legend = build('span', 'cnnw-picker-legend');
    this.menu = /** @type {HTMLSelectElement} */ (build('select', 'cnnw-picker-filter'));
    this.menu.setAttribute('aria-label', 'Which images are shown');
    this.menu.title = 'Which images are shown; without a scan they are looked at one after the other';
    const foot = build('div', 'cnnw-picker-foot cnnw-quiet', this.menu, this.where, this.legend);
    this.host = build('div', 'cnnw-picker-host', this.room, foot);
    for (const kind of ['lm', 'p', 'jp']) this.host.setAttribute(`data-${kind}-suppress-shortcuts`, 'true');
    el.append(this.host);
    this.offer();
    this.filter();
    this.listen();
    this.heard = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.hear(content, buffers);
    this.moved = () => this.follow();
    model.on('msg:custom', this.heard);
    model.on('change:chosen', this.moved);
    this.offered = () => this.offer();
    this.filtered = () => (this.filter(), this.go(this.sight.offset));
    model.on('change:filters', this.offered);
    for (const name of ['filter', 'found', 'words']) model.on(`change:${name}`, this.filtered);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.room);
  }

  close() {
    this.sizes.disconnect();
    this.model.off('msg:custom', this.heard);
    this.model.off('change:chosen', this.moved);
    this.model.off('change:filters', this.offered);
    for (const name of ['filter', 'found', 'words']) this.model.off(`change:${name}`, this.filtered);
    window.removeEventListener('wheel', this.elsewhere, true);
    this.model.send({kind: 'gone', page: this.page});
  }

  // -------------------------------------------------------------------- which images there are

  /** The filters that can be chosen. */
  offer() {
    this.menu.replaceChildren(...this.model.get('filters').map((/** @type {[string, string]} */ [value, words]) =>
      Object.assign(build('option', ''), {value, textContent: words})));
    this.menu.value = this.model.get('filter');
  }

  /** The filter, or what it finds, has changed. */
  filter() {
    const name = this.model.get('filter');
    if (name !== this.menu.value) this.menu.value = name;
    if (name !== this.shown) [this.shown, this.sight.offset, this.at] = [name, 0, 0];
    this.found = name ? numbers(this.model.get('found')) : null;
    this.sight.count = this.found ? this.found.length : this.model.get('count');
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    const place = this.placeOf(this.model.get('chosen'));
    if (!name && place >= 0 && !this.sight.offset) this.at = place;
  }

  /** Where an image stands; -1 where it does not. @param {number} index */
  placeOf(index) {
    return this.found ? this.found.indexOf(index) : index;
  }

  /** The images in sight. */
  images() {
    const [first, end] = inSight(this.sight);
    return imagesAt(first, end, this.found);
  }

  // -------------------------------------------------------------------- what is seen

  resize() {
    const first = !this.sight.width;
    this.sight.width = this.room.clientWidth;
    if (!this.sight.width) return;
    const middle = this.at * STRIDE - (this.sight.width - STRIDE) / 2;
    this.go(first ? middle : this.sight.offset);
    if (first && this.found && !this.found.length) this.model.send({kind: 'filter', name: this.model.get('filter')});
  }

  /** Scroll; whether that has an effect. @param {number} offset in px */
  go(offset) {
    const before = this.sight.offset;
    this.sight.offset = within(offset, this.sight);
    this.draw();
    return this.sight.offset !== before;
  }

  /** The chosen image has changed. */
  follow() {
    const place = this.placeOf(this.model.get('chosen'));
    if (place >= 0) this.reach(place);
    else this.draw();
  }

  /** Put the keyboard on a place, and show it. @param {number} place */
  reach(place) {
    this.at = place;
    this.go(revealing(place, this.sight));
  }

  draw() {
    const [first, end] = inSight(this.sight), {offset} = this.sight;
    for (const [place, tile] of this.tiles)
      if (place < first || place >= end) {
        tile.remove();
        this.tiles.delete(place);
      }
    for (let place = first; place < end; place++) {
      const tile = this.tiles.get(place) ?? this.tile(place);
      tile.style.transform = `translateX(${place * STRIDE - offset}px)`;
      this.fill(tile, place);
    }
    this.room.setAttribute('aria-activedescendant', this.tiles.get(this.at)?.id ?? '');
    this.where.textContent = seen(this.sight, this.model.get('words'));
    this.look();
  }

  /** @param {number} place */
  tile(place) {
    const tile = build('div', 'cnnw-picker-tile', build('div', 'cnnw-picker-picture'), build('b', ''), build('span', ''));
    tile.id = `cnnw-${this.page}-${place}`;
    tile.setAttribute('role', 'option');
    tile.setAttribute('aria-posinset', String(place + 1));
    tile.setAttribute('aria-setsize', String(this.sight.count));
    tile.children[1].textContent = String(imagesAt(place, place + 1, this.found)[0]);
    this.tiles.set(place, tile);
    this.room.append(tile);
    return tile;
  }

  /** @param {HTMLElement} tile @param {number} place */
  fill(tile, place) {
    const [index] = imagesAt(place, place + 1, this.found);
    const picture = this.pictures.get(index), wrong = this.verdicts.get(index);
    const [room, , caption] = /** @type {HTMLElement[]} */ ([...tile.children]);
    const title = said(index, picture?.text ?? '', picture?.reason ?? '', wrong);
    if (tile.title !== title) {
      tile.title = title;
      tile.setAttribute('aria-label', title);
      caption.textContent = picture?.text ?? '';
    }
    tile.setAttribute('aria-selected', String(index === this.model.get('chosen')));
    tile.classList.toggle('cnnw-picker-here', place === this.at);
    tile.classList.toggle('cnnw-picker-none', !!picture && !picture.canvas);
    tile.classList.toggle('cnnw-picker-wrong', !!wrong);
    if (picture?.canvas && room.firstChild !== picture.canvas) room.replaceChildren(picture.canvas);
    else if (!picture?.canvas && room.firstChild) room.replaceChildren();
  }

  tell() {
    const mark = build('i', 'cnnw-picker-mark');
    if (this.why) this.legend.replaceChildren(this.why);
    else if (this.judged) this.legend.replaceChildren(mark, 'the network is wrong');
    else this.legend.replaceChildren();
    this.legend.title = this.why ? '' : 'Marked are images whose most probable class is not their own, as far as looked at';
  }

  // -------------------------------------------------------------------- what the kernel is asked, and says

  /** Ask for what is missing in sight. */
  look() {
    if (this.needs().length || this.unmarked()) this.newest.offer();
  }

  needs() {
    return missing(this.images(), this.pictures);
  }

  /** Whether the kernel does not know yet that these images wait for a mark. */
  unmarked() {
    const sight = this.images();
    return sight.join() !== this.asked && !this.why && missing(sight, this.verdicts).length > 0;
  }

  /** @param {number} number */
  ask(number) {
    const sight = this.images(), needed = this.needs();
    if (!needed.length && !this.unmarked()) return this.newest.answered(number);
    this.asked = sight.join();
    this.model.send({kind: 'look', page: this.page, number, sight, missing: needed});
  }

  /** @param {any} content @param {DataView[]} buffers */
  async hear(content, buffers) {
    if (content.kind === 'forget') this.forget(content.pictures);
    else if (content.kind === 'verdicts') {
      this.why = content.why;
      for (const [index, wrong] of content.found) this.verdicts.put(index, wrong);
      this.judged ||= content.found.some((/** @type {[number, string | null]} */ [, wrong]) => wrong !== null);
      this.tell();
      this.draw();
    } else if (content.kind === 'pictures') {
      await this.keep(content.pictures, content.type, buffers?.[0]);
      if (content.page === this.page) this.newest.answered(content.number);
      if (content.pictures.length) this.draw();
    }
  }

  /** @param {boolean} pictures those too: the data may be others */
  forget(pictures) {
    this.verdicts.clear();
    this.judged = false;
    this.why = '';
    if (pictures) {
      this.age++;
      this.pictures.clear();
    }
    this.tell();
    this.draw();
  }

  /** @param {Told[]} told @param {string} type @param {DataView | undefined} data of the sheet with all pictures */
  async keep(told, type, data) {
    const age = this.age;
    let sheet = /** @type {ImageBitmap | null} */ (null), broken = '';
    try {
      if (data?.byteLength) sheet = await createImageBitmap(new Blob([/** @type {any} */ (data)], {type}));
    } catch (error) {
      broken = `cannot be drawn: ${error}`;
    }
    if (age !== this.age) return;
    for (const {index, text, reason, x, width, height} of told) {
      let canvas = null;
      if (sheet && width) {
        canvas = Object.assign(document.createElement('canvas'), {width, height});
        canvas.getContext('2d')?.drawImage(sheet, x, 0, width, height, 0, 0, width, height);
        const [wide, high] = fitted(width, height, WIDE, HIGH);
        Object.assign(canvas.style, {width: `${wide}px`, height: `${high}px`});
      }
      this.pictures.put(index, {canvas, text, reason: reason || (width ? broken : '')});
    }
    sheet?.close();
  }

  // -------------------------------------------------------------------- what a hand does

  listen() {
    const {room} = this;
    this.menu.addEventListener('change', () => this.model.send({kind: 'filter', name: this.menu.value}));
    let from = 0, start = 0, pressed = false, dragged = false, passed = -Infinity;
    this.elsewhere = (/** @type {WheelEvent} */ event) => {
      if (!room.contains(/** @type {Node} */ (event.target))) passed = event.timeStamp;
    };
    window.addEventListener('wheel', this.elsewhere, {capture: true, passive: true});
    room.addEventListener('wheel', event => {
      if (event.ctrlKey || event.metaKey) return;
      if (event.timeStamp - passed < PASSING) passed = event.timeStamp; // a movement that scrolls the page
      else if (this.go(this.sight.offset + turned(event, this.sight.width))) event.preventDefault();
    }, {passive: false});
    room.addEventListener('pointerdown', event => {
      if (event.button) return;
      [pressed, dragged, from, start] = [true, false, event.clientX, this.sight.offset];
    });
    room.addEventListener('pointermove', event => {
      if (!pressed || (!dragged && Math.abs(event.clientX - from) < DRAG)) return;
      if (!dragged) room.setPointerCapture(event.pointerId);
      dragged = true;
      this.go(start + from - event.clientX);
    });
    for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture'])
      room.addEventListener(kind, () => (pressed = false));
    room.addEventListener('click', event => {
      const tile = /** @type {HTMLElement} */ (event.target).closest('.cnnw-picker-tile');
      const found = [...this.tiles].find(([, each]) => each === tile);
      if (found && !dragged) this.choose(found[0]);
    });
    room.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const to = led(event.key, this.at, this.sight);
      if (!this.sight.count) return;
      if (to !== null) this.reach(to);
      else if (event.key === 'Enter' || event.key === ' ') this.choose(this.at);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** @param {number} place */
  choose(place) {
    this.room.focus({preventScroll: true});
    this.reach(place);
    this.model.send({kind: 'choose', index: imagesAt(place, place + 1, this.found)[0]});
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    const strip = new Strip(model, el);
    return () => strip.close();
  },
};
