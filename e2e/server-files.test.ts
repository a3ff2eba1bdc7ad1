import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { indexOfBytes } from '@sevlab/codec/bytes';
import { guidToBytes, SEVLAB_MANIFEST_GUID } from '@sevlab/codec/guid';
import { buildImage } from '@sevlab/firmware-sim/image';
import { readTrace } from '@sevlab/story/read-trace';
import { describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { type Answer, type Json, type LabClient, startLab } from './test/lab-client.ts';

const FOLDER = fileURLToPath(new URL('../packages/lab/scenarios', import.meta.url));
const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';

const run = (lab: LabClient, body: string, type = 'application/yaml'): Promise<Answer> =>
  lab.ask('/api/runs', undefined, { method: 'POST', body, headers: { 'content-type': type } });

const upload = (lab: LabClient, body: Uint8Array<ArrayBuffer>): Promise<Answer> =>
  lab.ask('/api/firmware', undefined, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/octet-stream' },
  });

describe('scenarios', () => {
  it('are those of the folder, by group, the demonstration first', async () => {
    const lab = await startLab();
    const { body } = await lab.ask<Json[]>('/api/scenarios');
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.yaml'),
    );
    expect(body.map(({ id }) => `${String(id)}.yaml`).sort()).toEqual(files.sort());
    expect(body[0]).toMatchObject({ id: 'kernel-documentation', group: 'demonstration' });
    for (const { id, group, title, about, lesson } of body) {
      expect(group).toBe(String(id).includes('/') ? String(id).split('/')[0] : 'demonstration');
      expect([title, about].every((text) => typeof text === 'string' && text !== '')).toBe(true);
      if (group === 'attacks') expect(lesson).toMatchObject({ caughtBy: expect.any(String) });
    }
  });

  it('are given as their files', async () => {
    const lab = await startLab();
    for (const id of ['kernel-documentation', 'attacks/a05-packet-again', 'faults/no-table']) {
      const { status, headers, body } = await lab.ask<string>(`/api/scenarios/${id}`);
      expect({ status, type: headers.get('content-type') }).toEqual({
        status: 200,
        type: 'application/yaml',
      });
      expect(body).toBe(readFileSync(`${FOLDER}/${id}.yaml`, 'utf8'));
    }
  });

  it('run to the trace that the command line writes', async () => {
    const lab = await startLab();
    const [, ...byCommand] = typeIn(
      FOLDER,
      'run',
      'attacks/a05-packet-again.yaml',
      '--trace',
      '-',
      '--reveal',
      '--seed',
      'x',
    )
      .stdout.split('\n')
      .filter((line) => line.startsWith('{'));
    const { headers, body } = await lab.ask<string>('/api/scenarios/attacks/a05-packet-again/trace?seed=x');
    const [header, ...lines] = body.trimEnd().split('\n');
    expect(headers.get('content-type')).toMatch(/^application\/jsonl(;|$)/);
    expect(lines).toEqual(byCommand);
    expect(JSON.parse(header!)).toMatchObject({ seed: 'x', revealed: true });
    expect((await lab.ask('/api/scenarios/attacks/a05-packet-again/trace?seed=x')).body).toBe(body);
    expect((await lab.ask('/api/scenarios/attacks/a05-packet-again/trace')).body).not.toBe(body);
    expect((await lab.ask('/api/scenarios/attacks/a05-packet-again/trace?sed=x')).status).toBe(400);
  });

  it('all have a trace', { timeout: 120_000 }, async () => {
    const lab = await startLab();
    const { body } = await lab.ask<Json[]>('/api/scenarios');
    for (const { id } of body) {
      const trace = await lab.ask<string>(`/api/scenarios/${String(id)}/trace`);
      expect({ id, status: trace.status }).toEqual({ id, status: 200 });
      expect(readTrace(trace.body).events.length).toBeGreaterThan(10);
    }
  });
});

describe('a scenario that is sent', () => {
  const HONEST = `version: 1
title: sent
secrets:
  - { guid: ${GUID}, text: hunter2 }
steps:
  - { do: offer }
  - { do: launch }
  - { do: measure }
  - { do: verify }
  - { do: seal }
  - { do: inject }
  - { do: finish }
  - { do: boot }
  - shell: cat /sys/kernel/security/secrets/coco/${GUID}
    expect: { output: hunter2 }
`;

  it('runs, as YAML and as JSON', async () => {
    const lab = await startLab();
    const { status, body } = await run(lab, HONEST);
    expect({ status, body }).toMatchObject({ status: 200, body: { passed: true, steps: 9, deviations: [] } });
    expect(readTrace(String(body.trace)).header).toMatchObject({ scenario: 'sent', revealed: true });
    const json = JSON.stringify({ version: 1, title: 'json', steps: [{ do: 'offer' }] });
    expect((await run(lab, json, 'application/json')).body).toMatchObject({ passed: true, steps: 1 });
  });

  it('that deviates says where, what was expected and what came', async () => {
    const lab = await startLab();
    const { body } = await run(lab, HONEST.replace('output: hunter2', 'output: hunter3'));
    expect(body).toMatchObject({
      passed: false,
      deviations: [
        { step: 8, line: 14, column: 5, expected: 'status 0 and\nhunter3', actual: 'status 0 and\nhunter2' },
      ],
    });
    const attacked = HONEST.replace(
      '  - { do: inject }',
      '  - attack: { packet: { part: data, bit: 3 } }\n  - { do: inject }',
    );
    expect((await run(lab, attacked)).body).toMatchObject({
      passed: false,
      deviations: [{ step: 6, line: 12, actual: 'BAD_MEASUREMENT' }],
    });
  });

  it('that is none is refused with place, field and reason', async () => {
    const lab = await startLab();
    const cases: [string, Json][] = [
      [HONEST.replace('do: seal', 'do: saele'), { line: 10, column: 7, field: 'steps[4].do' }],
      [HONEST.replace('title', 'titel'), { line: 1, others: [{ line: 2, column: 1, field: 'titel' }] }],
      [HONEST.replace('steps:', 'steps: ['), { file: 'scenario', line: expect.any(Number) }],
      ['', { error: expect.stringContaining('expected a scenario') }],
      ['- 1', { error: expect.stringContaining('expected a scenario') }],
      [HONEST.replace('text: hunter2', 'hex: 0g'), { line: 4, field: 'secrets[0]' }],
      [HONEST.replace('secrets:', 'linux: "2.4"\nsecrets:'), { line: 3, field: 'linux' }],
      [
        HONEST.replace('secrets:', 'matrix: { linux: ["6.1", "5.19"] }\nsecrets:'),
        { line: 3, field: 'matrix' },
      ],
      [`version: 1\ntitle: many\nsteps:\n${'  - { do: offer }\n'.repeat(501)}`, { line: 3, field: 'steps' }],
    ];
    for (const [text, problem] of cases)
      expect(await run(lab, text)).toMatchObject({ status: 400, body: problem });
  });

  it('gets no file and no variable of this machine, whatever it asks for', async () => {
    const lab = await startLab();
    const cases = [
      HONEST.replace('text: hunter2', 'file: /etc/passwd'),
      HONEST.replace('text: hunter2', 'env: PATH'),
      `include: /etc/passwd\n${HONEST}`,
      `include: [kernel-documentation.yaml]\n${HONEST}`,
      `firmware: { file: /etc/passwd }\n${HONEST}`,
      `kernel: { file: /etc/passwd }\n${HONEST}`,
      `kernel: { emulated: true, initrd: /etc/passwd }\n${HONEST}`,
      `disk: { key: ${GUID}, file: /etc/passwd }\n${HONEST.replace('text: hunter2', `hex: '${'00'.repeat(32)}'`)}`,
      `disk: { key: ${GUID}, files: [{ env: PATH }] }\n${HONEST.replace('text: hunter2', `hex: '${'00'.repeat(32)}'`)}`,
      `${HONEST}  - check: { hostFinds: { file: /etc/passwd, expect: true } }\n`,
      `${HONEST}  - check: { memory: { gpa: "0x0", env: PATH } }\n`,
      `${HONEST}  - check: { file: { guid: ${GUID}, file: /etc/passwd } }\n`,
      `${HONEST}  - attack: { keep: { as: x, file: /etc/passwd } }\n`,
      HONEST.replace('  - { do: boot }', '  - attack: { fwCfg: { item: kernel, file: /etc/passwd } }'),
    ];
    for (const text of cases) {
      const { status, body } = await run(lab, text);
      expect({ text, status, body }).toMatchObject({
        text,
        status: 400,
        body: { error: expect.stringMatching(/that was sent/) },
      });
      expect(JSON.stringify(body)).not.toMatch(/root:|\/bin/);
    }
  });

  it('has ten seconds', async () => {
    let now = 0;
    const timers = { now: () => (now += 4000), every: () => () => {} };
    const lab = await startLab({ timers });
    expect(await run(lab, HONEST)).toMatchObject({
      status: 400,
      body: { field: 'steps', line: 5, error: expect.stringContaining('takes too long') },
    });
  });

  it('leaves others their turn', async () => {
    const lab = await startLab();
    const many = HONEST.replace(
      '  - { do: boot }\n',
      `  - { do: boot }\n${'  - { do: reset }\n  - { do: boot }\n'.repeat(100)}`,
    );
    const order: string[] = [];
    const long = run(lab, many).then(({ body }) => order.push(`run ${String(body.steps)}`));
    await lab.ask('/api/capabilities');
    await lab.ask('/api/capabilities').then(() => order.push('capabilities'));
    await long;
    expect(order).toEqual(['capabilities', 'run 209']);
  });

  it('is at most 256 KiB', async () => {
    const lab = await startLab();
    const padded = `${HONEST}#${'x'.repeat(262_144 - HONEST.length - 1)}`;
    expect((await run(lab, padded)).status).toBe(200);
    expect(await run(lab, `${padded}x`)).toMatchObject({
      status: 413,
      body: { expected: 'at most 262144 bytes' },
    });
    expect(await run(lab, HONEST, 'image/png')).toMatchObject({
      status: 415,
      body: { field: 'content-type', got: 'image/png' },
    });
  });

  it('cannot blow itself up by aliases', async () => {
    const lab = await startLab();
    const bomb = [
      'a: &a0 [x]',
      ...Array.from({ length: 30 }, (_, i) => `a${i}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
    ];
    expect((await run(lab, bomb.join('\n'))).status).toBe(400);
  });
});

describe('firmware', () => {
  const image = new Uint8Array(buildImage({ layout: '202108', seed: 7 }));

  it('is looked into, kept, and launched', async () => {
    const lab = await startLab();
    const { status, body } = await upload(lab, image);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { size: 262_144, inspection: { secretArea: { base: 0x80c000, size: 0xc00 }, findings: [] } },
    });
    expect(body.sha256).toBe((body.inspection as Json).launchDigest);
    const session = await lab.session(
      { firmware: { sha256: body.sha256 }, secrets: [{ guid: GUID, text: 'x' }] },
      'running',
    );
    expect((await lab.ask(session)).body).toMatchObject({
      state: 'running',
      firmware: { sha256: body.sha256, size: 262_144 },
      secretArea: { gpa: '0x80c000', size: 0xc00 },
    });
  });

  it('that sevlab did not build stops with a reason, unless it is said what it is like', async () => {
    const lab = await startLab();
    const foreign = new Uint8Array(image);
    foreign[indexOfBytes(foreign, guidToBytes(SEVLAB_MANIFEST_GUID))]! ^= 1;
    const { body } = await upload(lab, foreign);
    const wanted = { secrets: [{ guid: GUID, text: 'x' }] };
    const unknown = await lab.session({ ...wanted, firmware: { sha256: body.sha256 } }, 'running');
    expect((await lab.ask(unknown)).body).toMatchObject({
      state: 'finished',
      refusal: { step: 'boot', by: 'firmware', reason: expect.stringContaining('does not start') },
    });
    const known = await lab.session(
      { ...wanted, firmware: { sha256: body.sha256, as: '202108' } },
      'running',
    );
    expect((await lab.ask(known)).body).toMatchObject({ state: 'running', refusal: null });
  });

  it('that is none is launched as far as the host can do it', async () => {
    const lab = await startLab();
    for (const bytes of [new Uint8Array(1), new Uint8Array(4096), new Uint8Array(5000)]) {
      const { status, body } = await upload(lab, bytes);
      expect(status).toBe(200);
      for (const policy of [1, 5]) {
        const wanted = { policy, firmware: { sha256: body.sha256 } };
        const session = await lab.session(wanted, 'running');
        expect((await lab.ask(session)).body).toMatchObject({ refusal: { reason: expect.any(String) } });
        const host = await lab.ask(`${await lab.session(wanted)}/host`, { read: { spa: '0x0', length: 1 } });
        expect(host.status).toBe(200);
      }
    }
  });

  it('has 1 byte to 16 MiB', { timeout: 120_000 }, async () => {
    const lab = await startLab();
    const most = 16 * 1024 * 1024;
    expect((await upload(lab, new Uint8Array(most))).status).toBe(200);
    expect(await upload(lab, new Uint8Array(most + 1))).toMatchObject({
      status: 413,
      body: { error: 'the body is too large', expected: `at most ${most} bytes` },
    });
    expect(await upload(lab, new Uint8Array())).toMatchObject({ status: 400, body: { field: 'body' } });
    expect((await lab.ask('/api/firmware', {})).body).toMatchObject({
      expected: 'application/octet-stream',
      got: 'application/json',
    });
  });

  it('is forgotten for newer one, and then the session says so', { timeout: 120_000 }, async () => {
    const lab = await startLab();
    const { body } = await upload(lab, image);
    for (let i = 1; i <= 4; i++) await upload(lab, new Uint8Array(16 * 1024 * 1024).fill(i));
    expect(await lab.ask('/api/sessions', { firmware: { sha256: body.sha256 } })).toMatchObject({
      status: 400,
      body: { field: 'firmware.sha256', try: 'POST /api/firmware with it' },
    });
  });
});
