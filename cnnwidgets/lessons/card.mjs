// @ts-check
// A question with its pictures, answered by a click, a press of a key, or a button; then the answer, why, and what next.
// The same code runs in a notebook, where the kernel hears of each answer, and in a page that has no kernel.
import { LETTERS, answerTo, answered, keyed, led, merged, scoreWords, stacked } from './answering.mjs';

/**
 * @typedef {[number, number, number, number]} Box
 * @typedef {{text: string, png: string, wide: number, high: number, boxes: Box[], scale: string[] | null}} Seen
 * @typedef {{text: string, said: string, seen: Seen | null, box: Box | null}} Choice
 * @typedef {{ask: string, why: string, topic: string, opens: string, right: number, shown: Seen[], choices: Choice[]}} Question
 * @typedef {{questions: Question[], note: string}} Sheet
 * @typedef {{get(name: string): any, on(name: string, f: Function): void, off(name: string, f: Function): void,
 *   send(content: object): void}} Model
 */

/** @param {string} tag @param {string} name @param {string} [text] */
function made(tag, name, text = '') {
  const element = document.createElement(tag);
  element.className = name;
  if (text) element.textContent = text;
  return element;
}

/** Put a box over a picture. @param {HTMLElement} element @param {Box} box */
function placed(element, [left, top, right, bottom]) {
  Object.assign(element.style, {
    left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
  return element;
}

/** @param {Seen} seen */
function picture(seen) {
  const frame = made('span', 'cnnw-lesson-picture'), image = document.createElement('img');
  image.src = seen.png;
  image.alt = seen.text;
  frame.style.width = `${seen.wide}px`;
  frame.style.aspectRatio = `${seen.wide} / ${seen.high}`;
  frame.append(image, ...seen.boxes.map(box => placed(made('span', 'cnnw-lesson-mark'), box)));
  return frame;
}

/** The colour scale of a picture: gradient, left end, middle, right end. @param {string[]} scale @param {number} wide */
function ramp([gradient, ...ends], wide) {
  const bar = made('span', 'cnnw-lesson-scale'), colors = made('span', 'cnnw-lesson-ramp'), texts = made('span', 'cnnw-lesson-ends');
  bar.style.width = `${wide}px`;
  if (gradient) colors.style.background = gradient;
  else colors.style.display = 'none';
  texts.append(...ends.filter(Boolean).map(end => made('span', '', end)));
  bar.append(colors, texts);
  return bar;
}

export class Card {
  /** @param {HTMLElement} host @param {(said: object) => void} [tell] tells the kernel; none where there is none */
  constructor(host, tell) {
    this.host = host;
    this.tell = tell;
    this.sheet = /** @type {Sheet} */ ({questions: [], note: ''});
    this.number = 0;
    /** @type {number[]} */
    this.answers = [];
    /** @type {Map<number, number>} */
    this.waiting = new Map(); // answers that the kernel has not heard of yet
    this.closer = false;
    host.classList.add('cnnw-lesson');
    host.tabIndex = 0;
    host.dataset.lmSuppressShortcuts = 'true'; // in JupyterLab a digit or a letter means something else
    host.addEventListener('keydown', event => this.key(event));
  }

  get question() {
    return this.sheet.questions[this.number];
  }

  get answer() {
    return answerTo(this.answers, this.number);
  }

  /** @param {Sheet} sheet */
  show(sheet) {
    this.sheet = sheet;
    this.waiting.clear();
    this.draw();
  }

  /** What the kernel says. @param {number} number @param {number[]} answers @param {boolean} closer */
  follow(number, answers, closer) {
    if (!answers.some(answer => answer >= 0)) this.waiting.clear();
    const all = merged(answers, this.waiting);
    const same = number === this.number && closer === this.closer && String(all) === String(this.answers);
    Object.assign(this, {number, closer, answers: all});
    if (!same) this.draw();
  }

  /** @param {number} choice */
  choose(choice) {
    if (this.answer >= 0) return;
    this.answers = answered(this.answers, this.number, choice);
    if (this.tell) {
      this.waiting.set(this.number, choice);
      this.tell({kind: 'answer', number: this.number, choice});
    }
    this.draw();
    this.keep();
  }

  /** @param {number} number */
  go(number) {
    if (number < 0 || number >= this.sheet.questions.length) return;
    this.number = number;
    this.closer = false;
    this.tell?.({kind: 'go', number});
    this.draw();
    this.keep();
  }

  again() {
    this.answers = [];
    this.waiting.clear();
    this.tell?.({kind: 'again'});
    this.go(0);
  }

  /** The keyboard stays in the card: what had it may be gone, and JupyterLab 3 takes it from a button. */
  keep() {
    this.host.focus({preventScroll: true});
    setTimeout(() => {
      if (document.activeElement === document.body) this.host.focus({preventScroll: true});
    }, 100);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.question) return;
    const choice = this.answer < 0 ? keyed(event.key, this.question.choices.length) : null;
    const next = led(event.key, this.number, this.sheet.questions.length);
    const on = event.key === 'Enter' && event.target === this.host && this.answer >= 0;
    if (choice !== null) this.choose(choice);
    else if (next !== null) this.go(next);
    else if (on) this.go(this.number + 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  draw() {
    const question = this.question;
    this.host.replaceChildren();
    if (!question) return;
    const {questions, note} = this.sheet;
    this.host.setAttribute('aria-label', `Question ${this.number + 1} of ${questions.length}`);
    const head = made('div', 'cnnw-lesson-head');
    const where = `Question ${this.number + 1} of ${questions.length}${question.topic ? ` · ${question.topic}` : ''}`;
    head.append(made('span', '', where), made('span', 'cnnw-lesson-score', scoreWords(questions, this.answers)));
    this.host.append(head, made('p', 'cnnw-lesson-ask', question.ask));
    const shown = made('div', 'cnnw-lesson-shown');
    question.shown.forEach((seen, i) => shown.append(this.figure(seen, i === question.shown.length - 1)));
    if (question.shown.length) this.host.append(shown);
    if (!question.choices[0].box) this.host.append(this.choices());
    this.host.append(this.reveal());
    if (note) this.host.append(made('div', 'cnnw-lesson-note', note));
  }

  /** @param {Seen} seen @param {boolean} last the one of which choices are parts */
  figure(seen, last) {
    const figure = made('figure', ''), frame = picture(seen);
    figure.append(made('figcaption', '', seen.text), frame);
    if (seen.scale) figure.append(ramp(seen.scale, seen.wide));
    const boxes = this.question.choices.map(choice => choice.box);
    if (last && boxes[0]) {
      const heights = stacked(/** @type {Box[]} */ (boxes));
      boxes.forEach((box, i) => {
        const part = placed(this.button(i, 'cnnw-lesson-box'), /** @type {Box} */ (box));
        part.style.zIndex = String(heights[i]);
        part.append(made('b', box && box[2] - box[0] < 0.15 ? 'cnnw-beside' : '', LETTERS[i])); // a small box stays seen
        frame.append(part);
      });
      frame.classList.add('cnnw-lesson-asked');
    }
    return figure;
  }

  choices() {
    const all = made('div', 'cnnw-lesson-choices'), {choices} = this.question;
    choices.forEach((choice, i) => {
      const button = this.button(i, 'cnnw-lesson-choice');
      if (choice.seen) button.append(picture(choice.seen));
      const words = made('span', 'cnnw-lesson-words');
      words.append(made('b', '', LETTERS[i]), made('span', '', choice.text));
      if (this.answer >= 0 && choice.said) words.append(made('span', 'cnnw-lesson-said', choice.said));
      button.append(words);
      all.append(button);
    });
    const first = choices[0].seen;
    if (!first?.scale) return all;
    const both = made('div', '');
    both.append(all, ramp(first.scale, 180));
    return both;
  }

  /** @param {number} i @param {string} name */
  button(i, name) {
    const button = /** @type {HTMLButtonElement} */ (made('button', name)), {right, choices} = this.question;
    button.type = 'button';
    button.dataset.choice = String(i);
    const mark = this.answer < 0 ? '' : i === right ? ', right' : i === this.answer ? ', your answer, wrong' : '';
    button.setAttribute('aria-label', `${LETTERS[i]}${choices[i].text ? `: ${choices[i].text}` : ''}${mark}`);
    button.classList.toggle('cnnw-is-right', this.answer >= 0 && i === right);
    button.classList.toggle('cnnw-is-wrong', this.answer >= 0 && i === this.answer && i !== right);
    button.setAttribute('aria-disabled', String(this.answer >= 0));
    button.addEventListener('click', () => this.choose(i));
    return button;
  }

  reveal() {
    const {right, choices, why, opens} = this.question, done = this.answer >= 0, last = this.sheet.questions.length - 1;
    const all = made('div', 'cnnw-lesson-reveal'), says = made('div', 'cnnw-lesson-says');
    says.setAttribute('aria-live', 'polite');
    if (done) {
      const good = this.answer === right;
      const verdict = good ? `${LETTERS[right]} is right.` : `${LETTERS[this.answer]} is not right: it is ${LETTERS[right]}.`;
      const boxes = choices.every(choice => choice.box && choice.said);
      const told = boxes ? choices.map((choice, i) => `${LETTERS[i]}: ${choice.said}`).join(' · ') : '';
      says.append(made('b', good ? 'cnnw-good' : 'cnnw-bad', `${good ? '✓' : '✗'} ${verdict}`), made('span', '', ` ${why}`));
      if (told) says.append(made('div', 'cnnw-lesson-note', told));
    } else says.append(made('span', 'cnnw-lesson-note', `Click one, or press ${LETTERS[0]} to ${LETTERS[choices.length - 1]}.`));
    const row = made('div', 'cnnw-lesson-row');
    if (this.number > 0) row.append(this.act('Back', () => this.go(this.number - 1)));
    if (this.number < last) row.append(this.act(done ? 'Next question' : 'Skip', () => this.go(this.number + 1), done));
    else if (done) row.append(this.act('Ask again', () => this.again(), true));
    if (done && opens && this.tell) {
      const words = this.closer ? `Close the ${opens}` : `Look closer: ${opens}`;
      row.append(this.act(words, () => this.tell?.({kind: 'closer', closer: !this.closer})));
    }
    all.append(says, row);
    return all;
  }

  /** @param {string} text @param {() => void} action @param {boolean} [first] */
  act(text, action, first = false) {
    const button = /** @type {HTMLButtonElement} */ (made('button', `cnnw-lesson-act${first ? ' cnnw-first' : ''}`, text));
    button.type = 'button';
    button.addEventListener('click', action);
    return button;
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    const host = el.appendChild(document.createElement('section'));
    const card = new Card(host, said => model.send(said));
    const show = () => card.show(model.get('sheet'));
    const follow = () => card.follow(model.get('number'), model.get('answers'), model.get('closer'));
    model.on('change:sheet', show);
    for (const name of ['number', 'answers', 'closer']) model.on(`change:${name}`, follow);
    follow();
    show();
    return () => {
      model.off('change:sheet', show);
      for (const name of ['number', 'answers', 'closer']) model.off(`change:${name}`, follow);
    };
  },
};
