import { readForm } from '@sevlab/codec/message-form';
import { COMPRESSED, PacketHeader } from '@sevlab/codec/sev/packet';
import { type SevStatus, statusCode } from '@sevlab/codec/sev/status';
import { ERRNO, type KvmAnswer, type KvmBlob, type LaunchSecret, type SevCalls } from '../kvm/sev-calls.ts';
import { SEV_MESSAGES } from '../qemu/sev-messages.ts';
import type { LearntLaunch } from './learnt-launch.ts';

/** Whether a packet's MAC fits, for somebody who has the keys of the guest owner. */
export type PacketJudge = (packet: Pick<LaunchSecret, 'header' | 'secret'>) => boolean;

const DONE: KvmAnswer = { ret: 0, fwError: 0 };
const BLOB_MAX = 0x4000;
const refused = (status: SevStatus): KvmAnswer => ({ ret: -ERRNO.EIO, fwError: statusCode(status) });

/**
 * KVM and /dev/sev as a log tells of them. What follows from a packet alone is answered as the AMD-SP answers it
 * (55766, LAUNCH_SECRET); what only that host could know is taken from the log: `upcoming` is the error that comes next
 * there.
 */
export class LearntCalls implements SevCalls {
  readonly available: boolean;
  readonly cbitpos: number;
  readonly #learnt: LearntLaunch;
  readonly #upcoming: () => string | undefined;
  readonly #fits: PacketJudge | undefined;

  constructor(learnt: LearntLaunch, upcoming: () => string | undefined, fits: PacketJudge | undefined) {
    this.available = learnt.kvmHasSev;
    this.cbitpos = learnt.cbitpos;
    this.#learnt = learnt;
    this.#upcoming = upcoming;
    this.#fits = fits;
  }

  platformStatus() {
    const { apiMajor, apiMinor, build } = this.#learnt;
    return { ...DONE, apiMajor, apiMinor, build };
  }

  pdhCertExport() {
    return { ...this.#toldBy('no PDH'), pdh: this.#learnt.pdh, certChain: this.#learnt.certChain };
  }

  getId() {
    return { ...this.#toldBy('no ID'), id: this.#learnt.cpuId };
  }

  init = () => DONE;
  launchUpdateData = () => DONE;
  launchUpdateVmsa = () => DONE;
  launchFinish = () => DONE;

  launchStart() {
    return { ...DONE, handle: this.#learnt.handle };
  }

  launchMeasure(room: number): KvmBlob {
    const { measurement, isMeasured } = this.#learnt;
    if (!isMeasured) return { ret: -ERRNO.EIO, fwError: 0, length: 0, bytes: new Uint8Array() };
    return blobOf(measurement ?? new Uint8Array(48), room);
  }

  launchSecret({ header, gpa, secret }: LaunchSecret): KvmAnswer {
    if (header.length > BLOB_MAX || secret.length > BLOB_MAX) return { ret: -ERRNO.EINVAL, fwError: 0 };
    if ((gpa & 0xfn) !== 0n) return refused('INVALID_ADDRESS');
    if (header.length !== PacketHeader.size || secret.length % 16 !== 0) return refused('INVALID_LENGTH');
    const told = this.#toldBy('inject refused');
    if (told.ret !== 0) return told;
    if (this.#fits?.({ header, secret }) === false) return refused('BAD_MEASUREMENT');
    return (PacketHeader.decode(header).flags & COMPRESSED) === 0 ? DONE : refused('UNSUPPORTED');
  }

  attestationReport(_mnonce: Uint8Array, room: number): KvmBlob {
    const told = this.#toldBy(room === 0 ? 'no report length' : 'no report');
    if (told.ret !== 0) return { ...told, length: 0, bytes: new Uint8Array() };
    return blobOf(this.#learnt.report, room);
  }

  /** The answer behind QEMU's message, if that is what comes next in the log. */
  #toldBy(message: 'inject refused' | 'no PDH' | 'no ID' | 'no report' | 'no report length'): KvmAnswer {
    const places = readForm(SEV_MESSAGES[message], this.#upcoming() ?? '');
    return places === undefined ? DONE : { ret: Number(places.ret), fwError: Number(places.status) };
  }
}

/** Asked with no room for its length, then for itself. */
const blobOf = (bytes: Uint8Array, room: number): KvmBlob =>
  room === 0
    ? { ...refused('INVALID_LENGTH'), length: bytes.length, bytes: new Uint8Array() }
    : { ...DONE, length: bytes.length, bytes };
