import type { Socket } from 'node:net';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { openSession, receive } from '@sevlab/vmm-sim/qmp/monitor';

/** Answers a client as the emulated QEMU does, until one of them has enough; `onExit` is called when that was QEMU. */
export function serveQmp(machine: QemuMachine, client: Socket, onExit: () => void): void {
  const { session, greeting } = openSession(machine);
  send(client, greeting);
  client.on('data', (bytes) => {
    send(client, receive(machine, session, bytes));
    if (machine.state.exit !== undefined) onExit();
  });
  client.on('drain', () => client.resume());
  client.on('end', () => client.end());
}

/** Whoever does not read is not read from. */
function send(socket: Socket, text: string): void {
  if (text !== '' && socket.writable && !socket.write(text, 'latin1')) socket.pause();
}
