// @ts-check
// A convolution of an image with a kernel, computed in a page without a kernel of Python: what the notebook's kernel would
// send of it, made of the settings. Pure functions; the tests hold them together with PyTorch and with what Python sends.
import {number, scaleTexts} from '../../widgets/painter/numbers.mjs';
import {levelOf} from './window.mjs';

/**
 * @typedef {import('./typed.mjs').Rows} Rows
 * @typedef {import('./window.mjs').Axis} Axis
 * @typedef {{image: Rows, kernel: Rows, stride: number, padding: number, dilation: number, bias: number,
 *   colormap: string}} Settings
 *
 * Tables of colours by their names, as Python has them: RGBA of 256 levels, and whether the middle stands for 0.
 * @typedef {{colors: Map<string, Uint8Array>, diverging: Map<string, boolean>, ramps: Map<string, string>,
 *   auto: [string, string], padded: number[]}} Tables
 */

const GROUND = 254; // level of what is no value: the padding

/** Largest magnitude. @param {Float64Array} values */
const largest = values => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Rows and columns of the output; less than 1 where the kernel does not fit. @param {Settings} settings @returns {number[]} */
export const outputSize = ({image, kernel, stride, padding, dilation}) =>
  [[image.length, kernel.length], [image[0].length, kernel[0].length]].map(([size, taps]) =>
    Math.floor((size + 2 * padding - dilation * (taps - 1) - 1) / stride) + 1);

/** What is wrong with the settings, as `slide` in Python says it; empty for nothing. @param {Settings} settings */
export function misfit({image, kernel, padding, dilation}) {
  for (const [name, size, taps] of /** @type {[string, number, number][]} */ (
    [['high', image.length, kernel.length], ['wide', image[0].length, kernel[0].length]])) {
    const extent = dilation * (taps - 1) + 1, room = size + 2 * padding;
    if (extent > room) return `the kernel, ${extent} ${name}, does not fit into the image, ${room} ${name} with its padding`;
  }
  return '';
}

/** What each row, or column, of the output reads of the input. @param {number} count @param {number} size of the input
 * @param {number} taps of the kernel @param {Settings} settings @returns {Axis} */
function axisOf(count, size, taps, {stride, padding, dilation}) {
  const positions = Array.from({length: count}, (_, at) => Array.from({length: taps}, (_, k) => at * stride - padding + dilation * k));
  const sources = positions.map(each => each.map(place => (place >= 0 && place < size ? place : -1)));
  return {positions, sources, weights: positions.map(each => [...each.keys()])};
}

/** The sums of all windows. @param {Settings} settings @param {[Axis, Axis]} axes @returns {Float64Array} */
function sumsOf({image, kernel, bias}, [down, across]) {
  const sums = new Float64Array(down.sources.length * across.sources.length);
  let at = 0;
  for (const rows of down.sources) {
    for (const columns of across.sources) {
      let sum = 0;
      rows.forEach((row, y) => columns.forEach((column, x) => {
        if (row >= 0 && column >= 0) sum += image[row][column] * kernel[y][x];
      }));
      sums[at++] = sum + bias;
    }
  }
  return sums;
}

/** A map with the colours that its values get, over the whole range of its values. @param {Float64Array} values
 * @param {string} colormap @param {Tables} tables */
function shaded(values, colormap, tables) {
  const name = colormap === 'auto' ? tables.auto[+values.some(value => value < 0)] : colormap;
  const centred = tables.diverging.get(name) ?? false;
  let low = Math.min(...values), high = Math.max(...values);
  if (centred) {
    high = Math.max(Math.abs(low), Math.abs(high)) || 1;
    low = -high;
  } else if (low === high) {
    [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (low === high) high = 1;
  }
  const levels = Uint8Array.from(values, value => levelOf(value, low, high));
  const colors = /** @type {Uint8Array} */ (tables.colors.get(name)), ramp = tables.ramps.get(name) ?? '';
  return {name, centred, range: [low, high], levels, colors, ramp, texts: scaleTexts(low, centred, high, 0)};
}

/** The message that shows the convolution, as `Sheet.message` in Python makes it; and what stands around the maps.
 * @param {any} base a message of Python's, of which the rest is taken @param {Settings} settings that fit
 * @param {Tables} tables @param {string} key names it @param {{image: string, padded: string, output: string}} notes below
 * the maps @returns {[any, DataView[]]} header and buffers */
export function messageOf(base, settings, tables, key, notes) {
  const {image, kernel, padding, bias, colormap} = settings, out = outputSize(settings);
  const size = [image.length, image[0].length], taps = [kernel.length, kernel[0].length];
  const axes = /** @type {[Axis, Axis]} */ ([0, 1].map(axis => axisOf(out[axis], size[axis], taps[axis], settings)));
  const given = Float64Array.from(image.flat()), weights = Float64Array.from(kernel.flat()), output = sumsOf(settings, axes);
  const under = shaded(given, colormap, tables), over = shaded(output, colormap, tables), paint = over.colors.slice();
  paint.set([...tables.padded, 255], 4 * GROUND);
  const parts = {
    output, colors: under.colors, signed: /** @type {Uint8Array} */ (tables.colors.get(tables.auto[1])), levels: over.levels, paint,
    kernel: weights, given, tiles: under.levels,
  };
  const header = {
    ...base, names: Object.keys(parts), wide: true, key, input: key, size, whole: size, out, taps, axes, bias,
    around: [[padding, padding], [padding, padding]], note: [notes.image, padding && notes.padded].filter(Boolean).join('; '),
    scales: [under.texts], scale: {colormap: under.name, ramp: under.ramp}, centred: under.centred, ranges: [under.range],
    bounds: [[largest(weights), largest(weights) * largest(given)]],
    alone: {ramp: over.ramp, texts: over.texts, note: notes.output},
  };
  return [header, Object.values(parts).map(({buffer, byteOffset, byteLength}) => new DataView(buffer, byteOffset, byteLength))];
}

/** The parts of the title, as the view writes them. @param {Settings} settings */
export function titleOf(settings) {
  const {image, kernel, stride, padding, dilation, bias} = settings, size = (/** @type {Rows} */ rows) => `${rows.length} × ${rows[0].length}`;
  return [`${outputSize(settings).join(' × ')} output`, `${size(image)} image`, `${size(kernel)} kernel`,
    `stride ${stride}, padding ${padding}, dilation ${dilation}, bias ${number(bias)}`];
}
