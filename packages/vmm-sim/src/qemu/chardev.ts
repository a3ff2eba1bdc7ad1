import { fillForm } from '@sevlab/codec/message-form';
import { OPTION_MESSAGES } from './option-messages.ts';
import {
  type OptionValues,
  parseNumber,
  parseOption,
  parseSwitch,
  splitAtCommas,
  UsageError,
  ValueError,
} from './option-text.ts';

/** Where something listens or is written to. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'fd'; readonly fd: number }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdio' }
  | { readonly kind: 'null' };

export interface Chardev {
  readonly label: string;
  readonly endpoint: Endpoint;
  /** What QEMU calls it, as far as it was given. */
  readonly filename: string;
}

const DRIVERS = [
  ...['null', 'socket', 'udp', 'ringbuf', 'memory', 'file', 'pipe', 'pty', 'stdio', 'vc', 'parallel', 'tty'],
  ...[
    'serial',
    'spicevmc',
    'spiceport',
    'braille',
    'msmouse',
    'testdev',
    'wctablet',
    'mux',
    'console',
    'none',
  ],
  ...['tcp', 'telnet', 'tn3270', 'websocket', 'unix', 'mon', 'chardev', 'qemu-vdagent', 'dbus', 'con'],
];

/** The short form starts with a driver's name. `more` is a second line, the program's name left out. Throws ValueError. */
export function expectDriver(text: string, more: (name: string) => string): void {
  const [name = ''] = text.split(/[:,]/);
  if (!DRIVERS.includes(name) && !name.startsWith('/dev/'))
    throw new ValueError(
      `${fillForm(OPTION_MESSAGES['no driver'], { text })}\nqemu-system-x86_64: ${more(text)}`,
    );
}

/**
 * `unix:PATH,server=on`, `tcp:HOST:PORT,server=on`, `stdio`, `mon:stdio`, `file:PATH`, `null`. NOT MODELLED: `wait=on`;
 * the monitor for people that `mon:` adds. Throws UsageError.
 */
export function shortChardev(label: string, text: string): Chardev {
  const [target = '', ...rest] = splitAtCommas(text);
  const values = parseOption(rest.join(','));
  const server = values.has('server') && parseSwitch('server', values.get('server')!);
  const [, kind, where = ''] = /^([a-z]+):?(.*)$/s.exec(target.replace(/^mon:/, '')) ?? [];
  const endpoint = endpointOf(kind, where);
  if (endpoint === undefined)
    throw kind === 'tcp' || kind === 'telnet'
      ? new ValueError(fillForm(OPTION_MESSAGES['bad chardev'], { text }))
      : new UsageError(`${text}: expected unix:PATH, tcp:HOST:PORT, stdio, file:PATH or null`);
  if ((endpoint.kind === 'unix' || endpoint.kind === 'tcp') && !server)
    throw new UsageError(`${text}: expected ,server=on behind it: this VMM connects to nobody`);
  const shown = server ? `${target},server=on` : target;
  return { label, endpoint, filename: endpoint.kind === 'tcp' ? `disconnected:${shown}` : shown };
}

function endpointOf(kind: string | undefined, where: string): Endpoint | undefined {
  if (kind === 'unix') return { kind, path: where };
  if (kind === 'file') return { kind, path: where };
  if (kind === 'stdio' || kind === 'null') return { kind };
  if (kind !== 'tcp' && kind !== 'telnet') return undefined;
  const [, host = '', port] = /^(.*):(\d+)$/.exec(where) ?? [];
  return port === undefined
    ? undefined
    : { kind: 'tcp', host: host === '' ? '127.0.0.1' : host, port: Number(port) };
}

/** `socket,id=ID,path=PATH,server=on`, with fd=N as libvirt has it. Throws UsageError. */
export function longChardev(values: OptionValues): Chardev {
  const label = values.get('id');
  if (label === undefined) throw new ValueError(OPTION_MESSAGES['no chardev id']);
  if (!values.has('backend')) throw new ValueError(fillForm(OPTION_MESSAGES['no backend'], { id: label }));
  const [backend = '', path, fd] = ['backend', 'path', 'fd'].map((key) => values.get(key));
  if (!DRIVERS.includes(backend))
    throw new ValueError(`${fillForm(OPTION_MESSAGES['no driver'], { text: backend })} name`);
  const endpoint = backend === 'socket' ? socketOf(values, { path, fd }) : endpointOf(backend, path ?? '');
  if (endpoint === undefined) return { label, endpoint: { kind: 'null' }, filename: backend };
  if (endpoint.kind === 'unix' && values.get('server') !== 'on')
    throw new UsageError(`-chardev ${label}: expected server=on: this VMM connects to nobody`);
  const filename = endpoint.kind === 'unix' ? `unix:${endpoint.path},server=on` : endpoint.kind;
  return { label, endpoint, filename };
}

function socketOf(
  values: OptionValues,
  { path, fd }: { readonly path: string | undefined; readonly fd: string | undefined },
): Endpoint | undefined {
  if (fd !== undefined) return { kind: 'fd', fd: parseNumber('fd', fd) };
  if (path !== undefined) return { kind: 'unix', path };
  return endpointOf('tcp', `${values.get('host') ?? ''}:${values.get('port') ?? ''}`);
}
