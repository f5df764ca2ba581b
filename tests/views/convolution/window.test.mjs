// The page against Python: each window of each case, its numbers and what is written about it.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {boxes, nearest, sheetOf, windowAt} from '../../../cnnwidgets/views/convolution/window.mjs';
import {
  fixed, inputBelow, inputHeading, numerals, outputHeading, sumHtml, tablesHtml,
} from '../../../cnnwidgets/views/convolution/words.mjs';

const {cases, numerals: tables} = JSON.parse(readFileSync(process.env.VECTORS, 'utf8'));
const view = text => {
  const bytes = Buffer.from(text, 'base64');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};
const near = (found, wanted, what) => {
  if (wanted === null || found === null) return assert.equal(found, wanted, what);
  if (Number.isNaN(Number(wanted)) || !Number.isFinite(Number(wanted))) return assert.equal(found, Number(wanted), what);
  assert.ok(Math.abs(found - wanted) <= 1e-12 * Math.max(1, Math.abs(wanted)), `${what}: ${found}, not ${wanted}`);
};
const pictures = html => html.replace(/src="[^"]*"/g, 'src="…"');

for (const {name, header, buffers, windows, nearest: middles} of cases) {
  const sheet = sheetOf(header, buffers.map(view), null);

  test(`${name}: the numbers of every window`, () => {
    assert.equal(windows.length, sheet.out[0] * sheet.out[1]);
    for (const {at: [row, column], numbers, agrees} of windows) {
      const win = windowAt(sheet, row, column), at = `${row}, ${column}`;
      for (const part of ['patch', 'kernel']) // exact
        assert.deepEqual(win[part] && [...win[part]], numbers[part] && numbers[part].map(Number), `${part} at ${at}`);
      for (const part of ['product', 'sums'])
        (numbers[part] ?? []).forEach((wanted, i) => near(win[part][i], wanted, `${part} at ${at}`));
      for (const part of ['total', 'result', 'value', 'tolerance', 'difference', 'cosine'])
        near(win[part], numbers[part], `${part} at ${at}`);
      assert.equal(win.agrees, agrees);
    }
  });

  test(`${name}: what is written about every window, letter by letter`, () => {
    for (const {at: [row, column], sum, tables, title, heading, below, width, marks} of windows) {
      const win = windowAt(sheet, row, column), at = `at ${row}, ${column}`;
      assert.equal(sumHtml(sheet, win), sum, at);
      assert.equal(pictures(tablesHtml(sheet, win, () => '')), pictures(tables), at);
      assert.equal(outputHeading(sheet, win), title, at);
      if (sheet.count > 1) {
        assert.equal(inputHeading(sheet, win), heading, at);
        assert.equal(inputBelow(sheet, win, width), below, at);
      }
      const [[top, bottom], [left, right]] = sheet.around;
      const shown = boxes(win).map(([x, y, end, under]) => [Math.max(x + left, 0), Math.max(y + top, 0),
        Math.min(end + left, left + sheet.size[1] + right), Math.min(under + top, top + sheet.size[0] + bottom)]);
      assert.deepEqual(shown, marks, at);
    }
  });

  test(`${name}: where the window has its middle nearest`, () => {
    for (const [axis, place, wanted] of middles) assert.equal(nearest(sheet.axes[axis], place), wanted);
  });
}

test('numbers in cells are those of Python', () => {
  for (const [values, tight, [[texts], factor]] of tables)
    assert.deepEqual(numerals(Float64Array.from(values.map(Number)), tight), [texts, factor], `${values} ${tight}`);
});

test('ties are rounded to even', () => {
  assert.deepEqual([0.125, 0.375, 2.5, -0.5, 0.5, 1.005].map(value => fixed(value, value % 1 === 0.5 || value === -0.5 ? 0 : 2)),
    ['0.12', '0.38', '2', '-0', '0', '1.00']);
});

test('an input that the page holds is not needed again', () => {
  const {header, buffers} = cases[0], whole = sheetOf(header, buffers.map(view), null);
  const left = header.names.map((name, i) => [name, view(buffers[i])]).filter(([name]) => name !== 'given' && name !== 'tiles');
  const less = {...header, names: left.map(([name]) => name)};
  assert.deepEqual(sheetOf(less, left.map(([, part]) => part), whole).given, whole.given);
  assert.equal(sheetOf(less, left.map(([, part]) => part), null), null);
});
