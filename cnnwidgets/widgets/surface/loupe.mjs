// @ts-check
// A magnifier over the photos of a card: the pixels around the mouse, crisp, and the colour of the one under it.

/** Side of the squares that a picture is made of, 1 where it is of single pixels: what all places at which the colour
 * changes have as a common factor. @param {Uint32Array} pixels @param {number} width @param {number} height */
export function blockOf(pixels, width, height) {
  const common = (/** @type {number} */ a, /** @type {number} */ b) => {
    while (b) [a, b] = [b, a % b];
    return a;
  };
  let block = common(width, height);
  for (let at = 0; at < pixels.length && block > 1; at++) {
    const x = at % width, y = (at - x) / width;
    if (x && pixels[at] !== pixels[at - 1]) block = common(block, x);
    if (y && pixels[at] !== pixels[at - width]) block = common(block, y);
  }
  return block;
}

/** The squares around one, `count` in a row; nothing beyond the edges. @param {Uint32Array} pixels
 * @param {number} width @param {number} height @param {number} block @param {number} column @param {number} row
 * @param {number} count @returns {Uint32Array} */
export function around(pixels, width, height, block, column, row, count) {
  const half = (count - 1) / 2;
  return new Uint32Array(count * count).map((_, i) => {
    const x = (column - half + (i % count)) * block, y = (row - half + Math.floor(i / count)) * block;
    return x >= 0 && y >= 0 && x < width && y < height ? pixels[y * width + x] : 0;
  });
}

/** Follow the mouse over the photos of a card. @param {HTMLElement} card */
export function magnify(card) {
  const count = 11, cell = 12, seen = new WeakMap();
  const glass = document.createElement('div'), canvas = document.createElement('canvas');
  const middle = document.createElement('div'), text = document.createElement('div');
  glass.className = 'cnnw-says cnnw-loupe';
  text.className = 'cnnw-tip';
  canvas.width = canvas.height = count;
  canvas.style.cssText = 'display: block; image-rendering: pixelated; width: ' + count * cell + 'px';
  middle.style.cssText = 'position: absolute; border: 1px solid white; outline: 1px solid black; box-sizing: border-box;';
  middle.style.left = middle.style.top = ((count - 1) / 2) * cell + 'px';
  middle.style.width = middle.style.height = cell + 'px';
  glass.append(canvas, middle, text);

  const photo = (/** @type {Element} */ under) => under.matches('.cnnw-input.cnnw-photo') ? under
    : [...under.closest('.cnnw-magnified .cnnw-figure')?.querySelectorAll('img.cnnw-pixels') ?? []].find(image => image.getClientRects().length);
  const read = (/** @type {any} */ image) => {
    const known = seen.get(image), src = image.src ?? image.dataset.drawn;
    if (known && known.src === src) return known;
    const {naturalWidth: width = image.width, naturalHeight: height = image.height} = image;
    const copy = document.createElement('canvas');
    Object.assign(copy, {width, height});
    const context = copy.getContext('2d', {willReadFrequently: true});
    if (!context || !width) return null;
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const made = {src, pixels, width, height, block: blockOf(pixels, width, height)};
    seen.set(image, made);
    return made;
  };

  card.addEventListener('pointermove', event => {
    const image = photo(/** @type {Element} */ (event.target)), known = image && !event.buttons && read(image);
    if (!known) return glass.remove();
    const {pixels, width, height, block} = known, box = image.getBoundingClientRect();
    const place = (/** @type {number} */ px, /** @type {number} */ whole, /** @type {number} */ size) =>
      Math.min(Math.floor((Math.max(px, 0) / whole) * size / block), Math.ceil(size / block) - 1);
    const column = place(event.clientX - box.left, box.width, width);
    const row = place(event.clientY - box.top, box.height, height);
    const bytes = new Uint8ClampedArray(around(pixels, width, height, block, column, row, count).buffer);
    const data = new ImageData(/** @type {any} */ (bytes), count, count);
    const context = canvas.getContext('2d'), {color, backgroundColor} = getComputedStyle(card);
    if (context) context.putImageData(data, 0, 0);
    const color32 = pixels[row * block * width + column * block];
    text.textContent = 'RGB ' + [0, 8, 16].map(shift => (color32 >> shift) & 255).join(', ');
    if (!glass.isConnected) document.body.append(glass);
    const left = Math.min(event.clientX + 14, window.innerWidth - glass.offsetWidth - 4);
    const below = event.clientY + 16, top = below + glass.offsetHeight > window.innerHeight
      ? event.clientY - glass.offsetHeight - 12 : below;
    Object.assign(glass.style, {color, backgroundColor, padding: '0', left: left + 'px', top: top + 'px'});
  });
  card.addEventListener('pointerleave', () => glass.remove());
}
