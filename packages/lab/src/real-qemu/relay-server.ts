import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { closeRelay, fromClient, fromReal, isBusy, openRelay, type ToSend } from '@sevlab/vmm-sim/qmp/relay';
import { type Client, ClientQueue, type Service } from '../vmm/client-queue.ts';
import type { RealMachine } from './real-machine.ts';

/** A place where QMP clients come: what concerns SEV the emulated machine answers, the rest a real QEMU. */
export class RelayServer implements Service {
  readonly queue: ClientQueue;
  readonly #machine: QemuMachine;
  readonly #real: RealMachine;
  readonly #onAnswer: () => void;
  #leave: (() => void) | undefined;

  /** `onAnswer` is called whenever a client was answered. */
  constructor(machine: QemuMachine, real: RealMachine, endpoint: Endpoint, onAnswer: () => void) {
    this.#machine = machine;
    this.#real = real;
    this.#onAnswer = onAnswer;
    this.queue = new ClientQueue(endpoint, this);
  }

  /** The real QEMU does. */
  tellEvents(): void {}

  serve(client: Client): void {
    const machine = this.#machine;
    const relay = openRelay(machine);
    const real = this.#real.connect();
    let finished = false;
    const endWhenAnswered = (): void => {
      if (finished && relay.waiting.length + relay.unanswered.length === 0) client.end();
    };
    const send = ({ real: toReal, client: toClient }: ToSend): void => {
      if (toReal.length > 0 && real.writable) real.write(toReal);
      if (toClient.length > 0 && client.writable && !client.write(toClient)) real.pause();
      if (isBusy(relay)) client.pause();
      else client.resume();
      endWhenAnswered();
      this.#onAnswer();
    };
    client.on('data', (bytes: Uint8Array) => {
      if (machine.state.exit === undefined) send(fromClient(machine, relay, bytes)); // else nobody is answered any more
    });
    client.on('drain', () => real.resume());
    client.on('end', () => {
      finished = true;
      endWhenAnswered();
    });
    real.on('data', (bytes) => send(fromReal(machine, relay, bytes)));
    real.on('error', () => real.destroy()); // it is gone; 'close' follows
    real.on('close', () => client.end());
    this.#leave = () => {
      real.destroy();
      closeRelay(machine, relay);
    };
  }

  left(): void {
    this.#leave?.();
    this.#leave = undefined;
  }
}
