// @ts-check
// What a drawing writes to many widgets comes in one message, and is handed on to each of them in one turn of the page.

/** @typedef {import('../painter/store.mjs').Model} Model */

/** Hand on what a parcel holds, as if each had come by itself. What was closed meanwhile gets nothing.
 * @param {(id: string) => any} find the model of a widget, or a promise of it
 * @param {[id: string, data: any, buffers: number][]} parts whose they are, and how many of the buffers
 * @param {DataView[]} buffers of all, in order */
export async function handOn(find, parts, buffers) {
  const models = await Promise.all(parts.map(async ([id]) => {
    try {
      return await find(id);
    } catch {
      return undefined;
    }
  }));
  let end = 0;
  for (const [at, [, data, count]] of parts.entries()) {
    const own = buffers.slice(end, end += count);
    models[at]?._handle_comm_msg({content: {data}, buffers: own});
  }
}

export default {
  /** @param {{model: Model}} _ */
  initialize({model}) {
    const find = (/** @type {string} */ id) => model.widget_manager.get_model(id);
    const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) =>
      handOn(find, content.parts, buffers ?? []);
    model.on('msg:custom', hear);
    model.send({kind: 'hello'});
    return () => model.off('msg:custom', hear);
  },
};
