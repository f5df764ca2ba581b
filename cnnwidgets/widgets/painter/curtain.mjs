// @ts-check
// Two layers of the same shape compared: their maps in one place, left and right of a curtain, and the values of both.
import {colored, fullMap, isReduced, levels, told, valueAt, valueText} from './numbers.mjs';

/**
 * @typedef {import('./numbers.mjs').Layer} Layer
 * @typedef {import('./numbers.mjs').FullMap} FullMap
 */

/** A map of both layers at the same size: in full where the page has both so. @param {Layer[]} layers
 * @param {number} channel */
export function pairOf(layers, channel) {
  const whole = layers.every(layer => layer.maps.has(channel) || !isReduced(layer));
  return layers.map(layer => fullMap(layer, channel, whole));
}

/** The pixels of the first map left of the edge, and of the second right of it. @param {FullMap[]} maps
 * @param {number[][]} ranges where the colours of each begin and end @param {number} edge its column
 * @param {Uint32Array} colors */
export function curtainOf(maps, ranges, edge, colors) {
  const [{width}] = maps, [left, right] = maps.map(({codes, low, step}, at) =>
    levels(codes, low, step, ranges[at][0], ranges[at][1], new Uint8Array(codes.length)));
  const pixels = colored(left, colors);
  for (let at = 0; at < pixels.length; at++) if (at % width >= edge) pixels[at] = colors[right[at]];
  return pixels;
}

/** What each layer has in a place, and by how much they differ. @param {Layer[]} layers @param {number} channel
 * @param {[number, number]} place @param {string[]} letters */
export function apart(layers, channel, [row, column], letters) {
  const texts = layers.map(layer => valueText(layer, channel, row, column));
  const [one, other] = layers.map(layer => valueAt(layer, channel, row, column));
  const step = Math.max(...layers.map(layer => fullMap(layer, channel).step));
  const about = texts.some(text => text.startsWith('about')) ? 'about ' : '';
  return [[letters[0], texts[0]], [letters[1], texts[1]], [letters.join(' − '), about + told(one - other, step)]];
}
