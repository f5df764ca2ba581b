// @ts-check
// A canvas of the network's own size to draw on, and the ways by which a picture gets there: a file, the clipboard, a
// drop, the camera. The kernel hears of the newest state alone, one message at a time.
import {Newest} from '../surface/newest.mjs';
import {cameraWords, enlargement, firstPicture, packed, placeIn, reduced, unpacked} from './strokes.mjs';

/** @typedef {{get: (name: string) => any, send: (content: any, callbacks?: any, buffers?: any[]) => void,
 *   on: (name: string, call: Function) => void, off: (name: string, call: Function) => void}} Model */

const ROOM = 280; // px of the page that the canvas takes
const HEAVY = 8e6; // bytes of a file that a server may refuse in one message
const MOST = 4e6; // pixels that a heavier one is reduced to

/** @param {string} name @param {Record<string, any>} traits @param {...(Node | string)} children */
function build(name, traits, ...children) {
  const element = Object.assign(document.createElement(name), traits);
  element.append(...children);
  return element;
}

class Pad {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    const [width, height, channels] = model.get('size');
    this.colored = channels > 1;
    this.canvas = /** @type {HTMLCanvasElement} */ (build('canvas', {className: 'cnnw-pad', width, height, tabIndex: 0}));
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', 'Canvas to draw on; Delete clears it, Ctrl+V pastes a picture');
    const factor = enlargement(width, height, ROOM);
    Object.assign(this.canvas.style, {width: `${width * factor}px`, height: `${height * factor}px`});
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d', {willReadFrequently: true}));
    this.last = /** @type {[number, number] | null} */ (null);
    this.newest = new Newest(number => this.send(number));
    this.final = false;
    this.furnish(el);
    // out of sight, by whatever way, the camera is off: also where the panel is hidden and nobody says so
    this.sight = new ResizeObserver(() => this.seen || this.stopCamera());
    if (this.host) this.sight.observe(this.host);
    this.clear(false);
    this.heard = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.hear(content, buffers);
    model.on('msg:custom', this.heard);
    model.send({kind: 'hello'});
  }

  close() {
    this.closed = true;
    this.sight.disconnect();
    this.stopCamera();
    this.model.off('msg:custom', this.heard);
  }

  // -------------------------------------------------------------------- what is seen

  /** Whether it is on a page, and not hidden there. */
  get seen() {
    return !this.closed && !!this.host?.getClientRects().length;
  }

  /** @param {HTMLElement} el */
  furnish(el) {
    this.draws = this.toggle('draw', 'Draw with mouse, pen or finger', true);
    this.erases = this.toggle('erase', 'Take away what was drawn (so does the other end of a pen)', false);
    this.width = /** @type {HTMLInputElement} */ (build('input', {
      type: 'range', min: 0.5, max: Math.max(8, Math.round(this.canvas.width / 4)), step: 0.5, title: 'Width of the brush, in px',
    }));
    this.width.setAttribute('aria-label', 'Width of the brush');
    this.width.value = String(this.model.get('brush'));
    this.color = /** @type {HTMLInputElement} */ (build('input', {type: 'color', value: this.model.get('ink'), title: 'Colour of the brush'}));
    this.color.hidden = !this.colored;
    const file = /** @type {HTMLInputElement} */ (build('input', {type: 'file', accept: 'image/*', hidden: true}));
    file.addEventListener('change', () => {
      this.take(firstPicture(file.files));
      file.value = ''; // so that the same one can be chosen again
    });
    this.video = /** @type {HTMLVideoElement} */ (build('video', {muted: true, playsInline: true, hidden: true, className: 'cnnw-pad-video'}));
    this.words = build('div', {className: 'cnnw-pad-words'});
    this.words.setAttribute('aria-live', 'polite');
    this.camera = this.button('camera', 'Take a picture with the camera', () => this.useCamera());
    const host = this.host = build('div', {className: 'cnnw-pad-host'},
      build('div', {className: 'cnnw-pad-row'}, this.draws, this.erases, this.width, this.color,
        this.button('clear', 'Begin again (Delete)', () => this.clear())),
      this.canvas, this.video,
      build('div', {className: 'cnnw-pad-row'},
        this.button('data set', 'Begin with the present image of the data set', () => this.model.send({kind: 'start'})),
        this.button('upload', 'A picture from a file; one can be dropped on the canvas too', () => file.click()),
        this.button('paste', 'A picture from the clipboard (Ctrl+V on the canvas)', () => this.paste()), this.camera, file),
      this.words);
    for (const kind of ['lm', 'p', 'jp']) host.setAttribute(`data-${kind}-suppress-shortcuts`, 'true');
    el.append(host);
    this.listen(host);
  }

  /** @param {string} text @param {string} title @param {() => void} act */
  button(text, title, act) {
    const button = build('button', {type: 'button', className: 'jupyter-button widget-button cnnw-pad-button', title}, text);
    button.addEventListener('click', act);
    return button;
  }

  /** @param {string} text @param {string} title @param {boolean} on */
  toggle(text, title, on) {
    const button = this.button(text, title, () => this.use(button === this.draws));
    button.setAttribute('aria-pressed', String(on));
    return button;
  }

  /** @param {boolean} draws */
  use(draws) {
    this.draws?.setAttribute('aria-pressed', String(draws));
    this.erases?.setAttribute('aria-pressed', String(!draws));
  }

  /** @param {string} text */
  say(text) {
    if (this.words) this.words.textContent = text;
  }

  /** @param {HTMLElement} host */
  listen(host) {
    const {canvas} = this;
    canvas.addEventListener('pointerdown', event => {
      if (event.button && event.button !== 5) return;
      event.preventDefault();
      canvas.focus({preventScroll: true});
      canvas.setPointerCapture(event.pointerId);
      this.last = null;
      this.stroke([event], (event.buttons & 32) !== 0);
    });
    canvas.addEventListener('pointermove', event => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const all = event.getCoalescedEvents?.() ?? [];
      this.stroke(all.length ? all : [event], (event.buttons & 32) !== 0);
    });
    for (const kind of ['pointerup', 'pointercancel'])
      canvas.addEventListener(kind, () => {
        if (!this.last) return;
        this.last = null;
        this.offer(true);
      });
    canvas.addEventListener('keydown', event => {
      if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    });
    host.addEventListener('paste', event => {
      event.preventDefault();
      event.stopPropagation();
      const file = firstPicture(event.clipboardData?.files);
      file ? this.take(file) : this.say('The clipboard holds no picture.');
    });
    host.addEventListener('dragover', event => event.preventDefault());
    host.addEventListener('drop', event => {
      event.preventDefault();
      event.stopPropagation();
      const file = firstPicture(event.dataTransfer?.files);
      file ? this.take(file) : this.say('No file was dropped.');
    });
  }

  // -------------------------------------------------------------------- drawing

  /** @param {PointerEvent[]} events @param {boolean} rubs whether the other end of the pen is used */
  stroke(events, rubs) {
    const {pen, canvas} = this, box = canvas.getBoundingClientRect();
    const draws = this.draws?.getAttribute('aria-pressed') === 'true' && !rubs;
    pen.lineCap = pen.lineJoin = 'round';
    pen.lineWidth = Number(this.width?.value) * (draws ? 1 : 1.5);
    pen.strokeStyle = draws ? (this.colored ? this.color?.value ?? '' : this.model.get('ink')) : this.model.get('ground');
    for (const event of events) {
      const at = placeIn(event.clientX, event.clientY, box, canvas.width, canvas.height), from = this.last ?? at;
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(at[0], at[1] + (from === at ? 0.01 : 0)); // a dot has a length
      pen.stroke();
      this.last = at;
    }
    this.offer(false);
  }

  clear(tell = true) {
    this.pen.fillStyle = this.model.get('ground');
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (tell) this.offer(true);
  }

  /** @param {boolean} final whether the hand has stopped */
  offer(final) {
    this.final = final;
    this.newest.offer();
  }

  /** @param {number} number */
  send(number) {
    const {width, height} = this.canvas;
    const pixels = packed(this.pen.getImageData(0, 0, width, height).data, this.colored);
    this.model.send({kind: 'drawn', number, final: this.final}, undefined, [pixels.buffer]);
  }

  /** @param {any} content @param {DataView[]} buffers */
  hear(content, buffers) {
    if (content.kind === 'seen') {
      this.say(content.words);
      this.newest.answered(content.number);
    } else if (content.kind === 'image') {
      const {buffer, byteOffset, byteLength} = buffers[0], {width, height} = this.canvas;
      const rgba = unpacked(new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength), this.colored);
      this.pen.putImageData(new ImageData(/** @type {any} */ (rgba), width, height), 0, 0);
      this.say(content.words);
    } else this.say(content.words);
  }

  // -------------------------------------------------------------------- pictures

  /** Give a file to the kernel, which reads it. @param {File | Blob | null} file */
  async take(file) {
    if (!file) return;
    const name = /** @type {File} */ (file).name || 'the picture';
    let words = '';
    this.say(`reading ${name} …`);
    try {
      if (file.size > HEAVY) [file, words] = await this.lighter(file);
      const data = await file.arrayBuffer();
      this.model.send({kind: 'file', name, words}, undefined, [data]);
    } catch (error) {
      this.say(`${name} cannot be read: broken, or no picture that a browser knows.`);
    }
  }

  /** A file that is too heavy for one message, reduced by the browser. @param {File | Blob} file
   * @returns {Promise<[Blob, string]>} */
  async lighter(file) {
    const image = await createImageBitmap(file), [width, height] = reduced(image.width, image.height, MOST);
    const canvas = /** @type {HTMLCanvasElement} */ (build('canvas', {width, height}));
    canvas.getContext('2d')?.drawImage(image, 0, 0, width, height);
    const blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', 0.95));
    if (!blob) throw new Error('no picture');
    return [/** @type {Blob} */ (blob), `reduced from ${image.width} × ${image.height} px to ${width} × ${height} px`];
  }

  async paste() {
    const unheard = 'This page may not read the clipboard: click the canvas, and press Ctrl+V.';
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find(each => each.startsWith('image/'));
        if (type) return this.take(await item.getType(type));
      }
      this.say('The clipboard holds no picture.');
    } catch {
      this.say(unheard);
    }
  }

  async useCamera() {
    if (this.stream) return this.takePhoto();
    if (this.asks) return; // the browser's question is not answered yet: a second stream would never be stopped
    if (!navigator.mediaDevices?.getUserMedia) return this.say(cameraWords(null));
    this.asks = true;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({video: true});
    } catch (error) {
      return this.say(cameraWords(/** @type {any} */ (error)));
    } finally {
      this.asks = false;
    }
    if (!this.seen || !this.video) return this.stopCamera();
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    await this.video.play().catch(() => {});
    if (!this.stream) return; // stopped meanwhile
    if (this.camera) this.camera.textContent = 'take it';
    this.say('');
  }

  takePhoto() {
    const {videoWidth: width, videoHeight: height} = /** @type {HTMLVideoElement} */ (this.video);
    if (!width) return this.say('The camera gives no picture yet.');
    const canvas = /** @type {HTMLCanvasElement} */ (build('canvas', {width, height}));
    canvas.getContext('2d')?.drawImage(/** @type {HTMLVideoElement} */ (this.video), 0, 0);
    this.stopCamera();
    canvas.toBlob(blob => this.take(blob), 'image/png');
  }

  stopCamera() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
    if (this.camera) this.camera.textContent = 'camera';
    if (this.video) [this.video.srcObject, this.video.hidden] = [null, true];
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} _ */
  render({model, el}) {
    const pad = new Pad(model, el);
    return () => pad.close();
  },
};
