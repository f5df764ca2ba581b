// Which frame is asked for, and which the page shows before the kernel does.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Wanted, meant, nearest} from '../../../cnnwidgets/widgets/painter/series.mjs';

const SLIDER = 0, PLAYER = 1;
const series = {of: '1', signed: true, scales: {film: [[-1, 2], [-2, 2]], frame: 'layer-full'}};
const sheet = {key: 'k3', series, state: {channel: 0, colormap: 'auto', scale: 'film', columns: 0, frame: 3}};
const reel = {of: '1', keys: {4: 'k4', 5: 'k5', 6: 'k6'}};
const all = () => true;

/** Number and key of the frame that is shown. */
function shown(...given) {
  const {key, state} = nearest(...given);
  return [state.frame, key];
}

test('the frame that is asked for is shown where the page has it', () => {
  assert.deepEqual(shown(sheet, reel, 5, all), [5, 'k5']);
  assert.deepEqual(shown(sheet, reel, 3, all), [3, 'k3']);
  assert.equal(nearest(sheet, reel, 3, all), sheet);
  assert.equal(sheet.state.frame, 3);
});

test('where the page has it not, the nearest is, which never goes back before the kernel does', () => {
  assert.deepEqual(shown(sheet, reel, 9, all), [6, 'k6']);
  assert.deepEqual(shown(sheet, reel, 6, key => key !== 'k6'), [5, 'k5']);
  assert.deepEqual(shown(sheet, reel, 1, all), [3, 'k3']);
  assert.deepEqual(shown(sheet, reel, 5, () => false), [3, 'k3']);
});

test('a frame of another series is never shown, nor one beside what is no series', () => {
  assert.deepEqual(shown(sheet, {...reel, of: '2'}, 5, all), [3, 'k3']);
  assert.deepEqual(shown(sheet, {}, 5, all), [3, 'k3']);
  assert.deepEqual(shown(sheet, undefined, 5, all), [3, 'k3']);
  const alone = {key: 'k3', state: {channel: 0, colormap: 'auto', scale: 'layer', columns: 0}};
  assert.equal(nearest(alone, {keys: reel.keys}, 5, all), alone);
});

test('a word of a menu means the scale that the view says, and each of the painter itself', () => {
  assert.deepEqual(meant(sheet, 'film', false), [-1, 2]);
  assert.deepEqual(meant(sheet, 'film', true), [-2, 2]);
  assert.equal(meant(sheet, 'frame', true), 'layer-full');
  assert.equal(meant(sheet, 'map', true), 'map');
  assert.deepEqual(meant(sheet, [0, 1], true), [0, 1]);
  assert.equal(meant({...sheet, series: undefined}, 'layer', true), 'layer');
});

test('the player runs ahead of a slider that the kernel moves after it', () => {
  const wanted = new Wanted([0, 0]);
  for (const frame of [1, 2, 3]) wanted.moved(PLAYER, frame);
  for (const frame of [1, 3]) { // some of what the page says is merged on the way
    wanted.moved(SLIDER, frame);
    assert.equal(wanted.frame, 3);
  }
  wanted.moved(SLIDER, 1);
  assert.equal(wanted.frame, 1); // this is a hand
});

test('a hand on the slider is not held up by a player that the kernel moves after it', () => {
  const wanted = new Wanted([4, 4]);
  for (const frame of [5, 6, 5]) wanted.moved(SLIDER, frame);
  for (const frame of [5, 6, 5]) wanted.moved(PLAYER, frame);
  assert.equal(wanted.frame, 5);
  assert.deepEqual(wanted.moves, [[], []]);
});

test('a cell moves both', () => {
  const wanted = new Wanted([0, 0]);
  wanted.moved(SLIDER, 7);
  wanted.moved(PLAYER, 7);
  assert.deepEqual([wanted.frame, wanted.moves], [7, [[], []]]);
});

test('once all controls are where the kernel is, nothing is under way', () => {
  const wanted = new Wanted([0, 0]);
  for (const frame of [1, 2, 3]) wanted.moved(PLAYER, frame);
  wanted.moved(SLIDER, 9);
  wanted.settle(3, [9, 3]);
  assert.equal(wanted.frame, 9);
  wanted.settle(3, [3, 3]);
  assert.deepEqual([wanted.frame, wanted.moves], [3, [[], []]]);
});

test('what another page does to a slider alone is settled when the kernel shows it', () => {
  const wanted = new Wanted([0, 0]);
  for (const frame of [1, 2, 3]) {
    wanted.moved(SLIDER, frame);
    wanted.settle(frame - 1, [frame, 0]);
    assert.equal(wanted.frame, frame);
    wanted.settle(frame, [frame, 0]);
    assert.deepEqual(wanted.moves, [[], []]);
  }
  wanted.moved(PLAYER, 1); // here somebody plays from where this page's player is
  assert.equal(wanted.frame, 1);
});
