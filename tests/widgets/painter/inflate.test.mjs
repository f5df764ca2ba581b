// Bytes that zlib deflated in every way it has, inflated without the browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';

import {inflated} from '../../../cnnwidgets/widgets/painter/inflate.mjs';

/** Numbers that look random and are always the same. */
function* noise() {
  for (let state = 1; ; state = (state * 48271) % 2147483647) yield state / 2147483647;
}

const source = noise();
const random = (size, most) => Buffer.from(Array.from({length: size}, () => source.next().value * most));
const KINDS = {
  'nothing': Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  'zeros, as behind a ReLU': Buffer.alloc(100_000),
  'noise, which does not get smaller': random(200_000, 256),
  'few values': random(200_000, 7),
  'a word again and again': Buffer.from('feature map '.repeat(5000)),
  'slowly changing': Buffer.from(Array.from({length: 100_000}, (_, i) => (i >> 9) + source.next().value * 3)),
};

for (const [name, bytes] of Object.entries(KINDS))
  test(`${name} is what it was`, () => {
    for (const level of [0, 1, 6, 9])
      for (const strategy of [zlib.constants.Z_DEFAULT_STRATEGY, zlib.constants.Z_FIXED, zlib.constants.Z_HUFFMAN_ONLY])
        assert.deepEqual(Buffer.from(inflated(zlib.deflateSync(bytes, {level, strategy}), bytes.length)), bytes);
  });

test('bytes that end too soon are no endless loop', () => {
  const bytes = zlib.deflateSync(KINDS['few values']);
  assert.throws(() => inflated(bytes.subarray(0, bytes.length / 2), 200_000), /end too soon/);
});
