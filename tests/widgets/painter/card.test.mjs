// Which positions of a hand the kernel is told of, and when.
import assert from 'node:assert/strict';
import test from 'node:test';

import {Card} from '../../../cnnwidgets/widgets/painter/card.mjs';
import {copyOf, looksLike} from '../../../cnnwidgets/widgets/painter/copies.mjs';

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

/** As much of a text and of an element as a copy needs. */
const text = nodeValue => ({nodeName: '#text', nodeValue, childNodes: [], cloneNode: () => text(nodeValue)});
class Part {
  constructor(nodeName, named, ...children) {
    Object.assign(this, {nodeName, named, nodeValue: null, shown: true, following: null});
    this.childNodes = children.map(child => (typeof child === 'string' ? text(child) : child));
  }
  get names() { return (this.named.class ?? '').split(' ').filter(Boolean); }
  get classList() {
    const name = names => { this.named = {...this.named, class: names.join(' ')}; };
    return {
      contains: each => this.names.includes(each),
      add: each => name([...this.names, each]),
      remove: (...each) => name(this.names.filter(one => !each.includes(one))),
    };
  }
  get attributes() { return Object.entries(this.named).map(([name, value]) => ({name, value})); }
  get style() { return Object.fromEntries((this.named.style ?? '').split('; ').map(each => each.split(': '))); }
  get firstElementChild() { return this.childNodes.find(node => node instanceof Part) ?? null; }
  getAttribute(name) { return this.named[name] ?? null; }
  getClientRects() { return this.shown ? [{}] : []; }
  cloneNode() { return new Part(this.nodeName, {...this.named}); }
  appendChild(child) { this.childNodes.push(child); }
  after(other) { this.following = other; }
  remove() {}
}
const said = node => node.nodeValue ?? node.childNodes.map(said).join(' ');
const side = (shown, ...children) => Object.assign(new Part('DIV', {class: 'cnnw-side'}, ...children), {shown});
const dot = fill => new Part('g', {class: 'object_grp'}, new Part('path', {style: `fill: ${fill}; stroke: transparent`}), fill);
const panel = (...children) => new Part('DIV', {class: 'widget-box', title: 'a panel'}, ...children);

test('a copy has of a part what is seen: not its other side, nor what only the mouse finds', () => {
  const hidden = [new Part('I', {style: 'display: none'}, 'none'), new Part('text', {display: 'none'}, 'none')];
  const copy = copyOf(panel('one', side(true, 'two'), side(false, 'three'), ...hidden, dot('transparent'), dot('red')));
  assert.equal(said(copy), 'one two  red');
  assert.deepEqual(copy.named, {class: 'widget-box', title: 'a panel'});
});

test('of a menu a copy shows the same choice', () => {
  const menu = Object.assign(new Part('SELECT', {}, 'one', 'two'), {selectedIndex: 1}), copy = copyOf(menu);
  assert.equal(copy.selectedIndex, 1);
  assert.ok(looksLike(menu, copy));
  menu.selectedIndex = 0;
  assert.ok(!looksLike(menu, copy));
});

test('a part looks like its copy as long as all that is seen of it is the same', () => {
  const part = panel('one', side(true, 'two'), side(false, 'three')), copy = copyOf(part);
  assert.ok(looksLike(part, copy));
  part.childNodes[2].childNodes[0].nodeValue = 'four'; // out of sight
  assert.ok(looksLike(part, copy));
  part.childNodes[1].shown = false, part.childNodes[2].shown = true;
  assert.ok(!looksLike(part, copy));
  for (const change of [
    part => part.childNodes.push(text('more')), part => { part.childNodes[0].nodeValue = 'other'; },
    part => { part.named.title = 'another'; }, part => { part.named.lang = 'en'; },
    part => { part.childNodes[0] = new Part('B', {}, 'one'); },
  ]) {
    const part = panel('one', side(true, 'two')), copy = copyOf(part);
    change(part);
    assert.ok(!looksLike(part, copy), String(change));
  }
});

test('a panel that looks as in the leaf is left, until the kernel has it look otherwise', t => {
  t.mock.timers.enable({apis: ['setTimeout']});
  const watched = [];
  let write = () => {};
  globalThis.MutationObserver = class {
    constructor(heard) { write = heard; }
    observe(part) { watched.push(part); }
    disconnect() { watched.length = 0; }
  };
  const parts = [panel('title'), panel('scores'), panel('ranking')], copies = parts.map(copyOf);
  copies[2].childNodes = [text('another ranking')];
  const stage = {}, root = {querySelectorAll: of => (of === 'style' ? [{parentNode: stage}] : parts)};
  const card = new Card(/** @type {any} */ (root)), covered = () => parts.map(part => part.names.includes('cnnw-covered'));
  let leaf = /** @type {any} */ ({copies});
  Object.assign(card, {around: () => parts, leaf: () => leaf});
  card.cover();
  assert.deepEqual(covered(), [true, false, true]); // the title says what the kernel has not yet answered
  assert.deepEqual(parts.map(part => part.following), [copies[0], null, copies[2]]);
  assert.deepEqual(watched, [parts[1], stage]);
  write();
  assert.deepEqual(covered(), [true, false, true]);
  parts[1].childNodes[0].nodeValue = 'other scores';
  write();
  assert.deepEqual([covered(), parts[1].following], [[true, true, true], copies[1]]);
  leaf = {copies: parts.map(copyOf)};
  card.cover();
  assert.deepEqual(covered(), [true, true, true]); // of what is covered it is not known how it looks
  leaf = null;
  card.cover();
  assert.deepEqual([covered(), watched], [[false, false, false], []]);
  delete globalThis.MutationObserver;
});
