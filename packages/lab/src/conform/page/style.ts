/** The page's style: colour is trust, as everywhere in sevlab. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fdfcfa; --ink: #1c1b19; --faint: #66635c; --rule: #dedad2;
  --owner: #6d28d9; --psp: #1d4ed8; --guest: #047857; --host: #b42318; --band: #f4f1eb; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d0e10; --ink: #e8e6e1; --faint: #9c988f; --rule: #2c2e33;
  --owner: #b794f6; --psp: #7aa2ff; --guest: #34d399; --host: #ff8a7a; --band: #16181c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 82rem; padding: 0 24px 64px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
header { padding: 32px 0 16px; }
h1 { margin: 0; font-size: 24px; font-weight: 600; }
h1 small, header p { color: var(--faint); font-size: 16px; font-weight: 400; }
h2, h3, h4, h5 { font-weight: 600; line-height: 1.25; }
h2 { margin: 40px 0 0; font-size: 20px; }
h3 { margin: 16px 0 4px; font-size: 16px; color: var(--faint); font-weight: 400; }
h4 { margin: 16px 0 4px; font: 600 14px/1.4 ui-monospace, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere;
  white-space: pre-wrap; }
h5 { margin: 8px 0 0; font-size: 14px; font-weight: 400; }
small { color: var(--faint); font-size: 13px; }
a { color: inherit; }
form { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px; padding: 8px 0;
  background: var(--paper); border-bottom: 1px solid var(--rule); align-items: center; }
input, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--rule);
  border-radius: 4px; padding: 4px 8px; }
input { flex: 1 1 16rem; min-width: 8rem; }
button[aria-pressed=true] { background: var(--band); border-color: var(--ink); }
:focus-visible { outline: 2px solid var(--psp); outline-offset: 1px; }
output { color: var(--faint); min-width: 9rem; text-align: right; }
details { border-left: 4px solid var(--lane, var(--rule)); margin: 1px 0; padding: 0 0 0 12px; scroll-margin-top: 56px; }
details[open] { padding-bottom: 12px; background: var(--band); }
summary { cursor: pointer; padding: 2px 0; }
summary a { font: 14px ui-monospace, monospace; text-decoration: none; }
summary a:hover { text-decoration: underline; }
summary b { display: inline-block; width: 1.2em; text-align: center; }
.psp { --lane: var(--psp); } .vmm { --lane: var(--host); } .tenant { --lane: var(--owner); }
.firmware, .kernel { --lane: var(--guest); }
.failed > summary, .unexpected > summary, .got { color: var(--host); }
.skipped > summary, .known > summary { color: var(--faint); }
pre { margin: 4px 0 8px; font: 14px/1.4 ui-monospace, 'DejaVu Sans Mono', monospace; overflow-x: auto; white-space: pre;
  tab-size: 56; }
pre i { font-style: normal; color: var(--faint); } pre b { display: inline-block; min-width: 9.5em;
  font-weight: 400; color: var(--lane); }
.cipher { color: var(--faint); } .secret { color: var(--owner); }
.answer { border-left: 2px solid var(--lane); padding-left: 8px; }
ul { margin: 8px 0 0; padding-left: 20px; font-size: 14px; color: var(--faint); }
table { border-collapse: collapse; margin: 8px 0 16px; }
th, td { text-align: right; padding: 2px 16px 2px 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
th:first-child { text-align: left; border-left: 4px solid var(--lane); padding-left: 12px; }
[hidden] { display: none; }
`;
