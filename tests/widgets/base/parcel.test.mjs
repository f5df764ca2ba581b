// What a drawing writes to many widgets, in one message.
import assert from 'node:assert/strict';
import test from 'node:test';

import parcel, {handOn} from '../../../cnnwidgets/widgets/base/parcel.mjs';

/** Models by id, which note what each is told. */
function models(...ids) {
  const told = [];
  const found = Object.fromEntries(ids.map(id => [id, {_handle_comm_msg: message => told.push([id, message])}]));
  const find = id => found[id] ?? Promise.reject(new Error('no such model'));
  return {told, find};
}

test('each widget is told its own, in order, with its own buffers', async () => {
  const {told, find} = models('a', 'b');
  const first = {method: 'update', state: {x: 1}, buffer_paths: [['x']]}, last = {method: 'custom', content: {}};
  await handOn(find, [['a', first, 2], ['b', {method: 'update', state: {}}, 0], ['a', last, 1]], [1, 2, 3]);
  assert.deepEqual(told, [
    ['a', {content: {data: first}, buffers: [1, 2]}],
    ['b', {content: {data: {method: 'update', state: {}}}, buffers: []}],
    ['a', {content: {data: last}, buffers: [3]}],
  ]);
});

test('one that is closed gets nothing, and the others all', async () => {
  const {told, find} = models('b');
  await handOn(find, [['a', {state: {}}, 1], ['b', {state: {}}, 1]], [1, 2]);
  assert.deepEqual(told, [['b', {content: {data: {state: {}}}, buffers: [2]}]]);
});

test('all are told in one turn: no timer, no frame and no other message comes between', async () => {
  const {told, find} = models('a', 'b');
  let turns = 0;
  const seen = [];
  setImmediate(() => { turns += 1; });
  await handOn(find, [['a', {}, 0], ['b', {}, 0]], []);
  seen.push(turns, told.length);
  assert.deepEqual(seen, [0, 2]);
});

test('the page says that it hands on, and hears until it is closed', async () => {
  const {told, find} = models('a');
  const said = [], heard = new Map();
  const model = {
    widget_manager: {get_model: find}, send: content => said.push(content),
    on: (event, hear) => heard.set(event, hear), off: event => heard.delete(event),
  };
  const close = parcel.initialize({model});
  assert.deepEqual(said, [{kind: 'hello'}]);
  await heard.get('msg:custom')({kind: 'parcel', parts: [['a', {method: 'update'}, 0]]}, undefined);
  assert.equal(told.length, 1);
  close();
  assert.equal(heard.size, 0);
});
