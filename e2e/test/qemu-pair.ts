import { seededEntropy } from '@sevlab/ambient/entropy';
import { startFreshPlatform } from '@sevlab/lab/emulated-platform';
import { FILES, VmmProcess } from '@sevlab/lab/vmm/vmm-process';
import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { type MonitorSession, openSession, receive } from '@sevlab/vmm-sim/qmp/monitor';
import { RealQemu } from './real-qemu.ts';

/** Ends whatever a client has begun, in QEMU and here: no token goes on with 0xff. */
const BREAK = '\n\xff\n';
/** Behind each message: its answer says where the answers of the message end. */
const mark = (i: number): string => `${BREAK}{"id": "mark ${i}"}`;
const answerTo = (i: number): string =>
  '{"error": {"class": "GenericError", "desc": "JSON parse error, stray \'\\uFFFD\'"}}\r\n' +
  `{"id": "mark ${i}", "error": {"class": "GenericError", "desc": "QMP input lacks member 'execute'"}}\r\n`;

/** The real QEMU and the emulated one, started with the same arguments. */
export class QemuPair {
  readonly #real: RealQemu;
  readonly #machine: QemuMachine;
  readonly #session: MonitorSession;

  private constructor(real: RealQemu, machine: QemuMachine) {
    this.#real = real;
    this.#machine = machine;
    this.#session = openSession(machine).session;
  }

  /** Both have negotiated. */
  static async start(folder: string, arguments_: readonly string[]): Promise<QemuPair> {
    const { qemu: real, greeting, monitor } = await RealQemu.start(folder, arguments_);
    const { qemu, package: build } = JSON.parse(greeting).QMP.version;
    const release = { ...QEMU_RELEASES['7.2'], ...qemu };
    const options = readOptions(
      parseCommandLine([...arguments_, ...monitor]),
      { release, package: build },
      FILES,
    );
    const { machine } = new VmmProcess({
      platform: startFreshPlatform((actor) => seededEntropy('pair', actor), { es: false }),
      ...{ options, software: { linux: '6.1' }, monitors: [], lint: false, say: () => {} },
    });
    const pair = new QemuPair(real, machine);
    await pair.ask(['{"execute": "qmp_capabilities"}']);
    return pair;
  }

  /** What each says to each of the messages; a letter is a byte. What one did not answer, having ended, is undefined. */
  async ask(messages: readonly string[]): Promise<{
    readonly real: readonly (string | undefined)[];
    readonly ours: readonly (string | undefined)[];
  }> {
    const sent = messages.map((message, i) => message + mark(i)).join('');
    const last = answerTo(messages.length - 1);
    this.#real.write(sent);
    const real = await this.#real.heardUntil((text) => text.endsWith(last));
    const ours = this.#receive(Buffer.from(sent, 'latin1'));
    return { real: splitAnswers(real, messages.length), ours: splitAnswers(ours, messages.length) };
  }

  /** In pieces, since nobody knows in which ones a socket gives them; the real QEMU has its own. */
  #receive(bytes: Uint8Array): string {
    let answers = '';
    for (let [at, piece] = [0, 1]; at < bytes.length; at += piece, piece = (piece * 7 + 3) % 1021)
      answers += receive(this.#machine, this.#session, bytes.subarray(at, at + piece));
    return answers;
  }

  /** Whether one of them has ended. */
  get ended(): boolean {
    return this.#real.closed || this.#machine.state.exit !== undefined;
  }

  stop(): Promise<void> {
    return this.#real.stop();
  }
}

function splitAnswers(text: string, count: number): (string | undefined)[] {
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    if (at >= text.length) return undefined;
    const end = text.indexOf(answerTo(i), at);
    const answer = end === -1 ? text.slice(at) : text.slice(at, end);
    at = end === -1 ? text.length : end + answerTo(i).length;
    return answer;
  });
}
