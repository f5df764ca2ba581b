// What the pad computes: places, pixels, which message goes when, and its words.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  Newest, cameraWords, enlargement, firstPicture, packed, placeIn, reduced, unpacked,
} from '../../../cnnwidgets/widgets/input/strokes.mjs';

test('a place under the mouse is one on the canvas, in its own px', () => {
  assert.deepEqual(placeIn(150, 60, {left: 10, top: 20, width: 280, height: 280}, 28, 28), [14, 4]);
});

test('a small canvas is enlarged a whole number of times, a large one fits', () => {
  assert.equal(enlargement(28, 28, 280), 10);
  assert.equal(enlargement(32, 24, 280), 8);
  assert.equal(enlargement(224, 224, 280), 1);
  assert.equal(enlargement(560, 400, 280), 0.5);
});

test('grey pixels have a byte each, those in colour three', () => {
  const rgba = Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255);
  assert.deepEqual([...packed(rgba, false)], [1, 4]);
  assert.deepEqual([...packed(rgba, true)], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...unpacked(Uint8Array.of(7, 8), false)], [7, 7, 7, 255, 8, 8, 8, 255]);
  assert.deepEqual([...unpacked(packed(rgba, true), true)], [...rgba]);
});

test('one is under way at a time, and of what waits the newest goes', () => {
  const sent = [];
  let state = 'a';
  const newest = new Newest(number => sent.push([number, state]), () => 0);
  newest.offer();
  for (state of ['b', 'c', 'd']) newest.offer();
  assert.deepEqual(sent, [[1, 'a']]);
  newest.answered(1);
  assert.deepEqual(sent, [[1, 'a'], [2, 'd']]);
  newest.answered(1); // said twice
  newest.answered(2);
  assert.equal(sent.length, 2);
  state = 'e';
  newest.offer();
  assert.deepEqual(sent.at(-1), [3, 'e']);
});

test('an answer that was lost holds nothing up for long', () => {
  const sent = [];
  let now = 0;
  const newest = new Newest(number => sent.push(number), () => now, 5000);
  newest.offer();
  now = 4999;
  newest.offer();
  assert.deepEqual(sent, [1]);
  now = 5000;
  newest.offer();
  assert.deepEqual(sent, [1, 2]);
});

test('why there is no camera is said in words', () => {
  assert.match(cameraWords(null), /^This page has no camera/);
  assert.match(cameraWords({name: 'NotAllowedError'}), /^The camera was refused/);
  assert.equal(cameraWords({name: 'NotFoundError'}), 'There is no camera.');
  assert.equal(cameraWords({name: 'AbortError', message: 'in use'}), 'The camera cannot be read: in use.');
});

test('of several files the first picture is taken', () => {
  const text = {type: 'text/plain'}, picture = {type: 'image/png'};
  assert.equal(firstPicture([text, picture]), picture);
  assert.equal(firstPicture([text]), text);
  assert.equal(firstPicture([]), null);
  assert.equal(firstPicture(undefined), null);
});

test('a large picture is reduced in its own shape', () => {
  assert.deepEqual(reduced(8000, 5000, 4e6), [2529, 1581]);
  assert.deepEqual(reduced(30, 20, 4e6), [30, 20]);
});
