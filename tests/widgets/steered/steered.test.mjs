// A place that is moved in the page and in the kernel at once; and the frames that are drawn over a figure.
import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {framed} from '../../../cnnwidgets/widgets/steered/over.mjs';
import {Steered} from '../../../cnnwidgets/widgets/steered/steered.mjs';

/** A widget in the page: traits, listeners, and what it has sent to the kernel. */
class Model {
  constructor(traits) {
    Object.assign(this, {traits, heard: {}, sent: [], saved: []});
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.traits[name] = value;
    for (const call of this.heard[`change:${name}`] ?? []) call();
  }

  /** The kernel sets a trait. */
  said(name, value) {
    this._state_lock = {[name]: value};
    this.set(name, value);
    this._state_lock = null;
  }

  save_changes() {
    this.saved.push(structuredClone(this.traits.moved));
  }

  on(name, call) {
    (this.heard[name] ??= []).push(call);
  }

  off(name, call) {
    this.heard[name] = this.heard[name].filter(each => each !== call);
  }

  send(content) {
    this.sent.push(content);
  }
}

let model, row, column, steered, painted;

beforeEach(async () => {
  Object.assign(globalThis, {document: {hidden: false}, requestAnimationFrame: call => setTimeout(call), cancelAnimationFrame: clearTimeout});
  [row, column] = [new Model({value: 1, max: 9}), new Model({value: 1, max: 9})];
  model = new Model({key: 'a', told: ['a', 0, 1, 1], moved: [], controls: {row: 'r', column: 'c'}});
  model.widget_manager = {get_model: async id => ({r: row, c: column})[id]};
  painted = [];
  class Kind extends Steered {
    paint() {
      painted.push(String(this.place));
    }
  }
  steered = new Kind(model, null);
  steered.start();
  await new Promise(setImmediate);
  steered.begin({out: [10, 10]});
});

const frame = () => new Promise(done => setTimeout(done, 5));

test('what is shown is asked for, and no more than once as long as nothing was lost', async () => {
  steered.close();
  const other = new Steered(model, null);
  model.sent = [];
  other.start();
  await frame();
  assert.deepEqual(model.sent, [{kind: 'want', key: 'a', holds: ''}]);
  other.close();
});

test('a hand moves place, sliders and kernel, and many moves make one drawing', async () => {
  await frame();
  painted.length = 0;
  steered.move([2, 3]);
  steered.move([4, 12]);
  steered.move([4, 9]); // where it is already
  assert.deepEqual([row.get('value'), column.get('value')], [4, 9]);
  assert.deepEqual(model.saved, [['a', 1, 2, 3], ['a', 2, 4, 9]]);
  await frame();
  assert.deepEqual(painted, ['4,9']);
  steered.close();
});

test('what the kernel says moves it, unless it had not heard of the newest move', () => {
  steered.move([2, 3]);
  steered.move([5, 5]);
  model.said('told', ['a', 1, 2, 3]); // the answer to the first move
  assert.deepEqual(steered.place, [5, 5]);
  model.said('told', ['a', 2, 7, 5]); // a cell has set the row, after the second
  assert.deepEqual(steered.place, [7, 5]);
  assert.equal(row.get('value'), 7);
  steered.close();
});

test('a slider moves it, and one that the kernel sets late does not', async () => {
  row.set('value', 6);
  assert.deepEqual(steered.place, [6, 1]);
  row.said('value', 2);
  await Promise.resolve();
  assert.deepEqual([steered.place, row.get('value')], [[6, 1], 6]);
  await new Promise(done => setTimeout(done, 200));
  assert.deepEqual(model.saved, [['a', 1, 6, 1]]); // once, when the hand rests
  steered.close();
});

test('of something else nothing is drawn or told before it has come', async () => {
  await frame();
  painted.length = 0;
  model.said('key', 'b');
  steered.move([3, 3]);
  await frame();
  assert.deepEqual([painted, model.saved], [[], []]);
  steered.close();
  assert.deepEqual([model.heard['change:told'], row.heard['change:value']], [[], []]);
});

test('a frame has two lines, and room around a single small pixel, inside of the picture', () => {
  assert.deepEqual(framed([[2, 1, 4, 3]], 100, 100, 10), [[20, 10, 20, 20], [22, 12, 16, 16]]);
  assert.deepEqual(framed([[0, 5, 1, 6]], 20, 20, 2)[0], [1, 7, 4, 8]);
});
