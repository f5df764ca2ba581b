// @ts-check
// What zlib deflated, as bytes again (RFC 1950, 1951), for browsers that have no DecompressionStream.

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const [LENGTHS, LENGTH_BITS] = ladder(4, 3, 28);
const [DISTANCES, DISTANCE_BITS] = ladder(2, 1, 30);
LENGTHS[28] = 258, LENGTH_BITS[28] = 0;

/** Bases and extra bits of the codes of a kind, of which so many in a row have the same bits.
 * @param {number} alike @param {number} first @param {number} count */
function ladder(alike, first, count) {
  const bases = new Uint16Array(count + 1), bits = new Uint8Array(count + 1);
  for (let i = 0, base = first; i < count; i++) {
    bits[i] = Math.max(0, Math.floor(i / alike) - 1);
    bases[i] = base;
    base += 1 << bits[i];
  }
  return [bases, bits];
}

/** How many codes have each length, and the symbols in the order of their codes.
 * @param {ArrayLike<number>} lengths @typedef {{counts: Uint16Array, symbols: Uint16Array}} Codes @returns {Codes} */
function codes(lengths) {
  const counts = new Uint16Array(16), starts = new Uint16Array(17), symbols = new Uint16Array(lengths.length);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]]++;
  counts[0] = 0;
  for (let i = 1; i < 16; i++) starts[i + 1] = starts[i] + counts[i];
  for (let i = 0; i < lengths.length; i++) if (lengths[i]) symbols[starts[lengths[i]]++] = i;
  return {counts, symbols};
}

/** @param {Uint8Array} bytes with the two bytes of zlib before them @param {number} size of what comes out */
export function inflated(bytes, size) {
  const out = new Uint8Array(size);
  let at = 2, to = 0, held = 0, there = 0;

  const bits = (/** @type {number} */ count) => {
    while (there < count) {
      if (at >= bytes.length) throw new RangeError('the deflated bytes end too soon');
      held |= bytes[at++] << there;
      there += 8;
    }
    const value = held & ((1 << count) - 1);
    held >>>= count;
    there -= count;
    return value;
  };
  const symbol = (/** @type {Codes} */ {counts, symbols}) => {
    for (let length = 1, code = 0, first = 0, index = 0; length < 16; length++) {
      code |= bits(1);
      if (code - first < counts[length]) return symbols[index + code - first];
      index += counts[length];
      first = (first + counts[length]) << 1;
      code <<= 1;
    }
    throw new RangeError('no such code in the deflated bytes');
  };
  const tables = () => {
    const literals = bits(5) + 257, distances = bits(5) + 1, own = new Uint8Array(19);
    for (let i = 0, count = bits(4) + 4; i < count; i++) own[ORDER[i]] = bits(3);
    const lengths = new Uint8Array(literals + distances), coded = codes(own);
    for (let i = 0; i < lengths.length;) {
      const found = symbol(coded);
      if (found < 16) {
        lengths[i++] = found;
      } else {
        const value = found === 16 ? lengths[i - 1] : 0;
        const count = found === 16 ? 3 + bits(2) : found === 17 ? 3 + bits(3) : 11 + bits(7);
        lengths.fill(value, i, i + count);
        i += count;
      }
    }
    return [codes(lengths.subarray(0, literals)), codes(lengths.subarray(literals))];
  };

  for (let last = 0; !last;) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 0) { // as they are
      held = there = 0;
      const length = bytes[at] | (bytes[at + 1] << 8);
      out.set(bytes.subarray(at + 4, at + 4 + length), to);
      at += 4 + length;
      to += length;
      continue;
    }
    const fixed = () => Uint8Array.from({length: 288}, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
    const [literals, distances] = kind === 2 ? tables() : [codes(fixed()), codes(new Uint8Array(30).fill(5))];
    for (let found = symbol(literals); found !== 256; found = symbol(literals)) {
      if (found < 256) {
        out[to++] = found;
        continue;
      }
      const length = LENGTHS[found - 257] + bits(LENGTH_BITS[found - 257]);
      const code = symbol(distances), from = to - DISTANCES[code] - bits(DISTANCE_BITS[code]);
      for (let i = 0; i < length; i++) out[to + i] = out[from + i];
      to += length;
    }
  }
  return out;
}
