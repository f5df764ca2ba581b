// What the page keeps, and what it asks for.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Pictures, Store} from '../../../cnnwidgets/widgets/painter/store.mjs';

const layer = (key, bytes) => ({key, bytes, count: 4, maps: new Map()});
const map = {low: 0, step: 1, codes: new Uint16Array(4), height: 2, width: 2};

/** A model that collects what is sent to the kernel. */
function model() {
  const sent = [];
  return {sent, send: content => sent.push(content)};
}

test('the store stays within its bytes, and what was painted last stays longest', () => {
  const store = new Store(100);
  store.put(layer('a', 40));
  store.put(layer('b', 40));
  store.layer('a');
  store.put(layer('c', 40));
  assert.deepEqual([...store.layers.keys()], ['a', 'c']);
  assert.deepEqual(store.gone, ['b']);
  assert.equal(store.bytes, 80);
  store.put(layer('b', 40));
  assert.deepEqual(store.gone, ['a']);
});

test('a layer that is larger than the store is kept as long as it is the only one', () => {
  const store = new Store(100);
  store.put(layer('a', 200));
  assert.ok(store.layer('a'));
  store.put(layer('b', 20));
  assert.deepEqual([...store.layers.keys()], ['b']);
});

test('maps in full count as bytes of their layer', () => {
  const store = new Store(100);
  store.put(layer('a', 40));
  store.putMap('a', 2, map);
  store.putMap('a', 2, map);
  store.putMap('other', 2, map);
  assert.equal(store.bytes, 48);
});

test('one wish is under way at a time, and the newest follows', () => {
  const store = new Store(100), page = model();
  store.put(layer('a', 40));
  for (const channel of [0, 1, 2, 3]) store.want(page, 'a', channel);
  assert.deepEqual(page.sent, [{kind: 'want', key: 'a', channel: 0}]);
  store.answered('a', 3); // not what was asked
  assert.equal(page.sent.length, 1);
  store.answered('a', 0);
  assert.deepEqual(page.sent.slice(1), [{kind: 'want', key: 'a', channel: 3}]);
  store.hear({kind: 'none', key: 'a', channel: 3}, []);
  assert.equal(page.sent.length, 2);
  store.want(page, 'a', 1);
  assert.equal(page.sent.length, 3);
  store.answered('a', 1);
});

test('an answer that was lost is asked for again by those who still need it', context => {
  context.mock.timers.enable({apis: ['setTimeout']});
  const store = new Store(100), page = model();
  store.put(layer('a', 40));
  store.want(page, 'a', 1);
  store.watchers.add(() => store.want(page, 'a', 2)); // a painter that shows another channel by now
  context.mock.timers.tick(60_000);
  assert.deepEqual(page.sent.slice(0, 2), [{kind: 'want', key: 'a', channel: 1}, {kind: 'want', key: 'a', channel: 2}]);
  store.watchers.clear();
  store.answered('a', 2);
});

test('what several painters of a page lack is asked for once', () => {
  const store = new Store(100);
  assert.deepEqual([store.needs('a', 0), store.needs('a', 100), store.needs('b', 100)], [true, false, true]);
  assert.equal(store.needs('a', 10_000), true); // it has not come: it was lost
  store.put(layer('a', 40));
  assert.equal(store.needs('a', 10_001), true);
});

test('colour tables are kept by name, and the store says what it holds', () => {
  const store = new Store(100);
  const bytes = new Uint8Array(2048).map((_, i) => i);
  store.put(layer('a', 1));
  let told = 0;
  store.watchers.add(() => told++);
  store.hear({kind: 'palettes', names: ['x', 'y'], diverging: [false, true], auto: ['x', 'y'], accent: '#123456'},
    [new DataView(bytes.buffer)]);
  assert.deepEqual(store.holds(), ['a', 'palette x', 'palette y']);
  assert.equal(store.palettes.get('y').colors[0], 0x03020100);
  assert.equal(store.palettes.get('y').diverging, true);
  assert.equal(told, 1);
});

test('a picture is made once, and what was painted longest ago goes first', () => {
  const pictures = new Pictures(100), made = [];
  const paint = (drawn, pixels = 10) => pictures.of(drawn, () => {
    made.push(drawn);
    return {pixels: new Uint32Array(pixels), texts: [drawn]};
  });
  const first = paint('a');
  paint('b');
  assert.equal(paint('a'), first);
  assert.deepEqual([made.join(), pictures.bytes], ['a,b', 80]);
  paint('c');
  assert.deepEqual([[...pictures.kept.keys()].join(), pictures.bytes], ['a,c', 80]);
  paint('b');
  assert.equal(made.join(), 'a,b,c,b');
  paint('large', 1000);
  assert.deepEqual([[...pictures.kept.keys()].join(), pictures.bytes], ['large', 4000]);
});

test('pictures count as bytes of the page, and take no room from the layers', () => {
  const store = new Store(100);
  store.put(layer('a', 90));
  store.pictures.of('grid', () => ({pixels: new Uint32Array(100), texts: []}));
  store.put(layer('b', 10));
  assert.deepEqual([[...store.layers.keys()].join(), store.bytes], ['a,b', 500]);
});
