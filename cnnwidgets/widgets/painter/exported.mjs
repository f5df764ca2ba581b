// @ts-check
// The painter in a page without a kernel: a stand-in for the widget that it is told by, the numbers that lie in the page,
// and controls of plain HTML.
import {heatWords} from './heat.mjs';
import {beyondWords, number, rangesOf, shareBeyond} from './numbers.mjs';
import {StandIn, unpacked} from './standin.mjs';
import {store} from './store.mjs';
import widget from './panel.mjs';

/**
 * @typedef {import('./numbers.mjs').Layer} Layer
 * @typedef {import('./numbers.mjs').State} State
 * @typedef {import('./numbers.mjs').Sheet} Sheet
 * @typedef {import('./standin.mjs').Packed} Packed
 * @typedef {{count: number, words: string, sheets: Record<string, Sheet>}} Paint what is painted of one card
 * @typedef {{start: State, controls: [keyof State, string][], values: Record<string, [string, any][]>,
 *   colormaps: string[], palettes: Packed, numbers: Record<string, Packed>}} Given
 * @typedef {{moved: () => void, choose: (channel: number) => void, tell: (footer: string) => void,
 *   room: () => number}} Host the page
 */

const PLACES = ['cnnw-shown', 'cnnw-spare'];

/** What the colours of all maps mean, as `scale_words` in Python. @param {Layer} layer @param {State['scale']} scale
 * @param {boolean} diverging */
export function scaleWords(layer, scale, diverging) {
  if (scale === 'map' && layer.full[0] * layer.full[1] === 1) scale = 'layer';
  const ranges = rangesOf(layer, scale, diverging), [low, high] = ends(ranges);
  const centred = diverging && ranges[0].every((each, map) => each === -ranges[1][map]);
  let beyond = beyondWords(shareBeyond(layer, ranges, scale, diverging)), words = '';
  if (typeof scale !== 'string') words = scale.map(end => number(end)).join(' to ');
  else if (scale === 'map') [words, beyond] = ['each map its own', ''];
  else words = !beyond ? 'whole layer' : centred ? `±${number(high)}` : `${number(low)} to ${number(high)}`;
  return `scale: ${[words, beyond, centred ? 'centred on 0' : ''].filter(Boolean).join(', ')}`;
}

/** @param {[Float64Array, Float64Array]} ranges */
const ends = ([low, high]) => [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];

/** Painters for the panels of a page, and the controls that move them.
 * @param {Given} given @param {Host} host */
export function exported(given, host) {
  const own = /** @type {State} */ ({...given.start}); // what the page's sliders do not say
  const places = /** @type {Map<string, {model: StandIn, el: HTMLElement}>} */ (new Map());
  const loading = new Set();
  let shown = /** @type {Paint | null} */ (null), state = own, footer = '', count = 0;

  /** @param {string} key */
  const load = async key => {
    if (loading.has(key) || !given.numbers[key]) return;
    loading.add(key);
    const buffers = await unpacked(given.numbers[key]);
    loading.delete(key);
    store.hear(given.numbers[key].header, buffers);
  };
  const heard = (/** @type {any} */ {kind, key, channel, cell}) => {
    if (kind === 'need') load(key);
    if (kind === 'want') queueMicrotask(() => store.answered(key, channel)); // there is no map but those in the page
    if (kind === 'cell') host.choose(cell);
  };
  const layer = () => shown && store.layer(Object.values(shown.sheets)[0].key);
  const diverging = (/** @type {Layer} */ layer) =>
    store.palettes.get(state.colormap === 'auto' ? store.auto[layer.signed ? 1 : 0] : state.colormap)?.diverging ?? false;

  /** What the footer says of the colours. @param {Layer} layer */
  const said = layer => (state.sign ? heatWords(state.sign, state.outliers ?? 0)
    : scaleWords(layer, state.scale, diverging(layer)));
  const tell = () => {
    const seen = layer();
    if (!shown || !seen) return host.tell(footer);
    const held = seen.size.join(' × '), about = held === seen.full.join(' × ') ? '' :
      ` · the page holds these maps at ${held}: values are approximate`;
    const words = shown.words && footer.includes(shown.words) ? said(seen) : '';
    host.tell((words ? footer.replace(shown.words, () => words) : footer) + about);
  };
  const write = (/** @type {boolean} */ fresh) => {
    if (fresh) count++;
    const room = host.room();
    for (const [name, {model}] of places) {
      const sheet = shown?.sheets[name];
      const width = sheet && Math.min(sheet.width, room || sheet.width);
      model.set('sheets', [sheet ? {...sheet, width, state: {...sheet.state, ...state}, number: count} : null, null]);
    }
    tell();
  };
  store.watchers.add(tell);
  addEventListener('resize', () => shown && write(false));
  unpacked(given.palettes).then(buffers => store.hear(given.palettes.header, buffers));

  const suggestion = () => {
    const seen = layer();
    return seen ? ends(rangesOf(seen, state.scale, diverging(seen))) : [0, 1];
  };
  const inputs = controls(given, own, suggestion, host.moved);
  return {
    controls: inputs,
    /** What a slider may be for a card, [text, value] each. @param {string} name @param {Paint} paint */
    values(name, paint) {
      const every = /** @type {[string, any][]} */ (given.values[name]
        ?? Array.from({length: paint.count}, (_, channel) => [String(channel), channel]));
      return name === 'channel' ? every.filter(([, channel]) => channel < paint.count) : every;
    },
    /** Where a panel is painted. @param {string} name */
    place(name) {
      let found = places.get(name);
      if (!found) {
        const el = document.createElement('div');
        el.className = 'cnnw-painter';
        const model = new StandIn({sides: PLACES, sheets: [null, null], controls: {}}, heard);
        places.set(name, found = {model, el});
        widget.initialize(/** @type {any} */ ({model}));
        widget.render(/** @type {any} */ ({model, el}));
      }
      return found.el;
    },
    /** Paint this, or nothing. @param {Paint | null} paint @param {Partial<State>} said by the sliders of the page
     * @param {string} text of the footer */
    show(paint, said, text) {
      const fresh = paint !== shown;
      [shown, state, footer] = [paint, {...own, ...said}, text];
      for (const input of inputs) for (const part of input.querySelectorAll('input, select'))
        /** @type {HTMLInputElement} */ (part).disabled = !paint;
      write(fresh);
    },
  };
}

/** The controls in the page, one for each that no slider stands for.
 * @param {Given} given @param {State} own what they say @param {() => number[]} suggestion where a fixed scale begins
 * @param {() => void} moved */
function controls(given, own, suggestion, moved) {
  const element = (/** @type {string} */ name, /** @type {any} */ {label, ...values},
    /** @type {(Node | string)[]} */ ...parts) => {
    const made = Object.assign(document.createElement(name), values);
    if (label) made.setAttribute('aria-label', label); // as a property, some browsers do not know it
    made.append(...parts);
    return made;
  };
  const menu = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string[]} */ words,
    /** @type {string} */ chosen) => {
    const select = /** @type {HTMLSelectElement} */ (element('select', {name, label}));
    select.append(...words.map(word => element('option', {value: word, selected: word === chosen}, word)));
    return select;
  };
  const sliding = (/** @type {'curtain' | 'opacity'} */ name, /** @type {string} */ label,
    /** @type {Record<string, any>} */ limits) => {
    const range = /** @type {HTMLInputElement} */ (element('input', {name, label, type: 'range', ...limits, value: own[name]}));
    range.addEventListener('input', () => {
      own[name] = range.valueAsNumber;
      moved();
    });
    return element('label', {}, label, range);
  };
  const makers = /** @type {Record<string, (label: string) => HTMLElement>} */ ({
    colormap(label) {
      const select = menu('colormap', label, given.colormaps, own.colormap);
      select.addEventListener('change', () => {
        own.colormap = select.value;
        moved();
      });
      return element('label', {}, label, select);
    },
    columns(label) {
      const box = /** @type {HTMLInputElement} */ (element('input', {
        name: 'columns', label, type: 'number', min: 1, max: 999, placeholder: 'auto', value: own.columns || '',
        title: 'Maps in a row; empty: as many as fit'}));
      box.addEventListener('input', () => {
        if (!box.checkValidity()) return;
        own.columns = Math.floor(Number(box.value));
        moved();
      });
      return element('label', {}, label, box);
    },
    curtain: label => sliding('curtain', label,
      {min: 0, max: 100, title: 'How much of the first stands left of the curtain'}),
    opacity: label => sliding('opacity', label, {min: 0, max: 1, step: 0.05, title: 'Image alone, to map alone'}),
    sign(label) {
      const select = menu('sign', label, ['absolute', 'positive', 'negative', 'all'], String(own.sign));
      select.addEventListener('change', () => {
        own.sign = /** @type {import('./heat.mjs').Sign} */ (select.value);
        moved();
      });
      return element('label', {}, label, select);
    },
    outliers(label) {
      const box = /** @type {HTMLInputElement} */ (element('input', {
        name: 'outliers', label, type: 'number', min: 0, max: 99, step: 'any', value: own.outliers,
        title: 'Share of the sum of all values, in per cent, that the colour scale clips'}));
      box.addEventListener('input', () => {
        if (!box.checkValidity() || !box.value) return;
        own.outliers = box.valueAsNumber;
        moved();
      });
      return element('label', {}, label, box);
    },
    scale(label) {
      const fixed = typeof own.scale !== 'string';
      const select = menu('scale', label, ['map', 'layer', 'layer-full', 'fixed'], fixed ? 'fixed' : String(own.scale));
      const boxes = ['lowest', 'highest'].map((word, i) => /** @type {HTMLInputElement} */ (element('input', {
        type: 'number', step: 'any', name: word, label: `${word} value of the scale`, hidden: !fixed,
        value: fixed ? own.scale[i] : ''})));
      select.addEventListener('change', () => {
        const pair = select.value === 'fixed' ? suggestion().map(end => Number(end.toPrecision(5))) : null;
        boxes.forEach((box, i) => pair && (box.value = String(pair[i])));
        for (const box of boxes) box.hidden = !pair;
        own.scale = pair ? /** @type {[number, number]} */ (pair) : select.value;
        moved();
      });
      const typed = () => {
        const [low, high] = boxes.map(box => box.valueAsNumber), good = low < high;
        for (const box of boxes) box.setCustomValidity(good ? '' : 'the lowest value must be below the highest');
        if (!good) return;
        own.scale = [low, high];
        moved();
      };
      for (const box of boxes) box.addEventListener('input', typed);
      return element('span', {className: 'group'}, element('label', {}, label, select), ...boxes);
    },
  });
  return given.controls.map(([name, label]) => makers[name](label));
}
