// A map over a picture against what Python draws of the same values.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

import {endsOf, greyOf, heatIn, heatTexts, heatWords, overlaid, weightOf} from '../../../cnnwidgets/widgets/painter/heat.mjs';
import {fullMap, unpack} from '../../../cnnwidgets/widgets/painter/numbers.mjs';

const {heats} = JSON.parse(readFileSync(process.env.VECTORS, 'utf8'));
const bytesOf = text => Uint8Array.from(Buffer.from(text, 'base64'));
const layerOf = ({header, buffers}) => unpack(header, buffers.map(text => new DataView(bytesOf(text).buffer)));

/** The pixels of a vector, and what it was drawn from. */
function painted({map, grey, state: {sign, outliers, opacity}, colors, centred}) {
  const layer = layerOf(map), heat = heatIn(layer, sign, outliers), below = greyOf(fullMap(layerOf(grey), 0));
  const pixels = overlaid(below, heat.values, endsOf(heat, centred), new Uint32Array(bytesOf(colors).buffer),
    weightOf(heat.limit, centred, opacity));
  return {layer, heat, pixels: new Uint8Array(pixels.buffer)};
}

test('every sign, scale, colour map and opacity gives the pixels of render', () => {
  assert.equal(heats.length, 14);
  for (const vector of heats) {
    const {heat, pixels} = painted(vector), wanted = bytesOf(vector.pixels), what = JSON.stringify(vector.state);
    assert.equal(heat.limit, vector.limit, what);
    const rgb = pixels.filter((_, at) => at % 4 < 3);
    assert.deepEqual(rgb, wanted, what);
    assert.ok(pixels.every((value, at) => at % 4 < 3 || value === 255));
  }
});

test('the scale and the status line say what Python says', () => {
  for (const vector of heats) {
    const {state: {sign, outliers}, centred, texts, words} = vector;
    assert.deepEqual(heatTexts(painted(vector).heat, sign, centred), texts);
    assert.equal(heatWords(sign, outliers), words);
  }
});

test('another opacity finds the scale as it was, and another sign does not', () => {
  const {layer, heat} = painted(heats[0]);
  assert.equal(heatIn(layer, heats[0].state.sign, heats[0].state.outliers), heat);
  assert.notEqual(heatIn(layer, 'negative', heats[0].state.outliers), heat);
});

test('where a map has no value, the picture is seen', () => {
  const below = Uint32Array.of(0xff030201, 0xff060504), colors = new Uint32Array(256).fill(0xffffffff);
  assert.deepEqual(overlaid(below, [NaN, 1], [-1, 1], colors, value => value), Uint32Array.of(0xff030201, 0xffffffff));
});
