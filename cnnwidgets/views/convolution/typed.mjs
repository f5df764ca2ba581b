// @ts-check
// Tables of numbers that a reader types in a page without a kernel: read, and refused in the same words, as in Python.
import {number} from '../../widgets/painter/numbers.mjs';

/** @typedef {number[][]} Rows */

const SIDE_MOST = 32, FLOAT32_MOST = 3.4028234663852886e38;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, ENDLESS = /^[+-]?(inf|infinity|nan)$/i;

/** @param {string} word @param {number} row counted from 1, as in the message */
function numberOf(word, row) {
  const [above, ...rest] = word.replaceAll('−', '-').split('/'), parts = rest.length ? [above, rest.join('/')] : [above];
  const [one, other = 1] = parts.map(part => ENDLESS.test(part) ? Infinity : DECIMAL.test(part) ? Number(part) : NaN);
  if (Number.isNaN(one) || Number.isNaN(other) || other === 0)
    throw new RangeError(`row ${row}: ${word.includes("'") ? `"${word}"` : `'${word}'`} is no number`);
  return other === Infinity ? (one === Infinity ? one : 0) : one / other;
}

/** Rows of numbers, one a line or behind `;`, as `parse_rows` in Python. @param {string} text @returns {Rows}
 * @throws {RangeError} which row and which word is wrong */
export function rowsOf(text) {
  const lines = text.split(/[\n;]/).map(line => line.split(/[[\](),\s]+/).filter(Boolean)).filter(line => line.length);
  const rows = lines.map((line, at) => line.map(word => numberOf(word, at + 1)));
  if (!rows.length) throw new RangeError('there are no numbers');
  rows.forEach((row, at) => {
    if (row.length !== rows[0].length)
      throw new RangeError(`row ${at + 1} has ${row.length} numbers, row 1 has ${rows[0].length}`);
    if (!row.every(Number.isFinite)) throw new RangeError(`row ${at + 1} has a number that is not finite`);
    const large = row.find(value => Math.abs(value) > FLOAT32_MOST);
    if (large !== undefined) throw new RangeError(`row ${at + 1}: ${plainly(large)} is beyond the largest float32, 3.4e+38`);
  });
  if (Math.max(rows.length, rows[0].length) > SIDE_MOST)
    throw new RangeError(`at most ${SIDE_MOST} rows and columns, not ${rows.length} x ${rows[0].length}`);
  return rows;
}

/** As Python's format `.6g`. @param {number} value */
const plainly = value => number(value, 6).replaceAll('−', '-');

/** Rows as text that `rowsOf` reads, as `written` in Python. @param {Rows} rows */
export function textOf(rows) {
  const words = rows.map(row => row.map(plainly)), width = Math.max(...words.flat().map(word => word.length));
  return words.map(row => row.map(word => word.padStart(width)).join(' ')).join('\n');
}
