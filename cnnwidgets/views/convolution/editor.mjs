// @ts-check
// The playground in a page without a kernel of Python: boxes to type an image and a kernel into, the settings, and the
// convolution of them, computed here and shown by the script that slides the window.
import {messageOf, misfit, outputSize, titleOf} from './playing.mjs';
import {rowsOf, textOf} from './typed.mjs';

/**
 * @typedef {import('./typed.mjs').Rows} Rows
 * @typedef {import('./playing.mjs').Settings} Settings
 * @typedef {import('./playing.mjs').Tables} Tables
 * @typedef {import('../../widgets/steered/exported.mjs').Stage} Stage
 * @typedef {import('../../widgets/steered/exported.mjs').Own} Own
 *
 * @typedef {{name: 'image' | 'kernel', label: string, tip: string, lines: number, presets: Record<string, Rows>}} Box
 * @typedef {{name: 'stride' | 'padding' | 'dilation' | 'bias', label: string, tip: string, least?: number, most?: number}} Setting
 * @typedef {{settings: Settings, boxes: Box[], numbers: Setting[], own: string, notes: {image: string, padded: string, output: string},
 *   colormap: {label: string, tip: string, names: string[]}, tables: {names: string[], diverging: boolean[], ramps: string[],
 *   auto: [string, string], padded: number[]}}} Playground
 */

/** @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {Record<string, any>} values
 * @param {(Node | string)[]} parts @returns {HTMLElementTagNameMap[Tag]} */
function made(tag, values, ...parts) {
  const {label, ...rest} = values, element = Object.assign(document.createElement(tag), rest);
  if (label) element.setAttribute('aria-label', label);
  element.append(...parts);
  return element;
}

/** A line for what is wrong, empty for nothing. */
function complaint() {
  const line = made('div', {className: 'cnnw-error'});
  line.setAttribute('role', 'alert');
  return line;
}

/** A menu of ready tables above a box to type into. @param {Box} box @param {Rows} rows @param {string} own name of what is
 * none of these @param {(rows: Rows) => void} changed */
function rowsControl({name, label, tip, lines, presets}, rows, own, changed) {
  const menu = made('select', {name: `${name} menu`, label: `${label}: choose one`, title: `${label}: choose one`},
    ...[own, ...Object.keys(presets)].map(word => made('option', {value: word}, word)));
  const box = made('textarea', {name, label, title: tip, rows: lines, spellcheck: false, wrap: 'off'}), wrong = complaint();
  const choose = (/** @type {Rows} */ rows) => {
    menu.value = Object.keys(presets).find(each => String(presets[each]) === String(rows)
      && presets[each].length === rows.length) ?? own;
  };
  const write = (/** @type {Rows} */ rows) => {
    wrong.textContent = '';
    box.value = textOf(rows);
    choose(rows);
  };
  menu.addEventListener('change', () => {
    if (menu.value === own) return;
    write(presets[menu.value]);
    changed(presets[menu.value]);
  });
  box.addEventListener('input', () => {
    try {
      const typed = rowsOf(box.value);
      wrong.textContent = '';
      choose(typed);
      changed(typed);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      wrong.textContent = error.message; // what was read before stays
    }
  });
  write(rows);
  return {write, part: made('div', {className: 'panel'}, made('h2', {}, made('b', {}, label)), menu, box, wrong)};
}

/** @param {Stage} stage @returns {Own} */
export function playground({given, header, buffers, el, show}) {
  const {settings: start, boxes, numbers, own, notes, colormap, tables: {names, diverging, ramps, ...rest}} = /** @type {Playground} */ (given);
  const settings = {...start}, card = /** @type {HTMLElement} */ (el.closest('main')), title = card.querySelector('h1');
  let tables = /** @type {Tables | null} */ (null), count = 0;
  const wrong = /** @type {Record<string, string>} */ ({}), said = complaint();

  const draw = () => {
    if (!tables) return;
    const problem = misfit(settings), words = [...Object.values(wrong), problem].filter(Boolean);
    said.replaceChildren(...words.map(line => made('div', {}, line)));
    card.classList.toggle('cnnw-before', Boolean(problem));
    if (problem) return; // the last that could be computed stays
    show(...messageOf(header, settings, tables, `${header.key} ${++count}`, notes), outputSize(settings));
    const [first, ...parts] = titleOf(settings);
    title?.replaceChildren(made('b', {}, first), ` · ${parts.join(' · ')}`);
  };
  buffers.then(([all]) => {
    const each = (/** @type {number} */ at) => new Uint8Array(all.buffer, all.byteOffset + 1024 * at, 1024);
    const named = (/** @type {(at: number) => any} */ of) => new Map(names.map((name, at) => [name, of(at)]));
    tables = {colors: named(each), diverging: named(at => diverging[at]), ramps: named(at => ramps[at]), ...rest};
    draw();
  });

  const controls = boxes.map(box => rowsControl(box, settings[box.name], own, rows => {
    settings[box.name] = rows;
    draw();
  }));
  const editor = made('div', {className: 'cnnw-editor'}, ...controls.map(({part}) => part), said);
  const columns = card.querySelector('.columns');
  columns?.prepend(editor);

  const offered = (/** @type {{name: string}} */ {name}) => card.querySelector(`form [name="${name}"]`); // by the page itself
  const inputs = numbers.filter(setting => !offered(setting)).map(({name, label, tip, least, most}) => {
    const whole = most !== undefined, limits = whole ? {min: least, max: most, step: 1} : {step: 'any'};
    const input = made('input', {type: 'number', name, label, title: tip, value: settings[name], ...limits});
    input.addEventListener('input', () => {
      const value = input.valueAsNumber, good = Number.isFinite(value) && (!whole || input.validity.valid);
      if (good) settings[name] = value;
      wrong[name] = good ? '' : `${name} must be ${whole ? `a whole number from ${least} to ${most}` : 'a number'}; it stays ${settings[name]}`;
      draw();
    });
    return made('label', {}, label, input);
  });
  const menu = made('select', {name: 'colormap', label: colormap.label, title: colormap.tip},
    ...colormap.names.map(name => made('option', {value: name, selected: name === settings.colormap}, name)));
  menu.addEventListener('change', () => {
    settings.colormap = menu.value;
    draw();
  });
  return {
    controls: place => [...inputs, ...place, ...offered(menu) ? [] : [made('label', {}, colormap.label, menu)]],
    hear({kind, at}) {
      if (kind !== 'pressed') return;
      const rows = settings.image.map(row => [...row]), most = Math.max(...rows.flat().map(Math.abs)) || 1;
      rows[at[0]][at[1]] = rows[at[0]][at[1]] ? 0 : most;
      settings.image = rows;
      controls[boxes.findIndex(({name}) => name === 'image')].write(rows);
      draw();
    },
    close() {
      editor.remove();
      card.classList.remove('cnnw-before');
    },
  };
}
