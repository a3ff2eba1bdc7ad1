import { createClock } from '@sevlab/ambient/clock';
import { hexAddress } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea } from '@sevlab/codec/ovmf/guided-table';
import { createTerminalState, Terminal } from '@sevlab/guest-kernel-sim/terminal/terminal';
import { CommandFailed } from '@sevlab/vmm-sim/errors';
import { createPipeline, type Pipeline, type Setup } from '../pipeline.ts';
import { honestStep } from '../scenario/honest-step.ts';
import type { HonestStep } from '../scenario/scenario.ts';
import { createSchemes, type Schemes } from '../scenario/schemes.ts';
import { traceHeader } from '../trace-file.ts';
import { HttpProblem } from './http-problem.ts';
import type { LaunchedBases } from './launched-bases.ts';
import { attempt, type Refusal } from './refusal.ts';
import { SessionLog } from './session-log.ts';

/** The honest steps, and the state that each leads to. */
const WAY = [
  { step: 'offer', state: 'offered' },
  { step: 'launch', state: 'launched' },
  { step: 'measure', state: 'measured' },
  { step: 'verify', state: 'attested' },
  { step: 'seal', state: 'sealed' },
  { step: 'inject', state: 'injected' },
  { step: 'finish', state: 'finished' },
  { step: 'boot', state: 'running' },
] as const satisfies readonly { step: HonestStep; state: string }[];

/** States that a session can be led to, in their order. */
export const REACHABLE_STATES = WAY.map(({ state }) => state);
export type SessionState = 'created' | (typeof WAY)[number]['state'];

const LAUNCHED = REACHABLE_STATES.indexOf('launched') + 1;

/** Events of one session; its memory grows with them. */
const EVENTS_MAX = 20_000;
/** What else grows: bytes in events besides those of the launch, what the terminal showed, what the host saved. */
const BYTES_MAX = 16 * 1024 * 1024;
/** How often an image's bytes may be in the events of a launch. */
const IMAGE_COPIES = 3;

/** A platform with its guest, led by one client. */
export class Session {
  readonly id: string;
  readonly setup: Setup;
  readonly secrets: readonly Secret[];
  readonly log: SessionLog;
  readonly schemes: Schemes;
  readonly #bases: LaunchedBases;
  #pipeline: Pipeline | undefined;
  #terminal: { readonly keys: Terminal; readonly decoder: InstanceType<typeof TextDecoder> } | undefined;
  #taken = 0;
  #refusal: Refusal | undefined;
  #counted = { events: 0, bytes: 0 };

  constructor(id: string, setup: Setup, secrets: readonly Secret[], bases: LaunchedBases) {
    this.id = id;
    this.setup = setup;
    this.secrets = secrets;
    this.#bases = bases;
    this.schemes = createSchemes(setup);
    const header = traceHeader(setup, createClock(setup.clock).now, {
      command: 'serve',
      scenario: 'live session',
      reveal: true,
    });
    this.log = new SessionLog(header, () => this.#pipeline?.observer.events ?? []);
    this.#tellState();
  }

  get state(): SessionState {
    return WAY[this.#taken - 1]?.state ?? 'created';
  }

  /** Undefined before anything happened. */
  get pipeline(): Pipeline | undefined {
    return this.#pipeline;
  }

  /** The platform; what the host does to it before the launch comes before the launch. */
  switchOn(): Pipeline {
    this.#pipeline ??= createPipeline(this.setup);
    return this.#pipeline;
  }

  /** As clients see it; of secrets the lengths. */
  describe() {
    const { part, profile, policy, linux, image, seed } = this.setup;
    const table = this.#pipeline?.progress.launching?.record.table;
    const area = table && findArea(table, SEV_SECRET_BLOCK_GUID);
    return {
      id: this.id,
      simulated: true,
      ...this.#where(),
      part,
      profile,
      policy: `0x${policy.toString(16)}`,
      linux,
      seed,
      firmware: { sha256: this.log.header.inputs.firmware, size: image.length },
      secrets: this.secrets.map(({ guid, data }) => ({ guid, length: data.length })),
      secretArea: area ? { gpa: hexAddress(BigInt(area.base)), size: area.size } : null,
    };
  }

  #where() {
    return {
      state: this.state,
      next: WAY[this.#taken]?.step ?? null,
      refusal: this.#refusal ?? null,
      terminal: this.#terminal !== undefined,
    };
  }

  #tellState(): void {
    this.log.remark('state', this.#where());
  }

  /** Takes honest steps until the state is reached or somebody refuses. Throws HttpProblem for a state of the past. */
  advance(to: SessionState): void {
    this.expectRoom();
    const target = WAY.findIndex(({ state }) => state === to) + 1;
    if (target <= this.#taken)
      throw new HttpProblem(409, {
        error: `the session is ${this.state} already`,
        field: 'to',
        expected: `one of ${REACHABLE_STATES.slice(this.#taken).join(', ') || 'no further state'}`,
        got: to,
        try: 'POST /api/sessions for another one',
      });
    if (this.#taken === 0 && target >= LAUNCHED && this.#pipeline === undefined) {
      this.#pipeline = this.#bases.fork(this.setup);
      if (this.#pipeline !== undefined) {
        this.#taken = LAUNCHED;
        this.#tellState();
      }
    }
    this.#refusal = undefined;
    try {
      while (this.#taken < target && this.#refusal === undefined) {
        this.#take(WAY[this.#taken]!.step);
        this.#tellState();
      }
    } finally {
      this.log.wake();
    }
  }

  #take(step: HonestStep): void {
    const { refusal } = attempt(step, () => {
      const status = honestStep(this.switchOn(), { do: step }, this.secrets, this.schemes);
      if (status !== 'SUCCESS') throw new CommandFailed('LAUNCH_SECRET', status);
      return { status };
    });
    this.#refusal = refusal;
    if (refusal !== undefined) return;
    this.#taken++;
    if (step === 'boot') this.#startShell();
  }

  #startShell(): void {
    const kernel = this.#pipeline?.progress.kernel;
    if (kernel === undefined) return;
    const columns = this.#terminal?.keys.state.line.columns;
    this.#terminal = { keys: new Terminal(kernel, createTerminalState(columns)), decoder: new TextDecoder() };
    this.#show(this.#terminal.keys.start());
  }

  #show(bytes: Uint8Array): void {
    const output = this.#terminal?.decoder.decode(bytes, { stream: true }) ?? '';
    if (output !== '') this.log.remark('terminal', { output });
  }

  /** Keys that somebody presses, as a terminal sends them. A shell that ends is followed by another. */
  type({ input = '', columns }: { readonly input?: string; readonly columns?: number }): void {
    this.expectRoom();
    if (this.#terminal === undefined)
      throw new HttpProblem(409, {
        error: 'the guest does not run yet, so nobody reads what is typed',
        expected: 'state running',
        got: this.state,
        try: `POST /api/sessions/${this.id}/advance {"to":"running"}`,
      });
    const { keys } = this.#terminal;
    if (columns !== undefined) keys.resize(columns);
    this.#show(keys.type(utf8(input)));
    if (keys.ended !== undefined) this.#startShell();
    this.log.wake();
  }

  /** Throws HttpProblem when the session has become so long that it could crowd out others. */
  expectRoom(): void {
    const events = this.#pipeline?.observer.events ?? [];
    const counted = this.#counted;
    for (; counted.events < events.length; counted.events++) {
      const { open = {}, closed = {} } = events[counted.events]!;
      for (const bytes of [...Object.values(open), ...Object.values(closed)]) counted.bytes += bytes.length;
    }
    let bytes = counted.bytes + this.log.remarked;
    for (const { length } of this.schemes.saved.values()) bytes += length;
    const most = BYTES_MAX + IMAGE_COPIES * this.setup.image.length;
    if (counted.events <= EVENTS_MAX && bytes <= most) return;
    throw new HttpProblem(409, {
      error: 'the session is full',
      expected: `at most ${EVENTS_MAX} events, and ${most} bytes`,
      got: `${counted.events} events, and ${bytes} bytes`,
      try: `DELETE /api/sessions/${this.id}, and start another one`,
    });
  }
}
