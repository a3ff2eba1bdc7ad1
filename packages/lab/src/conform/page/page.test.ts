import { createHash } from 'node:crypto';
import type { Case } from '@sevlab/conformance/case';
import type { CaseResult } from '@sevlab/conformance/run';
import { describe, expect, it } from 'vitest';
import type { JudgedCase } from '../verdicts.ts';
import { reportPage } from './page.ts';
import { STYLE } from './style.ts';

const HOSTILE = `</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;' \u0000\u2028`;

const testCase: Case = {
  id: 'PRS-01',
  title: `title ${HOSTILE}`,
  clause: `a/b"${HOSTILE}.c: symbol ${HOSTILE}`,
  severity: 'detail',
  evidence: [{ kind: 'observed', what: `evidence ${HOSTILE}` }],
  room: 'kernel',
  given: { area: 'zeros' },
  when: [`rm ${HOSTILE}`],
  // biome-ignore lint/suspicious/noThenProperty: the word of the suite
  then: { errno: null },
};

const judged = (result: Partial<CaseResult>, verdict: JudgedCase['verdict']): JudgedCase => ({
  testCase,
  result: { id: 'PRS-01', outcome: 'fail', expected: {}, actual: {}, ...result },
  verdict,
});

const page = (...cases: JudgedCase[]): string =>
  reportPage({ target: `target ${HOSTILE}`, version: '0.1.0', judged: cases });

describe('whatever a target says is text', () => {
  it.each<[string, JudgedCase]>([
    ['an answer', judged({ actual: { text: HOSTILE } }, { as: 'failed' })],
    ['an answer in words', judged({ actual: HOSTILE }, { as: 'failed' })],
    ['an expectation', judged({ expected: { [HOSTILE]: HOSTILE } }, { as: 'failed' })],
    ['why it was skipped', judged({ outcome: 'skip', actual: HOSTILE }, { as: 'skipped' })],
    ['the reason for a failure', judged({}, { as: 'known', reason: HOSTILE })],
    ['what was not expected', judged({}, { as: 'unexpected', why: HOSTILE })],
    ['what it does not see', judged({ unseen: [HOSTILE] }, { as: 'failed' })],
    [
      'a passage',
      judged(
        {
          passages: [
            { asked: HOSTILE, answered: HOSTILE, bytes: [{ what: HOSTILE, bytes: Uint8Array.of(60) }] },
          ],
        },
        { as: 'failed' },
      ),
    ],
  ])('%s', (_, one) => {
    const text = page(one);
    const tags = [...text.matchAll(/<(\/?[a-z][a-z0-9]*)/g)].map(([, tag]) => tag);
    const ours = page(judged({}, { as: 'passed' }));
    expect(text.match(/<script>/g)).toHaveLength(1);
    expect(tags.filter((tag) => tag === 'img')).toEqual([]);
    expect(text).toContain('&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&amp;amp;&#39;');
    expect(text).not.toContain('\u0000');
    expect(ours).toContain('<title>Conformance of target &lt;/script&gt;');
  });
});

it('lets the browser run and style what is in it, and fetch nothing', () => {
  const text = page(judged({}, { as: 'passed' }));
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '';
  for (const [element, directive] of [
    ['script', 'script-src'],
    ['style', 'style-src'],
  ]) {
    const inside = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(text)?.[1] ?? '';
    const hash = createHash('sha256').update(inside).digest('base64');
    expect(policy).toContain(`${directive} 'sha256-${hash}';`);
  }
  expect(policy).toContain("default-src 'none'");
  expect(text.replaceAll(/&lt;.*?&gt;/g, '')).not.toMatch(/https?:|\bsrc=|url\(|@import| style=| on[a-z]+="/);
});

it('says how many bytes it leaves out, and that a structure is cut off', () => {
  const bytes = new Uint8Array(1000).map((_, i) => i);
  const text = page(
    judged({ passages: [{ asked: 'x', bytes: [{ what: 'all', bytes }] }] }, { as: 'passed' }),
  );
  expect(text).toContain('<h5>all <small>1000 bytes</small></h5>');
  expect(text).toContain('<i>0050</i>  50 51');
  expect(text).not.toContain('<i>0060</i>');
});

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

it.each([
  ['light', 0],
  ['dark', 1],
])('every colour of the %s page is readable on its ground', (_, which) => {
  const themes = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, body = '']) =>
    Object.fromEntries(
      [...body.matchAll(/--(\w+): (#[0-9a-f]{6})/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
  const { paper, band, rule: _rule, ...inks } = themes[which]!;
  expect(Object.keys(inks)).toEqual(['ink', 'faint', 'owner', 'psp', 'guest', 'host']);
  for (const [name, ink] of Object.entries(inks))
    for (const ground of [paper, band]) {
      const [dark = 0, light = 0] = [luminance(ink), luminance(ground!)].toSorted((a, b) => a - b);
      expect((light + 0.05) / (dark + 0.05), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
});
