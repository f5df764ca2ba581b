// @ts-check
// The overview of a network in the page: a row for each stage with its most active maps, a thread with the skips at
// its left. One message brings all of it; the keyboard moves through it, and a press says to the kernel what is chosen.

/**
 * @typedef {{get(name: string): any, on(name: string, f: Function): void, off(name: string, f: Function): void,
 *   send(content: object): void}} Model
 * @typedef {{name: string, label: string, layer: string, kind: string, shape: string, line: string, notes: string[],
 *   depth: number, opened: boolean | null, channels: number[], units: number, size: [number, number], at: number,
 *   signed: boolean, ends: string, why: string}} Stage
 * @typedef {{image: number, stages: Stage[], edges: [number, number, string][], codes: DataView, palettes: DataView,
 *   empty: string}} Sheet
 */

const HIGH = 56, HEAD = 26, ARC = 5, LANES = 4;
const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} tag @param {string} name @param {string} [text] */
function build(tag, name, text = '') {
  const made = document.createElement(tag);
  made.className = name;
  if (text) made.textContent = text;
  return made;
}

/** Set a text, unless it is there. @param {HTMLElement} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @typedef {[number, number, number, number]} Box left, top, right, bottom, as shares
 * @typedef {{stage: string, box: Box | null, channels: number[], text: string}} Fed
 * @typedef {{kind: string, key: string, box: Box | null, fed: Fed[], waits: boolean}} Said what the kernel answers */

/** @param {HTMLCanvasElement} canvas @param {Uint8Array} codes @param {number} height @param {number} width
 * @param {Uint32Array} colors */
function paint(canvas, codes, height, width, colors) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colors[codes[i]];
  canvas.getContext('2d')?.putImageData(image, 0, 0);
}

/** The row of one stage; it is kept, and filled anew, as long as the stage is seen. */
class Row {
  constructor() {
    this.host = build('div', 'cnnw-stage');
    this.fold = build('button', 'cnnw-fold');
    this.fold.tabIndex = -1;
    this.label = build('b', '');
    this.kind = build('span', 'cnnw-quiet');
    this.shape = build('span', 'cnnw-quiet');
    this.line = build('div', 'cnnw-said');
    this.notes = build('span', 'cnnw-watch');
    this.ends = build('span', 'cnnw-quiet');
    this.maps = build('div', 'cnnw-thumbs');
    const head = build('div', 'cnnw-named-stage'), what = build('div', 'cnnw-what');
    head.append(this.fold, this.label, this.kind);
    const under = build('div', 'cnnw-under'), numbers = build('div', 'cnnw-sizes');
    numbers.append(this.notes, this.shape, this.ends); // what to look out for is never cut off
    under.append(this.line, numbers);
    what.append(head, under);
    this.host.append(what, this.maps);
    /** @type {HTMLCanvasElement[]} */
    this.canvases = [];
    this.stage = /** @type {Stage} */ (/** @type {unknown} */ (null));
  }

  /** @param {Stage} stage @param {Sheet} sheet @param {Uint32Array[]} palettes @param {string} id */
  fill(stage, sheet, palettes, id) {
    this.stage = stage;
    this.host.id = id;
    this.host.classList.toggle('cnnw-open', stage.opened === true);
    this.host.setAttribute('role', 'treeitem');
    this.host.setAttribute('aria-level', String(stage.depth + 1));
    if (stage.opened === null) this.host.removeAttribute('aria-expanded');
    else this.host.setAttribute('aria-expanded', String(stage.opened));
    this.host.style.setProperty('--cnnw-depth', String(Math.min(stage.depth, 5)));
    this.host.title = [stage.name, stage.kind, stage.shape, stage.line, ...stage.notes].filter(Boolean).join('\n');
    this.host.setAttribute('aria-label', this.host.title.replaceAll('\n', ', '));
    this.fold.style.visibility = stage.opened === null ? 'hidden' : '';
    this.fold.title = stage.opened ? `Close ${stage.name}` : `Open ${stage.name}`;
    write(this.fold, stage.opened ? '▾' : '▸');
    write(this.label, stage.label);
    write(this.kind, stage.kind);
    write(this.shape, stage.shape);
    write(this.line, stage.line);
    write(this.notes, stage.notes.length ? `⚠ ${stage.notes[0]} · ` : '');
    write(this.ends, stage.ends && ` · ${stage.ends}`);
    const [height, width] = stage.size, count = stage.units ? 1 : stage.channels.length;
    while (this.canvases.length > count) this.canvases.pop();
    while (this.canvases.length < count) this.canvases.push(document.createElement('canvas'));
    const bytes = new Uint8Array(sheet.codes.buffer, sheet.codes.byteOffset), colors = palettes[stage.signed ? 1 : 0];
    this.canvases.forEach((canvas, i) => {
      const from = stage.at + i * height * width;
      paint(canvas, bytes.subarray(from, from + height * width), height, width, colors);
      const share = stage.units ? 0 : Math.min(2, Math.max(0.35, width / height));
      canvas.className = stage.units ? 'cnnw-strip' : 'cnnw-thumb';
      canvas.style.width = stage.units ? `min(100%, ${Math.max(60, 24 * stage.units)}px)` : `calc(var(--cnnw-thumb) * ${share})`;
      canvas.dataset.channel = stage.units ? '' : String(stage.channels[i]);
      canvas.title = stage.units ? `${stage.name}: ${stage.units} units` : `${stage.name}: channel ${stage.channels[i]}`;
    });
    if (count) this.maps.replaceChildren(...this.canvases);
    else this.maps.replaceChildren(build('span', 'cnnw-quiet', stage.why));
  }

  /** Light the row, frame a place in its maps, and mark those that gave most; nothing for null. @param {Fed | null} fed */
  feed(fed) {
    this.host.classList.toggle('cnnw-feeds', fed !== null);
    this.maps.querySelectorAll('.cnnw-place').forEach(frame => frame.remove());
    this.host.querySelector('.cnnw-gave')?.remove();
    for (const canvas of this.canvases) {
      const channel = Number(canvas.dataset.channel);
      canvas.classList.toggle('cnnw-most', !!fed && !this.stage.units && fed.channels.includes(channel));
      if (!fed?.box || this.stage.units) continue;
      const [left, top, right, bottom] = fed.box, frame = build('span', 'cnnw-place');
      Object.assign(frame.style, {
        left: `${canvas.offsetLeft + left * canvas.offsetWidth}px`, top: `${canvas.offsetTop + top * canvas.offsetHeight}px`,
        width: `${Math.max(3, (right - left) * canvas.offsetWidth)}px`,
        height: `${Math.max(3, (bottom - top) * canvas.offsetHeight)}px`,
      });
      this.maps.append(frame);
    }
    if (fed) this.line.after(build('div', 'cnnw-gave', fed.text));
  }

  /** The channel of a place of the row; -1 where there is none. @param {MouseEvent} event */
  channel(event) {
    const canvas = /** @type {HTMLElement} */ (event.target);
    if (!(canvas instanceof HTMLCanvasElement)) return -1;
    if (!this.stage.units) return Number(canvas.dataset.channel);
    const {left, width} = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(this.stage.units - 1, Math.floor(((event.clientX - left) / width) * this.stage.units)));
  }

  /** How many thumbnails are seen: those that have no room are on a line below, out of sight. */
  get room() {
    const top = this.canvases[0]?.offsetTop ?? 0;
    return this.canvases.filter(canvas => canvas.offsetTop === top).length;
  }
}

/** One of the two places of the page, of which one is seen. */
class Place {
  /** @param {string} name @param {string} key */
  constructor(name, key) {
    this.host = build('div', `cnnw-side ${name}`);
    this.key = key;
    this.thread = document.createElementNS(SVG, 'svg');
    this.thread.setAttribute('class', 'cnnw-thread');
    this.list = build('div', 'cnnw-stages');
    this.host.append(this.thread, this.list);
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {Row[]} */
    this.shown = [];
  }

  /** @param {Sheet | null} sheet */
  show(sheet) {
    if (!sheet) {
      this.list.replaceChildren();
      this.thread.replaceChildren();
      this.rows.clear();
      this.shown = [];
      return;
    }
    const {buffer, byteOffset} = sheet.palettes;
    const tables = new Uint32Array(buffer.slice(byteOffset, byteOffset + 2048));
    const palettes = [tables.subarray(0, 256), tables.subarray(256)];
    const rows = /** @type {Map<string, Row>} */ (new Map());
    this.shown = sheet.stages.map((stage, i) => {
      const row = this.rows.get(stage.name) ?? new Row();
      row.fill(stage, sheet, palettes, `${this.key}-${i}`);
      rows.set(stage.name, row);
      return row;
    });
    this.rows = rows;
    const hosts = this.shown.map(row => row.host);
    if (hosts.length !== this.list.children.length || hosts.some((host, i) => host !== this.list.children[i]))
      this.list.replaceChildren(...(hosts.length ? hosts : [build('div', 'cnnw-quiet cnnw-none', sheet.empty)]));
    this.draw(sheet);
  }

  /** The thread from stage to stage, and the edges beside it. @param {Sheet} sheet */
  draw(sheet) {
    const heights = sheet.stages.map(stage => (stage.opened ? HEAD : HIGH)), count = heights.length;
    const middles = /** @type {number[]} */ ([]);
    const total = heights.reduce((top, height) => (middles.push(top + height / 2), top + height), 0);
    const y = (/** @type {number} */ i) => middles[i];
    const parts = /** @type {Element[]} */ ([]);
    const make = (/** @type {string} */ tag, /** @type {Record<string, string | number>} */ given, tip = '') => {
      const part = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(given)) part.setAttribute(name, String(value));
      if (tip) part.append(Object.assign(document.createElementNS(SVG, 'title'), {textContent: tip}));
      parts.push(part);
    };
    const right = ARC * (LANES + 1) + 3;
    if (count > 1) make('path', {d: `M${right} ${y(0)}V${y(count - 1)}`, class: 'cnnw-way'});
    const free = /** @type {number[]} */ ([]); // the last row of the edges in each lane
    for (const [from, to, tip] of [...sheet.edges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      let lane = free.findIndex(last => last <= from);
      if (lane < 0) lane = free.push(0) - 1;
      free[lane] = to;
      const x = right - ARC * (1 + Math.min(lane, LANES - 1)), bend = Math.min(8, right - x);
      const d = `M${right} ${y(from) + 4}C${x} ${y(from) + 4} ${x} ${y(from) + 8} ${x} ${y(from) + 8 + bend}`
        + `V${y(to) - 8 - bend}C${x} ${y(to) - 8} ${x} ${y(to) - 4} ${right - 5} ${y(to) - 4}`;
      make('path', {d, class: 'cnnw-edge'}, tip);
    }
    sheet.stages.forEach((stage, i) => stage.opened || make('circle', {cx: right, cy: y(i), r: 3.5, class: 'cnnw-knot'}));
    this.thread.setAttribute('width', String(right + 6));
    this.thread.setAttribute('height', String(total));
    this.thread.replaceChildren(...parts);
  }
}

/** The overview in one place of the page. */
class Overview {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.room = build('div', 'cnnw-overview-room');
    this.room.tabIndex = 0;
    this.room.setAttribute('role', 'tree');
    this.room.setAttribute('aria-label', 'Stages of the network');
    this.room.dataset.lmSuppressShortcuts = 'true'; // JupyterLab has other plans for arrow keys
    const sides = /** @type {string[]} */ (model.get('sides'));
    this.places = sides.map(name => new Place(name, name));
    this.room.append(...this.places.map(place => place.host));
    el.append(this.room);
    this.at = {name: '', map: -1}; // where the keyboard is
    this.shows = ['sheet_a', 'sheet_b'].map((name, i) => () => this.show(i));
    this.marks = () => this.mark();
    this.shows.forEach((show, i) => model.on(`change:sheet_${'ab'[i]}`, show));
    model.on('change:chosen', this.marks);
    this.room.addEventListener('click', event => this.click(event));
    this.room.addEventListener('keydown', event => this.key(event));
    this.over = ''; // the map under the mouse
    this.waits = false;
    this.image = -1; // which is shown, as the sheets count them
    /** @type {Said | null} */
    this.said = null; // of the map under the mouse
    /** @type {Row[]} */
    this.fed = []; // the rows that fed it
    this.frame = build('div', 'cnnw-sees');
    this.hears = (/** @type {any} */ said) => this.answer(said);
    model.on('msg:custom', this.hears);
    this.room.addEventListener('pointermove', event => this.hover(event));
    this.room.addEventListener('pointerleave', () => this.hover(null));
    this.leave = (/** @type {KeyboardEvent} */ event) => this.up(event);
    this.keep = () => setTimeout(() => this.keepKeyboard(), 100);
    requestAnimationFrame(() => {
      this.card = /** @type {HTMLElement | null} */ (this.room.closest('.cnnw'));
      this.card?.addEventListener('keydown', this.leave);
      this.card?.addEventListener('click', this.keep);
    });
    this.shows.forEach(show => show());
    this.sizes = new ResizeObserver(() => this.light()); // hears of the other place, too, when that is seen
    this.places.forEach(place => this.sizes.observe(place.host));
  }

  close() {
    this.sizes.disconnect();
    this.shows.forEach((show, i) => this.model.off(`change:sheet_${'ab'[i]}`, show));
    this.model.off('change:chosen', this.marks);
    this.model.off('msg:custom', this.hears);
    this.card?.removeEventListener('keydown', this.leave);
    this.card?.removeEventListener('click', this.keep);
    clearTimeout(this.rests);
    this.clear();
  }

  /** The rows that are seen. */
  get rows() {
    const seen = this.places.find(place => place.host.getClientRects().length > 0) ?? this.places[0];
    return seen.shown;
  }

  /** @param {number} i */
  show(i) {
    const sheet = /** @type {Sheet | null} */ (this.model.get(`sheet_${'ab'[i]}`));
    this.places[i].show(sheet);
    this.mark();
    if (!sheet) return; // what was out of sight
    const same = sheet.image === this.image;
    this.image = sheet.image;
    if (!this.over) return;
    if (same) this.light(); // until the answer comes
    else this.clear();
    clearTimeout(this.rests);
    this.rests = setTimeout(() => this.ask(), 120);
  }

  /** Frame what is chosen, and where the keyboard is, in both places. */
  mark() {
    const [layer, channel] = this.model.get('chosen');
    for (const {shown} of this.places)
      for (const row of shown) {
        const here = row.stage.layer === layer, at = row.stage.name === this.at.name;
        row.host.classList.toggle('cnnw-chosen', here);
        row.host.setAttribute('aria-selected', String(here));
        row.host.classList.toggle('cnnw-here', at && this.at.map < 0);
        row.canvases.forEach((canvas, i) => {
          canvas.classList.toggle('cnnw-chosen', here && !row.stage.units && row.stage.channels[i] === channel);
          canvas.classList.toggle('cnnw-here', at && this.at.map === i);
        });
      }
    const row = this.rows.find(each => each.stage.name === this.at.name);
    if (row) this.room.setAttribute('aria-activedescendant', row.host.id);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const host = /** @type {HTMLElement} */ (event.target).closest('.cnnw-stage');
    const row = this.rows.find(each => each.host === host);
    if (!row) return;
    const channel = row.channel(event);
    const map = row.canvases.indexOf(/** @type {HTMLCanvasElement} */ (event.target));
    this.at = {name: row.stage.name, map};
    if (map >= 0) this.choose(row, channel);
    else if (row.stage.opened !== null) this.model.send({kind: 'toggle', name: row.stage.name});
    this.mark();
  }

  /** Frame in the photo what the strongest place of the map under the mouse sees. @param {PointerEvent | null} event */
  hover(event) {
    const canvas = /** @type {HTMLElement | null} */ (event && event.target), row = this.rows.find(each => canvas
      && each.host.contains(canvas));
    const thumb = canvas instanceof HTMLCanvasElement && row && !row.stage.units;
    const over = thumb ? JSON.stringify([row.stage.layer, Number(canvas.dataset.channel), row.stage.name]) : '';
    if (over === this.over) return;
    this.over = over;
    this.clear();
    clearTimeout(this.rests);
    if (over) this.rests = setTimeout(() => this.ask(), 120); // not for a mouse that only passes
  }

  /** Take the frames away. */
  clear() {
    this.said = null;
    this.light();
  }

  /** Ask the kernel for the frame; not before it has answered the last question. */
  ask() {
    if (!this.over || this.waits) return;
    const [layer, channel, stage] = JSON.parse(this.over);
    this.waits = true;
    this.model.send({kind: 'hover', layer, channel, stage, key: this.over});
  }

  /** @param {Said} said */
  answer(said) {
    if (said.kind !== 'frame') return;
    this.waits = false;
    if (said.key !== this.over) return this.ask();
    if (said.waits) this.rests = setTimeout(() => this.ask(), 300); // the kernel is still at it
    if (said.waits && this.said && !this.said.waits) return; // what is lit says more
    this.said = said;
    this.light();
  }

  /** Light what was answered, where it stands now. */
  light() {
    this.frame.remove();
    this.fed.forEach(row => row.feed(null));
    this.fed = [];
    if (!this.said) return;
    const {box, fed} = this.said;
    for (const each of fed) {
      const row = this.rows.find(row => row.stage.name === each.stage);
      if (row) this.fed.push(row), row.feed(each);
    }
    const photos = /** @type {HTMLElement[]} */ ([...(this.card?.querySelectorAll('.cnnw-input') ?? [])]);
    const photo = photos.find(each => !each.closest('.cnnw-below') && each.getClientRects().length);
    if (!box || !photo || !this.card) return;
    const at = photo.getBoundingClientRect(), card = this.card.getBoundingClientRect();
    const [left, top, right, bottom] = box;
    Object.assign(this.frame.style, {
      left: `${at.left - card.left - this.card.clientLeft + left * at.width - 1}px`,
      top: `${at.top - card.top - this.card.clientTop + this.card.scrollTop + top * at.height - 1}px`,
      width: `${(right - left) * at.width - 2}px`, height: `${(bottom - top) * at.height - 2}px`,
    });
    this.card.append(this.frame);
  }

  /** @param {Row} row @param {number} channel */
  choose(row, channel) {
    if (!row.stage.layer) return;
    this.model.send({kind: 'choose', layer: row.stage.layer, channel});
    if (!this.below()) this.reveal(40);
  }

  /** The view that is open below; none as long as none is. */
  below() {
    return this.card?.querySelector('.cnnw-below .cnnw');
  }

  /** When a view has opened below, show it and the stages together. @param {number} times to look for it */
  reveal(times) {
    if (this.below()) this.card?.querySelector('.cnnw-below')?.scrollIntoView({block: 'center', behavior: 'smooth'});
    else if (times) setTimeout(() => this.reveal(times - 1), 100);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || (event.altKey && !event.key.startsWith('Arrow'))) return;
    if (event.altKey) {
      const way = {ArrowLeft: 'back', ArrowRight: 'forward'}[event.key];
      if (way) this.model.send({kind: way});
    } else if (!this.go(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Do what a key says; false where it says nothing. @param {string} key */
  go(key) {
    const rows = this.rows, found = rows.findIndex(each => each.stage.name === this.at.name), row = rows[found];
    const last = rows.length - 1;
    if (last < 0) return false;
    const line = {ArrowDown: found + 1, ArrowUp: found - 1, Home: 0, End: last, PageDown: found + 8, PageUp: found - 8}[key];
    if (line !== undefined) {
      const next = rows[Math.max(0, Math.min(last, line))];
      this.at = {name: next.stage.name, map: Math.min(this.at.map, next.room - 1)};
      next.host.scrollIntoView({block: 'nearest'});
    } else if (!row) return false;
    else if (key === 'ArrowRight' && row.stage.opened === false && this.at.map < 0)
      this.model.send({kind: 'toggle', name: row.stage.name});
    else if (key === 'ArrowRight') this.at.map = Math.min(this.at.map + 1, row.room - 1);
    else if (key === 'ArrowLeft' && this.at.map >= 0) this.at.map -= 1;
    else if (key === 'ArrowLeft' && row.stage.opened) this.model.send({kind: 'toggle', name: row.stage.name});
    else if (key === 'ArrowLeft') {
      const above = rows.slice(0, found).reverse().find(each => each.stage.depth < row.stage.depth);
      if (above) this.at.name = above.stage.name;
    } else if (key === 'Enter' || key === ' ') {
      if (this.at.map < 0 && row.stage.opened !== null) this.model.send({kind: 'toggle', name: row.stage.name});
      else this.choose(row, row.stage.channels[row.stage.units ? 0 : Math.max(0, this.at.map)] ?? 0);
    } else return false;
    this.mark();
    return true;
  }

  /** JupyterLab 3 takes the keyboard away from a button that was clicked: then it is here, where Escape is heard. */
  keepKeyboard() {
    if (document.activeElement === document.body) this.room.focus({preventScroll: true});
  }

  /** Escape leads back here from wherever the keyboard is in the card. @param {KeyboardEvent} event */
  up(event) {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    this.model.send({kind: 'up'});
    this.room.focus({preventScroll: true});
    this.card?.scrollIntoView({block: 'nearest'});
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    const overview = new Overview(model, el);
    return () => overview.close();
  },
};
