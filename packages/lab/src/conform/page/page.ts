import { createHash } from 'node:crypto';
import { SEVERITIES } from '@sevlab/conformance/case';
import { clauseOf } from '@sevlab/conformance/clause';
import { groupBy } from '../group-by.ts';
import { countVerdicts, type JudgedCase } from '../verdicts.ts';
import { caseBlock, OUTCOMES, ROOMS } from './case-block.ts';
import { Markup, markup } from './markup.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** What a report is about. */
export interface Reported {
  /** Of the target, as it calls itself. */
  readonly target: string;
  /** Of sevlab. */
  readonly version: string;
  readonly judged: readonly JudgedCase[];
}

/**
 * The report as one page of HTML: summary, then clause → cases → evidence, each case at an anchor of its own id. It asks
 * for nothing but itself, and its policy lets it do no more.
 */
export function reportPage(reported: Reported): string {
  const { target } = reported;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<title>Conformance of ${target}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${head(reported)}
${filterForm(reported)}
<main>
${documents(reported)}</main>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

const hashOf = (text: string): Markup =>
  new Markup(`sha256-${createHash('sha256').update(text).digest('base64')}`);

const VERDICTS = Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[]; // keys of a literal

function head({ target, version, judged }: Reported): Markup {
  const there = VERDICTS.filter((each) => countVerdicts(judged)[each] > 0);
  const row = (room: keyof typeof ROOMS): Markup | undefined => {
    const own = judged.filter(({ testCase }) => testCase.room === room);
    const counts = countVerdicts(own);
    return own.length === 0
      ? undefined
      : markup`<tr class="${room}"><th>${ROOMS[room]}</th>${there.map((each) => markup`<td>${counts[each]}</td>`)}</tr>`;
  };
  const rooms = Object.keys(ROOMS) as (keyof typeof ROOMS)[]; // keys of a record
  const severities = Object.entries(SEVERITIES)
    .map(([name, meaning]) => `${name}, ${meaning}`)
    .join('; ');
  return markup`<header>
<h1>Conformance of ${target} <small>${judged.length} cases of sevlab ${version}</small></h1>
<table><tr><th></th>${there.map((each) => markup`<td>${OUTCOMES[each].mark} ${OUTCOMES[each].word}</td>`)}</tr>
${rooms.map(row)}</table>
<p>Each case has its clause, what was sent and what came back, and how the answer is known. Keys: / to search, j and k from case to case, Enter to open one. What a failure means: ${severities}.</p>
</header>`;
}

function filterForm({ judged }: Reported): Markup {
  const counts = countVerdicts(judged);
  const buttons = VERDICTS.filter((each) => counts[each] > 0).map(
    (each) =>
      markup`<button type="button" value="${each}" aria-pressed="false">${OUTCOMES[each].mark} ${OUTCOMES[each].word} ${counts[each]}</button>`,
  );
  return markup`<form><input type="search" placeholder="words in a case, its clause, its bytes" aria-label="filter by words">${buttons}<output aria-live="polite">${judged.length} cases</output></form>`;
}

function documents({ judged }: Reported): Markup[] {
  const byDocument = groupBy(judged, ({ testCase }) => clauseOf(testCase.clause).document);
  return [...byDocument].map(([document, ofDocument]) => {
    const byTitle = groupBy(ofDocument, ({ testCase }) => clauseOf(testCase.clause).title);
    const clauses = [...byTitle].map(
      ([title, own]) =>
        markup`<section data-clause="${document} ${title}"><h3>${title}</h3>
${own.map(caseBlock)}</section>
`,
    );
    return markup`<section><h2>${document}</h2>
${clauses}</section>
`;
  });
}
