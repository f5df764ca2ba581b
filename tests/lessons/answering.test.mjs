// What an answer means: keys, count, and what the kernel has not heard of yet.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  answerTo, answered, keyed, led, merged, score, scoreWords, stacked,
} from '../../cnnwidgets/lessons/answering.mjs';

const questions = [{right: 1, choices: []}, {right: 0, choices: []}, {right: 2, choices: []}];

test('a digit or a letter stands for a choice that there is', () => {
  assert.equal(keyed('1', 4), 0);
  assert.equal(keyed('d', 4), 3);
  assert.equal(keyed('D', 4), 3);
  assert.equal(keyed('5', 4), null);
  assert.equal(keyed('e', 4), null);
  assert.equal(keyed('0', 4), null);
  assert.equal(keyed('Enter', 4), null);
  assert.equal(keyed('', 4), null);
});

test('what is right is counted, of what is answered', () => {
  assert.deepEqual(score(questions, []), {done: 0, right: 0});
  assert.deepEqual(score(questions, [1, 2, -1]), {done: 2, right: 1});
  assert.equal(scoreWords(questions, [1, 2]), '1 of 2 right');
  assert.equal(scoreWords(questions, [-1]), '');
});

test('the first answer counts', () => {
  assert.deepEqual(answered([], 2, 1), [-1, -1, 1]);
  assert.deepEqual(answered([-1, -1, 1], 2, 0), [-1, -1, 1]);
  assert.equal(answerTo([1], 5), -1);
});

test('an answer that the kernel has not heard of stays', () => {
  const waiting = new Map([[0, 1], [1, 2]]);
  assert.deepEqual(merged([1, -1, -1], waiting), [1, 2, -1]);
  assert.deepEqual([...waiting.keys()], [1]);
  assert.deepEqual(merged([1, 2, -1], waiting), [1, 2, -1]);
  assert.equal(waiting.size, 0);
});

test('the smaller a box, the higher it lies', () => {
  assert.deepEqual(stacked([[0, 0, 1, 1], [0.4, 0.4, 0.5, 0.5], [0, 0, 0.5, 1]]), [1, 3, 2]);
});

test('keys lead from question to question, and not beyond the ends', () => {
  assert.equal(led('ArrowRight', 0, 3), 1);
  assert.equal(led('ArrowRight', 2, 3), null);
  assert.equal(led('ArrowLeft', 0, 3), null);
  assert.equal(led('End', 0, 3), 2);
  assert.equal(led('Home', 0, 3), null);
  assert.equal(led('x', 0, 3), null);
});
