// A page without a kernel: what stands in for it, and the numbers in base64.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

import {scaleWords} from '../../../cnnwidgets/widgets/painter/exported.mjs';
import {StandIn, unpacked} from '../../../cnnwidgets/widgets/painter/standin.mjs';
import {unpack} from '../../../cnnwidgets/widgets/painter/numbers.mjs';

const vectors = JSON.parse(readFileSync(process.env.VECTORS, 'utf8'));
const bytesOf = view => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

test('a model is read, set and watched, and what is sent is heard', () => {
  const sent = [], seen = [];
  const model = new StandIn({value: 1}, content => sent.push(content));
  const watcher = () => seen.push(model.get('value'));
  model.on('change:value', watcher);
  model.set('value', 2);
  model.set('other', 3);
  model.off('change:value', watcher);
  model.set('value', 4);
  model.off('change:nothing', watcher);
  model.save_changes();
  model.send({kind: 'want'});
  assert.deepEqual([seen, model.get('value'), model.get('other'), sent], [[2], 4, 3, [{kind: 'want'}]]);
});

for (const native of [true, false])
  test(`a message is what it was, ${native ? 'inflated by the browser' : 'where the browser cannot inflate'}`, async () => {
    const stream = globalThis.DecompressionStream;
    if (!native) delete globalThis.DecompressionStream;
    try {
      for (const {packed, buffers} of vectors.layers) {
        if (packed.header.deflated.includes(true)) continue; // that is for a kernel
        const found = await unpacked(packed);
        assert.deepEqual(found.map(view => bytesOf(view).toString('base64')), buffers);
      }
    } finally {
      globalThis.DecompressionStream = stream;
    }
  });

test('the footer says of each scale what Python says', async () => {
  for (const {name, header, buffers, words} of vectors.layers) {
    const layer = await unpack(header, buffers.map(text => {
      const bytes = Buffer.from(text, 'base64');
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }));
    for (const [scale, diverging, text] of words)
      assert.equal(scaleWords(layer, scale, diverging), text, `${name}, scale ${scale}, diverging ${diverging}`);
  }
});
