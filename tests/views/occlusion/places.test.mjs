// Where the patch of OcclusionView may be in the page, and what is said of a place of its map.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {cellAt, cellWords, covered, even, grown, onMap, scoreWords, within} from '../../../cnnwidgets/views/occlusion/places.mjs';

const sheet = {size: [10, 12], window: [4, 4], stride: [4, 4], grid: [3, 3]};

test('a half is rounded to the even number, as in Python', () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, 2.4, 2.6].map(even), [0, 2, 2, 0, 2, 3].map(each => each + 0));
});

test('a hand leaves the whole patch on the image', () => {
  assert.deepEqual(within(sheet, -3, 20), [0, 8]);
  assert.deepEqual(within(sheet, 5.4, 2.6), [5, 3]);
});

test('a patch that a cell of the map cuts off at the border covers what is there', () => {
  assert.deepEqual(covered(sheet, [8, 8]), [8, 8, 12, 10]);
});

test('the nearest cell of the map is framed', () => {
  assert.deepEqual([[0, 0], [2, 6], [3, 7], [9, 11]].map(place => cellAt(sheet, place)), [[0, 0], [0, 2], [1, 2], [2, 2]]);
});

test('a cell says where its patch is and how the score changes, or that it is not done', () => {
  const fall = Float32Array.of(0.5, -1.25, 0, 0, 0, 0, 0, 0, NaN), known = Uint8Array.of(1, 1, 1, 0, 1, 1, 1, 1, 1);
  const say = cell => cellWords({...sheet, fall, known}, cell);
  assert.equal(say([0, 0]), 'rows 0 to 3, columns 0 to 3: −0.5');
  assert.equal(say([0, 1]), 'rows 0 to 3, columns 4 to 7: +1.25');
  assert.equal(say([0, 2]), 'rows 0 to 3, columns 8 to 11: 0');
  assert.equal(say([1, 0]), 'rows 4 to 7, columns 0 to 3: not yet done');
  assert.equal(say([2, 2]), 'rows 8 to 9, columns 8 to 11: NaN');
});

test('a map that grows takes the new numbers and keeps the others', () => {
  const old = {...sheet, fall: Float32Array.of(NaN, 2, NaN), known: Uint8Array.of(0, 1, 0)};
  const now = grown(old, Uint32Array.of(0, 1), Float32Array.of(5, 3));
  assert.deepEqual(now, {...sheet, fall: Float32Array.of(5, 3, NaN), known: Uint8Array.of(1, 1, 0)});
  assert.deepEqual(old.fall, Float32Array.of(NaN, 2, NaN));
});

test('without a kernel the score is that of the place where it stood, or of a place of the map, or not known', () => {
  const fall = Float32Array.of(0.5, -1.25, 0, 0, 0, 0, 0, 0, 2), known = Uint8Array.of(1, 1, 1, 0, 1, 1, 1, 1, 1);
  const whole = {...sheet, fall, known, score: {unit: 'logit', whole: 3, at: [1, 2], found: 2.25}};
  assert.deepEqual(onMap(whole, [3, 7]), [4, 8]);
  assert.deepEqual(scoreWords(whole, [1, 2]), [
    ['logit', '2.25'], ['without patch', '3'], ['change', '−0.75'], ['rows', '1 to 4'], ['columns', '2 to 5']]);
  assert.deepEqual(scoreWords(whole, [0, 4]), [
    ['logit', '4.25'], ['without patch', '3'], ['change', '+1.25'], ['rows', '0 to 3'], ['columns', '4 to 7']]);
  assert.deepEqual(scoreWords(whole, [8, 8]).slice(2), [['change', '−2'], ['rows', '8 to 9'], ['columns', '8 to 11']]);
  assert.equal(scoreWords(whole, [4, 0]), null);
});
