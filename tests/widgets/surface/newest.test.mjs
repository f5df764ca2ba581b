// Which message goes when.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Newest} from '../../../cnnwidgets/widgets/surface/newest.mjs';

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
