// @ts-check
// What the page draws over a figure of the kernel's, in place of what the kernel has drawn there.

const LEAST = 8; // px of the sides of a frame, so that it shows around a single pixel too

export const UNDER = 'cnnw-under'; // class of what is hidden as long as the page draws in its place

export const OVER = `.${UNDER} { display: none !important; } .cnnw-slides { position: relative; height: 0; z-index: 2; }
  .cnnw-slides > div { position: absolute; left: 2px; top: 2px; margin: 0; padding: 0; }
  .cnnw-slides canvas { width: 100%; height: 100%; } .cnnw-slides canvas[hidden] { display: block; visibility: hidden; }
  .cnnw-slides.cnnw-frames svg { left: 0; top: 0; }
  .cnnw-closeness { position: absolute; right: 2px; bottom: 2px; padding: 0 4px; font-size: 11px; line-height: 1.4;
    color: var(--cnnw-text); background: var(--cnnw-ground); opacity: 0.9; border-radius: 3px; pointer-events: none; }
  .cnnw-closeness:empty { display: none; }`;

/** Boxes on a picture as pairs of rectangles, the outer and the inner line of a frame: x, y, width, height.
 * @param {number[][]} list in pixels of the picture: left, top, right, bottom @param {number} width
 * @param {number} height of the picture on the screen @param {number} factor px on the screen of a pixel
 * @returns {number[][]} */
export function framed(list, width, height, factor) {
  const edges = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ end) => {
    const apart = Math.max(0, LEAST - (high - low) * factor) / 2;
    return [Math.max(low * factor - apart, 1), Math.min(high * factor + apart, end - 1)];
  };
  return list.flatMap(([left, top, right, bottom]) => {
    const [x, across] = edges(left, right, width), [y, down] = edges(top, bottom, height);
    return [0, 2].map(inset => [x + inset, y + inset, ...[across - x, down - y].map(side => Math.max(0, side - 2 * inset))]);
  });
}

/** What lies over a figure: a canvas, and frames. */
export class Over {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    this.host = document.createElement('div');
    this.host.className = 'cnnw-slides cnnw-frames';
    this.room = document.createElement('div');
    this.canvas = document.createElement('canvas');
    this.over = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    this.lines = document.createElementNS('http://www.w3.org/2000/svg', 'g');
    this.over.append(this.lines);
    this.room.append(this.canvas, this.over);
    this.host.append(this.room);
    this.wide = this.high = 1; // pixels of the picture
    this.factor = 1; // px on the screen of each
    figure.prepend(this.host);
  }

  /** The picture has so many pixels, each so many px on the screen. @param {number} wide @param {number} high
   * @param {number} factor */
  fit(wide, high, factor) {
    Object.assign(this, {wide, high, factor});
    Object.assign(this.room.style, {width: `${Math.round(wide * factor)}px`, height: `${Math.round(high * factor)}px`});
    for (const each of this.figure.querySelectorAll('.cnnw-frames'))
      if (each !== this.host && !this.host.contains(each)) each.classList.add(UNDER);
  }

  /** Px on the screen of a pixel of the picture, as it is looked at now. */
  get scale() {
    return this.factor;
  }

  /** Frame boxes: left, top, right, bottom in pixels of the picture. @param {number[][]} list @param {string} accent */
  frame(list, accent) {
    const {scale} = this, rects = framed(list, Math.round(this.wide * scale), Math.round(this.high * scale), scale);
    this.lines.replaceChildren(...rects.map(([x, y, width, height], i) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      for (const [name, value] of Object.entries({x, y, width, height, stroke: i % 2 ? 'white' : accent})) rect.setAttribute(name, String(value));
      return rect;
    }));
  }

  /** Where the mouse is, in pixels of the picture. @param {MouseEvent} event @returns {[number, number]} x and y */
  at(event) {
    const box = this.room.getBoundingClientRect();
    return [(event.clientX - box.left) / this.factor, (event.clientY - box.top) / this.factor];
  }

  close() {
    this.host.remove();
    this.figure.querySelectorAll(`.${UNDER}`).forEach(each => each.classList.remove(UNDER));
  }
}

/** What lies over the panels `photo` and `map` of a card; null where one of them is not there.
 * @param {HTMLElement} el of the card @returns {{photo: Over, map: Over} | null} */
export function overBoth(el) {
  const card = el.closest('.cnnw');
  const [photo, map] = ['photo', 'map'].map(key =>
    /** @type {HTMLElement | null} */ (card?.querySelector(`.cnnw-of-${key} .cnnw-figure`) ?? null));
  return photo && map ? {photo: new Over(photo), map: new Over(map)} : null;
}

/** A line of text beside the mouse. */
export class Tip {
  /** @param {HTMLElement} el of the card */
  constructor(el) {
    this.el = el;
    this.host = document.createElement('div');
    this.host.className = 'cnnw-says';
  }

  /** @param {MouseEvent} event @param {string} text */
  say(event, text) {
    const {color, backgroundColor} = getComputedStyle(this.el.closest('.cnnw') ?? document.body);
    const line = document.createElement('div');
    line.className = 'cnnw-tip';
    line.textContent = text;
    this.host.replaceChildren(line);
    Object.assign(this.host.style, {color, backgroundColor, left: `${event.clientX + 12}px`, top: `${event.clientY + 14}px`});
    if (!this.host.isConnected) document.body.append(this.host);
    const over = this.host.getBoundingClientRect().right - window.innerWidth;
    if (over > 0) this.host.style.left = `${event.clientX + 12 - over}px`;
  }

  remove() {
    this.host.remove();
  }
}
