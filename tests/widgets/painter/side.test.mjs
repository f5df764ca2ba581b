// What a painter says keeps its elements: a new one would have to be styled.
import assert from 'node:assert/strict';
import test from 'node:test';

import {listIn, sayIn} from '../../../cnnwidgets/widgets/painter/side.mjs';

/** As much of an element as a list of texts needs. */
function element() {
  const children = [], made = {
    children, firstChild: null,
    get textContent() { return made.firstChild?.nodeValue ?? ''; },
    set textContent(text) { made.firstChild = {nodeValue: text}; },
    appendChild: child => {
      child.remove = () => children.splice(children.indexOf(child), 1);
      children.push(child);
      return child;
    },
  };
  return made;
}

test('a text has the node that it had', () => {
  const host = element();
  sayIn(host, 'one');
  const node = host.firstChild;
  sayIn(host, 'two');
  assert.deepEqual([host.textContent, host.firstChild === node], ['two', true]);
});

test('of a list of texts as many elements stay as it has texts', () => {
  globalThis.document = {createElement: element};
  const host = element(), texts = () => host.children.map(child => child.textContent);
  listIn(host, 'span', ['range', '0 … 1', 'mean']);
  assert.deepEqual(texts(), ['range', '0 … 1', 'mean']);
  const [first, second] = host.children;
  listIn(host, 'span', ['range', '2 … 3']);
  assert.deepEqual(texts(), ['range', '2 … 3']);
  assert.deepEqual([host.children[0] === first, host.children[1] === second], [true, true]);
  listIn(host, 'span', []);
  assert.deepEqual(texts(), []);
  delete globalThis.document;
});
