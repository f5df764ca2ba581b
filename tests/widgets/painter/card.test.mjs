// Which positions of a hand the kernel is told of, and when.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Card} from '../../../cnnwidgets/widgets/painter/card.mjs';

/** A card with a slider that waits for its answer, and what the kernel is told, each with what says that it is heard. */
function dragged() {
  const card = new Card(/** @type {any} */ ({})), told = /** @type {any[]} */ ([]);
  const send = (content, callbacks) => told.push({
    ...content, heard: () => callbacks.iopub.status({content: {execution_state: 'idle'}}),
  });
  card.lead = /** @type {any} */ ({model: {send}});
  const slider = {at: 0, model_id: 's', _pending_msgs: 1, get: name => ({value: slider.at})[name]};
  return {card, slider, told, move: at => { slider.at = at; card.urge(/** @type {any} */ (slider)); }};
}

test('of a burst of positions the kernel is told the newest, once', t => {
  t.mock.timers.enable({apis: ['setTimeout', 'Date']});
  const {told, move} = dragged();
  for (let at = 1; at <= 100; at++) move(at);
  assert.equal(told.length, 0);
  t.mock.timers.tick(1000);
  assert.deepEqual(told.map(each => [each.kind, each.id, each.name, each.value]), [['asks', 's', 'value', 100]]);
});

test('a busy kernel has few positions before it, and of those that came meanwhile it is told the newest', t => {
  t.mock.timers.enable({apis: ['setTimeout', 'Date']});
  const {card, told, move} = dragged();
  for (let at = 1; at <= 100; at++) {
    move(at);
    t.mock.timers.tick(20);
  }
  assert.equal(told.length, 10);
  told[0].heard();
  t.mock.timers.tick(40);
  assert.deepEqual([told.length, told[10].value, card.unheard.length], [11, 100, 10]);
  t.mock.timers.tick(500);
  assert.equal(told.length, 11); // nothing newer
  for (const each of told.slice(1)) each.heard();
  assert.equal(card.unheard.length, 0);
});

test('what a kernel never hears of holds nothing up for long', t => {
  t.mock.timers.enable({apis: ['setTimeout', 'Date']});
  const {told, move} = dragged();
  for (let at = 1; at <= 30; at++) {
    move(at);
    t.mock.timers.tick(40);
  }
  assert.equal(told.length, 10);
  t.mock.timers.tick(3000);
  assert.equal(told.at(-1).value, 30);
});

test('a slider that has its answer sends by itself', t => {
  t.mock.timers.enable({apis: ['setTimeout', 'Date']});
  const {slider, told, move} = dragged();
  move(1);
  slider._pending_msgs = 0;
  t.mock.timers.tick(1000);
  assert.equal(told.length, 0);
});

test('of all painters that a move sets to work the first alone looks at the page', async () => {
  const card = new Card(/** @type {any} */ ({}));
  let looks = 0;
  const place = () => ({host: {getClientRects: () => { looks += 1; return [{}]; }}});
  const parts = [0, 1, 2].map(() => /** @type {any} */ ({sides: [place(), place()], kernels: () => null}));
  parts.forEach((part, at) => card.join(`map ${at}`, part, false));
  const paint = () => parts.forEach(part => {
    assert.equal(card.leaf(), null);
    assert.equal(card.sees(part.sides[0].host), true);
  });
  paint();
  assert.equal(looks, 6); // each of both places once
  await null;
  paint();
  assert.equal(looks, 12);
  card.leave(parts[0]);
  card.sees(parts[1].sides[0].host);
  assert.equal(looks, 16); // what is another card since is looked at anew
});
