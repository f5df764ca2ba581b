// @ts-check
// Moves the patch in the page: it is drawn where the hand has it, the frame on the map with it, and the kernel is told, whose
// scores follow. While the map grows, the kernel sends its new numbers; the page draws it, and lays it over the photo.
import {shownFactor} from '../../widgets/painter/numbers.mjs';
import {OVER, Tip, overBoth} from '../../widgets/steered/over.mjs';
import {Steered, steeredBy} from '../../widgets/steered/steered.mjs';
import {cellsOf, litBy, spread} from './lit.mjs';
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

/** A canvas with these pixels. @param {number} width @param {number} height @param {Uint32Array} [pixels] */
function canvasOf(width, height, pixels) {
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', {willReadFrequently: true}));
  if (pixels) context.putImageData(new ImageData(new Uint8ClampedArray(/** @type {any} */ (pixels.buffer)), width, height), 0, 0);
  return {canvas, context};
}

/** The pixels of a picture. @param {ImageBitmap} picture */
function pixelsOf(picture) {
  const {width, height} = picture, {context} = canvasOf(width, height);
  context.drawImage(picture, 0, 0);
  return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
}

/** A picture at another size: enlarged by a whole number of times, each pixel a square, and averaged down from that.
 * @param {HTMLCanvasElement} picture @param {number} wide @param {number} high */
function sized(picture, wide, high) {
  const {width, height} = picture, times = Math.ceil(wide / width);
  if (wide === width && high === height) return picture;
  const large = canvasOf(width * times, height * times), fitted = canvasOf(wide, high);
  large.context.imageSmoothingEnabled = false;
  large.context.drawImage(picture, 0, 0, width * times, height * times);
  fitted.context.imageSmoothingQuality = 'high';
  fitted.context.drawImage(large.canvas, 0, 0, wide, high);
  return fitted.canvas;
}

/** What the parts of a message are. @type {Record<string, (part: DataView) => any>} */
const PARTS = {
  photo: async part => pixelsOf(await decoded(part)),
  fill: decoded,
  colors: part => new Uint32Array(copied(part)),
  fall: part => new Float32Array(copied(part)),
  known: part => new Uint8Array(copied(part)),
  at: part => new Uint32Array(copied(part)),
};

/** Moves the patch of one card. */
class Patch extends Steered {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    super(model, el);
    this.parts = /** @type {ReturnType<typeof overBoth>} */ (null);
    this.grip = /** @type {Pair | null} */ (null); // where in the patch the hand has it
    this.line = Promise.resolve(); // what has come and is not yet used
    this.count = 0; // of what was used
    this.means = /** @type {{fall: Float32Array, means: Float64Array} | null} */ (null); // of the map at each pixel
    this.lit = /** @type {{of: string, means: Float64Array, canvas: HTMLCanvasElement} | null} */ (null);
    this.cells = /** @type {Float32Array | null} */ (null); // of which the map is drawn
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
    const found = Object.fromEntries(await Promise.all(content.names.map(
      async (/** @type {string} */ name, /** @type {number} */ i) => [name, await PARTS[name](buffers[i])])));
    if (!ours()) return;
    const sheet = content.kind === 'grown' ? grown(this.sheet, found.at, found.fall) : {...content, ...found};
    this.count++;
    if (this.sheet) this.sheet = sheet;
    else this.begin(sheet);
    this.again();
  }

  /** Another overlay is drawn, and all other controls say where the patch is. @param {string} name */
  steered(name) {
    if (name === 'overlay' || name === 'opacity') this.again();
    else super.steered(name);
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
    this.drawMap(map.canvas, sheet);
    map.canvas.classList.toggle('cnnw-crisp', map.factor >= 1);
    const [row, column] = cellAt(sheet, this.place);
    map.frame([[column, row, column + 1, row + 1]], sheet.accent);
    this.tellScore();
  }

  /** The map, a pixel for each place. @param {HTMLCanvasElement} canvas @param {Sheet} sheet */
  drawMap(canvas, sheet) {
    if (this.cells === sheet.fall) return;
    const [rows, columns] = sheet.grid, {canvas: drawn} = canvasOf(columns, rows, cellsOf(sheet));
    Object.assign(canvas, {width: columns, height: rows});
    canvas.getContext('2d')?.drawImage(drawn, 0, 0);
    this.cells = sheet.fall;
  }

  /** The photo as the map colours it, which its controls say, at the size of the screen. @param {Sheet} sheet */
  coloured(sheet) {
    const said = (/** @type {'overlay' | 'opacity'} */ name) => this.controls[name]?.get('value') ?? sheet[name];
    const {size: [height, width], pixels: [high, wide], fall, photo} = sheet, opacity = said('overlay') ? said('opacity') : 0;
    if (this.means?.fall !== fall) this.means = {fall, means: spread(sheet)};
    const {means} = this.means, of = `${sheet.key} ${opacity}`;
    if (this.lit?.of !== of || this.lit.means !== means)
      this.lit = {of, means, canvas: sized(canvasOf(width, height, litBy(sheet, photo, means, opacity)).canvas, wide, high)};
    return this.lit.canvas;
  }

  /** The photo, and in the patch what hides it. @param {HTMLCanvasElement} canvas @param {Sheet} sheet
   * @param {number} share pixels of the picture for one of the image */
  draw(canvas, sheet, share) {
    const {pixels: [high, wide], spans, fill} = sheet;
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, {width: wide, height: high});
    const context = canvas.getContext('2d'), [top, left] = this.place;
    if (!context) return;
    context.drawImage(this.coloured(sheet), 0, 0);
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
    this.cells = null;
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
