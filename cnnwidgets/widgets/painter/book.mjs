// @ts-check
// What a card has shown, by its address: which layer, image and slice it was, in which colours, by which weights. What
// stands at an address that the card had before is there at once, long before the kernel answers.

/**
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 *
 * Where a card stands, as the kernel says it; `valid` names the weights and edits that it is of.
 * @typedef {Record<string, any>} Address
 *
 * What was seen at an address: the sheet of each painter by what it shows of the card, and copies of all that stands around them.
 * @typedef {{sheets: Record<string, Sheet>, copies: HTMLElement[], bytes: number}} Leaf
 */

const BOUND = 16e6;

/** @param {Address} address */
export const keyOf = address => JSON.stringify(Object.entries(address).sort(([one], [other]) => (one < other ? -1 : 1)));

/** Leaves by address, all of the same weights; the least recently seen go when they are too large together. */
export class Book {
  /** @param {number} limit bytes of what stands around the numbers, which are in the store */
  constructor(limit = BOUND) {
    this.limit = limit;
    this.bytes = 0;
    this.leaves = /** @type {Map<string, Leaf>} */ (new Map());
    this.last = /** @type {Address | null} */ (null); // what the kernel said last
    this.drawing = false; // whether it draws another one
    this.asked = /** @type {Address} */ ({}); // what a hand has moved since
  }

  /** The kernel says where the card stands, or, with null, that it draws. Other weights: nothing seen before is true.
   * @param {Address | null} address @param {boolean} rests whether it has answered all that a hand has moved */
  said(address, rests) {
    this.drawing = !address;
    if (!address) return;
    if (address.valid !== this.last?.valid) this.forget();
    this.last = address;
    if (rests) this.asked = {};
  }

  /** A hand asks for another layer, image or slice. @param {string} name @param {any} value */
  ask(name, value) {
    this.asked[name] = value;
  }

  /** The address that is asked for; null as long as the kernel has said none. @param {Address} shown what the
   * controls in the page say of colours and the like */
  wanted(shown) {
    return this.last && {...this.last, ...this.asked, ...shown};
  }

  /** @param {Address} address @param {Leaf} leaf */
  keep(address, leaf) {
    const key = keyOf(address);
    this.drop(key);
    this.leaves.set(key, leaf);
    this.bytes += leaf.bytes;
    for (const old of this.leaves.keys()) {
      if (this.bytes <= this.limit || this.leaves.size === 1) break;
      this.drop(old);
    }
  }

  /** What was seen at an address. @param {Address} address */
  find(address) {
    const key = keyOf(address), leaf = this.leaves.get(key);
    if (leaf) {
      this.leaves.delete(key);
      this.leaves.set(key, leaf);
    }
    return leaf;
  }

  /** @param {string} key */
  drop(key) {
    this.bytes -= this.leaves.get(key)?.bytes ?? 0;
    this.leaves.delete(key);
  }

  forget() {
    this.leaves.clear();
    this.bytes = 0;
  }
}

/** The sheet of a leaf, in the place of the one that the kernel has shown last.
 * @param {Sheet} sheet @param {Sheet} seen @param {boolean} alike whether both are of the same layer @returns {Sheet} */
export function again(sheet, seen, alike) {
  const {key, other, series, order, heading, hint, what} = seen, found = {...sheet, key, heading, hint, what};
  Object.assign(found, {pixel: alike ? sheet.pixel : null, elsewhere: !alike});
  if (order) found.order = order;
  else delete found.order;
  return {...found, ...(other && {other}), ...(series && {series})};
}
