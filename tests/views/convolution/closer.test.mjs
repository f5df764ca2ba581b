// What the page paints of a map that is looked at closer, and the range of the numbers that it writes.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {endsOf, pixelsOf} from '../../../cnnwidgets/views/convolution/closer.mjs';

const colors = new Uint8Array(1024).map((_, i) => (i % 4 === 3 ? 255 : i >> 2)); // level k is the grey k

test('a map is painted in the colours of its levels, with the padding around it', () => {
  const shown = {levels: Uint8Array.of(1, 2), colors, padded: [9, 9, 9], size: [1, 2]};
  const grey = Array.from(pixelsOf(shown, [[1, 0], [0, 1]]), pixel => pixel & 255);
  assert.deepEqual(grey, [9, 9, 9, 1, 2, 9]);
  assert.equal(pixelsOf(shown, [[0, 0], [0, 0]])[1], 0xff020202);
});

test('the range is that of the finite values, and says whether all are whole', () => {
  const of = values => endsOf({size: [1, values.length], value: (_, at) => values[at]});
  assert.deepEqual(of([3, -1, NaN, Infinity]), [-1, 3, true]);
  assert.deepEqual(of([0.5, 2]), [0.5, 2, false]);
  assert.deepEqual(of([NaN]), [0, 0, true]);
});
