// @ts-check
// A place that a hand moves in the page: what is drawn there follows at once, the sliders beside it with it, and the kernel
// is told where it stands. A class of its own says what there is to draw.

/**
 * @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, save_changes: () => void,
 *   on: Function, off: Function, send: (content: any) => void, widget_manager: any, _state_lock?: any}} Widget
 * @typedef {[number, number]} Place row and column
 */

const SETTLES = 150; // ms after the last move of a slider, of which the kernel hears from the slider itself
const LOST = 3000; // ms after which numbers that were asked for are asked for again
const RESTS = 250; // ms for which nothing else is shown, before another sheet is asked for
const TURNS = 60; // ms in which what the kernel draws has come

/** The place of one card. A class derived from it draws in `paint`, and takes what the kernel sends in `take`. */
export class Steered {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = /** @type {Widget} */ (model);
    this.el = el;
    this.sheet = /** @type {any} */ (null); // what the kernel has sent of what is shown; none while the kernel draws
    this.place = /** @type {Place} */ ([0, 0]);
    this.number = 0; // of the newest move
    this.due = 0;
    this.quiet = this.closed = this.begun = false;
    this.controls = /** @type {Record<string, Widget>} */ ({});
    this.heard = /** @type {Record<string, () => void>} */ ({});
    this.turn = () => this.another();
    this.hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.take(content, buffers);
    this.told = () => this.follow();
    this.end = () => this.close();
  }

  /** Begin. */
  start() {
    this.model.on('destroy', this.end); // before its view goes: ipywidgets throws at what one tells a closed model
    this.model.on('change:key', this.turn);
    this.model.on('change:told', this.told);
    this.model.on('msg:custom', this.hear);
    this.link();
    this.another();
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.model.off('destroy', this.end);
    for (const timer of [this.asking, this.settling, this.turning]) clearTimeout(timer);
    cancelAnimationFrame(this.due);
    this.model.off('change:key', this.turn);
    this.model.off('change:told', this.told);
    this.model.off('msg:custom', this.hear);
    for (const [name, control] of Object.entries(this.controls)) control.off('change:value', this.heard[name]);
    this.release();
  }

  // ------------------------------------------------------------------ what a class of its own has

  /** How many rows and columns there are to stand at. @returns {[number, number]} */
  get size() {
    return this.sheet.out;
  }

  /** What the controls have, where it stands. @returns {Record<string, number>} */
  values() {
    return {row: this.place[0], column: this.place[1]};
  }

  /** Where a control leads. @param {string} name @param {number} value @returns {Place} */
  led(name, value) {
    return name === 'row' ? [value, this.place[1]] : [this.place[0], value];
  }

  /** What is held of what came before, so that it is not sent again. */
  get holds() {
    return '';
  }

  /** The kernel has sent something. @param {any} content @param {DataView[]} buffers */
  take(content, buffers) {}

  /** Draw what is at the place. */
  paint() {}

  /** Show what the kernel has drawn. */
  release() {}

  // ------------------------------------------------------------------ what is shown

  /** The kernel shows something else. */
  another() {
    this.sheet = null;
    clearTimeout(this.asking);
    clearTimeout(this.turning);
    this.turning = setTimeout(() => this.sheet || this.release(), TURNS);
    if (this.model.get('key')) this.asking = setTimeout(() => this.ask(), this.begun ? RESTS : 0);
  }

  ask() {
    if (document.hidden) {
      document.addEventListener('visibilitychange', () => this.closed || this.another(), {once: true});
      return;
    }
    this.model.send({kind: 'want', key: this.model.get('key'), holds: this.holds});
    this.asking = setTimeout(() => this.ask(), LOST);
  }

  /** What was asked for has come. @param {any} sheet */
  begin(sheet) {
    clearTimeout(this.asking);
    this.sheet = sheet;
    this.begun = true;
    this.number = this.model.get('told')[1]; // of something new, the kernel knows best
    this.follow();
  }

  // ------------------------------------------------------------------ where it stands

  /** The kernel says where; older than the last move here, it is no news. */
  follow() {
    const [key, number, row, column] = this.model.get('told');
    if (!this.sheet || key !== this.model.get('key') || number < this.number) return;
    this.number = number;
    this.stand([row, column]);
  }

  /** Hear the controls. */
  async link() {
    const ids = Object.entries(/** @type {Record<string, string>} */ (this.model.get('controls')));
    const found = await Promise.all(ids.map(([, id]) => this.model.widget_manager.get_model(id))).catch(() => []);
    if (this.closed) return;
    found.forEach((control, i) => {
      const name = ids[i][0];
      this.controls[name] = control;
      this.heard[name] = () => this.steered(name);
      control.on('change:value', this.heard[name]);
    });
  }

  /** A control has another value: by a hand, by the player, or by the kernel, which may be late. @param {string} name */
  steered(name) {
    if (this.quiet || !this.sheet) return;
    if (this.controls[name]._state_lock) {
      queueMicrotask(() => this.sheet && this.show());
      return;
    }
    this.stand(this.led(name, this.controls[name].get('value')));
    this.number++;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.tell(), SETTLES);
  }

  /** A hand moves it. @param {Place} place */
  move(place) {
    if (String(place) === String(this.place)) return;
    this.number++;
    this.stand(place);
    this.tell();
  }

  /** Tell the kernel; while it has not heard of one move, only the newest of the next waits. */
  tell() {
    clearTimeout(this.settling);
    if (!this.sheet) return;
    this.model.set('moved', [this.model.get('key'), this.number, ...this.place]);
    this.model.save_changes();
  }

  /** @param {Place} place */
  stand([row, column]) {
    if (!this.sheet) return;
    const [rows, columns] = this.size;
    this.place = [Math.max(0, Math.min(row, rows - 1)), Math.max(0, Math.min(column, columns - 1))];
    this.show();
    this.again();
  }

  /** Draw with the next frame. */
  again() {
    if (!this.due) this.due = requestAnimationFrame(() => {
      this.due = 0;
      if (this.sheet) this.paint();
    });
  }

  /** Have the controls show where it stands. */
  show() {
    if (!this.sheet) return;
    this.quiet = true;
    for (const [name, value] of Object.entries(this.values())) {
      const control = this.controls[name];
      if (control && control.get('value') !== value && value <= control.get('max')) control.set('value', value);
    }
    this.quiet = false;
  }
}

/** Which of these have been rendered in this page. @type {Set<string>} */
const shown = new Set();

/** @param {any} model @returns {string} */
const nameOf = model => Object.values(model.get('controls')).join();

/** Milliseconds after which one that is not yet rendered says so: a page that is being opened has perhaps no model of the
 * card yet, and loses the message by which the kernel puts it in. */
const WAITS = [1000, 2000, 4000, 8000];

/** What a module of such a class has as its default. @param {new (model: any, el: HTMLElement) => Steered} kind */
export const steeredBy = kind => ({
  /** @param {{model: any}} _ */
  initialize({model}) {
    model.send({kind: 'hello'});
    const timers = WAITS.map(delay => setTimeout(() => shown.has(nameOf(model)) || model.send({kind: 'waits'}), delay));
    return () => timers.forEach(clearTimeout);
  },
  /** @param {{model: any, el: HTMLElement}} _ */
  render({model, el}) {
    shown.add(nameOf(model));
    const steered = new kind(model, el);
    steered.start();
    return () => steered.close();
  },
});
