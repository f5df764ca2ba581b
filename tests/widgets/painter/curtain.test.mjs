// A map of two layers in one place.
import assert from 'node:assert/strict';
import test from 'node:test';

import {curtainOf} from '../../../cnnwidgets/widgets/painter/curtain.mjs';

const map = (...codes) => ({low: 0, step: 1, codes: Uint16Array.from(codes), height: 2, width: 3});
const colors = Uint32Array.from({length: 256}, (_, level) => 1000 + level);

test('the first map is left of the edge, the second right of it, each in its own range', () => {
  const maps = [map(0, 253, 0, 253, 0, 253), map(0, 0, 1, 1, 1, 1)], ranges = [[0, 253], [0, 1]];
  const drawn = edge => [...curtainOf(maps, ranges, edge, colors)];
  assert.deepEqual(drawn(3), [1000, 1253, 1000, 1253, 1000, 1253]);
  assert.deepEqual(drawn(0), [1000, 1000, 1253, 1253, 1253, 1253]);
  assert.deepEqual(drawn(1), [1000, 1000, 1253, 1253, 1253, 1253]);
  assert.deepEqual(drawn(2), [1000, 1253, 1253, 1253, 1000, 1253]);
});
