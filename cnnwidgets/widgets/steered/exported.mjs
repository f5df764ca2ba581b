// @ts-check
// A place that is moved in a page without a kernel: numbers that lie in the page, a stand-in for the widget that the script
// is told by, and sliders of plain HTML.
import {StandIn, unpacked} from '../painter/standin.mjs';

/**
 * @typedef {{name: string, label: string, most: number, step: number}} Control
 * @typedef {{header: any, place: [number, number], controls: Control[], play: Control | null, own?: any}} Given
 *
 * What a page may have besides: it puts its controls beside those of the place, and answers the script in the kernel's place.
 * @typedef {{controls: (place: HTMLElement[]) => HTMLElement[], hear: (content: any) => void, close: () => void}} Own
 *
 * What it is made with: what Python gave it, the header and the buffers of the message, a function that shows another
 * message with so many rows and columns, and the element where the script stands.
 * @typedef {{given: any, header: any, buffers: Promise<DataView[]>, el: HTMLElement,
 *   show: (header: any, buffers: DataView[], size: number[]) => void}} Stage
 */

const PACE = 200; // ms of the player for one place

/** A slider of the page, and what stands for it. @param {Control} control @param {StandIn} model */
function slider({name, label, most, step}, model) {
  const group = document.createElement('label'), shown = document.createElement('output');
  const range = Object.assign(document.createElement('input'), {type: 'range', min: '0', max: String(most), step: String(step), name});
  range.setAttribute('aria-label', label);
  const follow = () => {
    const value = String(model.get('value'));
    if (range.value !== value) range.value = value;
    shown.textContent = value;
    range.setAttribute('aria-valuetext', value);
  };
  model.on('change:value', follow);
  model.on('change:max', () => {
    range.max = String(model.get('max'));
    follow();
  });
  range.addEventListener('input', () => {
    model.set('value', Number(range.value));
    follow(); // it may have been led elsewhere
  });
  follow();
  group.append(label, range, shown);
  return group;
}

/** Have a script move a place. @param {{render: (given: any) => (() => void)}} script @param {Given} given
 * @param {import('../painter/standin.mjs').Packed[]} parts the buffers of its message @param {HTMLElement} el where it stands
 * @param {((stage: Stage) => Own) | null} more @returns {{controls: HTMLElement[], close: () => void}} */
export function moved(script, given, parts, el, more = null) {
  const {header, place, controls, play} = given, models = /** @type {Record<string, StandIn>} */ ({});
  for (const {name, most} of [...controls, ...play ? [play] : []])
    models[name] = new StandIn({value: name === 'row' ? place[0] : name === 'column' ? place[1] : 0, max: most});
  const model = new StandIn(
    {key: header.key, told: [header.key, 0, ...place], moved: [], controls: Object.fromEntries(Object.keys(models).map(name => [name, name]))},
    content => own ? own.hear(content) : content.kind === 'want' && buffers().then(all => model.fire('msg:custom', header, all)));
  const buffers = () => Promise.all(parts.map(unpacked)).then(all => all.flat());
  model.widget_manager = {get_model: name => Promise.resolve(models[name])};
  /** @type {Stage['show']} */
  const show = (header, buffers, [rows, columns]) => {
    const most = /** @type {Record<string, number>} */ ({row: rows - 1, column: columns - 1, position: rows * columns - 1});
    const [row, column] = ['row', 'column'].map(name => Math.min(models[name].get('value'), most[name]));
    for (const [name, each] of Object.entries(models)) each.set('max', most[name]);
    model.set('told', [header.key, 0, row, column]);
    model.set('key', header.key);
    model.fire('msg:custom', header, buffers);
  };
  const own = more && more({given: given.own, header, buffers: buffers(), el, show});
  const groups = controls.map(control => slider(control, models[control.name]));
  let timer = 0;
  const stop = () => clearInterval(timer);
  if (play && (own || play.most > 0)) {
    const button = Object.assign(document.createElement('button'), {type: 'button', title: play.label, textContent: '▶'});
    button.setAttribute('aria-label', play.label);
    button.addEventListener('click', () => {
      const player = models[play.name], runs = timer !== 0;
      stop();
      timer = runs ? 0 : window.setInterval(() => player.set('value', (player.get('value') + 1) % (player.get('max') + 1)), PACE);
      button.textContent = runs ? '▶' : '⏸';
    });
    groups.at(-1)?.append(button);
  }
  const end = script.render({model, el});
  return {controls: own ? own.controls(groups) : groups, close() {
    stop();
    end();
    own?.close();
  }};
}
