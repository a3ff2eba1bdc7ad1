import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { optionalProgram } from './optional-program.ts';

const INSTALL =
  'apt-get install --no-install-recommends libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients ' +
  'libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml';

/** Nobody is confined, nothing is changed outside: the namespace of mounts is all the privacy there is. */
const QEMU_CONF = `
security_driver = "none"
user = "root"
group = "root"
namespaces = [ ]
cgroup_controllers = [ ]
stdio_handler = "file"
remember_owner = 0
dynamic_ownership = 0
`;

/** What libvirtd writes to, over which folders of its own are mounted. */
const MOUNTS = [
  ['etc', '/etc/libvirt'],
  ['run', '/run'],
  ['lib', '/var/lib/libvirt'],
  ['cache', '/var/cache/libvirt'],
  ['log', '/var/log'],
] as const;

/** Debian's packages of the daemon leave it to another package to make the user whom libvirtd asks for. */
const USER = 'libvirt-qemu:x:64055:64055::/:/bin/false\n';
const GROUPS = 'kvm:x:64054:\nlibvirt-qemu:x:64055:\n';

/** What a program printed and ended with. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** A libvirtd that nobody else sees, with its clients. */
export class PrivateLibvirt {
  readonly #daemon: ChildProcess;
  readonly #pid: number;

  private constructor(daemon: ChildProcess, pid: number) {
    this.#daemon = daemon;
    this.#pid = pid;
  }

  /** In a folder of its own. Returns why it does not run where it does not. */
  static async start(folder: string): Promise<PrivateLibvirt | string> {
    const own = (name: string): string => join(folder, name);
    for (const [name] of MOUNTS) mkdirSync(own(name), { recursive: true });
    writeFileSync(join(own('etc'), 'qemu.conf'), QEMU_CONF);
    writeFileSync(join(own('etc'), 'libvirtd.conf'), 'auth_unix_rw = "none"\n');
    const withLines = (file: string, lines: string): string => {
      const text = readFileSync(file, 'utf8');
      return text.includes('libvirt-qemu:') ? text : text + lines;
    };
    writeFileSync(own('passwd'), withLines('/etc/passwd', USER));
    writeFileSync(own('group'), withLines('/etc/group', GROUPS));
    const script = [
      'set -e',
      ...MOUNTS.flatMap(([name, path]) => [`mkdir -p ${path}`, `mount --bind "$1/${name}" ${path}`]),
      ...['passwd', 'group'].map((name) => `mount --bind "$1/${name}" /etc/${name}`),
      'mkdir -p /run/libvirt /var/log/libvirt/qemu',
      'exec libvirtd',
    ].join('\n');
    const words = ['--mount', 'sh', '-c', script, 'sh', folder];
    const daemon = spawn('unshare', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    daemon.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    for (let i = 0; i < 100 && daemon.exitCode === null; i++) {
      const libvirt = new PrivateLibvirt(daemon, daemon.pid!); // it has started, so it has one
      if (libvirt.run('virsh', 'version').status === 0) return libvirt;
      await sleep(100);
    }
    daemon.kill('SIGKILL');
    return stderr.trim() || 'libvirtd does not answer';
  }

  /** Runs a program where libvirtd runs. */
  run(program: string, ...words: readonly string[]): Outcome {
    const { stdout, stderr, status } = spawnSync(...this.#within(program, words), {
      encoding: 'utf8',
      timeout: 60_000,
      env: { PATH: process.env.PATH, HOME: '/root', LC_ALL: 'C' },
    });
    return { stdout, stderr, status };
  }

  virsh(...words: readonly string[]): Outcome {
    return this.run('virsh', ...words);
  }

  /** One of Debian's programs in Python, run by Debian's Python. */
  python(program: string, ...words: readonly string[]): Outcome {
    return this.run('/usr/bin/python3', `/usr/bin/${program}`, ...words);
  }

  /** Starts such a program, which goes on. */
  startPython(program: string, ...words: readonly string[]): ChildProcess {
    return spawn(...this.#within('/usr/bin/python3', [`/usr/bin/${program}`, ...words]), { stdio: 'ignore' });
  }

  /** Ends it with all its domains. */
  async stop(): Promise<void> {
    for (const name of this.virsh('list', '--name').stdout.split('\n')) if (name) this.virsh('destroy', name);
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve));
    this.#daemon.kill('SIGTERM');
    await ended;
  }

  #within(program: string, words: readonly string[]): [string, string[]] {
    return ['nsenter', ['--mount', `--target=${this.#pid}`, program, ...words]];
  }
}

/** Whether libvirt and its clients are installed. Where they are not, their tests are skipped, and that is said. */
export const libvirtIsThere: boolean = [
  'libvirtd',
  'virsh',
  'virt-qemu-sev-validate',
  'virt-qemu-qmp-proxy',
].every((name) => optionalProgram(name, INSTALL));
