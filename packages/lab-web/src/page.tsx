import { render } from 'preact';
import { App } from './app.tsx';
import { currentTheme, showTheme } from './shell/theme.ts';

showTheme(currentTheme());
const root = document.getElementById('app')!; // index.html has it
root.replaceChildren();
render(<App />, root);
