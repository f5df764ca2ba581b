// @ts-check
// What the strip needs and what needs no page: which images are in sight, where keys and wheel lead, what is missing.

/** @typedef {{offset: number, width: number, stride: number, count: number}} Sight how many px of the strip lie left of
 * what is seen, how many are seen, how many an image takes, and how many images there are */

/** The images in sight, from the first to the one behind the last. @param {Sight} sight @returns {[number, number]} */
export function inSight({offset, width, stride, count}) {
  return [Math.max(0, Math.floor(offset / stride)), Math.min(count, Math.ceil((offset + width) / stride))];
}

/** What is said of the images that are seen whole. @param {Sight} sight @param {string} [words] of a filter, by which
 * they are no neighbours */
export function seen({offset, width, stride, count}, words) {
  if (words) return words;
  const first = Math.min(count - 1, Math.ceil(offset / stride));
  const last = Math.min(count - 1, Math.max(first, Math.floor((offset + width) / stride) - 1));
  return `images ${[first, last].map(at => at.toLocaleString('en')).join(' to ')} of ${count.toLocaleString('en')}`;
}

/** A place of the strip, or the nearest at which nothing but images is seen. @param {number} offset
 * @param {Sight} sight */
export function within(offset, {width, stride, count}) {
  return Math.max(0, Math.min(offset, count * stride - width));
}

/** The place at which an image is seen whole: the nearest, or with the image in the middle where that is far away.
 * @param {number} index @param {Sight} sight */
export function revealing(index, sight) {
  const {offset, width, stride} = sight, left = index * stride, right = left + stride;
  if (right < offset - width || left > offset + 2 * width) return within(left - (width - stride) / 2, sight);
  return within(Math.min(left, Math.max(offset, right - width)), sight);
}

/** Where a key leads; null for one that leads nowhere. @param {string} key @param {number} at @param {Sight} sight */
export function led(key, at, {width, stride, count}) {
  const page = Math.max(1, Math.floor(width / stride) - 1);
  /** @type {Record<string, number>} */
  const ways = {
    ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: count - 1,
  };
  return Object.hasOwn(ways, key) ? Math.max(0, Math.min(count - 1, ways[key])) : null;
}

/** Pixels of a turn of the wheel, in any direction: a mouse has but one. @param {{deltaX: number, deltaY: number,
 * deltaMode: number}} event @param {number} width of what is seen */
export function turned({deltaX, deltaY, deltaMode}, width) {
  const far = Math.abs(deltaX) > Math.abs(deltaY) ? deltaX : deltaY;
  return far * [1, 40, width][deltaMode];
}

/** The images at the places from `first` to before `end`. @param {number} first @param {number} end
 * @param {Int32Array | null} found by a filter; null where all are shown @returns {number[]} */
export function imagesAt(first, end, found) {
  return Array.from({length: Math.max(0, end - first)}, (_, at) => (found ? found[first + at] : first + at));
}

/** Those that are not known. @param {number[]} images @param {{has: (index: number) => boolean}} known */
export function missing(images, known) {
  return images.filter(index => !known.has(index));
}

/** What a filter finds, as the kernel sends it. @param {DataView | null | undefined} data @returns {Int32Array} */
export function numbers(data) {
  if (!data?.byteLength) return new Int32Array();
  return new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}

/** What the page has seen, the least recently used of which goes. @template T */
export class Kept {
  /** @param {number} limit */
  constructor(limit) {
    this.limit = limit;
    this.all = /** @type {Map<number, T>} */ (new Map());
  }

  /** @param {number} index */
  has(index) {
    return this.all.has(index);
  }

  /** @param {number} index @returns {T | undefined} */
  get(index) {
    const found = this.all.get(index);
    if (found !== undefined) this.put(index, found);
    return found;
  }

  /** @param {number} index @param {T} value */
  put(index, value) {
    this.all.delete(index);
    this.all.set(index, value);
    for (const oldest of this.all.keys()) {
      if (this.all.size <= this.limit) break;
      this.all.delete(oldest);
    }
  }

  clear() {
    this.all.clear();
  }
}

/** What is said of an image. @param {number} index @param {string} text its class @param {string} reason why it has no
 * picture @param {string | null | undefined} wrong what the network takes it for, if that is wrong */
export function said(index, text, reason, wrong) {
  return [`image ${index}`, text, reason, wrong && `wrong: the network says ${wrong}`].filter(Boolean).join(' · ');
}

/** How large a picture is shown in a box. @param {number} width @param {number} height @param {number} wide
 * @param {number} high @returns {[number, number]} */
export function fitted(width, height, wide, high) {
  const share = Math.min(wide / width, high / height);
  return [Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share))];
}
