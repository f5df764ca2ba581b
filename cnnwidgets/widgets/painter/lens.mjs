// @ts-check
// How a hand looks at a picture closer: wheel, drag and keys move a view of it, all in the page.
import {WHOLE, closer, limited, moved, revealing, screenOf, scrolls, seen, turned} from './zoom.mjs';

/**
 * @typedef {import('./zoom.mjs').View} View
 * @typedef {import('./zoom.mjs').Fit} Fit
 *
 * What the two places of a panel have in common: the view, and of what it is one.
 * @typedef {{view: View, of: string}} Look
 */

const PRESSED = 4, KEYS = 2 ** 0.5, FAR = 0.25; // px that a press may move; a key's steps
const wheel = {time: -Infinity, down: false, taken: true, heard: false};

/** The page's wheel, also where it turns over nothing of ours: a movement that scrolls the page goes on doing so. */
function hearWheel() {
  if (wheel.heard) return;
  wheel.heard = true;
  const note = (/** @type {WheelEvent} */ event) => Object.assign(wheel, {
    time: event.timeStamp, down: event.deltaY > 0, taken: event.defaultPrevented});
  window.addEventListener('wheel', note, {passive: true});
}

/** Of rooms of which one is seen, the one that is has the keyboard as long as the hand leaves it there: hiding a room
 * would give it to the page, whose keys do other things. @param {HTMLElement[]} rooms @returns {() => void} to end it */
export function keepKeyboard(rooms) {
  let ours = false;
  const isSeen = (/** @type {HTMLElement} */ room) => room.getClientRects().length > 0;
  for (const room of rooms) {
    room.addEventListener('focus', () => void (ours = true));
    room.addEventListener('blur', () => void (ours &&= !isSeen(room)));
  }
  const watch = new ResizeObserver(() => {
    const at = /** @type {HTMLElement | null} */ (document.activeElement), shown = rooms.find(isSeen);
    const nowhere = !at || at === document.body || rooms.includes(at);
    if (!nowhere) ours = false;
    if (ours && shown && shown !== at) shown.focus({preventScroll: true});
  });
  for (const room of rooms) watch.observe(room);
  return () => watch.disconnect();
}

/** A picture in its room, seen as a whole or closer. */
export class Lens {
  /** @param {HTMLElement} room @param {HTMLCanvasElement} canvas @param {SVGElement} over what lies over the picture
   * @param {Look} look @param {() => void} changed called when the view has changed */
  constructor(room, canvas, over, look, changed) {
    this.room = room;
    this.canvas = canvas;
    this.over = over;
    this.look = look;
    this.changed = changed;
    this.dragging = false; // since the last press
    this.held = false; // dragging, and not yet let go of
    this.scrolling = false; // whether the wheel scrolls, so that it takes Ctrl to look closer
    this.fit = /** @type {Fit} */ ({columns: 1, rows: 1, factor: 1, width: 1, height: 1});
    hearWheel();
    this.listen();
  }

  /** Px on the screen of a pixel of the picture. */
  get scale() {
    return this.fit.factor * this.look.view.zoom;
  }

  get zoomed() {
    return this.look.view.zoom > 1;
  }

  /** Pixels of which something is seen. */
  get seen() {
    return seen(this.look.view, this.fit);
  }

  /** Show this picture; as a whole, if what it is of is nothing that was looked at before.
   * @param {string} of @param {Fit} fit @param {boolean} scrolling */
  show(of, fit, scrolling) {
    if (of !== this.look.of) Object.assign(this.look, {of, view: WHOLE});
    this.fit = fit;
    this.scrolling = scrolling;
    this.look.view = limited(this.look.view, fit);
    this.place();
  }

  place() {
    const {columns, rows} = this.fit, {style} = this.canvas;
    style.width = `${Math.round(columns * this.scale)}px`;
    style.height = `${Math.round(rows * this.scale)}px`;
    this.canvas.classList.toggle('cnnw-crisp', this.scale >= 1);
    this.room.classList.toggle('cnnw-closer', this.zoomed);
    const [right, down] = screenOf(this.look.view, this.fit, 0, 0).map(Math.round);
    const shift = right || down ? `translate(${right}px, ${down}px)` : '';
    style.transform = this.over.style.transform = shift;
  }

  /** @param {View} view @returns {boolean} whether it is another than before */
  go(view) {
    const before = this.look.view;
    if (view.zoom === before.zoom && view.left === before.left && view.top === before.top) return false;
    if (before.zoom === 1) this.room.scrollTop = 0;
    this.look.view = view;
    this.place();
    if (view.zoom === 1) this.room.scrollTop = before.top * this.fit.rows * this.fit.factor;
    this.changed();
    return true;
  }

  /** The view; of a picture that scrolls, from where it was scrolled to. @returns {View} */
  now() {
    const {rows, factor} = this.fit;
    return this.zoomed ? this.look.view : {...WHOLE, top: this.room.scrollTop / (rows * factor)};
  }

  /** @param {number} by @param {MouseEvent | null} event about which place; null: about the middle of what is seen */
  closer(by, event) {
    const view = this.now(), {columns, rows} = this.fit;
    if (event) {
      const box = this.canvas.getBoundingClientRect();
      return this.go(closer(view, this.fit, by, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
    }
    const [left, top, right, bottom] = seen(view, this.fit);
    return this.go(closer(view, this.fit, by, (left + right) / 2 / columns, (top + bottom) / 2 / rows));
  }

  /** Show a box of the picture. @param {number[]} box */
  reveal(box) {
    if (this.zoomed) return this.go(revealing(this.look.view, this.fit, box));
    const {factor, height} = this.fit, {scrollTop} = this.room;
    this.room.scrollTop = Math.min(box[1] * factor, Math.max(scrollTop, box[3] * factor - height));
  }

  listen() {
    const {room} = this;
    room.addEventListener('wheel', event => {
      if (scrolls(wheel, event.timeStamp, event.deltaY > 0)) return;
      const far = this.scrolling && !event.ctrlKey && !event.metaKey;
      const [right, down] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      const taken = far ? this.zoomed && this.go(moved(this.look.view, this.fit, -right, -down))
        : event.deltaY !== 0 && this.closer(turned(event), event);
      if (taken || event.ctrlKey) event.preventDefault(); // Ctrl is not to enlarge the page at the end of the way
    }, {passive: false});
    room.addEventListener('dblclick', () => this.go(WHOLE));
    room.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const {key} = event, {width, height} = this.fit;
      const arrows = this.zoomed && !this.scrolling ? /** @type {Record<string, [number, number]>} */ (
        {ArrowLeft: [FAR, 0], ArrowRight: [-FAR, 0], ArrowUp: [0, FAR], ArrowDown: [0, -FAR]})[key] : undefined;
      if (key === '+' || key === '=') this.closer(KEYS, null);
      else if (key === '-') this.closer(1 / KEYS, null);
      else if (key === '0') this.go(WHOLE);
      else if (arrows) this.go(moved(this.look.view, this.fit, arrows[0] * width, arrows[1] * height));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.drag();
  }

  /** A press that moves takes the picture along; one that does not stays a press. */
  drag() {
    const {room} = this;
    let from = /** @type {PointerEvent | null} */ (null); // where the mouse was last
    const end = () => {
      from = null;
      this.held = false;
    };
    room.addEventListener('pointerdown', event => {
      this.dragging = false;
      from = this.zoomed && event.button === 0 ? event : null;
    });
    room.addEventListener('pointermove', event => {
      if (!from || !(event.buttons & 1)) return end();
      const [right, down] = [event.clientX - from.clientX, event.clientY - from.clientY];
      if (!this.dragging && Math.hypot(right, down) < PRESSED) return;
      if (!this.dragging) room.setPointerCapture(event.pointerId);
      this.dragging = this.held = true;
      from = event;
      this.go(moved(this.look.view, this.fit, right, down));
    }, true);
    room.addEventListener('pointerup', end);
    room.addEventListener('pointercancel', end);
    room.addEventListener('click', event => {
      if (this.dragging) event.stopImmediatePropagation();
      this.dragging = false;
    }, true);
  }
}
