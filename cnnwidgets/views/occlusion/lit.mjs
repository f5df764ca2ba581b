// @ts-check
// The map of a patch as colours: a cell for each of its places, and over the photo. Pure functions, which agree with `Heat`
// in Python.
import {GAP, LEVELS, NONFINITE} from '../../widgets/painter/numbers.mjs';
import {overlaid} from '../../widgets/painter/heat.mjs';

/**
 * @typedef {import('./places.mjs').Sheet} Sheet
 */

/** The value at the end of the colours: the largest change, or the least that is worth a colour. @param {Sheet} sheet */
export const limitOf = ({fall, least}) =>
  fall.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), least);

/** Where in the colours a value lies. @param {number} value @param {number} limit */
const levelOf = (value, limit) =>
  Math.max(0, Math.min(LEVELS - 1, Math.floor((value + limit) * ((LEVELS - 1) / (2 * limit)) + 0.5)));

/** The pixels of the map, one for each place. @param {Sheet} sheet @returns {Uint32Array} */
export function cellsOf(sheet) {
  const {fall, known, colors} = sheet, limit = limitOf(sheet);
  return Uint32Array.from(fall, (value, at) => colors[!known[at] ? GAP : Number.isFinite(value) ? levelOf(value, limit) : NONFINITE]);
}

/** What the patch takes from the score at each pixel of the image: the mean over all patches that hide it; NaN where none
 * does, or one of them is not known. @param {Sheet} sheet @returns {Float64Array} */
export function spread({size: [height, width], window: [high, wide], stride: [down, across], grid: [rows, columns], spans, fall}) {
  const line = width + 1, sums = new Float64Array(height * line), counts = new Int32Array(height * line);
  const unknown = new Int32Array(height * line);
  const add = (/** @type {Float64Array | Int32Array} */ to, /** @type {number} */ row, /** @type {number} */ from,
    /** @type {number} */ end, /** @type {number} */ value) => {
    to[row * line + from] += value;
    to[row * line + Math.min(end, width)] -= value;
  };
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    const value = fall[row * columns + column], left = column * across, good = Number.isFinite(value);
    for (let at = 0, y = row * down; at < high && y < height; at++, y++) {
      const [from, to] = spans[at];
      if (!good) add(unknown, y, left, left + wide, 1);
      if (left + from >= width || from === to) continue;
      if (good) add(sums, y, left + from, left + to, value);
      add(counts, y, left + from, left + to, 1);
    }
  }
  const means = new Float64Array(height * width);
  for (let y = 0; y < height; y++) for (let x = 0, sum = 0, count = 0, bad = 0; x < width; x++) {
    const at = y * line + x;
    [sum, count, bad] = [sum + sums[at], count + counts[at], bad + unknown[at]];
    means[y * width + x] = bad || !count ? NaN : sum / count;
  }
  return means;
}

/** The photo under the colours of the map, the less of them the smaller the change. @param {Sheet} sheet
 * @param {Uint32Array} photo its pixels @param {Float64Array} means what `spread` gave @param {number} opacity */
export function litBy(sheet, photo, means, opacity) {
  const limit = limitOf(sheet);
  return overlaid(photo, means, [-limit, limit], sheet.colors, value => opacity * Math.sqrt(Math.min(1, Math.abs(value) / limit)));
}
