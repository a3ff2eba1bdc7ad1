/** What the page does beyond showing: a filter by words and by outcome, and keys. Without it everything is there to read. */
export const SCRIPT = `
'use strict';
const form = document.querySelector('form');
const field = form.querySelector('input');
const count = form.querySelector('output');
const cases = [...document.querySelectorAll('main details')];
const texts = new Map();
const textOf = (one) => {
  if (!texts.has(one)) texts.set(one, (one.textContent + ' ' + one.closest('section').dataset.clause).toLowerCase());
  return texts.get(one);
};
const wanted = () => new Set([...form.querySelectorAll('[aria-pressed=true]')].map((one) => one.value));
const filter = () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
  const outcomes = wanted();
  let shown = 0;
  for (const one of cases) {
    const outcome = one.classList[0];
    one.hidden = (outcomes.size > 0 && !outcomes.has(outcome)) || !words.every((word) => textOf(one).includes(word));
    if (!one.hidden) shown += 1;
  }
  for (const part of document.querySelectorAll('main section')) part.hidden = !part.querySelector('details:not([hidden])');
  count.value = shown + ' of ' + cases.length + ' cases';
};
const open = () => {
  const one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!cases.includes(one)) return;
  one.hidden = false;
  one.closest('section').hidden = false;
  one.open = true;
  one.scrollIntoView();
};
const step = (by) => {
  const visible = cases.filter((one) => !one.hidden);
  const at = visible.findIndex((one) => one.contains(document.activeElement));
  const next = visible[at === -1 ? (by > 0 ? 0 : visible.length - 1) : at + by];
  next?.querySelector('summary').focus();
};
form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('input', filter);
form.addEventListener('click', ({ target }) => {
  if (target.type !== 'button') return;
  target.setAttribute('aria-pressed', String(target.getAttribute('aria-pressed') !== 'true'));
  filter();
});
addEventListener('hashchange', open);
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === field) {
    if (event.key === 'Escape') { field.value = ''; filter(); field.blur(); }
    return;
  }
  if (event.key === '/') { event.preventDefault(); field.focus(); }
  if (event.key === 'j') step(1);
  if (event.key === 'k') step(-1);
});
filter();
open();
`;
