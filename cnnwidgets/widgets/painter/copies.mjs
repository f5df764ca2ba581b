// @ts-check
// Copies of what stands around the painters of a card: what is seen of it, and whether it still looks so.

/** Whether something of a part of the card is seen: not the other side, nor what only the mouse finds.
 * @param {Node} node */
function isSeen(node) {
  const element = /** @type {HTMLElement} */ (node), {classList} = element;
  if (!classList) return true; // a text
  if (element.style?.display === 'none' || element.getAttribute('display') === 'none') return false;
  if (classList.contains('cnnw-side')) return element.getClientRects().length > 0;
  const mark = classList.contains('object_grp') && /** @type {SVGElement | null} */ (element.firstElementChild);
  return !mark || mark.style.fill !== 'transparent' || mark.style.stroke !== 'transparent';
}

/** A copy of what is seen of a part of the card; all else would be styled and laid out with it for nothing.
 * @template {Node} T @param {T} part @returns {T} */
export function copyOf(part) {
  const copy = part.cloneNode(false);
  for (const node of part.childNodes) if (isSeen(node)) copy.appendChild(copyOf(node));
  if ('selectedIndex' in part) Object.assign(copy, {selectedIndex: part.selectedIndex}); // no attribute has it
  return /** @type {T} */ (copy);
}

/** Whether what is seen of a part of the card is the same as in a copy of it. @param {Node} part @param {Node} copy
 * @returns {boolean} */
export function looksLike(part, copy) {
  if (part.nodeName !== copy.nodeName || part.nodeValue !== copy.nodeValue) return false;
  const [one, other] = [part, copy].map(node => /** @type {Element} */ (node).attributes ?? []);
  if (one.length !== other.length) return false;
  for (const {name, value} of one) if (/** @type {Element} */ (copy).getAttribute(name) !== value) return false;
  const chosen = [part, copy].map(node => /** @type {HTMLSelectElement} */ (node).selectedIndex);
  if (chosen[0] !== chosen[1]) return false;
  const nodes = [...part.childNodes].filter(isSeen);
  return nodes.length === copy.childNodes.length && nodes.every((node, at) => looksLike(node, copy.childNodes[at]));
}

/** Have a copy stand for a part of the card. @param {HTMLElement} part @param {HTMLElement} copy */
export function coverBy(part, copy) {
  part.classList.add('cnnw-covered');
  copy.classList.add('cnnw-copy');
  part.after(copy); // behind it: the browser styles what stands behind another child anew
}

/** Whether the photos of a copy are there: else it would be blank for a frame. @param {HTMLElement} copy */
export const isLoaded = copy => [...copy.querySelectorAll('img')].every(photo => photo.complete);
