// @ts-check
// What stands for the kernel in a page that has none: the model of a widget, and messages that lie in the page.
import {inflated} from './inflate.mjs';
import {inflate} from './numbers.mjs';

/** @typedef {{header: any, sizes: number[], data: string}} Packed a message of the kernel, deflated, in base64 */

/** As much of the model of a widget as the painter needs: values that are read, set and watched. */
export class StandIn {
  /** @param {Record<string, any>} values @param {(content: any) => void} hear what would go to the kernel */
  constructor(values, hear = () => {}) {
    this.values = values;
    this.send = hear;
    this.watchers = /** @type {Map<string, Set<Function>>} */ (new Map());
    this.widget_manager = {get_model: () => Promise.reject(new Error('there are no other widgets'))};
  }

  /** @param {string} name */
  get(name) {
    return this.values[name];
  }

  /** @param {string} name @param {any} value */
  set(name, value) {
    this.values[name] = value;
    this.fire(`change:${name}`);
  }

  /** @param {string} event @param {Function} watcher */
  on(event, watcher) {
    this.watchers.set(event, (this.watchers.get(event) ?? new Set()).add(watcher));
  }

  /** @param {string} event @param {Function} watcher */
  off(event, watcher) {
    this.watchers.get(event)?.delete(watcher);
  }

  /** Tell the watchers of an event. @param {string} event @param {...any} news */
  fire(event, ...news) {
    for (const watcher of [...(this.watchers.get(event) ?? [])]) watcher(...news);
  }

  save_changes() {}
}

/** The buffers of a message. @param {Packed} packed */
export async function unpacked({sizes, data}) {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const whole = typeof DecompressionStream === 'function' ? await inflate(bytes) : inflated(bytes, size);
  let end = 0;
  return sizes.map(size => new DataView(whole.buffer, whole.byteOffset + (end += size) - size, size));
}
