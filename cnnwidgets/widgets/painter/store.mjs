// @ts-check
// What the page has seen, for all painters in it: layers within a bound of bytes, and tables of colours.
import {unpack, unpackMap} from './numbers.mjs';

/**
 * @typedef {import('./numbers.mjs').Layer} Layer
 * @typedef {import('./numbers.mjs').FullMap} FullMap
 * @typedef {{name: string, colors: Uint32Array, diverging: boolean}} Palette
 * @typedef {{get: Function, set: Function, on: Function, off: Function, send: Function, save_changes: Function,
 *   widget_manager: any}} Model
 */

const LIMIT = 64e6, PAINTED = 16e6, PATIENCE = 5000;

/**
 * What is made of the numbers of a picture: its pixels, and what stands below its scale.
 * @typedef {{pixels: Uint32Array, texts: string[]}} Picture
 */

/** Pictures by all that they depend on: what is painted again need not be computed again. The least recently painted
 * go when there are too many bytes. */
export class Pictures {
  constructor(limit = PAINTED) {
    this.limit = limit;
    this.bytes = 0;
    this.kept = /** @type {Map<string, Picture>} */ (new Map());
  }

  /** @param {string} drawn what it depends on @param {() => Picture} make */
  of(drawn, make) {
    const before = this.kept.get(drawn), found = before ?? make();
    this.kept.delete(drawn);
    this.kept.set(drawn, found);
    if (!before) this.bytes += found.pixels.byteLength;
    for (const [old, {pixels}] of this.kept) {
      if (this.bytes <= this.limit || this.kept.size === 1) break;
      this.bytes -= pixels.byteLength;
      this.kept.delete(old);
    }
    return found;
  }
}

/** Layers by their keys, the least recently painted of which goes when there are too many bytes. */
export class Store {
  constructor(limit = LIMIT) {
    this.limit = limit;
    this.page = Math.random().toString(36).slice(2);
    this.layers = /** @type {Map<string, Layer>} */ (new Map());
    this.palettes = /** @type {Map<string, Palette>} */ (new Map());
    this.pictures = new Pictures();
    this.auto = ['', ''];
    this.accent = '';
    this.coming = new Set();
    this.gone = /** @type {string[]} */ ([]);
    this.watchers = /** @type {Set<() => void>} */ (new Set());
    this.asked = this.wish = /** @type {any} */ (null);
    this.needed = /** @type {Map<string, number>} */ (new Map());
  }

  /** Of all that is here. */
  get bytes() {
    return this.numbers + this.pictures.bytes;
  }

  /** Bytes of the layers. */
  get numbers() {
    return [...this.layers.values()].reduce((sum, layer) => sum + layer.bytes, 0);
  }

  /** Names of all that is here. */
  holds() {
    return [...this.layers.keys(), ...[...this.palettes.keys()].map(name => `palette ${name}`)];
  }

  /** @param {string} key */
  layer(key) {
    const layer = this.layers.get(key);
    if (layer) {
      this.layers.delete(key);
      this.layers.set(key, layer);
    }
    return layer;
  }

  /** Whether a painter is to ask for what it lacks: another one of the page may just have done so.
   * @param {string} name @param {number} now in ms */
  needs(name, now = Date.now()) {
    if (now - (this.needed.get(name) ?? -PATIENCE) < PATIENCE / 2) return false;
    this.needed.set(name, now);
    return true;
  }

  /** @param {Layer} layer */
  put(layer) {
    this.needed.delete(layer.key);
    this.layers.delete(layer.key);
    this.layers.set(layer.key, layer);
    this.gone = this.gone.filter(key => key !== layer.key);
    this.fit();
  }

  /** @param {string} key @param {number} channel @param {FullMap} map */
  putMap(key, channel, map) {
    const layer = this.layers.get(key);
    if (!layer || layer.maps.has(channel)) return;
    layer.maps.set(channel, map);
    layer.bytes += map.codes.byteLength;
    this.fit();
  }

  fit() {
    let bytes = this.numbers;
    for (const [key, layer] of this.layers) {
      if (bytes <= this.limit || this.layers.size === 1) break;
      bytes -= layer.bytes;
      this.layers.delete(key);
      this.gone.push(key);
    }
  }

  changed() {
    for (const watcher of [...this.watchers]) watcher();
  }

  /** Ask for a map in full: the newest wish alone, one at a time. @param {Model} model @param {string} key
   * @param {number} channel */
  want(model, key, channel) {
    if (this.asked?.key === key && this.asked.channel === channel) return;
    this.wish = {model, key, channel};
    this.ask();
  }

  ask() {
    if (this.asked || !this.wish) return;
    const {model, key, channel} = (this.asked = this.wish);
    this.wish = null;
    model.send({kind: 'want', key, channel});
    this.asked.timer = setTimeout(() => {
      this.answered(key, channel);
      this.changed(); // the answer was lost: who still needs it asks again
    }, PATIENCE);
  }

  /** @param {string} key @param {number} channel */
  answered(key, channel) {
    if (this.asked?.key !== key || this.asked.channel !== channel) return;
    clearTimeout(this.asked.timer);
    this.asked = null;
    this.ask();
  }

  /** What the kernel says, to any of the painters of the page. @param {any} content @param {DataView[]} buffers */
  hear(content, buffers) {
    const {kind, key, channel} = content;
    if (kind === 'palettes') {
      const bytes = new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, buffers[0].byteLength).slice();
      content.names.forEach((/** @type {string} */ name, /** @type {number} */ i) => this.palettes.set(name,
        {name, colors: new Uint32Array(bytes.buffer, 1024 * i, 256), diverging: content.diverging[i]}));
      [this.auto, this.accent] = [content.auto, content.accent];
      this.changed();
    } else if (kind === 'layer') {
      this.coming.add(key);
      const done = (/** @type {Layer} */ layer) => {
        this.coming.delete(key);
        this.put(layer);
        this.changed();
      };
      const layer = unpack(content, buffers);
      layer instanceof Promise ? layer.then(done) : done(layer);
    } else if (kind === 'map') {
      const done = (/** @type {FullMap} */ map) => {
        this.putMap(key, channel, map);
        this.answered(key, channel);
        this.changed();
      };
      const map = unpackMap(content, buffers);
      map instanceof Promise ? map.then(done) : done(map);
    } else if (kind === 'none') {
      this.answered(key, channel);
    }
  }
}

const SHARED = Symbol.for('cnnwidgets.store.2');
/** @type {Store} */
export const store = (/** @type {any} */ (globalThis)[SHARED] ??= new Store());
