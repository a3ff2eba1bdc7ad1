// Plays the demonstration: one step at a time, with who acts, what it sees and what it cannot see.
const ACTORS = {
  'guest-owner': ['guest owner', 'guest-owner'],
  'amd-sp': ['AMD Secure Processor', 'amd-sp'],
  host: ['host, not trusted', 'host'],
  disk: ['disk of the host', 'host'],
  memory: ['memory', 'host'],
  firmware: ['guest firmware', 'guest'],
  kernel: ['guest kernel', 'guest'],
  user: ['guest user space', 'guest'],
};

const element = (id) => document.getElementById(id);

function make(tag, text, properties = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  node.textContent = text;
  return node;
}

const colour = (node, actor) => node.style.setProperty('--actor', `var(--${ACTORS[actor][1]})`);

function showStep(demo, index) {
  const step = demo.steps[index];
  const stage = demo.stages.find(({ id }) => id === step.stage);
  element('position').textContent = `Step ${index + 1} of ${demo.steps.length}: ${stage.title}`;
  const typed = demo.steps.slice(0, index + 1).filter(({ kind }) => kind === 'shell').length;
  const command = step.kind === 'shell' ? demo.session[typed - 1] : undefined;
  const facts = make('dl', '');
  for (const [label, text] of [
    ['Sees', step.sees],
    ['Cannot see', step.cannotSee],
    ['Clause', step.clause],
  ]) {
    if (text) facts.append(make('dt', label, { className: 'label' }), make('dd', text));
  }
  const view = element('step');
  view.replaceChildren(
    make('p', ACTORS[step.actor][0], { className: 'who' }),
    make('h2', step.title),
    ...(command ? [make('pre', `# ${command.command}\n${command.output}`, { tabIndex: 0 })] : []),
    make('p', step.sentence),
    facts,
  );
  colour(view, step.actor);
  element('back').disabled = index === 0;
  element('forward').disabled = index === demo.steps.length - 1;
  for (const button of element('stages').querySelectorAll('button')) {
    if (button.dataset.stage === step.stage) button.setAttribute('aria-current', 'step');
    else button.removeAttribute('aria-current');
  }
}

function start(demo) {
  let index = 0;
  const go = (to) => {
    index = Math.min(Math.max(to, 0), demo.steps.length - 1);
    showStep(demo, index);
  };
  for (const stage of demo.stages) {
    const button = make('button', stage.title, { type: 'button' });
    button.dataset.stage = stage.id;
    colour(button, stage.actor);
    button.addEventListener('click', () => go(demo.steps.findIndex((step) => step.stage === stage.id)));
    const item = make('li', '');
    item.append(button);
    element('stages').append(item);
  }
  for (const { place, host, guest } of demo.views) {
    const row = make('tr', '');
    const pairs = (hex) => hex.replace(/../g, '$& ');
    row.append(
      make('td', place),
      make('td', pairs(host), { className: 'host' }),
      make('td', guest ? pairs(guest) : 'this is the disk', { className: 'guest' }),
    );
    element('views').append(row);
  }
  element('back').addEventListener('click', () => go(index - 1));
  element('forward').addEventListener('click', () => go(index + 1));
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowLeft') go(index - 1);
    if (key === 'ArrowRight') go(index + 1);
  });
  go(0);
}

const response = await fetch('api/demo');
if (response.ok) start(await response.json());
else
  element('position').textContent = 'The demonstration could not be loaded; is sevlab serve still running?';
