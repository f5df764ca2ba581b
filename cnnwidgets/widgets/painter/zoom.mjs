// @ts-check
// The arithmetic of a picture that is looked at closer: where a place of it lies on the screen and back, how far it may
// go, and what is written into pixels that are large enough. Pure functions.

/**
 * How many times larger than as a whole, and the shares of the picture that lie beyond the left and the upper edge.
 * @typedef {{zoom: number, left: number, top: number}} View
 *
 * A picture of `columns` x `rows` pixels, each `factor` px on the screen as long as it is seen as a whole, in a room of
 * `width` x `height` px.
 * @typedef {{columns: number, rows: number, factor: number, width: number, height: number}} Fit
 *
 * Type of the numbers, and how they are written: divided by a power of 10, with so many decimals.
 * @typedef {{size: number, decimals: number, power: number}} Lettering
 */

export const LARGEST_PIXEL = 96; // px: one that has room for a number in any type
const SAME_HAND = 200; // ms between two turns of a wheel that are one movement
const WHEEL = {step: 0.004, px: [1, 33, 250], notch: 50, fingers: 5}; // a notch is about 100 px: 1.3 times closer

/** @type {View} */
export const WHOLE = {zoom: 1, left: 0, top: 0};

// ---------------------------------------------------------------------- where things are

/** The view nearest to this one in which no room is wasted, nor a pixel too large. @param {View} view @param {Fit} fit
 * @returns {View} */
export function limited({zoom, left, top}, fit) {
  const most = Math.max(1, LARGEST_PIXEL / fit.factor);
  zoom = zoom < 1.001 ? 1 : Math.min(zoom, most);
  const scale = fit.factor * zoom;
  const within = (/** @type {number} */ share, /** @type {number} */ room, /** @type {number} */ count) =>
    Math.max(0, Math.min(share, 1 - room / (count * scale)));
  return {zoom, left: within(left, fit.width, fit.columns), top: within(top, fit.height, fit.rows)};
}

/** `by` times closer, while the place at (x, y), shares of the picture, stays where it is. @param {View} view
 * @param {Fit} fit @param {number} by @param {number} x @param {number} y */
export function closer(view, fit, by, x, y) {
  const {zoom} = limited({...view, zoom: view.zoom * by}, fit), share = view.zoom / zoom;
  return limited({zoom, left: x - (x - view.left) * share, top: y - (y - view.top) * share}, fit);
}

/** The picture moved by so many px to the right and down. @param {View} view @param {Fit} fit @param {number} right
 * @param {number} down */
export function moved(view, fit, right, down) {
  const scale = fit.factor * view.zoom;
  const left = view.left - right / (fit.columns * scale), top = view.top - down / (fit.rows * scale);
  return limited({zoom: view.zoom, left, top}, fit);
}

/** Moved as little as shows a box: left, top, right, bottom, in pixels of the picture. @param {View} view
 * @param {Fit} fit @param {number[]} box */
export function revealing(view, fit, [left, top, right, bottom]) {
  const scale = fit.factor * view.zoom;
  const along = (/** @type {number} */ share, /** @type {number} */ low, /** @type {number} */ high,
    /** @type {number} */ room, /** @type {number} */ count) =>
    Math.min(low / count, Math.max(share, (high - room / scale) / count));
  const across = along(view.left, left, right, fit.width, fit.columns);
  return limited({zoom: view.zoom, left: across, top: along(view.top, top, bottom, fit.height, fit.rows)}, fit);
}

/** Px in the room at which a place of the picture, in pixels of it, lies. @param {View} view @param {Fit} fit
 * @param {number} x @param {number} y @returns {[number, number]} */
export function screenOf(view, fit, x, y) {
  const scale = fit.factor * view.zoom;
  return [(x - view.left * fit.columns) * scale, (y - view.top * fit.rows) * scale];
}

/** What lies at a px of the room: a place in pixels of the picture. @param {View} view @param {Fit} fit
 * @param {number} right @param {number} down @returns {[number, number]} */
export function placeOf(view, fit, right, down) {
  const scale = fit.factor * view.zoom;
  return [view.left * fit.columns + right / scale, view.top * fit.rows + down / scale];
}

/** Pixels of which something is seen: left, top, right, bottom, the last two excluded. @param {View} view
 * @param {Fit} fit @returns {[number, number, number, number]} */
export function seen(view, fit) {
  const [left, top] = placeOf(view, fit, 0, 0), [right, bottom] = placeOf(view, fit, fit.width, fit.height);
  return [Math.floor(left), Math.floor(top), Math.min(fit.columns, Math.ceil(right)), Math.min(fit.rows, Math.ceil(bottom))];
}

// ---------------------------------------------------------------------- what the hand means

/** How many times closer a turn of the wheel leads; two fingers that part on a touch pad come as a turn with Ctrl.
 * @param {{deltaY: number, deltaMode: number, ctrlKey: boolean}} event */
export function turned({deltaY, deltaMode, ctrlKey}) {
  const px = deltaY * WHEEL.px[deltaMode], fingers = ctrlKey && Math.abs(px) < WHEEL.notch;
  return 2 ** Math.max(-1, Math.min(1, -px * WHEEL.step * (fingers ? WHEEL.fingers : 1)));
}

/** Whether a turn of the wheel belongs to a movement that scrolls the page, and so is not to be taken when a picture
 * comes under the mouse. @param {{time: number, down: boolean, taken: boolean}} last @param {number} time ms
 * @param {boolean} down */
export const scrolls = (last, time, down) => !last.taken && last.down === down && time - last.time < SAME_HAND;

// ---------------------------------------------------------------------- what is written into pixels

const TYPE = {side: 26, largest: 13, fine: 11, smallest: 9, margin: 4}, DIGITS = [4, 3, 2];
const EM = /** @type {Record<string, number>} */ ({'.': 0.32, '−': 0.84}), DIGIT = 0.64; // of a wide font: DejaVu Sans

/** Width in type of 1 px. @param {string} text */
const widthOf = text => [...text].reduce((sum, letter) => sum + (EM[letter] ?? DIGIT), 0);

/** Two to four significant digits for the largest magnitude, as many decimals for all, as many as have room; null where
 * two have none. The same wherever in the map one is. @param {number} least @param {number} most @param {boolean} whole
 * whether all are whole numbers @param {number} side of a pixel, in px @returns {Lettering | null} */
export function lettering(least, most, whole, side) {
  if (side < TYPE.side) return null;
  const largest = Math.max(Math.abs(least), Math.abs(most)), sized = Number.isFinite(largest) && largest > 0;
  let exponent = sized ? Number(largest.toExponential(3).split('e')[1]) : 0, power = 0;
  if (exponent < -1 || exponent > 2) power = 3 * Math.floor(exponent / 3);
  if (whole && exponent <= 3) power = 0;
  exponent -= power;
  for (const digits of whole && !power ? [1] : DIGITS) {
    const decimals = whole && !power ? 0 : Math.max(0, digits - 1 - exponent);
    const longest = sized ? [least, most].map(value => widthOf(written(value, {size: 0, decimals, power}))) : [DIGIT];
    const size = Math.min(TYPE.largest, (side - TYPE.margin) / Math.max(...longest));
    if (size >= (digits > 2 ? TYPE.fine : TYPE.smallest)) return {size, decimals, power};
  }
  return null;
}

/** A value as it stands in its pixel; 0 itself is `0`. @param {number} value @param {Lettering} style */
export function written(value, {decimals, power}) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const text = (power < -300 ? value * 1e300 / 10 ** (power + 300) : value / 10 ** power).toFixed(decimals);
  return Number(text) ? text.replace('-', '−') : text.replace('-', '');
}

/** `× 10⁻³`; empty where the numbers are not divided. @param {number} power */
export const factorWords = power =>
  power ? `× 10${[...String(power)].map(letter => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(letter)]).join('')}` : '';

/** Black or white, whichever is easier to read on a colour, as `ink` in Python. @param {number} color as in a canvas */
export function inkOn(color) {
  const [red, green, blue] = [0, 8, 16].map(shift => {
    const part = ((color >>> shift) & 255) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}
