// @ts-check
// The card that painters stand in: shows an address of its book as a whole, picture and texts, never half of it.
import {Book, again, keyOf} from './book.mjs';
import {copyOf, coverBy, isLoaded, looksLike} from './copies.mjs';

/**
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 * @typedef {import('./store.mjs').Model} Model
 * @typedef {import('./book.mjs').Address} Address
 * @typedef {import('./book.mjs').Leaf} Leaf
 *
 * A painter, as its card sees it: a part of the card.
 * @typedef {{model: Model, el: HTMLElement, closed?: boolean, done: boolean, kernels: () => Sheet | null,
 *   sides: {host: HTMLElement}[], seen: () => boolean, full: () => boolean, shown: (sheet: Sheet) => Address,
 *   paints: (sheet: Sheet) => boolean, repaint: () => void}} Part
 *
 * What all painters that a move sets to work ask of the card, worked out for the first of them: whether their places
 * are seen, since a look between two paintings has the browser lay out the whole page; and what the book has.
 * @typedef {{sight: Map<HTMLElement, boolean>, leaf?: Leaf | null}} Moment
 */

const TRIES = 300, UNSAID = 1000;
const PACE = 40; // ms between two positions that the kernel is told of
const UNHEARD = 10; // of them may be on their way: enough for a kernel far away, and few before one that is busy
const LOST = 3000; // ms after which one is taken to be lost
const CARDS = Symbol.for('cnnwidgets.cards.1');
/** @type {WeakMap<Element, Card>} */
const cards = (/** @type {any} */ (globalThis)[CARDS] ??= new WeakMap()); // each painter has run this module

/** What a control asks for, as an address says it. @param {Model} control */
const valueOfControl = control => {
  const labels = control.get('_options_labels');
  return labels ? labels[control.get('index')] : control.get('value');
};

/** What a sheet shows of a card. @param {Sheet} sheet */
export const partOf = ({role, name}) => (name ? `${role} ${name}` : role);

export class Card {
  /** The card that an element stands in; null as long as it stands in none. @param {Element} el */
  static of(el) {
    const root = el.closest('.cnnw');
    if (root && !cards.has(root)) cards.set(root, new Card(root));
    return root && /** @type {Card} */ (cards.get(root));
  }

  /** @param {Element} root */
  constructor(root) {
    this.root = root;
    this.book = new Book();
    this.parts = /** @type {Map<string, Part>} */ (new Map()); // by what each shows of the card
    this.lead = /** @type {Part | null} */ (null); // the one that is told where the card stands
    this.movers = /** @type {Model[]} */ ([]);
    this.covering = /** @type {Leaf | null} */ (null);
    this.left = /** @type {[HTMLElement, HTMLElement][]} */ ([]); // what looks as in the leaf, with its copies
    this.moment = /** @type {Moment | null} */ (null); // as long as what is running now runs
    this.kept = '';
    this.tries = 0;
    this.waits = false; // whether it settles in the next frame
    this.unheard = /** @type {{at: number}[]} */ ([]); // positions that the kernel has not yet taken in
  }

  /** @param {string} name @param {Part} part @param {boolean} leads whether it is told of the address */
  join(name, part, leads) {
    if (this.parts.get(name) === part && (!leads || this.lead === part)) return;
    this.moment = null;
    this.parts.set(name, part);
    if (!leads) return;
    this.lead = part;
    this.heard(part);
  }

  /** A painter is no part of the card any more. @param {Part} part */
  leave(part) {
    this.moment = null;
    for (const [name, each] of this.parts) if (each === part && this.lead !== part) this.parts.delete(name);
  }

  /** What the kernel says of the address. @param {Part} part */
  heard(part) {
    if (this.lead !== part) return;
    this.tries = TRIES;
    this.moment = null;
    this.book.said(part.model.get('address') ?? null, !this.movers.some(control => control._pending_msgs > 0));
    this.repaint();
  }

  /** Follow a control by which a hand asks for another address: what the kernel does to it is no hand.
   * @param {string} name @param {Model} control */
  follow(name, control) {
    if (!this.movers.includes(control)) this.movers.push(control);
    if (control._state_lock) return;
    this.moment = null;
    this.book.ask(name, valueOfControl(control));
    this.repaint();
    if (control._pending_msgs > 0 && !this.leaf()) this.urge(control);
  }

  /** A control sends its next value when the kernel has answered the last. Where the page lacks what is asked for, the
   * kernel is told at once, the newest a few times a second: so it never has to ask back before it draws that. While it
   * has not heard of many, the newest waits here, and no queue of old ones before a kernel that is busy.
   * @param {Model} control */
  urge(control) {
    this.urging = control;
    this.pause ??= setTimeout(() => this.tell(), PACE);
  }

  tell() {
    const {urging, lead} = this, name = urging?.get('_options_labels') ? 'index' : 'value';
    this.pause = undefined;
    if (!urging || !lead || lead.closed || !(urging._pending_msgs > 0)) return;
    const now = Date.now();
    this.unheard = this.unheard.filter(sent => now - sent.at < LOST);
    if (this.unheard.length >= UNHEARD) return this.urge(urging);
    this.urging = undefined;
    const sent = {at: now}, heard = (/** @type {any} */ {content}) => {
      if (content.execution_state === 'idle') this.unheard = this.unheard.filter(each => each !== sent);
    };
    this.unheard.push(sent);
    lead.model.send({kind: 'asks', id: urging.model_id, name, value: urging.get(name)}, {iopub: {status: heard}});
  }

  /** Paint all parts: the one that covers what stands around them first, as long as nothing else is written. */
  repaint() {
    for (const part of new Set([...(this.lead ? [this.lead] : []), ...this.parts.values()])) part.repaint();
  }

  /** The sheets that the kernel has shown last, by the names of the parts; null where they are not those of a layer's
   * maps. */
  sheets() {
    const found = [...this.parts].map(([name, part]) => /** @type {const} */ ([name, part.kernels()]));
    if (found.length < 2 || !found.every(([, sheet]) => sheet)) return null;
    return /** @type {Record<string, Sheet>} */ (Object.fromEntries(found));
  }

  /** Whether the card has turned to what the kernel has sent last. */
  get turned() {
    return [...this.parts.values()].every(part => part.seen());
  }

  /** The address that is asked for, and whether it is the one that the card has by itself. */
  asked() {
    const sheets = this.book.last && this.sheets(), {lead} = this, own = lead?.kernels();
    if (!sheets || !lead || !own) return null;
    const address = /** @type {Address} */ (this.book.wanted(lead.shown(own)));
    return {sheets, address, home: keyOf(address) === keyOf(/** @type {Address} */ (this.book.last))};
  }

  /** What is so until the browser goes on. */
  now() {
    if (this.moment) return this.moment;
    const hosts = [...this.parts.values()].flatMap(part => part.sides.map(side => side.host));
    this.moment = {sight: new Map(hosts.map(host => [host, host.getClientRects().length > 0]))};
    queueMicrotask(() => { this.moment = null; });
    return this.moment;
  }

  /** Whether a place of a painter is seen. @param {HTMLElement} host */
  sees(host) {
    return this.now().sight.get(host) ?? host.getClientRects().length > 0;
  }

  /** What the card shows out of the book; null where it is as the kernel has it. */
  leaf() {
    const now = this.now();
    if (now.leaf === undefined) now.leaf = this.search();
    return now.leaf;
  }

  search() {
    const asked = this.asked();
    if (!asked || asked.home && this.turned || ![...this.parts.values()].every(part => part.full())) return null;
    const leaf = this.book.find(asked.address) ?? null;
    if (!leaf || leaf.copies.length !== this.around().length || !leaf.copies.every(isLoaded)) return null;
    if (Object.keys(leaf.sheets).length !== this.parts.size) return null;
    const held = [...this.parts].every(([name, part]) =>
      leaf.sheets[name] && part.paints(again(asked.sheets[name], leaf.sheets[name], true)));
    return held ? leaf : null;
  }

  /** The sheet that a painter shows, instead of one of the kernel's. @param {Sheet} sheet @param {Leaf} leaf */
  instead(sheet, leaf) {
    const {last, asked} = this.book, alike = !('layer' in asked) || asked.layer === last?.layer;
    const seen = leaf.sheets[partOf(sheet)];
    return seen ? again(sheet, seen, alike) : sheet;
  }

  /** All of the card that says what is seen, and is neither painted nor a control: the text of the title, and other
   * panels. A copy beside the text has the browser style nothing else anew, as one beside the whole title would.
   * @returns {HTMLElement[]} */
  around() {
    let row = /** @type {Element} */ (/** @type {Part} */ (this.lead).el);
    while (row.parentElement && row.parentElement.parentElement !== this.root) row = row.parentElement;
    const [title] = [...(row.parentElement?.children ?? [])].filter(each => !each.classList.contains('cnnw-copy'));
    const panels = [...row.children].filter(each =>
      !each.classList.contains('cnnw-copy') && !each.querySelector('.cnnw-painter'));
    const text = title?.querySelector('.widget-html-content') ?? title;
    return /** @type {HTMLElement[]} */ (text ? [text, ...panels] : panels);
  }

  /** Put copies in the place of what stands around the painters where those show a leaf, and take them away else. */
  cover() {
    const leaf = this.leaf();
    if (leaf === this.covering) return;
    clearTimeout(this.late);
    if (!leaf !== !this.covering) this.lead?.model.send({kind: 'recalled', shown: Boolean(leaf)});
    // a panel that looks as in the leaf stays as it is; of one that is covered it cannot be said
    const parts = leaf ? this.around() : [], stays = parts.map((part, at) => leaf && at > 0
      && !part.classList.contains('cnnw-covered') && looksLike(part, leaf.copies[at]));
    this.covering?.copies.forEach(copy => {
      copy.classList.remove('cnnw-copy', 'cnnw-unsaid');
      copy.remove();
    });
    this.covering = leaf;
    this.left = [];
    if (!leaf) this.root.querySelectorAll('.cnnw-covered').forEach(part => part.classList.remove('cnnw-covered'));
    else for (const [at, part] of parts.entries()) {
      if (stays[at]) this.left.push([part, leaf.copies[at]]);
      else coverBy(part, leaf.copies[at]);
    }
    this.watch();
    if (leaf) this.late = setTimeout(() => leaf.copies[0].classList.add('cnnw-unsaid'), UNSAID);
  }

  /** What was left as it is, is covered before the next frame once the kernel has it look otherwise. */
  watch() {
    this.writes?.disconnect();
    if (!this.left.length) return;
    this.writes ??= new MutationObserver(() => {
      const others = this.left.filter(([part, copy]) => !looksLike(part, copy));
      this.left = this.left.filter(each => !others.includes(each));
      for (const [part, copy] of others) coverBy(part, copy);
    });
    const all = {childList: true, subtree: true, characterData: true, attributes: true};
    for (const [part] of this.left) this.writes.observe(part, all);
    for (const {parentNode} of this.root.querySelectorAll('style')) // which of two sides is seen
      if (parentNode) this.writes.observe(parentNode, {childList: true});
  }

  /** Settle in the next frame. */
  soon() {
    if (!this.book.last || this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.settle();
    });
  }

  /** Once the card has turned to what the kernel says, show that, and keep it in the book. */
  settle() {
    const asked = this.asked();
    if (!asked?.home || this.book.drawing || [...this.parts.values()].some(part => part.closed)) return;
    if (!this.turned) {
      if (this.tries-- > 0) this.soon();
      return;
    }
    if (this.covering) this.repaint();
    const kept = keyOf(asked.address) + Object.entries(asked.sheets).map(([name, {number}]) => `${name} ${number}`);
    if (kept === this.kept || this.covering || ![...this.parts.values()].every(part => part.done)) return;
    this.kept = kept;
    const copies = this.around().map(copyOf);
    const bytes = copies.reduce((sum, copy) => sum + copy.outerHTML.length, 0);
    this.book.keep(asked.address, {sheets: asked.sheets, copies, bytes});
  }
}
