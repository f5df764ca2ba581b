// What the magnifier shows, by pictures made by hand.
import assert from 'node:assert/strict';
import test from 'node:test';

import {around, blockOf} from '../../../cnnwidgets/widgets/surface/loupe.mjs';

/** A picture each pixel of which is repeated `times` in both directions. */
const repeated = (pixels, width, times) => {
  const rows = pixels.length / width, wide = width * times;
  return new Uint32Array(rows * times * wide).map((_, at) =>
    pixels[Math.floor(at / wide / times) * width + Math.floor((at % wide) / times)]);
};

test('a picture that was enlarged is one of squares', () => {
  const small = [1, 2, 3, 4, 5, 6];
  assert.equal(blockOf(repeated(small, 3, 4), 12, 8), 4);
  assert.equal(blockOf(Uint32Array.from(small), 3, 2), 1);
  assert.equal(blockOf(repeated([1, 2, 2, 3], 2, 6), 12, 12), 6);
  assert.equal(blockOf(new Uint32Array(144), 12, 12), 12); // of one colour
});

test('the squares around the mouse, and nothing beyond the edges', () => {
  const pixels = repeated([1, 2, 3, 4, 5, 6, 7, 8, 9], 3, 5);
  assert.deepEqual([...around(pixels, 15, 15, 5, 1, 1, 3)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual([...around(pixels, 15, 15, 5, 0, 2, 3)], [0, 4, 5, 0, 7, 8, 0, 0, 0]);
  assert.equal(around(pixels, 15, 15, 5, 1, 1, 11).length, 121);
});
