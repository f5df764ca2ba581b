// @ts-check
// What the pad needs and what needs no page: places, pixels, and words.

/** The place on a canvas of `width` × `height` px under the mouse, in its own px.
 * @param {number} x @param {number} y of the mouse @param {{left: number, top: number, width: number, height: number}} box
 * @param {number} width @param {number} height @returns {[number, number]} */
export function placeIn(x, y, box, width, height) {
  return [((x - box.left) * width) / box.width, ((y - box.top) * height) / box.height];
}

/** How many px of the page one of the canvas takes: as large as fits, a whole number if it is enlarged.
 * @param {number} width @param {number} height @param {number} room */
export function enlargement(width, height, room) {
  const factor = room / Math.max(width, height);
  return factor >= 1 ? Math.floor(factor) : factor;
}

/** Pixels as the kernel wants them: a byte each, or three in colour. @param {Uint8ClampedArray} rgba
 * @param {boolean} colored @returns {Uint8Array} */
export function packed(rgba, colored) {
  const each = colored ? 3 : 1, pixels = new Uint8Array((rgba.length / 4) * each);
  for (let from = 0, to = 0; from < rgba.length; from += 4)
    for (let part = 0; part < each; part++) pixels[to++] = rgba[from + part];
  return pixels;
}

/** The same the other way round. @param {Uint8Array} pixels @param {boolean} colored @returns {Uint8ClampedArray} */
export function unpacked(pixels, colored) {
  const each = colored ? 3 : 1, rgba = new Uint8ClampedArray((pixels.length / each) * 4);
  for (let from = 0, to = 0; from < pixels.length; from += each, to += 4) {
    for (let part = 0; part < 3; part++) rgba[to + part] = pixels[from + (colored ? part : 0)];
    rgba[to + 3] = 255;
  }
  return rgba;
}

/** Why there is no camera. @param {{name?: string, message?: string} | null} error null where the page has none */
export function cameraWords(error) {
  if (!error) return 'This page has no camera: a browser gives one to https and localhost alone, and Colab to none.';
  if (error.name === 'NotAllowedError') return 'The camera was refused: the browser, or the page around, allows none.';
  if (error.name === 'NotFoundError' || error.name === 'OverconstrainedError') return 'There is no camera.';
  return `The camera cannot be read: ${error.message || error.name || 'no reason given'}.`;
}

/** The first picture, or else the first file, of what was dropped or pasted; null where there is no file.
 * @template {{type: string}} T @param {Iterable<T> | null | undefined} files @returns {T | null} */
export function firstPicture(files) {
  const all = [...(files ?? [])];
  return all.find(file => file.type.startsWith('image/')) ?? all[0] ?? null;
}

/** Width and height of a picture of at most so many pixels. @param {number} width @param {number} height
 * @param {number} most @returns {[number, number]} */
export function reduced(width, height, most) {
  const share = Math.min(1, Math.sqrt(most / (width * height)));
  return [Math.max(1, Math.floor(width * share)), Math.max(1, Math.floor(height * share))];
}
