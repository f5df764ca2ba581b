// A convolution that the page computes against PyTorch's, and the message that it makes against the one of Python.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {messageOf, misfit, outputSize, titleOf} from '../../../cnnwidgets/views/convolution/playing.mjs';
import {rowsOf, textOf} from '../../../cnnwidgets/views/convolution/typed.mjs';
import {sheetOf, windowAt} from '../../../cnnwidgets/views/convolution/window.mjs';

const {cases, texts, written, misfits, given} = JSON.parse(readFileSync(process.env.VECTORS, 'utf8'));
const bytes = text => new Uint8Array(Buffer.from(text, 'base64'));
const table = bytes(given.colors), named = of => new Map(given.tables.names.map((name, at) => [name, of(at)]));
const tables = {
  ...given.tables, colors: named(at => table.subarray(1024 * at, 1024 * (at + 1))),
  diverging: named(at => given.tables.diverging[at]), ramps: named(at => given.tables.ramps[at]),
};
const bytesOf = view => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const doubles = part => new Float64Array(part.slice().buffer);

for (const {settings, header, buffers, torch, title, output} of cases) {
  const {image, kernel, stride, padding, dilation} = settings;
  test(`${image.length} x ${image[0].length} by ${kernel.length} x ${kernel[0].length}, ${[stride, padding, dilation]}`, () => {
    assert.equal(misfit(settings), '');
    const [found, parts] = messageOf(given.header, settings, tables, 'page', given.notes), sheet = sheetOf(found, parts, null);
    assert.deepEqual(outputSize(settings), [torch.length, torch[0].length]);
    const most = Math.max(...torch.flat().map(Math.abs), 1);
    torch.flat().forEach((wanted, at) => { // which PyTorch computed in float32
      const {result, value} = windowAt(sheet, Math.floor(at / sheet.out[1]), at % sheet.out[1]);
      assert.ok(Math.abs(value - wanted) <= 1e-6 * most, `${value}, not ${wanted}`);
      assert.ok(Math.abs(value - result) <= 1e-12 * most, `drawn ${value}, explained ${result}`);
    });
    const {alone, ...rest} = found, named = {key: 'page', input: 'page'};
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), {...header, ...named});
    assert.deepEqual([alone.texts, alone.ramp, alone.note], output);
    header.names.forEach((name, at) => {
      const [one, other] = [bytesOf(parts[at]), bytes(buffers[at])];
      if (name === 'levels') one.forEach((level, i) => assert.ok(Math.abs(level - other[i]) <= 1)); // of sums that round apart
      else if (name === 'output')
        doubles(one).forEach((value, i) => assert.ok(Math.abs(value - doubles(other)[i]) <= 1e-12 * most));
      else assert.deepEqual(one, other, name);
    });
    assert.deepEqual(titleOf(settings), title);
  });
}

test('what is typed is read as in Python, or refused in the same words', () => {
  for (const [text, rows, message] of texts) {
    if (message) assert.throws(() => rowsOf(text), {name: 'RangeError', message}, text);
    else assert.deepEqual(rowsOf(text), rows, text);
  }
  for (const [rows, text] of written) assert.equal(textOf(rows), text);
});

test('a kernel that does not fit is named as in Python', () => {
  for (const [settings, message] of misfits) assert.equal(misfit(settings), message);
});
