// What the pad computes: places, pixels, and its words.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  cameraWords, enlargement, firstPicture, packed, placeIn, reduced, unpacked,
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
