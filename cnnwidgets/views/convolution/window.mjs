// @ts-check
// The arithmetic of one window: what a number of a map is made of. Pure functions, each of which agrees with one in
// Python; the tests hold them together with what Python makes.

/**
 * What the rows, or the columns, of an output read of the input, as `Taps` in Python, one entry for each.
 * @typedef {{positions: number[][], sources: number[][], weights: number[][]}} Axis
 * @typedef {Float32Array | Float64Array} Numbers
 *
 * All that explains every number of one map, as `sheet_of` in Python sends it.
 * @typedef {{key: string, kind: 'convolution' | 'maximum' | 'mean', checked: boolean, first: number, count: number,
 *   size: [number, number], whole: [number, number], before: [number, number], out: [number, number], taps: [number, number], axes: [Axis, Axis], bias: number,
 *   counted: [number[], number[]] | null, slack: number, chosen: number | null, marks: boolean, title: string,
 *   heading: string, around: [[number, number], [number, number]], room: number, note: string, scales: string[][],
 *   scale: {colormap: string, ramp: string}, diverging: {ramp: string}, centred: boolean, ranges: number[][],
 *   bounds: number[][], padded: [number, number, number], accent: string, input: string, subject: string, over: [boolean, boolean],
 *   given: Numbers, output: Numbers, kernel: Numbers | null, tiles: Uint8Array, colors: Uint8Array,
 *   signed: Uint8Array, levels: Uint8Array, paint: Uint8Array, alone?: Alone}} Sheet
 *
 * What stands below the output, where the page has computed both maps by itself: then nothing of them was drawn before.
 * @typedef {{ramp: string, texts: string[], note: string}} Alone
 *
 * @typedef {{row: number, column: number, height: number, width: number, rows: number[], columns: number[],
 *   patch: Float64Array, kernel: Float64Array | null, product: Float64Array | null, sums: Float64Array,
 *   order: number[], total: number, result: number, value: number, divisor: number, tolerance: number,
 *   difference: number, agrees: boolean, won: number, cosine: number | null, shown: number}} Win
 */

/** @param {ArrayLike<number>} values @param {number} from @param {number} to */
function added(values, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i];
  return sum;
}

/** The place of the largest, the first of equals; NaN is the largest. @param {Float64Array} values */
function largestAt(values) {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) return i;
    if (values[i] > values[best]) best = i;
  }
  return best;
}

/** Input channels, the largest magnitude of their sums first. @param {Float64Array} sums */
function strongest(sums) {
  const size = (/** @type {number} */ at) => (Number.isNaN(sums[at]) ? Infinity : Math.abs(sums[at]));
  return [...sums.keys()].sort((one, other) => size(other) - size(one) || one - other);
}

/** What the number at a place of the output is made of, as `explain` finds it. @param {Sheet} sheet
 * @param {number} row @param {number} column @returns {Win} */
export function windowAt(sheet, row, column) {
  const {given, kernel: weights, count, whole: [high, wide], taps: [, across]} = sheet;
  const rows = sheet.axes[0].sources[row], columns = sheet.axes[1].sources[column];
  const height = rows.length, width = columns.length, area = height * width, length = count * area;
  const patch = new Float64Array(length), kernel = weights && new Float64Array(length);
  const product = weights && new Float64Array(length), sums = new Float64Array(weights ? count : 0);
  for (let k = 0, at = 0; k < count; k++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const inside = rows[y] >= 0 && columns[x] >= 0;
        patch[at] = inside ? given[(k * high + rows[y]) * wide + columns[x]] : 0;
        if (!weights || !kernel || !product) continue;
        const down = sheet.axes[0].weights[row][y], right = sheet.axes[1].weights[column][x];
        kernel[at] = weights[(k * sheet.taps[0] + down) * across + right];
        product[at] = patch[at] * kernel[at];
      }
    }
    if (product) sums[k] = added(product, k * area, (k + 1) * area);
  }
  const value = sheet.output[row * sheet.out[1] + column], divisor = sheet.counted ? sheet.counted[0][row] * sheet.counted[1][column] : 1;
  const won = sheet.kind === 'maximum' ? largestAt(patch) : -1;
  const total = won >= 0 ? patch[won] : added(product ?? patch, 0, length), result = (total + sheet.bias) / divisor;
  const size = won >= 0 ? 0 : (product ?? patch).reduce((sum, term) => sum + Math.abs(term), Math.abs(sheet.bias));
  const tolerance = sheet.slack * (size / Math.abs(divisor)), order = strongest(sums);
  const same = value === result || (Number.isNaN(value) && Number.isNaN(result));
  const difference = same ? 0 : Math.abs(value - result);
  const shown = sheet.chosen !== null ? sheet.chosen : sheet.first + (order[0] ?? 0);
  return {
    row, column, height, width, rows: sheet.axes[0].positions[row], columns: sheet.axes[1].positions[column], patch,
    kernel, product, sums, order, total, result, value, divisor, tolerance, difference, agrees: difference <= tolerance,
    won, cosine: kernel && cosineOf(patch, kernel, total), shown,
  };
}

/** @param {Float64Array} patch @param {Float64Array} kernel @param {number} total */
function cosineOf(patch, kernel, total) {
  const length = (/** @type {Float64Array} */ values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const lengths = length(patch) * length(kernel);
  return lengths !== 0 ? Math.max(-1, Math.min(1, total / lengths)) : null;
}

/** The output whose window has its middle nearest to a place of the input; the first of equals. @param {Axis} axis
 * @param {number} place */
export function nearest({positions}, place) {
  let best = 0, least = Infinity;
  positions.forEach((each, at) => {
    const off = Math.abs(added(each, 0, each.length) / each.length - place);
    if (off < least) [best, least] = [at, off];
  });
  return best;
}

/** Boxes on the input (left, top, right, bottom): the window, and around the pixel that won, if one did. @param {Win} win
 * @returns {number[][]} */
export function boxes({rows, columns, won, width}) {
  const found = [[Math.min(...columns), Math.min(...rows), Math.max(...columns) + 1, Math.max(...rows) + 1]];
  if (won >= 0) {
    const row = rows[Math.floor(won / width)], column = columns[won % width];
    found.push([column, row, column + 1, row + 1]);
  }
  return found;
}

/** The level of a value, as `to_uint8` in float64: 255 where it is not finite. @param {number} value
 * @param {number} low @param {number} high */
export function levelOf(value, low, high) {
  if (!Number.isFinite(value)) return 255;
  const span = high - low, inside = Math.max(low, Math.min(high, value));
  if (!(span > 0)) return 127;
  return Math.trunc(Math.max(0, Math.min(253, (inside - low) * (253 / span) + 0.5)));
}

/** The value of the input that is shown at a place; undefined in its padding. @param {Sheet} sheet @param {number} k
 * counted from the first input channel @param {number} row @param {number} column */
export function inputAt({size, whole, before, given}, k, row, column) {
  if (row < 0 || column < 0 || row >= size[0] || column >= size[1]) return undefined;
  return given[(k * whole[0] + row + before[0]) * whole[1] + column + before[1]];
}

/** A message of the kernel as a sheet. @param {any} header @param {DataView[]} buffers @param {Sheet | null} before
 * whose input is taken where none came @returns {Sheet | null} */
export function sheetOf(header, buffers, before) {
  const named = Object.fromEntries(header.names.map((/** @type {string} */ name, /** @type {number} */ i) => [name, buffers[i]]));
  const bytes = (/** @type {DataView} */ view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  const numbers = (/** @type {DataView | undefined} */ view) =>
    view ? new (header.wide ? Float64Array : Float32Array)(bytes(view).buffer) : null;
  const own = 'given' in named, held = before && before.input === header.input ? before : null;
  if (!own && !held) return null;
  return {
    ...header, kind: header.what, given: own ? numbers(named.given) : held?.given, tiles: own ? bytes(named.tiles) : held?.tiles,
    output: numbers(named.output), kernel: numbers(named.kernel), colors: bytes(named.colors), signed: bytes(named.signed),
    levels: bytes(named.levels), paint: bytes(named.paint),
  };
}
