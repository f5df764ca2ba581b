// @ts-check
// The arithmetic of the painter: from bytes to values, colours, texts and places. Pure functions, each of which agrees
// with one in Python; the tests hold them together with vectors that Python makes.

/**
 * @typedef {import('./heat.mjs').Sign} Sign
 * @typedef {{low: number, step: number, codes: Uint16Array, height: number, width: number}} FullMap
 * @typedef {{key: string, count: number, full: [number, number], size: [number, number], signed: boolean,
 *   ranges: Record<string, [[number, number], [number, number]]>, extra: string[], beyond: number[], codes: Uint16Array,
 *   low: Float64Array, step: Float64Array, least: Float64Array, most: Float64Array, mean: Float64Array,
 *   bad: Float64Array, extras: Float64Array[], maps: Map<number, FullMap>, bytes: number}} Layer
 * @typedef {{number: number, role: 'grid' | 'map' | 'curtain' | 'heat', key: string, width: number, tall: number,
 *   reserve: number, heading: string[], hint: string, what: string, pixel: [number, number] | null, state: State,
 *   series?: Series, elsewhere?: boolean, order?: number[], name?: string, other?: string, letters?: string[],
 *   note?: string | Record<string, string>}} Sheet
 * @typedef {{of: string, signed: boolean, scales: Record<string, string | [[number, number], [number, number]]>,
 *   centred?: boolean}} Series
 * @typedef {{channel: number, colormap: string, scale: string | [number, number], columns: number, frame?: number,
 *   curtain?: number, sign?: Sign, outliers?: number, opacity?: number}} State
 * @typedef {{count: number, height: number, width: number, columns: number, zoom: number, gap: number}} Grid
 */

// ---------------------------------------------------------------------- numbers: from bytes to values

export const NAN = 65533, POSITIVE = 65534, NEGATIVE = 65535;
const HUGE = 1e300; // a step beyond which as many of them as there are codes may leave float64
export const LEVELS = 254, GAP = 254, NONFINITE = 255;

/** The bytes that zlib deflated. @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
export async function inflate(bytes) {
  const stream = new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Codes from their high and their low bytes. @param {Uint8Array} high @param {Uint8Array} low */
export function joined(high, low) {
  const codes = new Uint16Array(high.length);
  for (let i = 0; i < codes.length; i++) codes[i] = (high[i] << 8) | low[i];
  return codes;
}

/** @param {DataView} view */
const bytesOf = view => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** @param {DataView[]} planes @param {boolean[]} deflated @returns {Promise<Uint16Array> | Uint16Array} */
function codesOf(planes, deflated) {
  const bytes = planes.map(bytesOf);
  if (!deflated[0] && !deflated[1]) return joined(bytes[0], bytes[1]);
  const both = bytes.map((plane, i) => (deflated[i] ? inflate(plane) : plane));
  return Promise.all(both).then(([high, low]) => joined(high, low));
}

/** One map in full. @param {any} header @param {DataView[]} planes @returns {Promise<FullMap> | FullMap} */
export function unpackMap(header, planes) {
  const make = (/** @type {Uint16Array} */ codes) => (
    {low: header.low, step: header.step, codes, height: header.size[0], width: header.size[1]});
  const codes = codesOf(planes, header.deflated);
  return codes instanceof Uint16Array ? make(codes) : codes.then(make);
}

/** A layer; at once where nothing has to be inflated. @param {any} header @param {DataView[]} buffers
 * @returns {Promise<Layer> | Layer} */
export function unpack(header, buffers) {
  const own = bytesOf(buffers[0]).slice();
  const table = new Float64Array(own.buffer);
  const rows = Array.from({length: table.length / header.count}, (_, i) =>
    table.subarray(i * header.count, (i + 1) * header.count));
  const [low, step, least, most, mean, bad, ...extras] = rows;
  const codes = codesOf(buffers.slice(1, 3), header.deflated);
  const map = header.map ? unpackMap(header.map, buffers.slice(3, 5)) : null;
  const make = (/** @type {Uint16Array} */ codes, /** @type {FullMap | null} */ map) => {
    const {key, count, full, size, signed, ranges, extra, beyond} = header;
    const maps = new Map(map ? [[header.map.channel, map]] : []);
    const bytes = own.length + codes.byteLength + (map ? map.codes.byteLength : 0);
    const table = {low, step, least, most, mean, bad, extras};
    return {key, count, full, size, signed, ranges, extra, beyond, codes, ...table, maps, bytes};
  };
  if (codes instanceof Uint16Array && !(map instanceof Promise)) return make(codes, map);
  return Promise.all([codes, map]).then(([codes, map]) => make(codes, map));
}

/** The value that a code stands for. @param {number} code @param {number} low @param {number} step */
export function valueOf(code, low, step) {
  if (code >= NAN) return code === NAN ? NaN : code === POSITIVE ? Infinity : -Infinity;
  const share = step > HUGE ? 0.25 : 1, most = Number.MAX_VALUE * share; // in quarters, no part of the sum is infinite
  return Math.max(-most, Math.min(most, low * share + code * (step * share))) / share;
}

// ---------------------------------------------------------------------- colours: from values to levels

/** Where the colours of each map begin and end. @param {Layer} layer @param {State['scale']} scale
 * @param {boolean} centred @returns {[Float64Array, Float64Array]} */
export function rangesOf(layer, scale, centred) {
  const least = new Float64Array(layer.count), most = new Float64Array(layer.count);
  if (scale === 'map' && layer.full[0] * layer.full[1] === 1) scale = 'layer';
  if (scale !== 'map') {
    const [low, high] = typeof scale === 'string' ? layer.ranges[scale][centred ? 1 : 0] : scale;
    return [least.fill(low), most.fill(high)];
  }
  for (let map = 0; map < layer.count; map++) {
    let low = layer.least[map], high = layer.most[map];
    if (centred) {
      high = Math.max(Math.abs(low), Math.abs(high)) || 1;
      low = -high;
    } else if (low === high) {
      low = Math.min(low, 0);
      high = Math.max(high, 0);
      if (low === high) high = 1;
    }
    least[map] = low;
    most[map] = high;
  }
  return [least, most];
}

/** Levels of codes, each step as in Python, so that each is the same. @param {Uint16Array} codes
 * @param {number} low @param {number} step @param {number} from @param {number} to @param {Uint8Array} out */
export function levels(codes, low, step, from, to, out) {
  // dividing by a power of two loses nothing and keeps the largest doubles in range
  const large = Math.max(Math.abs(from), Math.abs(to), Math.abs(low));
  const share = large > 1e300 ? 2 ** -30 : large && large < 1e-290 ? 2 ** 60 : 1;
  low *= share, step *= share, from *= share, to *= share;
  const span = to - from, factor = span > 0 ? (LEVELS - 1) / span : 0, middle = span > 0 ? 0.5 : LEVELS / 2;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code >= NAN) {
      out[i] = NONFINITE;
    } else {
      const level = (low + code * step - from) * factor + middle;
      out[i] = level <= 0 ? 0 : level >= LEVELS - 1 ? LEVELS - 1 : level;
    }
  }
  return out;
}

/** The pixels of levels. @param {Uint8Array} each @param {Uint32Array} colors */
export function colored(each, colors) {
  const pixels = new Uint32Array(each.length);
  for (let i = 0; i < each.length; i++) pixels[i] = colors[each[i]];
  return pixels;
}

/** Share of the finite values of one map that lie beyond its colours, to a step of its codes.
 * @param {Uint16Array} codes @param {number} low @param {number} step @param {number} from @param {number} to */
export function beyond(codes, low, step, from, to) {
  const first = step ? Math.round((from - low) / step) : 0, last = step ? Math.round((to - low) / step) : 0;
  const outside = !step && codes.length && (low < from || low > to);
  let out = 0, finite = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code < NAN) {
      finite++;
      if (step ? code < first || code > last : outside) out++;
    }
  }
  return {out, finite};
}

/** Share of the values of a layer that lie beyond the colours; of each map by itself, none are counted.
 * @param {Layer} layer @param {[Float64Array, Float64Array]} ranges @param {State['scale']} scale
 * @param {boolean} diverging */
export function shareBeyond(layer, ranges, scale, diverging) {
  if (typeof scale === 'string') return scale === 'layer' ? layer.beyond[+diverging] : 0;
  const size = layer.size[0] * layer.size[1];
  let out = 0, finite = 0;
  for (let map = 0; map < layer.count; map++) {
    const codes = layer.codes.subarray(map * size, (map + 1) * size);
    const found = beyond(codes, layer.low[map], layer.step[map], ranges[0][map], ranges[1][map]);
    out += found.out;
    finite += found.finite;
  }
  return out / Math.max(1, finite);
}

// ---------------------------------------------------------------------- texts

/** As Python's format `g`, ties to even. @param {number} value @param {number} digits */
function general(value, digits) {
  let [text, exponent] = value.toExponential(digits - 1).split('e');
  const exact = value.toExponential(60).split('e')[0].replace(/[-.]/g, '');
  if (/^50*$/.test(exact.slice(digits)) && Number(exact[digits - 1]) % 2 === 0) { // a tie, which went up
    const down = exact.slice(0, digits);
    text = (value < 0 ? '-' : '') + (digits > 1 ? `${down[0]}.${down.slice(1)}` : down);
    exponent = value.toExponential(60).split('e')[1];
  }
  const power = Number(exponent);
  if (power < -4 || power >= digits) {
    const mantissa = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const plain = Number(`${text}e${power}`).toFixed(Math.max(0, digits - 1 - power));
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}

/** So many significant digits, with a real minus sign, and none before 0. @param {number} value */
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  return value === 0 ? '0' : general(value, digits).replaceAll('-', '−');
}

/** @param {number} count */
export const grouped = count => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `0.5 % beyond`; empty for none. @param {number} share */
export function beyondWords(share) {
  if (!share) return '';
  const percent = share < 1 ? Math.min(Math.max(100 * share, 0.01), 99.9) : 100 * share;
  return `${number(percent, percent < 1 ? 1 : percent < 99.5 ? 2 : 3)} % beyond`;
}

/** What stands below a scale. @param {number} low @param {boolean} centred @param {number} high @param {number} share */
export function scaleTexts(low, centred, high, share) {
  const words = [centred ? '0' : '', beyondWords(share)].filter(Boolean).join(' · ');
  return [number(low), ...(words ? [words] : []), number(high)];
}

/** Labels and values of the numbers of one map. @param {Layer} layer @param {number} channel */
export function facts(layer, channel) {
  const [height, width] = layer.full, size = height * width, bad = layer.bad[channel];
  const rows = [['range', 'no finite value']];
  if (bad < size) {
    rows[0][1] = `${number(layer.least[channel])} … ${number(layer.most[channel])}`;
    rows.push(['mean', number(layer.mean[channel])]);
  }
  if (bad) rows.push(['not finite', `${grouped(bad)} of ${grouped(size)} pixels`]);
  layer.extra.forEach((name, i) => rows.push([name, number(layer.extras[i][channel], 5)]));
  return rows;
}

/** What is known of a value that came as a code: no digits below its step. @param {number} value @param {number} step */
export function told(value, step) {
  const power = Math.floor(Math.log10(step));
  if (!Number.isFinite(value) || !(step > 0) || Math.abs(power) > 15) return number(value, 5);
  return number(power < 0 ? Math.round(value * 10 ** -power) / 10 ** -power : Math.round(value / 10 ** power) * 10 ** power, 5);
}

// ---------------------------------------------------------------------- maps: one of a layer

/** Whether the maps came smaller than they are, each in full only when it is asked for. @param {Layer} layer */
export const isReduced = ({size, full}) => size.join() !== full.join();

/** The map in full, or as it is in the grid as long as there is no other. @param {Layer} layer @param {number} channel
 * @param {boolean} whole false: as it is in the grid @returns {FullMap} */
export function fullMap(layer, channel, whole = true) {
  const [height, width] = layer.size, size = height * width;
  const codes = layer.codes.subarray(channel * size, (channel + 1) * size);
  const found = whole ? layer.maps.get(channel) : undefined;
  return found ?? {low: layer.low[channel], step: layer.step[channel], codes, height, width};
}

/** A value of a map in full, or about it. @param {Layer} layer @param {number} channel @param {number} row
 * @param {number} column in the map in full */
export function valueAt(layer, channel, row, column) {
  const {low, step, codes, height, width} = fullMap(layer, channel), [rows, columns] = layer.full;
  return valueOf(codes[Math.floor((row * height) / rows) * width + Math.floor((column * width) / columns)], low, step);
}

/** That value in words. @param {Layer} layer @param {number} channel @param {number} row @param {number} column */
export function valueText(layer, channel, row, column) {
  const {step, height, width} = fullMap(layer, channel), [rows, columns] = layer.full;
  const text = told(valueAt(layer, channel, row, column), step);
  return height === rows && width === columns ? text : `about ${text}`;
}

// ---------------------------------------------------------------------- layout: where a map lies

const TILE = 16, READABLE = 40, LARGEST = 1024;

/** Rounded, ties to even. @param {number} value */
const rint = value => {
  const down = Math.floor(value), rest = value - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
};

/** Of how many columns makes the grid nearly square. @param {number} count @param {number} height @param {number} width */
function nearSquare(count, height, width) {
  let best = 1, least = Infinity;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const stretch = Math.abs(Math.log((columns * width) / (rows * height)));
    const cost = rint((stretch + 1 - count / (columns * rows)) * 1e6);
    if (cost <= least) [best, least] = [columns, cost];
  }
  return best;
}

/** As `Grid.fit` in Python. @param {number} count @param {number} height @param {number} width
 * @param {number} columns 0: as fits @param {number} room @returns {Grid} */
export function fit(count, height, width, columns, room) {
  const short = Math.min(height, width);
  if (!columns) {
    const narrow = Math.min(Math.max(width, Math.ceil(TILE / short) * width), READABLE);
    columns = Math.min(nearSquare(count, height, width),
      Math.max(1, Math.floor(room / (narrow + Math.max(1, rint(0.06 * narrow))))));
  }
  columns = Math.min(columns, count);
  const rows = Math.ceil(count / columns);
  const zoom = Math.max(1, Math.min(Math.ceil(TILE / short),
    Math.floor(LARGEST / Math.max(columns * width, rows * height))));
  return {count, height, width, columns, zoom, gap: Math.max(1, rint(0.06 * zoom * short))};
}

/** The grid of a layer; of one that came reduced, at the size at which it came. @param {Layer} layer
 * @param {number} columns @param {number} room @returns {Grid} */
export function gridOf(layer, columns, room) {
  const grid = fit(layer.count, layer.full[0], layer.full[1], columns, room), [height, width] = layer.size;
  if (height === layer.full[0] && width === layer.full[1]) return grid;
  return {...grid, height, width, zoom: 1, gap: Math.max(1, rint(0.06 * Math.min(height, width)))};
}

/** (width, height) in its own pixels. @param {Grid} grid */
export function extent(grid) {
  const {columns, gap, zoom} = grid, rows = Math.ceil(grid.count / columns);
  return [columns * grid.width * zoom + (columns - 1) * gap, rows * grid.height * zoom + (rows - 1) * gap];
}

/** Box of a map: left, top, right, bottom. @param {Grid} grid @param {number} at */
export function boxOf(grid, at) {
  const wide = grid.width * grid.zoom, high = grid.height * grid.zoom;
  const left = (at % grid.columns) * (wide + grid.gap), top = Math.floor(at / grid.columns) * (high + grid.gap);
  return [left, top, left + wide, top + high];
}

/** What is at a point: map, row and column; null in a gap. @param {Grid} grid @param {number} x @param {number} y */
export function hit(grid, x, y) {
  const wide = grid.width * grid.zoom + grid.gap, high = grid.height * grid.zoom + grid.gap;
  const across = Math.floor(x / wide), down = Math.floor(y / high), map = down * grid.columns + across;
  const column = Math.floor((x - across * wide) / grid.zoom), row = Math.floor((y - down * high) / grid.zoom);
  if (x < 0 || y < 0 || across >= grid.columns || map >= grid.count) return null;
  return column < grid.width && row < grid.height ? {map, row, column} : null;
}

/** The largest whole multiple that fits, or less than 1. @param {number} width @param {number} height
 * @param {number} room @param {number} tall 0: any height, which scrolls */
export function shownFactor(width, height, room, tall) {
  const factor = tall ? Math.min(room / width, tall / height) : room / width;
  return factor >= 1 ? Math.floor(factor) : factor;
}

/** Where an arrow key leads in the grid. @param {string} key @param {number} at @param {number} columns
 * @param {number} count */
export function stepped(key, at, columns, count) {
  const by = /** @type {Record<string, number>} */ (
    {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: count - 1 - at})[key];
  const to = at + by;
  return by === undefined || to < 0 || to >= count ? null : to;
}

/** Which map stands at a place, by the number of the map at each; without, as they are numbered.
 * @param {number} place @param {number[]} [order] */
export const mapAt = (place, order) => order ? order[place] : place;

/** Where a map stands. @param {number} map @param {number[]} [order] */
export const standsAt = (map, order) => order ? order.indexOf(map) : map;

/** The pixels of a picture. @param {Layer} layer @param {Grid} grid @param {[Float64Array, Float64Array]} ranges
 * @param {Uint32Array} colors @param {number[]} [order] @returns {Uint32Array} */
export function mosaic(layer, grid, ranges, colors, order) {
  const [across, down] = extent(grid), {height, width, zoom} = grid, size = height * width;
  const pixels = new Uint32Array(across * down).fill(colors[GAP]), tile = new Uint8Array(size);
  for (let place = 0; place < grid.count; place++) {
    const map = mapAt(place, order);
    levels(layer.codes.subarray(map * size, (map + 1) * size), layer.low[map], layer.step[map], ranges[0][map],
      ranges[1][map], tile);
    const [left, top] = boxOf(grid, place);
    for (let row = 0; row < height; row++) {
      const start = (top + row * zoom) * across + left;
      for (let column = 0, from = row * width, to = start; column < width; column++) {
        const color = colors[tile[from + column]];
        for (let i = 0; i < zoom; i++) pixels[to++] = color;
      }
      for (let i = 1; i < zoom; i++) pixels.copyWithin(start + i * across, start, start + width * zoom);
    }
  }
  return pixels;
}
