// Which point of an exported page the mouse means.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {nearestPoint} from '../../../cnnwidgets/views/embedding/points.mjs';

const places = [[10, 10], [20, 10], [100, 100]];

test('the nearest point within reach is meant, else none', () => {
  assert.equal(nearestPoint(places, 14, 10), 0);
  assert.equal(nearestPoint(places, 16, 10), 1);
  assert.equal(nearestPoint(places, 100, 112), 2);
  assert.equal(nearestPoint(places, 100, 113), -1);
  assert.equal(nearestPoint([], 0, 0), -1);
});
