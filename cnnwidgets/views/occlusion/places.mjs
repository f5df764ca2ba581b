// @ts-check
// Where a patch may be, and what is said of a place. Pure functions, which agree with those in Python.
import {number} from '../../widgets/painter/numbers.mjs';

/**
 * @typedef {[number, number]} Pair rows and columns
 *
 * What the page needs to show the patch anywhere, as `PatchSheet` in Python sends it. `spans` has for each row of the window
 * the columns that are hidden; `fall` what each place of the map takes from the score, and `known` whether it is done;
 * `colors` of its levels reach at least from -`least` to `least`.
 * @typedef {{key: string, size: Pair, window: Pair, stride: Pair, grid: Pair, pixels: Pair, rooms: Pair, spans: Pair[],
 *   accent: string, photo: Uint32Array, fill: CanvasImageSource, fall: Float32Array, known: Uint8Array,
 *   colors: Uint32Array, least: number, overlay: boolean, opacity: number, score?: Score}} Sheet
 *
 * Where there is no kernel: the score without a patch, and the one found with the patch at the place where it stood.
 * @typedef {{unit: string, whole: number, at: Pair, found: number}} Score
 */

/** The place nearest to (top, left), whole pixels, at which the patch lies on the image. @param {Sheet} sheet
 * @param {number} top @param {number} left @returns {Pair} */
export const within = ({size, window}, top, left) => /** @type {Pair} */ (
  [top, left].map((at, axis) => Math.max(0, Math.min(even(at), size[axis] - window[axis]))));

/** Rounded as Python does: a half to the even number. @param {number} value */
export function even(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

/** What the patch covers, in pixels of the image: left, top, right, bottom. @param {Sheet} sheet @param {Pair} place */
export const covered = ({size, window}, [top, left]) =>
  [left, top, Math.min(left + window[1], size[1]), Math.min(top + window[0], size[0])];

/** The cell of the map that is nearest to a place: row and column. @param {Sheet} sheet @param {Pair} place
 * @returns {Pair} */
export const cellAt = ({stride, grid}, place) => /** @type {Pair} */ (
  place.map((at, axis) => Math.min(even(at / stride[axis]), grid[axis] - 1)));

/** What the mouse is told over a cell. @param {Sheet} sheet @param {Pair} cell */
export function cellWords({stride, size, window, grid, fall, known}, [row, column]) {
  const at = row * grid[1] + column, value = -fall[at];
  const [rows, columns] = [row, column].map((each, axis) =>
    `${each * stride[axis]} to ${Math.min(each * stride[axis] + window[axis], size[axis]) - 1}`);
  return `rows ${rows}, columns ${columns}: ${known[at] ? (value > 0 ? '+' : '') + number(value) : 'not yet done'}`;
}

/** A sheet whose map has grown. @param {Sheet} sheet @param {Uint32Array} at the places that have another number
 * @param {Float32Array} news these numbers @returns {Sheet} */
export function grown(sheet, at, news) {
  const fall = sheet.fall.slice(), known = sheet.known.slice();
  at.forEach((place, i) => [fall[place], known[place]] = [news[i], 1]);
  return {...sheet, fall, known};
}

/** The place of the map that is nearest to a place: where the score is known without a kernel. @param {Sheet} sheet
 * @param {Pair} place @returns {Pair} */
export const onMap = (sheet, place) => /** @type {Pair} */ (cellAt(sheet, place).map((at, axis) => at * sheet.stride[axis]));

/** What is said of the score with the patch at a place, as `score_panels` in Python; null where it is not known.
 * @param {Sheet & {score: Score}} sheet @param {Pair} place @returns {[string, string][] | null} */
export function scoreWords(sheet, place) {
  const {score: {unit, whole, at, found: first}, fall, known} = sheet, [row, column] = cellAt(sheet, place);
  const cell = row * sheet.grid[1] + column;
  const found = String(place) === String(at) ? first : known[cell] ? whole - fall[cell] : null;
  if (found === null) return null;
  const [left, top, right, bottom] = covered(sheet, place), change = found - whole;
  return [[unit, number(found)], ['without patch', number(whole)], ['change', (change > 0 ? '+' : '') + number(change)],
    ['rows', `${top} to ${bottom - 1}`], ['columns', `${left} to ${right - 1}`]];
}
