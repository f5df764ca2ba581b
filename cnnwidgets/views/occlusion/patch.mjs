// @ts-check
// Moves the patch in the page: it is drawn where the hand has it, the frame on the map with it, and the kernel is told, whose
// scores follow. While the map grows, the kernel sends the photo as the map colours it.
import {shownFactor} from '../../widgets/painter/numbers.mjs';
import {OVER, Tip, overBoth} from '../../widgets/steered/over.mjs';
import {Steered, steeredBy} from '../../widgets/steered/steered.mjs';
import {cellAt, cellWords, covered, grown, onMap, scoreWords, within} from './places.mjs';

/**
 * @typedef {import('../../widgets/steered/over.mjs').Over} Over
 * @typedef {import('./places.mjs').Sheet} Sheet
 * @typedef {import('./places.mjs').Pair} Pair
 */

/** @param {DataView} view @returns {ArrayBuffer} */
const copied = view => /** @type {any} */ (view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

/** @param {DataView} png @returns {Promise<ImageBitmap>} */
const decoded = png => createImageBitmap(new Blob([copied(png)], {type: 'image/png'}));

/** Moves the patch of one card. */
class Patch extends Steered {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    super(model, el);
    this.parts = /** @type {ReturnType<typeof overBoth>} */ (null);
    this.grip = /** @type {Pair | null} */ (null); // where in the patch the hand has it
    this.line = Promise.resolve(); // what has come and is not yet used
    this.count = 0; // of what was used
    this.tip = new Tip(el);
    const style = document.createElement('style');
    style.textContent = OVER;
    el.append(style);
  }

  get size() {
    return this.sheet.size;
  }

  /** One after the other: pictures are there only when they are decoded. @param {any} content @param {DataView[]} buffers */
  take(content, buffers) {
    this.line = this.line.then(() => this.use(content, buffers)).catch(() => {});
  }

  /** @param {any} content @param {DataView[]} buffers */
  async use(content, buffers) {
    const ours = () => content.key === this.model.get('key') && !this.closed && (this.sheet || content.kind === 'numbers');
    if (!ours()) return;
    const found = await Promise.all(content.names.map(async (/** @type {string} */ name, /** @type {number} */ i) =>
      [name, name === 'known' ? new Uint8Array(copied(buffers[i])) : name === 'fall' ? new Float32Array(copied(buffers[i]))
        : await decoded(buffers[i])]));
    if (!ours()) return;
    const sheet = grown(this.sheet ?? content, content, Object.fromEntries(found));
    this.count++;
    if (this.sheet) this.sheet = sheet;
    else this.begin(sheet);
    this.again();
  }

  // ------------------------------------------------------------------ without a kernel, where the map has a score

  /** @param {Pair} place */
  move(place) {
    super.move(this.sheet?.score ? onMap(this.sheet, place) : place);
  }

  /** @param {string} name @param {number} value @returns {Pair} */
  led(name, value) {
    const place = super.led(name, value);
    return this.sheet.score ? onMap(this.sheet, place) : place;
  }

  /** Say the score, and hide the classes where only the kernel would know them. */
  tellScore() {
    const {sheet: {score}} = this, card = this.el.closest('.cnnw'), rows = score && scoreWords(this.sheet, this.place);
    if (!score || !card) return;
    card.querySelectorAll('.cnnw-of-score tr').forEach((row, i) => {
      /** @type {HTMLTableRowElement} */ (row).cells[1].textContent = rows?.[i]?.[1] ?? '–';
    });
    const words = card.querySelector('h1')?.lastChild, parts = (words?.textContent ?? '').split(' · ');
    const at = parts.findIndex(part => part.startsWith(`${score.unit} `) && part.includes('→'));
    if (at >= 0 && rows) parts[at] = `${score.unit} ${rows[1][1]} → ${rows[0][1]} (${rows[2][1]})`;
    if (words) words.textContent = parts.join(' · ');
    const best = /** @type {HTMLElement | null} */ (card.querySelector('.cnnw-of-best'));
    if (best) best.style.visibility = String(this.place) === String(score.at) ? '' : 'hidden';
  }

  // ------------------------------------------------------------------ what is seen

  paint() {
    const sheet = /** @type {Sheet} */ (this.sheet), parts = this.attach();
    if (!parts) return;
    const {photo, map} = parts, [high, wide] = sheet.pixels, [rows, columns] = sheet.grid, share = high / sheet.size[0];
    photo.fit(wide, high, shownFactor(wide, high, sheet.rooms[0], sheet.rooms[0]));
    this.draw(photo.canvas, sheet, share);
    photo.canvas.classList.toggle('cnnw-crisp', photo.factor >= 1);
    photo.frame([covered(sheet, this.place).map(edge => edge * share)], sheet.accent);
    map.fit(columns, rows, shownFactor(columns, rows, sheet.rooms[1], sheet.rooms[1]));
    const [row, column] = cellAt(sheet, this.place);
    map.frame([[column, row, column + 1, row + 1]], sheet.accent);
    this.tellScore();
  }

  /** The photo, and in the patch what hides it. @param {HTMLCanvasElement} canvas @param {Sheet} sheet
   * @param {number} share pixels of the picture for one of the image */
  draw(canvas, {pixels: [high, wide], spans, lit, fill}, share) {
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, {width: wide, height: high});
    const context = canvas.getContext('2d'), [top, left] = this.place;
    if (!context) return;
    context.drawImage(lit, 0, 0);
    context.save();
    context.beginPath();
    spans.forEach(([from, to], row) => context.rect((left + from) * share, (top + row) * share, (to - from) * share, share));
    context.clip();
    context.drawImage(fill, 0, 0);
    context.restore();
    canvas.dataset.drawn = `${this.count} ${top} ${left}`;
    canvas.dispatchEvent(new CustomEvent('cnnwidgets:painted', {bubbles: true, detail: {role: 'patch'}})); // for who measures
  }

  /** What the page shows of its own, put in place where it is not. */
  attach() {
    if (this.parts && [this.parts.photo, this.parts.map].every(part => part.host.isConnected)) return this.parts;
    this.release();
    this.parts = overBoth(this.el);
    if (!this.parts) return null;
    this.parts.map.canvas.hidden = true;
    this.parts.photo.canvas.classList.add('cnnw-input', 'cnnw-photo'); // which the magnifier knows
    this.listen(this.parts.photo, this.parts.map);
    return this.parts;
  }

  release() {
    this.tip.remove();
    this.parts?.photo.close();
    this.parts?.map.close();
    this.parts = this.grip = null;
  }

  // ------------------------------------------------------------------ the mouse

  /** @param {Over} photo @param {Over} map */
  listen(photo, map) {
    const at = (/** @type {PointerEvent} */ event) => {
      const [x, y] = photo.at(event), share = this.sheet.pixels[0] / this.sheet.size[0];
      return [y / share, x / share];
    };
    Object.assign(photo.room.style, {cursor: 'move', touchAction: 'none'});
    photo.room.addEventListener('pointerdown', event => {
      if (event.button || !this.sheet) return;
      event.preventDefault();
      photo.room.setPointerCapture(event.pointerId);
      const [y, x] = at(event), [left, top, right, bottom] = covered(this.sheet, this.place);
      const on = x >= left && x < right && y >= top && y < bottom, [high, wide] = this.sheet.window;
      this.grip = on ? [y - top, x - left] : [high / 2, wide / 2];
      if (!on) this.move(within(this.sheet, y - high / 2, x - wide / 2));
    });
    photo.room.addEventListener('pointermove', event => {
      if (!this.grip || !this.sheet) return;
      const [y, x] = at(event);
      this.move(within(this.sheet, y - this.grip[0], x - this.grip[1]));
    });
    for (const kind of ['pointerup', 'pointercancel']) photo.room.addEventListener(kind, () => {
      this.grip = null;
    });
    const cell = (/** @type {MouseEvent} */ event) => {
      const [column, row] = map.at(event).map(Math.floor), [rows, columns] = this.sheet?.grid ?? [0, 0];
      return row >= 0 && column >= 0 && row < rows && column < columns ? /** @type {Pair} */ ([row, column]) : null;
    };
    map.room.addEventListener('pointermove', event => {
      const found = cell(event), text = found && cellWords(this.sheet, found);
      if (text) this.tip.say(event, text);
      else this.tip.remove();
    });
    map.room.addEventListener('pointerleave', () => this.tip.remove());
    map.room.addEventListener('click', event => {
      const found = cell(event);
      if (found) this.move([found[0] * this.sheet.stride[0], found[1] * this.sheet.stride[1]]);
    });
  }
}

export default steeredBy(Patch);
