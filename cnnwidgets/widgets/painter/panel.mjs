// @ts-check
// The painter in the page: paints the maps of a layer, all of them in a grid or one of them large, or a map over a picture,
// with their texts, from numbers that the kernel sends once. Channel, colour map, scale and columns are read from the controls beside it,
// so that a move of a hand needs no kernel.
import {
  beyond, boxOf, colored, extent, facts, fullMap, gridOf, hit, isReduced, levels, mapAt, mosaic, rangesOf, scaleTexts,
  shareBeyond, standsAt, stepped, valueText,
} from './numbers.mjs';
import {Card, partOf} from './card.mjs';
import {apart, curtainOf, pairOf} from './curtain.mjs';
import {endsOf, greyOf, heatIn, heatTexts, overlaid, weightOf} from './heat.mjs';
import {keepKeyboard} from './lens.mjs';
import {Wanted, meant, nearest} from './series.mjs';
import {Side, build} from './side.mjs';
import {store} from './store.mjs';
import {WHOLE} from './zoom.mjs';

/**
 * @typedef {import('./numbers.mjs').Layer} Layer
 * @typedef {import('./numbers.mjs').FullMap} FullMap
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 * @typedef {import('./numbers.mjs').State} State
 * @typedef {import('./store.mjs').Palette} Palette
 * @typedef {import('./store.mjs').Model} Model
 */

const REST = 150, LATE = 3000, HOVERED = 1024;

// ---------------------------------------------------------------------- panel: one picture with its texts

/** What the controls in the page say, as the trait has it; undefined where they say nothing yet. */
const READ = /** @type {Record<string, (controls: Model[], sheet: Sheet) => any>} */ ({
  channel: ([slider]) => slider.get('value'),
  colormap: ([menu]) => menu.get('_options_labels')[menu.get('index')],
  sign: ([menu]) => menu.get('_options_labels')[menu.get('index')],
  outliers: ([box]) => box.get('value'),
  opacity: ([slider]) => slider.get('value'),
  columns: ([box]) => {
    const text = box.get('value').trim().toLowerCase();
    return text === 'auto' || text === '' ? 0 : /^\d+$/.test(text) ? Number(text) : undefined;
  },
  scale: ([menu, ...ends], sheet) => {
    const word = menu.get('_options_labels')[menu.get('index')];
    if (word !== 'fixed') return word;
    const [low, high] = ends.map(end => end.get('value')); // until the kernel has said where to begin, nothing moves
    return typeof sheet.state.scale !== 'string' && low < high ? [low, high] : undefined;
  },
});

/** What a painter shows in one place of the page. */
class Panel {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.controls = /** @type {Record<string, Model[]>} */ ({});
    const look = {view: WHOLE, of: ''}; // the same in both places
    this.sides = model.get('sides').map((/** @type {string} */ name) => new Side(name, look));
    /** @type {{number: number, pixel: [number, number]} | null} */
    this.picked = null;
    this.wanted = /** @type {Wanted | null} */ (null); // of what several controls move, once they are heard
    this.turning = /** @type {Model[]} */ ([]); // these controls: of the frame of a series, or of a curtain
    this.told = this.missed = -1; // numbers of states: the last one told as painted, and the last one that comes unasked
    this.asks = ''; // number of a state, and the numbers of it that were asked for last
    this.turns = /** @type {(() => void)[]} */ ([]);
    this.movers = /** @type {[Model, () => void][]} */ ([]); // by which a hand asks for another address
    this.part = ''; // of the card: what was shown last
    this.card = /** @type {Card | null} */ (null);
    this.done = false; // whether what the kernel has sent last is painted
    this.tip = build('div', 'cnnw-says');
    this.repaint = () => this.paint();
    this.looked = () => this.look();
    this.heard = () => Card.of(this.el)?.heard(this);
    el.append(...this.sides.map((/** @type {Side} */ side) => side.host));
    for (const side of this.sides) this.listen(side);
    this.release = keepKeyboard(this.sides.map((/** @type {Side} */ side) => side.room));
    for (const name of ['sheets', 'reel']) model.on(`change:${name}`, this.repaint);
    model.on('change:address', this.heard);
    store.watchers.add(this.repaint);
    document.addEventListener('visibilitychange', this.looked);
    this.link();
    this.paint();
  }

  /** Hear the controls. */
  async link() {
    const ids = /** @type {Record<string, string[]>} */ (this.model.get('controls'));
    for (const [name, list] of Object.entries(ids)) {
      const found = await Promise.all(list.map(id => this.model.widget_manager.get_model(id))).catch(() => null);
      if (found && !this.closed) this.controls[name] = found;
    }
    const turning = this.controls.frame ?? this.controls.curtain;
    if (turning && !this.closed) {
      this.turning = turning;
      this.wanted = new Wanted(turning.map(control => control.get('value')));
      this.turns = turning.map((control, at) => () => this.wanted?.moved(at, control.get('value')));
      turning.forEach((control, at) => control.on('change:value', this.turns[at])); // before it is painted
    }
    for (const control of Object.values(this.controls).flat())
      for (const trait of ['value', 'index']) control.on(`change:${trait}`, this.repaint);
    for (const [name, list] of Object.entries(this.model.get('movers') ?? {})) {
      const found = await Promise.all(list.map(id => this.model.widget_manager.get_model(id))).catch(() => []);
      if (!this.closed) for (const control of found) this.follow(name, control);
    }
    this.paint();
  }

  /** Hear a control by which a hand asks for another layer, image or slice. @param {string} name @param {Model} control */
  follow(name, control) {
    const moved = () => Card.of(this.el)?.follow(name, control);
    this.movers.push([control, moved]);
    for (const trait of ['value', 'index']) control.on(`change:${trait}`, moved);
  }

  /** What the two places show: what the kernel says, or what the page has before, of a series or in the card's book. */
  sheets() {
    const card = Card.of(this.el), leaf = card && card.leaf();
    if (leaf) return this.own().map(sheet => sheet && card.instead(sheet, leaf));
    return this.framed();
  }

  /** What the kernel says. @returns {(Sheet | null)[]} */
  own() {
    return this.model.get('sheets');
  }

  /** The newest of it. */
  kernels() {
    return newestOf(this.own()) ?? null;
  }

  /** Whether the card has turned to the newest. */
  seen() {
    const sheets = this.own(), side = this.sides[sheets.indexOf(newestOf(sheets))];
    return Boolean(side && this.sees(side));
  }

  /** Whether what is seen is painted, and no picture or bars of a vector beside it. */
  full() {
    return this.own().every((sheet, at) => sheet || !this.sees(this.sides[at]));
  }

  /** Whether one of the two places is seen. @param {Side} side */
  sees({host}) {
    return this.card ? this.card.sees(host) : host.getClientRects().length > 0;
  }

  /** Whether the page has all to paint a sheet. @param {Sheet} sheet */
  paints(sheet) {
    const layer = store.layers.get(sheet.key);
    return Boolean(layer && !lacked(sheet) && this.palette(sheet, layer, this.state(sheet, layer)));
  }

  /** What the controls say of what is drawn alike in every layer. @param {Sheet} sheet */
  shown(sheet) {
    const said = (/** @type {'colormap' | 'scale' | 'columns'} */ name) =>
      (this.controls[name] && READ[name](this.controls[name], sheet)) ?? sheet.state[name];
    return {colormap: said('colormap'), scale: said('scale'), columns: said('columns')};
  }

  /** Of a series, the frame that is asked for. */
  framed() {
    const sheets = /** @type {(Sheet | null)[]} */ (this.model.get('sheets')), {wanted} = this;
    const frame = newestOf(sheets)?.state.frame;
    if (!wanted || frame === undefined) return sheets;
    wanted.settle(frame, this.controls.frame.map(control => control.get('value')));
    return sheets.map(sheet =>
      sheet && nearest(sheet, this.model.get('reel'), wanted.frame, key => store.layers.has(key)));
  }

  close() {
    this.closed = true;
    this.card?.leave(this);
    this.release();
    this.wait(null);
    this.tip.remove();
    store.watchers.delete(this.repaint);
    document.removeEventListener('visibilitychange', this.looked);
    for (const name of ['sheets', 'reel']) this.model.off(`change:${name}`, this.repaint);
    this.model.off('change:address', this.heard);
    for (const [control, moved] of this.movers)
      for (const trait of ['value', 'index']) control.off(`change:${trait}`, moved);
    this.turning.forEach((control, at) => control.off('change:value', this.turns[at]));
    for (const control of Object.values(this.controls).flat())
      for (const trait of ['value', 'index']) control.off(`change:${trait}`, this.repaint);
  }

  /** @param {Sheet} sheet @param {Layer} layer @returns {State} */
  state(sheet, layer) {
    const state = /** @type {any} */ ({...sheet.state});
    for (const [name, controls] of Object.entries(this.controls)) state[name] = READ[name]?.(controls, sheet) ?? state[name];
    state.channel = Math.max(0, Math.min(state.channel, layer.count - 1));
    if (this.controls.curtain && this.wanted) {
      const places = this.turning.map(control => control.get('value'));
      if (places.every(place => place === places[0])) this.wanted.settle(places[0], places);
      state.curtain = this.wanted.frame;
    }
    return state;
  }

  /** Paint the newest, and the other side as long as it is seen. */
  paint() {
    const card = Card.of(this.el), own = this.kernels();
    if (own) this.part = partOf(own);
    if (card && this.part && !this.closed) {
      this.card = card;
      card.join(this.part, this, this.movers.length > 0);
    }
    const sheets = this.sheets();
    if (card?.lead === this) card.cover();
    const newest = (sheets[1]?.number ?? -1) > (sheets[0]?.number ?? -1) ? 1 : 0;
    const painted = this.put(newest, sheets[newest]);
    if (!sheets[1 - newest] || this.sees(this.sides[1 - newest]))
      this.put(1 - newest, sheets[1 - newest]);
    this.wait(painted ? null : newest);
    this.done = painted;
    if (card) card.soon();
    if (painted && sheets[newest]) this.acknowledge(/** @type {Sheet} */ (sheets[newest]).number);
  }

  /** Say which state was painted, and what the store let go of. @param {number} number */
  acknowledge(number) {
    if (number === this.told && !store.gone.length) return;
    this.told = number;
    requestAnimationFrame(() => {
      this.model.send({kind: 'painted', number, page: store.page, gone: store.gone});
      store.gone = [];
    });
  }

  /** While a new state cannot be painted, the whole card keeps the one before: its style sheet looks for this class.
   * @param {number | null} at the side that is waited for */
  wait(at) {
    clearTimeout(this.late);
    const card = this.el.closest('.cnnw'), names = /** @type {string[]} */ (this.model.get('sides'));
    const turns = names.filter((name, i) => card && card.classList.contains(`${name}-wait`) !== (i === at));
    for (const name of turns) card?.classList.toggle(`${name}-wait`);
    if (turns.length && this.card) this.card.moment = null; // another place may be seen
    if (at !== null) this.late = setTimeout(() => {
      this.wait(null);
      this.remind();
    }, LATE);
  }

  /** What should have come long ago was lost: ask for it, again and again, as long as somebody looks. */
  remind() {
    const sheet = newestOf(this.sheets());
    if (!sheet || this.closed) return;
    const lacks = lacked(sheet), key = lacks ?? sheet.key, layer = store.layers.get(sheet.key);
    if (layer && !lacks && this.palette(sheet, layer, this.state(sheet, layer))) return;
    const missing = lacks ? 'layer' : 'palettes';
    if (!document.hidden && !store.coming.has(key) && store.needs(lacks ?? missing))
      this.model.send({kind: 'need', key, missing, page: store.page});
    this.late = setTimeout(() => this.remind(), LATE);
  }

  /** The colours of a layer; undefined where they have not come. @param {Sheet} sheet @param {Layer} layer
   * @param {State} state */
  palette({role, series}, layer, {colormap, sign}) {
    const signed = role === 'heat' ? sign === 'all' : (series ?? layer).signed;
    const name = colormap === 'auto' ? store.auto[signed ? 1 : 0] : colormap;
    const found = store.palettes.get(name);
    return found && series?.centred && !found.diverging ? store.palettes.get(store.auto[1]) : found;
  }

  /** Tell the kernel whether anybody looks at the page: it sends nothing to one at which nobody does. */
  look() {
    const sheets = /** @type {(Sheet | null)[]} */ (this.model.get('sheets'));
    this.missed = Math.max(...sheets.map(sheet => sheet?.number ?? -1)); // it comes without being asked for
    this.model.send({kind: 'seen', page: store.page, seen: !document.hidden});
    this.paint();
  }

  /** Whether the side shows what the sheet says. @param {number} at @param {Sheet | null} sheet */
  put(at, sheet) {
    const side = this.sides[at];
    if (!sheet) {
      side.empty();
      return true;
    }
    side.keep(sheet);
    const layer = store.layer(sheet.key), lacks = lacked(sheet);
    if (!layer || lacks) {
      const key = lacks ?? sheet.key;
      const asks = `${sheet.number} ${key}`; // a sheet may lack two
      if (!store.coming.has(key) && this.missed !== sheet.number && this.asks !== asks && !document.hidden) {
        this.asks = asks;
        if (store.needs(key)) this.model.send({kind: 'need', key, page: store.page});
      }
      return false;
    }
    const state = this.state(sheet, layer);
    const palette = this.palette(sheet, layer, state);
    if (!palette) return false;
    state.scale = meant(sheet, state.scale, palette.diverging);
    this[sheet.role](side, sheet, layer, state, palette);
    side.told(sheet, state);
    return true;
  }

  /** @param {Side} side @param {Sheet} sheet @param {Layer} layer @param {State} state @param {Palette} palette */
  grid(side, sheet, layer, state, palette) {
    const {channel, scale, columns} = state, grid = gridOf(layer, columns, sheet.width), [width, height] = extent(grid);
    const ranges = rangesOf(layer, scale, palette.diverging);
    const {state: {frame}, order} = sheet, moment = frame === undefined ? '' : `frame ${frame}`;
    const drawn = JSON.stringify([sheet.key, palette.name, scale, columns, sheet.width, moment, sheet.heading, order]);
    const make = () => ({
      pixels: mosaic(layer, grid, ranges, palette.colors, order),
      texts: gridTexts(layer, ranges, scale, palette.diverging),
    });
    const of = `grid of ${[layer.count, grid.columns, ...layer.full]}`;
    const made = side.picture(sheet, width, height, make, drawn, of);
    side.box = boxOf(grid, standsAt(channel, order));
    side.reduced = isReduced(layer);
    side.dress();
    side.columns = grid.columns;
    side.count = grid.count;
    side.at = (x, y) => {
      const found = hit(grid, x, y);
      return found && {...found, map: mapAt(found.map, order)};
    };
    if (!made) return;
    side.title([...sheet.heading, moment, layer.count > 1 ? sheet.hint : '']);
    side.colorbar(sheet, palette, made.texts);
    side.list([]);
  }

  /** @param {Side} side @param {Sheet} sheet @param {Layer} layer @param {State} state @param {Palette} palette */
  map(side, sheet, layer, state, palette) {
    const {channel, scale} = state, map = fullMap(layer, channel), {low, step, codes, height, width} = map;
    const whole = layer.maps.has(channel) || !isReduced(layer);
    if (!whole && !document.hidden) store.want(this.model, layer.key, channel);
    else this.ahead(layer, channel);
    const [from, to] = rangesOf(layer, scale, palette.diverging).map(ends => ends[channel]);
    const make = () => {
      const {out, finite} = beyond(codes, low, step, from, to), centred = palette.diverging && from === -to;
      return {
        pixels: colored(levels(codes, low, step, from, to, new Uint8Array(codes.length)), palette.colors),
        texts: scaleTexts(from, centred, to, out / Math.max(1, finite)),
      };
    };
    const drawn = JSON.stringify([sheet.key, palette.name, from, to, channel, whole, sheet.width]);
    const made = side.picture(sheet, width, height, make, drawn, `map of ${layer.full}`);
    if (made) {
      side.title([...sheet.heading, `${sheet.what} ${channel}`, layer.full.join(' × ')]);
      side.colorbar(sheet, palette, made.texts);
    }
    const rows = facts(layer, channel), picked = !sheet.elsewhere && this.picked?.number === sheet.number;
    const pixel = picked ? /** @type {any} */ (this.picked).pixel : sheet.pixel;
    const inside = pixel && pixel[0] < layer.full[0] && pixel[1] < layer.full[1];
    if (inside) rows.push([`at row ${pixel[0]}, column ${pixel[1]}`, valueText(layer, channel, pixel[0], pixel[1])]);
    side.list(rows);
    side.box = inside ? [pixel[1], pixel[0], pixel[1] + 1, pixel[0] + 1] : null;
    side.always = layer.full[0] * layer.full[1] <= HOVERED;
    side.reduced = height !== layer.full[0] || width !== layer.full[1];
    side.written = side.reduced ? null : {map, least: layer.least[channel], most: layer.most[channel]};
    side.dress();
    side.at = (x, y) => x >= 0 && y >= 0 && x < width && y < height
      ? {map: channel, row: Math.floor(y), column: Math.floor(x)} : null;
  }

  /** A map of two layers in one place: of the first left of the curtain, of the other right of it.
   * @param {Side} side @param {Sheet} sheet @param {Layer} layer @param {State} state @param {Palette} palette */
  curtain(side, sheet, layer, state, palette) {
    const {channel, scale, curtain = 50} = state, both = [layer, beside(sheet)], maps = pairOf(both, channel);
    const [{height, width}] = maps, edge = Math.round((width * curtain) / 100);
    const ranges = both.map(each => rangesOf(each, scale, palette.diverging).map(ends => ends[channel]));
    const drawn = JSON.stringify([sheet.key, sheet.other, palette.name, ranges, channel, height, width, edge, sheet.width]);
    const make = () => ({pixels: curtainOf(maps, ranges, edge, palette.colors), texts: []});
    if (side.picture(sheet, width, height, make, drawn, `curtain of ${layer.full}`)) {
      side.title(sheet.heading);
      side.unscaled();
    }
    const picked = !sheet.elsewhere && this.picked?.number === sheet.number;
    const pixel = picked ? /** @type {any} */ (this.picked).pixel : sheet.pixel;
    const inside = pixel && pixel[0] < layer.full[0] && pixel[1] < layer.full[1];
    side.list(inside ? apart(both, channel, pixel, sheet.letters ?? [])
      .map(([letters, value]) => [`${letters} at row ${pixel[0]}, column ${pixel[1]}`, value]) : []);
    side.box = edge > 0 && edge < width ? [edge, 0, edge, height] : null;
    side.always = true;
    side.written = null;
    side.reduced = height !== layer.full[0] || width !== layer.full[1];
    side.dress();
    side.at = (x, y) => x >= 0 && y >= 0 && x < width && y < height
      ? {map: channel, row: Math.floor(y), column: Math.floor(x), of: maps[0]} : null;
  }

  /** The map of a layer over a picture. @param {Side} side @param {Sheet} sheet @param {Layer} layer @param {State} state
   * @param {Palette} palette */
  heat(side, sheet, layer, {sign = 'absolute', outliers = 0, opacity = 1}, palette) {
    const map = fullMap(layer, 0), {height, width} = map, centred = sign === 'all' || palette.diverging;
    const heat = heatIn(layer, sign, outliers), ends = endsOf(heat, centred);
    const drawn = JSON.stringify([sheet.key, sheet.other, palette.name, sign, outliers, opacity, sheet.width]);
    const make = () => ({
      pixels: overlaid(greyOf(fullMap(beside(sheet), 0)), heat.values, ends, palette.colors,
        weightOf(heat.limit, centred, opacity)),
      texts: heatTexts(heat, sign, centred),
    });
    const made = side.picture(sheet, width, height, make, drawn, `heat of ${layer.full}`);
    if (made) {
      side.title(sheet.heading);
      side.colorbar(sheet, palette, made.texts);
    }
    const {note = ''} = sheet;
    side.say(typeof note === 'string' ? note : note[sign]);
    side.box = null;
    side.reduced = height !== layer.full[0] || width !== layer.full[1];
    side.written = side.reduced ? null : {map, least: layer.least[0], most: layer.most[0]};
    side.dress();
    side.at = (x, y) => x >= 0 && y >= 0 && x < width && y < height
      ? {map: 0, row: Math.floor(y), column: Math.floor(x)} : null;
  }

  /** When the hand rests, fetch the neighbours. @param {Layer} layer @param {number} channel */
  ahead(layer, channel) {
    clearTimeout(this.resting);
    const missing = [channel + 1, channel - 1].find(at => at >= 0 && at < layer.count && !layer.maps.has(at));
    if (missing === undefined || !isReduced(layer)) return;
    this.resting = setTimeout(() => store.want(this.model, layer.key, missing), REST);
  }

  /** @param {Side} side */
  listen(side) {
    const sheet = () => /** @type {Sheet | null} */ (this.sheets()[this.sides.indexOf(side)]);
    const there = (/** @type {MouseEvent} */ event) => {
      const box = side.canvas.getBoundingClientRect();
      return side.at((event.clientX - box.left) / side.lens.scale, (event.clientY - box.top) / side.lens.scale);
    };
    const hover = (/** @type {MouseEvent} */ event) => {
      const found = there(event), shown = sheet(), layer = found && shown && store.layer(shown.key);
      if (!found || !shown || !layer || side.lens.held) return this.tip.remove();
      this.say(event, described(shown, layer, found));
      if (event.type === 'pointermove' && shown.role === 'grid' && !layer.maps.has(found.map) && isReduced(layer))
        store.want(this.model, layer.key, found.map);
    };
    side.room.addEventListener('pointermove', hover);
    side.room.addEventListener('wheel', hover, {passive: true}); // something else may lie under the mouse
    side.room.addEventListener('pointerleave', () => this.tip.remove());
    side.room.addEventListener('click', event => {
      const found = there(event), shown = sheet(), layer = found && shown && store.layer(shown.key);
      if (!layer) return;
      if (shown.role === 'grid') return this.choose(found.map, event.altKey);
      if (shown.role === 'heat') return;
      const [row, column] = whereIn(layer, found);
      this.picked = {number: shown.number, pixel: [row, column]};
      this.paint();
      this.model.send({kind: 'place', x: column + 0.5, y: row + 0.5});
    });
    side.room.addEventListener('keydown', event => {
      const shown = sheet(), layer = shown && store.layer(shown.key);
      if (!layer || shown.role !== 'grid' || event.ctrlKey || event.metaKey || event.altKey) return;
      const {channel} = this.state(shown, layer), off = event.key === 'x';
      const place = stepped(event.key, standsAt(channel, shown.order), side.columns, side.count);
      const to = off ? channel : place === null ? null : mapAt(place, shown.order);
      if (to === null) return;
      event.preventDefault();
      event.stopPropagation();
      this.choose(to, off);
      if (side.box) side.lens.reveal(side.box);
    });
  }

  /** Move the control as a hand does; the kernel hears of it from that. @param {number} channel
   * @param {boolean} off whether the channel is to be switched off too, or on again */
  choose(channel, off = false) {
    const slider = this.controls.channel?.[0];
    if (!slider) {
      this.model.send({kind: 'cell', cell: channel});
    } else if (slider.get('value') !== channel) {
      slider.set('value', channel);
      slider.save_changes();
    }
    if (off) this.model.send({kind: 'switch', cell: channel});
  }

  /** @param {MouseEvent} event @param {string[]} lines */
  say(event, lines) {
    const {color, backgroundColor} = getComputedStyle(this.el.closest('.cnnw') ?? document.body);
    this.tip.replaceChildren(...lines.map(line => build('div', 'cnnw-tip', line)));
    Object.assign(this.tip.style, {color, backgroundColor, left: `${event.clientX + 12}px`, top: `${event.clientY + 14}px`});
    if (!this.tip.isConnected) document.body.append(this.tip);
    const over = this.tip.getBoundingClientRect().right - window.innerWidth;
    if (over > 0) this.tip.style.left = `${event.clientX + 12 - over}px`;
  }
}

/** @param {(Sheet | null)[]} sheets */
const newestOf = sheets => [...sheets].sort((one, other) => (other?.number ?? -1) - (one?.number ?? -1))[0];

/** The layer right of the curtain, or below a heat map; only where the page has it. @param {Sheet} sheet */
const beside = sheet => /** @type {Layer} */ (store.layer(/** @type {string} */ (sheet.other)));

/** The numbers of a sheet that the page has not. @param {Sheet} sheet */
const lacked = ({key, other}) => [key, other].find(each => each && !store.layers.has(each));

/** Row and column in the map in full of a place in what is painted. @param {Layer} layer @param {any} found
 * @returns {[number, number]} */
function whereIn(layer, found) {
  const {height, width} = found.of ?? fullMap(layer, found.map), [rows, columns] = layer.full;
  return [Math.floor(((found.row + 0.5) * rows) / height), Math.floor(((found.column + 0.5) * columns) / width)];
}

/** What the mouse is told over a place. @param {Sheet} sheet @param {Layer} layer @param {any} found */
function described(sheet, layer, found) {
  const {map} = found;
  if (sheet.role === 'curtain') {
    const [row, column] = whereIn(layer, found);
    const values = apart([layer, beside(sheet)], map, [row, column], sheet.letters ?? []).map(each => each.join(' '));
    return [`row ${row}, column ${column}: ${values.join(', ')}`];
  }
  const painted = sheet.role === 'grid' ? {height: layer.size[0], width: layer.size[1]} : fullMap(layer, map);
  const [row, column] = whereIn(layer, {...found, of: painted});
  const value = `row ${row}, column ${column}: ${valueText(layer, map, row, column)}`;
  if (sheet.role !== 'grid') return [value];
  return [`channel ${map}: ${facts(layer, map)[0][1]}`, value];
}

/** What stands below the scale of the grid. @param {Layer} layer @param {[Float64Array, Float64Array]} ranges
 * @param {State['scale']} scale @param {boolean} diverging */
function gridTexts(layer, ranges, scale, diverging) {
  const centred = diverging && ranges[0].every((low, map) => low === -ranges[1][map]);
  if (scale === 'map' && layer.count > 1 && layer.full[0] * layer.full[1] > 1)
    return centred ? ['each map\'s −max', '0', 'each map\'s +max'] : ['each map\'s lowest', 'each map\'s highest'];
  const [low, high] = [ranges[0].reduce((a, b) => Math.min(a, b)), ranges[1].reduce((a, b) => Math.max(a, b))];
  return scaleTexts(low, centred, high, shareBeyond(layer, ranges, scale, diverging));
}

// ---------------------------------------------------------------------- widget

/** Names of the painters that have been rendered in this page. @type {Set<string>} */
const rendered = new Set();

/** @param {Model} model */
const nameOf = model => model.get('sides').join();

/** Milliseconds after which a painter that is not yet rendered says so. */
const WAITS = [1000, 2000, 4000, 8000];

/**
 * The kernel puts a painter into the card once it has said hello. A page that is being opened has perhaps no model of
 * that part of the card yet, and loses the message.
 * @param {Model} model
 */
const askToBeRendered = model => WAITS.map(delay => setTimeout(() => {
  if (!rendered.has(nameOf(model)))
    model.send({kind: 'waits'});
}, delay));

export default {
  /** @param {{model: Model}} _ */
  initialize({model}) {
    const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => store.hear(content, buffers);
    model.on('msg:custom', hear);
    model.send({
      kind: 'hello', page: store.page, holds: store.holds(), inflates: typeof DecompressionStream === 'function',
      ratio: window.devicePixelRatio, seen: !document.hidden,
    });
    const timers = askToBeRendered(model);
    return () => {
      timers.forEach(clearTimeout);
      model.off('msg:custom', hear);
    };
  },
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    rendered.add(nameOf(model));
    const panel = new Panel(model, el);
    return () => panel.close();
  },
};
