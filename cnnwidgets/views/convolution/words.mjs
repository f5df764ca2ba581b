// @ts-check
// What is written about one window, as HTML: the same as Python writes, digit by digit.
import {grouped, number} from '../../widgets/painter/numbers.mjs';
import {factorWords, inkOn} from '../../widgets/painter/zoom.mjs';
import {levelOf} from './window.mjs';

/**
 * @typedef {import('./window.mjs').Sheet} Sheet
 * @typedef {import('./window.mjs').Win} Win
 * Makes an address of a picture from its pixels, RGBA.
 * @typedef {(pixels: Uint8ClampedArray, width: number, height: number) => string} Address
 */

const FEW = 8, READ = 7, CELL = 44, TABLE = 190, CHARACTER = 8.2;
const MEANING = '1: same direction, the filter responds most; 0: orthogonal; −1: opposite direction';

// ---------------------------------------------------------------------- numbers

/** So many decimals, as Python's format `f`: ties to even. @param {number} value @param {number} decimals */
export function fixed(value, decimals) {
  const size = Math.abs(value), twice = size * 10 ** decimals * 2;
  let text = size.toFixed(decimals);
  if (Number.isInteger(twice) && twice % 2 === 1) {
    const [whole, rest] = size.toFixed(100).split('.'), down = decimals ? `${whole}.${rest.slice(0, decimals)}` : whole;
    if (/^50*$/.test(rest.slice(decimals)) && Number(down.at(-1)) % 2 === 0) text = down;
  }
  return (value < 0 || Object.is(value, -0) ? '-' : '') + text;
}

/** Numbers that stand in the cells of a small map, and the factor that all were divided by, as `numerals` in Python.
 * @param {Float64Array} values @param {boolean} tight @returns {[string[], string]} */
export function numerals(values, tight = false) {
  const finite = values.filter(Number.isFinite).map(Math.abs);
  const largest = finite.reduce((most, size) => Math.max(most, size), 0);
  let power = 0, decimals = 0;
  if (largest >= 1e4 || !finite.every(Number.isInteger)) {
    let exponent = largest ? Math.floor(Math.log10(largest)) : 0;
    if (!((tight ? -2 : -3) < exponent && exponent < (tight ? 3 : 4)))
      power = 3 * (tight ? Math.floor(exponent / 3) : Math.trunc(exponent / 3));
    exponent -= power;
    if (tight) decimals = Math.max(0, 1 - exponent);
    else decimals = exponent > 0 ? Math.max(0, 2 - exponent) : Math.min(3, Math.max(2, 1 - exponent));
  }
  const scale = Number(`1e${power}`);
  return [Array.from(values, value => numeral(value / scale, decimals, tight)), factorWords(power)];
}

/** @param {number} value @param {number} decimals @param {boolean} tight */
function numeral(value, decimals, tight) {
  if (!Number.isFinite(value)) return number(value);
  let text = fixed(value, decimals);
  if (!Number(text)) return tight ? '0' : text.replace('-', '');
  if (tight && Math.abs(value) < 1) text = text.replace('0.', '.');
  return text.replace('-', '−');
}

// ---------------------------------------------------------------------- the sum

/** @param {string} name @param {...string} parts */
export function heading(name, ...parts) {
  const whole = [name, ...parts].filter(Boolean).join(' · '), quiet = parts.filter(Boolean).map(part => ` · ${part}`).join('');
  return `<div class="cnnw-heading" title="${whole}"><b>${name}</b><span class="cnnw-quiet">${quiet}</span></div>`;
}

/** @param {string} text */
const note = text => `<div class="cnnw-quiet">${text}</div>`;

/** @param {number} value @param {boolean} first */
const signed = (value, first) => (first ? number(value) : `${value < 0 ? '−' : '+'} ${number(Math.abs(value))}`);

/** @param {Sheet} sheet @param {Win} win */
function equation({count, bias}, {sums, order, product, result}) {
  let terms = count <= FEW ? [...sums] : order.slice(0, 4).map(at => sums[at]);
  if (count === 1 && product && product.length <= FEW + 1) terms = [...product];
  const more = count > FEW ? ` … (${grouped(count)} terms)` : '';
  return `${terms.map((term, k) => signed(term, !k)).join(' ')}${more} ${signed(bias, false)} (bias) = ${number(result, 4)}`;
}

/** @param {Sheet} sheet @param {Win} win @returns {[string, number][]} */
function steps({kind, count, bias, checked}, {patch, total, result, value, divisor}) {
  const rows = /** @type {Record<string, [string, number][]>} */ ({
    convolution: [[count > 1 ? `sum over ${grouped(count)} input channels` : 'sum of the products', total], ['bias', bias],
      ['sum + bias', result]],
    maximum: [[`largest of ${patch.length} numbers`, result]],
    mean: [[`sum of ${patch.length} numbers`, total], [`divided by ${divisor}`, result]],
  })[kind];
  return checked ? [...rows, ['the network computed', value]] : rows;
}

/** @param {Win} win */
function verdict({difference, tolerance, agrees}) {
  const [off, most] = [difference, tolerance].map(value => number(value, 1).replace('e−0', 'e−'));
  return agrees ? note(`the same: difference ${off}, tolerance ${most}`)
    : `<div class="cnnw-error" role="alert">NOT the same: difference ${off}. A hook changes what the layer puts out</div>`;
}

/** @param {number | null} cosine */
function cosineWords(cosine) {
  const [before, value, after] = cosine === null ? ['cosine of window and filter: undefined, one of them is all 0', '', '']
    : ['cosine of window and filter ', number(cosine, 2), `: ${MEANING}`];
  return `<div class="cnnw-quiet cnnw-cosine">${before}<b>${value}</b>${after}</div>`;
}

/** @param {[string, number][]} rows */
function bars(rows) {
  const full = rows.map(([, value]) => Math.abs(value)).filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0) || 1;
  const middle = rows.some(([, value]) => value / full < 0);
  const cells = rows.map(([label, value]) => {
    const part = value / full, share = Number.isFinite(part) ? 100 * Math.min(1, Math.abs(part)) : 0;
    const [start, length] = middle ? [50 - (part < 0 ? share / 2 : 0), share / 2] : [0, share];
    return `<span title="${label}">${label}</span><span class="cnnw-track"><i style="left:${fixed(start, 1)}%;`
      + `width:${fixed(length, 1)}%"></i></span><span>${number(value)}</span>`;
  });
  return `<div class="cnnw-bars">${cells.join('')}</div>`;
}

/** @param {Sheet} sheet @param {Win} win */
function contributions({kind, count, first, marks}, {sums, order, shown}) {
  if (kind !== 'convolution' || count < 2) return '';
  const rows = order.slice(0, FEW).map(at => /** @type {[string, number]} */ (
    [`${marks && first + at === shown ? '▸ ' : ''}channel ${first + at}`, sums[at]]));
  const rest = order.slice(FEW);
  if (rest.length) rows.push([`the other ${grouped(rest.length)}`, rest.reduce((sum, at) => sum + sums[at], 0)]);
  return heading('Contribution of each input channel') + bars(rows);
}

/** What stands below the heading of the sum, as `SumBox.text`. @param {Sheet} sheet @param {Win} win */
export function sumHtml(sheet, win) {
  const convolved = sheet.kind === 'convolution', more = contributions(sheet, win);
  const facts = steps(sheet, win).map(([words, value]) => `<span>${words}</span><span>${number(value, 5)}</span>`).join('');
  const whole = (convolved ? `<div class="cnnw-quiet cnnw-equation">${equation(sheet, win)}</div>` : '')
    + `<div class="cnnw-facts">${facts}</div>` + (sheet.checked ? verdict(win) : note(''))
    + (convolved ? cosineWords(win.cosine) : '');
  return `<div class="cnnw-beside">${[whole, more].filter(Boolean).map(part => `<div>${part}</div>`).join('')}</div>`;
}

// ---------------------------------------------------------------------- the tables

/** `3 to 7`, or `1, 3, 5` for a dilated window. @param {number[]} places */
function span(places) {
  const words = places.map(place => String(place).replace('-', '−')), last = places.length - 1;
  if (!last || places[last] - places[0] + 1 > places.length)
    return words.length <= 5 ? words.join(', ') : `${words.slice(0, 2).join(', ')} … ${words[last]}`;
  return `${words[0]} to ${words[last]}`;
}

/** @param {string} ramp @param {string[]} texts @param {number} width */
export const colorbar = (ramp, texts, width) => `<div style="width:${width}px;max-width:100%"><div class="cnnw-ramp" `
  + `style="background:${ramp}"></div><div class="cnnw-scale">${texts.map(text => `<span>${text}</span>`).join('')}</div></div>`;

/** @param {string} name @param {Float64Array} values @param {number} height @param {number} width @param {Uint8Array} colors
 * @param {string} ramp @param {[number, number]} range @param {boolean} centred @param {string} place @param {number} won
 * @param {(at: number) => [number, number, number] | null} instead @param {Address} address */
function table(name, values, height, width, colors, ramp, range, centred, place, won, instead, address) {
  const side = Math.max(1, Math.min(CELL, Math.floor(TABLE / Math.max(height, width))));
  const colorAt = (/** @type {number} */ at) => {
    const from = 4 * levelOf(values[at], range[0], range[1]);
    return instead(at) ?? [colors[from], colors[from + 1], colors[from + 2]];
  };
  let cells, grid, factor = '';
  if (Math.max(height, width) <= READ) {
    let [texts, found] = numerals(values);
    const longest = () => texts.reduce((most, text) => Math.max(most, text.length), 0);
    if (longest() * CHARACTER > side) [texts, found] = numerals(values, true);
    factor = found;
    cells = texts.map((text, at) => {
      const color = colorAt(at), hex = color.map(part => part.toString(16).padStart(2, '0')).join('');
      const ink = inkOn(color[0] | (color[1] << 8) | (color[2] << 16));
      return `<span${at === won ? ' class="cnnw-won"' : ''} style="background:#${hex};color:${ink}">${text}</span>`;
    }).join('');
    grid = `--type:${fixed(5 / 6 / (0.62 * longest()), 3)}`;
  } else {
    const pixels = new Uint8ClampedArray(4 * values.length).fill(255);
    for (let at = 0; at < values.length; at++) pixels.set(colorAt(at), 4 * at);
    cells = `<img src="${address(pixels, width, height)}" width="${side * width}" height="${side * height}">`;
    grid = 'display:block';
  }
  const ends = [number(range[0]), ...(centred ? ['0'] : []), number(range[1])];
  const html = `<div class="cnnw-table" style="--cell:${side}px;--across:${width}">${heading(name, factor)}`
    + `<div class="cnnw-cells" style="${grid}">${cells}</div>${colorbar(ramp, ends, Math.max(96, side * width))}${note(place)}</div>`;
  return {html, top: 22 + Math.floor((side * height) / 2) - 14};
}

/** Window × kernel = product of the input channel that is shown, as `tables_html`. @param {Sheet} sheet @param {Win} win
 * @param {Address} address */
export function tablesHtml(sheet, win, address) {
  const {height, width, rows, columns} = win, area = height * width, k = win.shown - sheet.first, [high, wide] = sheet.size;
  const part = (/** @type {Float64Array} */ values) => values.subarray(k * area, (k + 1) * area);
  const padded = (/** @type {number} */ at) => {
    const row = rows[Math.floor(at / width)], column = columns[at % width];
    return row < 0 || row >= high || column < 0 || column >= wide ? sheet.padded : null;
  };
  const [low, most] = sheet.ranges[k], place = `rows ${span(rows)}, columns ${span(columns)}`;
  const tables = [table('Window', part(win.patch), height, width, sheet.colors, sheet.scale.ramp, [low, most], sheet.centred,
    place, win.won, padded, address)];
  if (win.kernel && win.product) {
    [win.kernel, win.product].forEach((values, i) => {
      const bound = sheet.bounds[k][i] || 1;
      tables.push(table(['Kernel', 'Product'][i], part(values), height, width, sheet.signed, sheet.diverging.ramp,
        [-bound, bound], true, '', -1, () => null, address));
    });
  }
  const signs = tables.length > 1 ? ['×', '=', ''] : [''];
  return `<div class="cnnw-sum">${tables.map(({html, top}, i) =>
    html + (signs[i] && `<div class="cnnw-sign" style="margin-top:${top}px">${signs[i]}</div>`)).join('')}</div>`;
}

// ---------------------------------------------------------------------- the maps

/** What the mouse is told over a pixel of a map. @param {number} row @param {number} column
 * @param {number | undefined} value none in the padding */
export const described = (row, column, value) =>
  `row ${row}, column ${column}: ${value === undefined ? 'padding' : number(value, 5)}`;

/** The heading of the output, as the view writes it. @param {Sheet} sheet @param {Win} win */
export const outputHeading = (sheet, {row, column}) => heading(sheet.title, `row ${row}, column ${column}`);

/** The heading of the input, where it has several channels. @param {Sheet} sheet @param {Win} win */
export const inputHeading = ({alone, size}, {shown}) => heading(alone ? 'Image' : `Input ${shown}`, size.join(' × '));

/** What stands below the input. @param {Sheet} sheet @param {Win} win @param {number} width */
export const inputBelow = (sheet, {shown}, width) =>
  colorbar(sheet.scale.ramp, sheet.scales[shown - sheet.first], width) + (sheet.note && note(sheet.note));

/** What stands below an output that the page has computed. @param {Sheet} sheet @param {number} width */
export const outputBelow = ({alone}, width) => (alone ? colorbar(alone.ramp, alone.texts, width) + note(alone.note) : '');
