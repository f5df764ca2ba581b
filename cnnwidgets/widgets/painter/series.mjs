// @ts-check
// What follows one another, such as the frames of a film: which one is asked for, and what of it the page may show before
// the kernel does.

/**
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 * @typedef {import('./numbers.mjs').State} State
 *
 * Keys of frames that the kernel sends ahead, all of the same series.
 * @typedef {{of: string, keys: Record<string, string>}} Reel
 */

/** Which frame is asked for, where several controls move it. What a hand or the player does to one of them the kernel
 * does to the others, later: by its value such a move is told from one of a hand. */
export class Wanted {
  /** @param {number[]} values of the controls */
  constructor(values) {
    this.frame = values[0];
    this.moves = values.map(() => /** @type {number[]} */ ([]));
  }

  /** A control has another value. @param {number} at which control @param {number} value */
  moved(at, value) {
    for (const [other, moves] of this.moves.entries()) {
      const found = other === at ? -1 : moves.indexOf(value);
      if (found >= 0) return void moves.splice(0, found + 1);
    }
    this.frame = value;
    this.moves[at].push(value);
  }

  /** Nothing is under way once the kernel shows the frame that is asked for, or all controls are where it is: what it
   * does to the controls comes first. @param {number} frame that the kernel shows @param {number[]} values */
  settle(frame, values) {
    if (frame !== this.frame && !values.every(value => value === frame)) return;
    this.frame = frame;
    for (const moves of this.moves) moves.length = 0;
  }
}

/** The sheet for the frame that is nearest to the one that is asked for: that of the kernel, or of those sent ahead.
 * @param {Sheet} sheet @param {Reel | undefined} reel @param {number} wanted
 * @param {(key: string) => boolean} holds whether the page has these numbers @returns {Sheet} */
export function nearest(sheet, reel, wanted, holds) {
  const own = sheet.state.frame;
  if (own === undefined || !sheet.series || sheet.series.of !== reel?.of) return sheet;
  let frame = own, key = sheet.key;
  for (const [name, each] of Object.entries(reel.keys)) {
    const at = Number(name);
    if (Math.abs(at - wanted) < Math.abs(frame - wanted) && holds(each)) [frame, key] = [at, each];
  }
  return frame === own ? sheet : {...sheet, key, state: {...sheet.state, frame}};
}

/** What a word of the menu means to the painter. @param {Sheet} sheet @param {State['scale']} scale
 * @param {boolean} centred whether the colour map is @returns {State['scale']} */
export function meant(sheet, scale, centred) {
  const known = typeof scale === 'string' ? sheet.series?.scales[scale] : undefined;
  return known === undefined ? scale : typeof known === 'string' ? known : known[centred ? 1 : 0];
}
