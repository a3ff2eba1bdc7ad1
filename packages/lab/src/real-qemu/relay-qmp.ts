import type { Socket } from 'node:net';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { fromClient, fromReal, isBusy, openRelay, type ToSend } from '@sevlab/vmm-sim/qmp/relay';

/**
 * Stands between a client and a real QEMU: what concerns SEV the emulated machine answers, the rest goes on. `onExit` is
 * called when the emulated QEMU has come to its end.
 */
export function relayQmp(machine: QemuMachine, client: Socket, real: Socket, onExit: () => void): void {
  const relay = openRelay(machine);
  let finished = false;
  const send = ({ real: toReal, client: toClient }: ToSend): void => {
    if (toReal.length > 0 && real.writable) real.write(toReal);
    if (toClient.length > 0 && client.writable && !client.write(toClient)) real.pause();
    if (isBusy(relay)) client.pause();
    else client.resume();
    if (finished && relay.waiting.length + relay.unanswered.length === 0) client.end();
    if (machine.state.exit !== undefined) onExit();
  };
  client.on('data', (bytes) => send(fromClient(machine, relay, bytes)));
  client.on('drain', () => real.resume());
  client.on('end', () => {
    finished = true;
    if (relay.waiting.length + relay.unanswered.length === 0) client.end();
  });
  client.on('close', () => real.destroy());
  real.on('data', (bytes) => send(fromReal(machine, relay, bytes)));
  real.on('error', () => real.destroy()); // it is gone; 'close' follows
  real.on('close', () => client.end());
}
