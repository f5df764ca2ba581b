// The map of a patch as colours, against what Python draws of the same numbers.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {cellsOf, limitOf, litBy, spread} from '../../../cnnwidgets/views/occlusion/lit.mjs';

const buffer = text => Uint8Array.from(Buffer.from(text, 'base64')).buffer;
const sheets = JSON.parse(readFileSync(process.env.VECTORS, 'utf8')).map(vector => ({
  ...vector, colors: new Uint32Array(buffer(vector.colors)), fall: new Float32Array(buffer(vector.fall)),
  known: new Uint8Array(buffer(vector.known)), photo: new Uint32Array(buffer(vector.photo)),
}));

test('the colours end where Python has them end', () => {
  for (const sheet of sheets) assert.equal(limitOf(sheet), sheet.limit);
});

test('each place has the colour of its number, and grey where there is none', () => {
  for (const sheet of sheets) assert.deepEqual(cellsOf(sheet), new Uint32Array(buffer(sheet.cells)));
});

test('a pixel has the mean of all patches that hide it, and none where one of them is not known', () => {
  for (const sheet of sheets) {
    const means = spread(sheet);
    sheet.means.forEach((mean, at) => {
      if (mean === null) assert.ok(Number.isNaN(means[at]));
      else assert.ok(Math.abs(means[at] - mean) <= 1e-6 * sheet.limit, `${means[at]} is ${mean}`);
    });
  }
});

test('the photo under the map has the pixels of render, to a level of the colours', () => {
  for (const sheet of sheets) {
    const found = new Uint8Array(litBy(sheet, sheet.photo, spread(sheet), 0.7).buffer), wanted = new Uint8Array(buffer(sheet.lit));
    const apart = found.map((value, at) => Math.abs(value - wanted[at]));
    assert.ok(Math.max(...apart) <= 2 && apart.filter(Boolean).length <= 0.01 * apart.length, String(apart));
  }
});
