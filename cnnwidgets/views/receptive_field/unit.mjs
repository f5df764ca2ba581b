// @ts-check
// Moves a unit in the page: a press or a drag on the map, or a slider, moves its frames on map and photo at once. What the
// kernel draws beneath follows: the gradient of the unit, and what is told of it.
import {shownFactor} from '../../widgets/painter/numbers.mjs';
import {OVER, overBoth} from '../../widgets/steered/over.mjs';
import {Steered, steeredBy} from '../../widgets/steered/steered.mjs';

/**
 * What the page needs to frame the field of any unit, as `UnitSheet` in Python sends it.
 * @typedef {{rows: [number, number][], columns: [number, number][], image: [number, number], pixels: [number, number],
 *   rooms: [number, number], accent: string}} Sheet
 * @typedef {[number, number]} Place row and column
 * @typedef {import('../../widgets/steered/over.mjs').Over} Over
 */

/** The field of a unit, in pixels of the picture: left, top, right, bottom; none for one that sees nothing.
 * @param {Sheet} sheet @param {Place} place */
export function fieldsAt({rows, columns, image, pixels}, [row, column]) {
  const [top, bottom] = rows[row], [left, right] = columns[column], share = pixels[0] / image[0];
  return bottom > top && right > left ? [[left, top, right, bottom].map(edge => edge * share)] : [];
}

/** Moves the unit of one card. */
class Unit extends Steered {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    super(model, el);
    this.parts = /** @type {ReturnType<typeof overBoth>} */ (null);
    this.heardMouse = /** @type {AbortController | null} */ (null);
    const style = document.createElement('style');
    style.textContent = OVER;
    el.append(style);
  }

  get size() {
    return /** @type {Place} */ ([this.sheet.rows.length, this.sheet.columns.length]);
  }

  /** @param {any} content */
  take(content) {
    if (content.kind === 'numbers' && content.key === this.model.get('key') && !this.sheet) this.begin(content);
  }

  paint() {
    const sheet = /** @type {Sheet} */ (this.sheet), parts = this.attach();
    if (!parts) return;
    const [high, wide] = sheet.pixels, [rows, columns] = this.size, [row, column] = this.place, [across, room] = sheet.rooms;
    parts.photo.fit(wide, high, shownFactor(wide, high, across, across));
    parts.photo.frame(fieldsAt(sheet, this.place), sheet.accent);
    parts.map.fit(columns, rows, shownFactor(columns, rows, room, room));
    parts.map.frame([[column, row, column + 1, row + 1]], sheet.accent);
  }

  /** What the page shows of its own, put in place where it is not. */
  attach() {
    if (this.parts && [this.parts.photo, this.parts.map].every(part => part.host.isConnected)) return this.parts;
    this.release();
    this.parts = overBoth(this.el);
    if (!this.parts) return null;
    for (const {canvas, host} of [this.parts.photo, this.parts.map]) {
      canvas.hidden = true;
      host.style.pointerEvents = 'none'; // what the mouse means besides, the kernel's figure beneath knows
    }
    this.listen(this.parts.map);
    return this.parts;
  }

  release() {
    this.heardMouse?.abort();
    this.parts?.photo.close();
    this.parts?.map.close();
    this.parts = null;
  }

  /** @param {Over} map */
  listen(map) {
    this.heardMouse = new AbortController();
    const to = (/** @type {PointerEvent} */ event) => {
      if (!this.sheet || !(event.buttons & 1)) return;
      const [column, row] = map.at(event).map(Math.floor), [rows, columns] = this.size;
      if (row >= 0 && column >= 0 && row < rows && column < columns) this.move([row, column]);
    };
    for (const kind of /** @type {const} */ (['pointerdown', 'pointermove']))
      map.figure.addEventListener(kind, to, {signal: this.heardMouse.signal, capture: true});
  }
}

export default steeredBy(Unit);
