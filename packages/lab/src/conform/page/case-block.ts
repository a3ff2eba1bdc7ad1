import type { Case } from '@sevlab/conformance/case';
import { FLAGS } from '@sevlab/conformance/case';
import type { Passage } from '@sevlab/conformance/passage';
import { passagesOf } from '@sevlab/conformance/passages-of';
import type { JudgedCase } from '../verdicts.ts';
import { bytesBlock } from './bytes.ts';
import { type Markup, markup } from './markup.ts';

/** What a verdict looks like: never by colour alone. */
export const OUTCOMES = {
  passed: { mark: '✓', word: 'passed' },
  failed: { mark: '✗', word: 'failed' },
  unexpected: { mark: '!', word: 'unexpected' },
  known: { mark: '≈', word: 'expected failure' },
  skipped: { mark: '–', word: 'skipped' },
} as const satisfies Record<JudgedCase['verdict']['as'], object>;

/** Whose side a room is, and its colour. */
export const ROOMS: Readonly<Record<Case['room'], string>> = {
  psp: 'AMD-SP',
  vmm: 'host',
  tenant: 'guest owner',
  firmware: 'guest firmware',
  kernel: 'guest kernel',
};

/** Of a passage that goes on and on, such as a screenful of messages, so many bytes structures are shown. */
const MOST_BLOCKS = 12;
const MOST_TEXT = 1200;

/** A case: closed one line, open all that is known of it. */
export function caseBlock(judged: JudgedCase): Markup {
  const { testCase, result, verdict } = judged;
  const { id, title, severity, room, flags = [] } = testCase;
  const { mark, word } = OUTCOMES[verdict.as];
  return markup`<details id="${id}" class="${verdict.as} ${room}"><summary><b title="${word}">${mark}</b> <a href="#${id}">${id}</a> ${title} <small>${severity}</small></summary>
${verdictLine(judged)}${passagesOf(testCase, result).map(passageBlock)}${answerBlock(judged)}
<ul>${flags.map((flag) => markup`<li>${flag}: ${FLAGS[flag]}</li>`)}${testCase.evidence.map(
    ({ kind, what }) => markup`<li>${kind}: ${what}</li>`,
  )}</ul></details>
`;
}

function verdictLine({ verdict, result }: JudgedCase): Markup | undefined {
  switch (verdict.as) {
    case 'passed':
    case 'failed':
      return result.profile && markup`<p>under the profile ${result.profile}</p>`;
    case 'skipped':
      return markup`<p>skipped: ${String(result.actual)}</p>`;
    case 'known':
      return markup`<p>${result.outcome}, as expected: ${verdict.reason}</p>`;
    case 'unexpected':
      return markup`<p>${verdict.why}</p>`;
  }
}

function passageBlock({ asked, answered, bytes = [] }: Passage): Markup {
  const more = bytes.length - MOST_BLOCKS;
  return markup`<h4>${shortened(asked)}</h4>${bytes.slice(0, MOST_BLOCKS).map(bytesBlock)}${
    more > 0 ? markup`<p>${more} more of these</p>` : undefined
  }${answered === undefined ? undefined : markup`<pre class="answer">${shortened(answered)}</pre>`}`;
}

/** What was expected, and what came where that is something else. */
function answerBlock({ result: { outcome, expected, actual, unseen } }: JudgedCase): Markup {
  const without = unseen && markup`<p>not seen by it: ${unseen.join(', ')}</p>`;
  const heading = outcome === 'pass' ? 'as expected' : 'expected';
  const wanted = markup`<h4>${heading}</h4><pre>${shortened(told(expected))}</pre>`;
  if (outcome !== 'fail') return markup`${wanted}${without}`;
  return markup`${wanted}<h4>got</h4><pre class="got">${shortened(told(actual))}</pre>${without}`;
}

/** A line for each thing, and for each item of a list. */
function told(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(Object(value))
    .map(([name, each]) =>
      Array.isArray(each) && each.length > 1
        ? [`${name}:`, ...each.map((item) => `  ${JSON.stringify(item)}`)].join('\n')
        : `${name}: ${JSON.stringify(each)}`,
    )
    .join('\n');
}

const shortened = (text: string): string =>
  text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}… (${text.length} characters)`;
