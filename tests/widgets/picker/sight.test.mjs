// Which images are in sight, where keys and wheel lead, and what is missing.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  Kept, fitted, imagesAt, inSight, led, missing, numbers, revealing, said, seen, turned, within,
} from '../../../cnnwidgets/widgets/picker/sight.mjs';

const sight = {offset: 0, width: 250, stride: 100, count: 60000};

test('in sight is what is seen in part, and nothing beyond the ends', () => {
  assert.deepEqual(inSight(sight), [0, 3]);
  assert.deepEqual(inSight({...sight, offset: 150}), [1, 4]);
  assert.deepEqual(inSight({...sight, offset: 5999750}), [59997, 60000]);
  assert.deepEqual(inSight({...sight, count: 2}), [0, 2]);
});

test('it is said which images are seen whole', () => {
  assert.equal(seen({...sight, offset: 150}), 'images 2 to 3 of 60,000');
  assert.equal(seen({...sight, count: 2}), 'images 0 to 1 of 2');
  assert.equal(seen({...sight, width: 90, offset: 1e6}), 'images 10,000 to 10,000 of 60,000');
});

test('a place is never beyond the ends, and a short strip begins at the left', () => {
  assert.equal(within(-5, sight), 0);
  assert.equal(within(123.5, sight), 123.5);
  assert.equal(within(1e9, sight), 5999750);
  assert.equal(within(50, {...sight, count: 2}), 0);
});

test('an image is shown by the shortest way, and one far away in the middle', () => {
  const here = {...sight, offset: 1000};
  assert.equal(revealing(11, here), 1000);
  assert.equal(revealing(9, here), 900);
  assert.equal(revealing(12, here), 1050);
  assert.equal(revealing(500, here), 49925);
  assert.equal(revealing(0, {...sight, offset: 49925}), 0);
  assert.equal(revealing(59999, here), 5999750);
});

test('keys lead to a neighbour, by what is seen, and to the ends', () => {
  assert.equal(led('ArrowRight', 5, sight), 6);
  assert.equal(led('ArrowLeft', 0, sight), 0);
  assert.equal(led('PageDown', 5, {...sight, width: 1000}), 14);
  assert.equal(led('PageUp', 5, {...sight, width: 1000}), 0);
  assert.equal(led('PageDown', 5, {...sight, width: 80}), 6);
  assert.equal(led('Home', 5, sight), 0);
  assert.equal(led('End', 5, sight), 59999);
  assert.equal(led('Enter', 5, sight), null);
  assert.equal(led('toString', 5, sight), null);
});

test('a wheel that turns down moves to the right, in px, lines or pages', () => {
  assert.equal(turned({deltaX: 0, deltaY: 100, deltaMode: 0}, 250), 100);
  assert.equal(turned({deltaX: -30, deltaY: 2, deltaMode: 0}, 250), -30);
  assert.equal(turned({deltaX: 0, deltaY: 3, deltaMode: 1}, 250), 120);
  assert.equal(turned({deltaX: 0, deltaY: -1, deltaMode: 2}, 250), -250);
});

test('missing is what is in sight and not kept', () => {
  const kept = new Kept(9);
  kept.put(3, 'c');
  assert.deepEqual(missing(imagesAt(2, 5, null), kept), [2, 4]);
  assert.deepEqual(missing(imagesAt(5, 2, null), kept), []);
});

test('a filter shows other images at the places, in its own order', () => {
  const sent = Uint8Array.of(0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 1, 1, 0, 0);
  const found = numbers(new DataView(sent.buffer, 2));
  assert.deepEqual([...found], [9, 4, 257]);
  assert.deepEqual(imagesAt(1, 3, found), [4, 257]);
  assert.deepEqual([...numbers(null), ...numbers(new DataView(new ArrayBuffer(0)))], []);
  assert.equal(seen({...sight, count: 0}, '0 of 12 images'), '0 of 12 images');
});

test('what was used least recently goes first', () => {
  const kept = new Kept(2);
  kept.put(1, 'a');
  kept.put(2, null);
  assert.equal(kept.get(1), 'a');
  kept.put(3, 'c');
  assert.deepEqual([1, 2, 3].map(index => kept.has(index)), [true, false, true]);
  kept.clear();
  assert.equal(kept.all.size, 0);
});

test('what is said of an image: its class, what is wrong, or why it has no picture', () => {
  assert.equal(said(7, 'cat', '', undefined), 'image 7 · cat');
  assert.equal(said(7, 'cat', '', ''), 'image 7 · cat');
  assert.equal(said(7, 'cat', '', 'dog'), 'image 7 · cat · wrong: the network says dog');
  assert.equal(said(7, '', 'no picture', null), 'image 7 · no picture');
});

test('a picture keeps its shape in its box', () => {
  assert.deepEqual(fitted(28, 28, 64, 48), [48, 48]);
  assert.deepEqual(fitted(64, 16, 64, 48), [64, 16]);
  assert.deepEqual(fitted(500, 1, 64, 48), [64, 1]);
});
