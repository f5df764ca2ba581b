// @ts-check
// What an answer means: which key stands for which choice, what is right, and how many are. Knows no page.

/**
 * @typedef {[number, number, number, number]} Box left, top, right, bottom, as shares of a picture
 * @typedef {{right: number, choices: object[]}} Asked
 */

export const LETTERS = 'ABCDEFGHI';

/** Which of `count` choices a key stands for: 1 to 9, or a to i; null for none. @param {string} key @param {number} count */
export function keyed(key, count) {
  if (key.length !== 1) return null;
  const at = '123456789'.includes(key) ? Number(key) - 1 : LETTERS.indexOf(key.toUpperCase());
  return at >= 0 && at < count ? at : null;
}

/** The answer to question `number`; -1 for none. @param {number[]} answers @param {number} number */
export function answerTo(answers, number) {
  return answers[number] ?? -1;
}

/** How many are answered, and how many of these right. @param {Asked[]} questions @param {number[]} answers */
export function score(questions, answers) {
  const done = questions.map((_, i) => answerTo(answers, i)).filter(answer => answer >= 0).length;
  return {done, right: questions.filter((question, i) => answerTo(answers, i) === question.right).length};
}

/** @param {Asked[]} questions @param {number[]} answers */
export function scoreWords(questions, answers) {
  const {done, right} = score(questions, answers);
  return done ? `${right} of ${done} right` : '';
}

/** The answers with one more; the first answer to a question counts.
 * @param {number[]} answers @param {number} number @param {number} choice */
export function answered(answers, number, choice) {
  const all = [...answers];
  while (all.length <= number) all.push(-1);
  if (all[number] < 0) all[number] = choice;
  return all;
}

/** What the kernel says of the answers, with those that it has not heard of yet. It has forgotten all where it says none.
 * @param {number[]} kernel @param {Map<number, number>} waiting is emptied of what the kernel knows */
export function merged(kernel, waiting) {
  let all = [...kernel];
  for (const [number, choice] of [...waiting]) {
    if (answerTo(kernel, number) >= 0) waiting.delete(number);
    else all = answered(all, number, choice);
  }
  return all;
}

/** The choices whose boxes lie on top of one another: the smaller a box, the higher. @param {Box[]} boxes */
export function stacked(boxes) {
  const area = (/** @type {Box} */ [left, top, right, bottom]) => (right - left) * (bottom - top);
  const order = boxes.map((_, i) => i).sort((a, b) => area(boxes[b]) - area(boxes[a]));
  return boxes.map((_, i) => 1 + order.indexOf(i));
}

/** Where a key leads from question `number` of `count`; null where nowhere.
 * @param {string} key @param {number} number @param {number} count */
export function led(key, number, count) {
  const next = {ArrowRight: number + 1, ArrowLeft: number - 1, Home: 0, End: count - 1}[key];
  return next === undefined || next === number || next < 0 || next >= count ? null : next;
}
