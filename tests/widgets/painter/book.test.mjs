// What a card has shown before, by its address.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Book, again, keyOf} from '../../../cnnwidgets/widgets/painter/book.mjs';

const at = (layer, index, valid = 'w1') => ({layer, index, slice: 0, colormap: 'auto', scale: 'layer', columns: 0, valid});
const leaf = (name, bytes = 10) => ({sheets: {}, copies: [name], bytes});

/** The book of a card that the kernel shows at an address. */
function opened(address, limit = 1000) {
  const book = new Book(limit);
  book.said(address, true);
  return book;
}

test('nothing is asked for before the kernel has said where the card stands', () => {
  const book = new Book();
  book.ask('layer', 'C3');
  assert.equal(book.wanted({}), null);
});

test('what a hand asks for is found where it was seen, whatever the order of its parts', () => {
  const book = opened(at('C1', 3));
  book.keep(at('C1', 3), leaf('first'));
  book.said(at('C3', 3), true);
  assert.equal(book.find(book.wanted({})), undefined); // not kept
  book.ask('layer', 'C1');
  assert.deepEqual(book.find(book.wanted({})).copies, ['first']);
  assert.equal(keyOf({a: 1, b: [0, 1]}), keyOf({b: [0, 1], a: 1}));
  assert.equal(book.find(book.wanted({colormap: 'magma'})), undefined);
  book.ask('index', 4);
  assert.equal(book.find(book.wanted({})), undefined);
});

test('other weights forget all that was seen, and so do edits, which are part of the same word', () => {
  const book = opened(at('C1', 3));
  book.keep(at('C1', 3), leaf('old'));
  book.said(null, false); // it draws
  assert.ok(book.drawing && book.leaves.size === 1);
  book.said(at('C3', 3, 'w2'), true);
  assert.deepEqual([book.leaves.size, book.bytes, book.drawing], [0, 0, false]);
  book.ask('layer', 'C1');
  assert.equal(book.find(book.wanted({})), undefined);
  book.said(at('C3', 3, 'w1'), true);
  assert.equal(book.find(book.wanted({})), undefined);
});

test('a hand is ahead of the kernel until that has answered all it moved', () => {
  const book = opened(at('C1', 3));
  for (const index of [4, 5, 6]) book.ask('index', index);
  book.said(at('C1', 4), false);
  assert.equal(book.wanted({}).index, 6);
  book.said(at('C1', 6), false);
  book.said(at('C1', -1), true); // an own image, which moves no slider
  assert.equal(book.wanted({}).index, -1);
});

test('the book stays within its bytes, and what was seen last stays longest', () => {
  const book = opened(at('C1', 0), 25);
  for (const index of [0, 1]) book.keep(at('C1', index), leaf(index));
  book.find(at('C1', 0));
  book.keep(at('C1', 2), leaf(2));
  assert.deepEqual([...book.leaves.values()].map(each => each.copies[0]), [0, 2]);
  assert.equal(book.bytes, 20);
  book.keep(at('C1', 2), leaf(2, 5)); // the same again
  assert.equal(book.bytes, 15);
  book.keep(at('C1', 3), leaf(3, 100));
  assert.deepEqual([book.leaves.size, book.bytes], [1, 100]);
});

test('a sheet of the book has the numbers and texts that were seen, and the state and room of now', () => {
  const now = {number: 7, role: 'map', key: 'k7', heading: ['now'], hint: '', what: 'Channel', pixel: [1, 2], state: {channel: 3},
    reserve: 90};
  const seen = {...now, number: 2, key: 'k2', heading: ['then'], pixel: null, state: {channel: 0}, reserve: 50};
  assert.deepEqual(again(now, seen, true), {...now, key: 'k2', heading: ['then'], elsewhere: false});
  assert.deepEqual(again(now, seen, false).pixel, null);
});
