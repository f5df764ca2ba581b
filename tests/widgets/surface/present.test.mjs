// Which panel a card for a projector goes without, by places written by hand; and where no card goes over the window.
import assert from 'node:assert/strict';
import test from 'node:test';

import {lesser, presents} from '../../../cnnwidgets/widgets/surface/present.mjs';

const panel = (column, top, bottom) => ({column, top, bottom});

test('the last panel of the lowest column goes, and never the first of one', () => {
  const panels = [panel(0, 100, 400), panel(0, 400, 600), panel(1, 100, 900), panel(2, 100, 300), panel(2, 300, 700)];
  assert.equal(lesser(panels, true), 4);
  assert.equal(lesser(panels.slice(0, 4), true), 1);
  assert.equal(lesser([panels[0], panels[2], panels[3]], true), -1);
});

test('what stands below the first row goes first, the lowest of it before the rest', () => {
  const panels = [panel(0, 100, 400), panel(0, 400, 990), panel(1, 990, 1200), panel(1, 1200, 1300), panel(2, 990, 1250)];
  assert.equal(lesser(panels, false), 3);
  assert.equal(lesser(panels.filter((_, at) => at !== 3), true), 3);
  assert.equal(lesser(panels.slice(0, 3), true), 2);
  assert.equal(lesser(panels.slice(0, 2), false), -1);
  assert.equal(lesser(panels.slice(0, 2), true), 1);
});

test('of panels that end alike the later goes, and of none nothing', () => {
  assert.equal(lesser([panel(0, 0, 5), panel(0, 5, 9), panel(1, 0, 5), panel(1, 5, 9)], true), 3);
  assert.equal(lesser([], true), -1);
});

test('what is to stay goes never, and all else before it, also the first of a column', () => {
  const stays = each => ({...each, stays: true});
  const panels = [panel(0, 100, 400), stays(panel(0, 400, 700)), panel(1, 100, 500), stays(panel(2, 700, 990)), panel(2, 990, 1100)];
  assert.equal(lesser(panels, false), 4);
  assert.equal(lesser(panels.slice(0, 4), false), -1);
  assert.equal(lesser(panels.slice(0, 4), true), 2);
  assert.equal(lesser(panels.filter((_, at) => at !== 2), true), 3);
  assert.equal(lesser([panels[0], panels[1]], true), 0);
  assert.equal(lesser([panels[1], panels[3]], true), -1);
});

test('a card never goes over the frame of VS Code, of which only a part is seen', () => {
  const asked = [];
  const card = {showPopover() {}, querySelector: selector => asked.push(selector) && null};
  globalThis.document = {body: {dataset: {vscodeThemeKind: 'vscode-light'}}};
  presents(card);
  assert.deepEqual(asked, []); // nor is the button looked at that would take it there
});
