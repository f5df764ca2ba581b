// Looking closer: where things are, by numbers worked out by hand.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  LARGEST_PIXEL, WHOLE, closer, factorWords, inkOn, lettering, limited, moved, placeOf, revealing, screenOf, scrolls,
  seen, turned, written,
} from '../../../cnnwidgets/widgets/painter/zoom.mjs';

const fit = {columns: 28, rows: 28, factor: 10, width: 280, height: 280}; // 280 px as a whole, all of its room
const four = {zoom: 4, left: 0.25, top: 0.5}; // a pixel is 40 px; the first to be seen is that of column 7, row 14

test('a place of the picture lies at a px of the room, and back', () => {
  assert.deepEqual(screenOf(WHOLE, fit, 3, 5), [30, 50]);
  assert.deepEqual(screenOf(four, fit, 7, 14), [0, 0]);
  assert.deepEqual(screenOf(four, fit, 8.5, 15), [60, 40]);
  assert.deepEqual(screenOf(four, fit, 0, 0), [-280, -560]);
  assert.deepEqual(placeOf(four, fit, 60, 40), [8.5, 15]);
  for (const [x, y] of [[0, 0], [3.25, 27], [28, 28]])
    assert.deepEqual(placeOf(four, fit, ...screenOf(four, fit, x, y)), [x, y]);
});

test('the pixels that are seen', () => {
  assert.deepEqual(seen(WHOLE, fit), [0, 0, 28, 28]);
  assert.deepEqual(seen(four, fit), [7, 14, 14, 21]);
  assert.deepEqual(seen({zoom: 4, left: 7.5 / 28, top: 0}, fit), [7, 0, 15, 7]); // those at the edges in part
  assert.deepEqual(seen({zoom: 2, left: 0, top: 0}, {...fit, rows: 3}), [0, 0, 14, 3]); // the room is higher than they are
});

test('closer keeps what is under the mouse there', () => {
  assert.deepEqual(closer(WHOLE, fit, 2, 0.5, 0.5), {zoom: 2, left: 0.25, top: 0.25});
  assert.deepEqual(closer(WHOLE, fit, 4, 0, 1), {zoom: 4, left: 0, top: 0.75});
  const place = [10.5, 16.25], before = screenOf(four, fit, ...place);
  const after = screenOf(closer(four, fit, 1.5, place[0] / 28, place[1] / 28), fit, ...place);
  assert.deepEqual(after.map(px => Math.round(px * 1e6) / 1e6), before);
});

test('it ends at the whole picture and at the largest pixel, and goes back the way that it came', () => {
  assert.deepEqual(closer(four, fit, 0.2, 0.3, 0.6), WHOLE);
  assert.equal(closer(four, fit, 100, 0.5, 0.5).zoom, LARGEST_PIXEL / 10);
  assert.deepEqual(closer(WHOLE, fit, 0.5, 0.5, 0.5), WHOLE);
  assert.deepEqual(closer(closer(WHOLE, fit, 3, 0.1, 0.9), fit, 1 / 3, 0.1, 0.9), WHOLE);
  assert.equal(closer(WHOLE, {...fit, factor: 288, columns: 1, rows: 1}, 2, 0.5, 0.5).zoom, 1); // one pixel fills the room
});

test('a drag moves the picture and stops at its edges', () => {
  assert.deepEqual(moved(four, fit, 40, -80), {zoom: 4, left: 0.25 - 1 / 28, top: 0.5 + 2 / 28});
  assert.deepEqual(moved(four, fit, 1000, -1000), {zoom: 4, left: 0, top: 0.75});
  assert.deepEqual(moved(WHOLE, fit, 50, 50), WHOLE);
  assert.equal(moved({zoom: 2, left: 0, top: 0}, {...fit, rows: 3}, 0, -50).top, 0); // no room to go there
});

test('a view of another picture is brought within it', () => {
  assert.deepEqual(limited({zoom: 4, left: 0.75, top: 0.75}, {...fit, width: 560}), {zoom: 4, left: 0.5, top: 0.75});
  assert.deepEqual(limited({zoom: 1.0000001, left: 0.1, top: -1}, fit), WHOLE);
});

test('a box comes into sight by the shortest way', () => {
  assert.deepEqual(revealing(four, fit, [8, 15, 9, 16]), four); // it is there
  assert.deepEqual(revealing(four, fit, [0, 15, 1, 16]), {zoom: 4, left: 0, top: 0.5});
  assert.deepEqual(revealing(four, fit, [20, 27, 21, 28]), {zoom: 4, left: 0.5, top: 0.75});
});

test('a notch of the wheel and two fingers mean about the same', () => {
  const turn = (deltaY, ctrlKey = false, deltaMode = 0) => turned({deltaY, deltaMode, ctrlKey});
  assert.equal(turn(-100), 2 ** 0.4);
  assert.equal(turn(100), 2 ** -0.4);
  assert.equal(turn(-100, true), turn(-100)); // a wheel with Ctrl
  assert.equal(turn(-20, true), turn(-100)); // a touch pad
  assert.ok(Math.abs(turn(-3, false, 1) - turn(-99)) < 1e-12); // lines
  assert.deepEqual([turn(-5000), turn(5000), turn(0)], [2, 0.5, 1]);
});

test('a movement that scrolls the page goes on when a picture comes under the mouse', () => {
  const passed = {time: 1000, down: true, taken: false};
  assert.ok(scrolls(passed, 1100, true));
  assert.ok(!scrolls(passed, 1300, true)); // after a rest
  assert.ok(!scrolls(passed, 1100, false)); // the other way
  assert.ok(!scrolls({...passed, taken: true}, 1100, true));
});

test('numbers get as many digits as have room, the same everywhere in a map', () => {
  assert.equal(lettering(0, 0.5, false, 25.9), null);
  assert.equal(lettering(-0.5, 0.5, false, 26), null); // a sign takes room
  const write = (least, most, side, whole = false) => {
    const style = lettering(least, most, whole, side);
    return style && [...[least, most, most / 7].map(value => written(value, style)), factorWords(style.power)];
  };
  assert.deepEqual(write(0, 0.5, 26), ['0', '0.50', '0.07', '']);
  assert.deepEqual(write(-1.234567, 0.7, 30), ['−1.2', '0.7', '0.1', '']);
  assert.deepEqual(write(-1.234567, 0.7, 60), ['−1.235', '0.700', '0.100', '']);
  assert.deepEqual(write(-123.4, 700, 30), ['−123', '700', '100', '']);
  assert.deepEqual(write(0, 0.0035, 30), ['0', '3.50', '0.50', '× 10⁻³']);
  assert.deepEqual(write(0, 5e-324, 60), ['0', '4.941', '0', '× 10⁻³²⁴']);
  assert.deepEqual(write(-1e308, 7e307, 60), ['−100.0', '70.0', '10.0', '× 10³⁰⁶']);
  assert.deepEqual(write(-7, 14, 40, true), ['−7', '14', '2', '']);
  assert.deepEqual(write(0, 5600, 60, true), ['0', '5600', '800', '']);
  assert.deepEqual(write(0, 0, 40), ['0', '0', '0', '']);
  assert.equal(lettering(NaN, NaN, false, 40)?.power, 0);
});

test('what is no number is a word, and what is rounded to 0 has no sign', () => {
  const style = {size: 10, decimals: 2, power: 0};
  assert.deepEqual([NaN, Infinity, -Infinity, -0.001, 0, -0].map(value => written(value, style)),
    ['NaN', '∞', '−∞', '0.00', '0', '0']);
});

test('ink can be read on its colour', () => {
  assert.equal(inkOn(0xffffffff), '#000000');
  assert.equal(inkOn(0xff000000), '#ffffff');
  assert.equal(inkOn(0xff00ffff), '#000000'); // yellow: bytes are in the order of a canvas
  assert.equal(inkOn(0xffff0000), '#ffffff'); // blue
  assert.equal(inkOn(0xffff00ff), '#000000'); // magenta, of what is not finite
});
