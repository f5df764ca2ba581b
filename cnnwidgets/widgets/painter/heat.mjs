// @ts-check
// A map over a picture: which sign of it is drawn, where its colours end, and how strongly they cover what lies below. As
// `Heat` and `overlay` in Python, step by step, so that each pixel is the same.
import {LEVELS, fullMap, number, valueOf} from './numbers.mjs';

/**
 * @typedef {import('./numbers.mjs').Layer} Layer
 * @typedef {import('./numbers.mjs').FullMap} FullMap
 * @typedef {'absolute' | 'positive' | 'negative' | 'all'} Sign
 * @typedef {{values: Float64Array, limit: number}} Heat what is drawn, and the value at the end of the colours
 */

const DRAWN = /** @type {Record<Sign, (value: number) => number>} */ ({
  absolute: Math.abs,
  positive: value => Math.max(value, 0),
  negative: value => Math.max(-value, 0),
  all: value => value,
});
const WORDS = {absolute: 'magnitudes', positive: 'positive values', negative: 'negative values', all: 'both signs, centred on 0'};
const FAINTEST = 1e-3; // share of the scale below which all values cover alike

/** What of a map is drawn, and its scale. @param {FullMap} map of finite numbers @param {Sign} sign
 * @param {number} outliers per cent of the sum that may lie beyond the scale @returns {Heat} */
export function heatOf({codes, low, step}, sign, outliers) {
  const values = Float64Array.from(codes, code => DRAWN[sign](valueOf(code, low, step)));
  const rising = values.map(Math.abs).sort(), total = new Float64Array(rising.length);
  rising.reduce((sum, value, at) => (total[at] = sum + value), 0);
  const most = total[total.length - 1] * 0.01 * (100 - outliers), end = total.findIndex(sum => sum >= most);
  return {values, limit: rising[end < 0 ? rising.length - 1 : end]};
}

const heats = /** @type {WeakMap<Layer, {of: string, heat: Heat}>} */ (new WeakMap());

/** The same of the only map of a layer; kept, since another opacity leaves it as it is. @param {Layer} layer
 * @param {Sign} sign @param {number} outliers */
export function heatIn(layer, sign, outliers) {
  const of = `${sign} ${outliers}`, before = heats.get(layer);
  if (before?.of === of) return before.heat;
  const heat = heatOf(fullMap(layer, 0), sign, outliers);
  heats.set(layer, {of, heat});
  return heat;
}

/** How strongly a value covers the picture, 0 to 1. @param {number} limit @param {boolean} centred
 * @param {number} opacity @returns {(value: number) => number} */
export function weightOf(limit, centred, opacity) {
  if (!centred) return () => opacity;
  return value => opacity ** (1 / Math.min(1, Math.max(FAINTEST, Math.abs(value) / (limit || 1))));
}

/** A picture under the colours of a map; where that has no value, the picture alone.
 * @param {Uint32Array} below pixels of the picture @param {ArrayLike<number>} values
 * @param {[number, number]} ends the values at which the colours begin and end @param {Uint32Array} colors
 * @param {(value: number) => number} weight how strongly a value covers the picture, 0 to 1 */
export function overlaid(below, values, [from, to], colors, weight) {
  const factor = (LEVELS - 1) / (to - from);
  return below.map((under, at) => {
    const value = values[at], share = Math.fround(weight(value));
    if (!(share > 0)) return under;
    const over = colors[Math.max(0, Math.min(LEVELS - 1, Math.floor((value - from) * factor + 0.5)))];
    return 0xff000000 | mixed(under, over, share, 16) | mixed(under, over, share, 8) | mixed(under, over, share, 0);
  });
}

/** One of red, green and blue, mixed in single precision. @param {number} under @param {number} over
 * @param {number} share @param {number} shift where it stands in both */
function mixed(under, over, share, shift) {
  const low = (under >>> shift) & 255, high = (over >>> shift) & 255;
  return Math.floor(Math.fround(Math.fround(low + Math.fround(share * (high - low))) + 0.5)) << shift;
}

/** The pixels of a grey picture, whose values are 0 to 255. @param {FullMap} map */
export const greyOf = ({codes, low, step}) => Uint32Array.from(codes, code => {
  const grey = valueOf(code, low, step);
  return (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
});

/** The values at the ends of the colours. @param {Heat} heat @param {boolean} centred @returns {[number, number]} */
export const endsOf = ({limit}, centred) => [centred ? -(limit || 1) : 0, limit || 1];

/** What stands below the scale; what is drawn of negative values has their sign. @param {Heat} heat
 * @param {Sign} sign @param {boolean} centred */
export function heatTexts({limit}, sign, centred) {
  const high = sign === 'negative' ? -limit : limit;
  return centred ? [number(-high), '0', number(high)] : ['0', number(high)];
}

/** What the status line says of what is drawn. @param {Sign} sign @param {number} outliers */
export const heatWords = (sign, outliers) =>
  `${WORDS[sign]}, each map its own scale, ${number(outliers)} % of the sum clipped`;
