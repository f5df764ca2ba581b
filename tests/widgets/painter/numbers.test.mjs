// The arithmetic of the page against vectors that Python makes: `node --test`, with VECTORS naming the JSON file.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

import {
  GAP, NAN, NEGATIVE, POSITIVE, beyondWords, boxOf, extent, facts, fit, gridOf, grouped, hit, mapAt, mosaic, number,
  standsAt, rangesOf,
  scaleTexts, shownFactor, stepped, told, unpack, unpackMap, valueOf,
} from '../../../cnnwidgets/widgets/painter/numbers.mjs';

const vectors = JSON.parse(readFileSync(process.env.VECTORS ?? '', 'utf8'));

/** What a JSON file cannot hold is written as text in it. */
const real = value => (typeof value === 'string' ? Number(value) : value);
const views = texts => texts.map(text => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new DataView(bytes.buffer);
});
const unpacked = vector => unpack(vector.header, views(vector.buffers));

test('numbers are written as Python writes them', () => {
  for (const [value, digits, text] of vectors.numbers) assert.equal(number(real(value), digits), text);
  for (const [share, text] of vectors.beyond) assert.equal(beyondWords(share), text);
});

test('a value has no digits below the step of its codes', () => {
  assert.equal(told(0.123456, 0.001), '0.123');
  assert.equal(told(1234567, 100), '1.2346e+06');
  assert.equal(told(17, 1), '17');
  assert.equal(told(0.5, 0), '0.5');
  assert.equal(told(NaN, 0.1), 'NaN');
});

test('codes stand for the values that Python takes them for', async () => {
  for (const vector of vectors.layers) {
    const layer = await unpacked(vector);
    const size = layer.size[0] * layer.size[1];
    const values = [...layer.codes].map((code, i) => {
      const map = Math.floor(i / size);
      return valueOf(code, layer.low[map], layer.step[map]);
    });
    assert.deepEqual(values, vector.values.map(real), vector.name);
  }
  assert.deepEqual([NAN, POSITIVE, NEGATIVE].map(code => valueOf(code, 0, 1)), [NaN, Infinity, -Infinity]);
});

test('pictures have the levels of render, in every scale, centred or not', async () => {
  const index = Uint32Array.from({length: 256}, (_, i) => i);
  for (const vector of vectors.layers) {
    const layer = await unpacked(vector);
    for (const {scale, centred, columns, pixels, shape} of vector.pictures) {
      const grid = gridOf(layer, columns, 480);
      assert.deepEqual(extent(grid).reverse(), shape, vector.name);
      const painted = mosaic(layer, grid, rangesOf(layer, scale, centred), index);
      assert.equal(Buffer.from(Uint8Array.from(painted)).toString('base64'), pixels, `${vector.name} ${scale} ${centred}`);
    }
    assert.equal(layer.signed, vector.signed, vector.name);
  }
});

test('the facts of a map are those of the panel', async () => {
  for (const vector of vectors.layers) {
    const layer = await unpacked(vector);
    vector.facts.forEach((rows, channel) => assert.deepEqual(facts(layer, channel), rows, vector.name));
  }
});

test('one map comes in full beside a layer that is reduced, and by itself', async () => {
  const vector = vectors.layers.find(each => each.header.map);
  const layer = await unpacked(vector), {channel} = vector.header.map;
  assert.deepEqual([...layer.maps.keys()], [channel]);
  const own = await unpackMap(vector.map.header, views(vector.map.buffers));
  assert.deepEqual([...own.codes], [...layer.maps.get(channel).codes]);
  assert.equal(own.height * own.width, layer.full[0] * layer.full[1]);
});

test('a layer that is not deflated is there at once', () => {
  const vector = vectors.layers.find(each => !each.header.deflated.includes(true) && !each.header.map);
  assert.ok(!(unpacked(vector) instanceof Promise));
});

test('grids are laid out as in Python', () => {
  for (const [count, height, width, columns, room, expected] of vectors.grids)
    assert.deepEqual(fit(count, height, width, columns, room), expected);
  for (const [width, height, room, tall, factor] of vectors.factors)
    assert.equal(shownFactor(width, height, room, tall), factor);
});

test('maps stand in the order that is given', () => {
  const table = new Float64Array([0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0]); // low, step, least, most, mean, bad of two maps
  const header = {key: 'k', count: 2, full: [1, 1], size: [1, 1], signed: false, extra: [], beyond: [0, 0],
    ranges: {layer: [[0, 1], [-1, 1]]}, deflated: [false, false]};
  const planes = [table, new Uint8Array([0, 0]), new Uint8Array([0, 1])].map(each => new DataView(each.buffer));
  const layer = /** @type {any} */ (unpack(header, planes)), grid = {...fit(2, 1, 1, 2, 100), zoom: 1, gap: 1};
  const colors = Uint32Array.from({length: 256}, (_, level) => level), ranges = rangesOf(layer, 'layer', false);
  assert.deepEqual([...mosaic(layer, grid, ranges, colors)], [0, GAP, 253]);
  assert.deepEqual([...mosaic(layer, grid, ranges, colors, [1, 0])], [253, GAP, 0]);
  assert.deepEqual([mapAt(0, [1, 0]), standsAt(0, [1, 0]), mapAt(2), standsAt(2)], [1, 1, 2, 2]);
});

test('a point is in a map, or in a gap', () => {
  const grid = fit(6, 28, 28, 0, 480); // 3 columns, gap 2
  for (let map = 0; map < 6; map++) {
    const [left, top, right, bottom] = boxOf(grid, map);
    assert.deepEqual(hit(grid, left, top), {map, row: 0, column: 0});
    assert.deepEqual(hit(grid, right - 0.1, bottom - 0.1), {map, row: 27, column: 27});
    assert.equal(hit(grid, right + 0.5, top), null);
    assert.equal(hit(grid, left, bottom + 0.5), null);
  }
  assert.equal(hit(grid, -1, 0), null);
  assert.equal(hit(fit(5, 28, 28, 3, 480), 61, 31), null); // the last row is not full
});

test('arrow keys move in the grid and stop at its ends', () => {
  assert.equal(stepped('ArrowRight', 0, 3, 7), 1);
  assert.equal(stepped('ArrowDown', 1, 3, 7), 4);
  assert.equal(stepped('ArrowUp', 4, 3, 7), 1);
  assert.equal(stepped('ArrowDown', 4, 3, 7), null);
  assert.equal(stepped('ArrowLeft', 0, 3, 7), null);
  assert.equal(stepped('Home', 5, 3, 7), 0);
  assert.equal(stepped('End', 2, 3, 7), 6);
  assert.equal(stepped('a', 2, 3, 7), null);
});

test('what stands below a scale', () => {
  assert.deepEqual(scaleTexts(-1, true, 1, 0.005), ['−1', '0 · 0.5 % beyond', '1']);
  assert.deepEqual(scaleTexts(0, false, 2, 0), ['0', '2']);
  assert.equal(grouped(1234567), '1,234,567');
  assert.equal(GAP, 254);
});
