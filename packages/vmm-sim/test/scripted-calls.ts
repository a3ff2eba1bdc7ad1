import { createHash } from 'node:crypto';
import type { Gpa } from '@sevlab/codec/address';
import { concat, fromHex, toHex } from '@sevlab/codec/bytes';
import {
  ERRNO,
  type KvmAnswer,
  type KvmBlob,
  type LaunchSecret,
  type LaunchStart,
  type SevCalls,
} from '../src/kvm/sev-calls.ts';

/** A call as it was recorded below QEMU. */
export interface RecordedCall {
  readonly op: string;
  readonly [field: string]: unknown;
}

const DONE: KvmAnswer = { ret: 0, fwError: 0 };
const INVALID_LENGTH = 4;
const INVALID_ADDRESS = 9;
const BAD_MEASUREMENT = 11;
const KVM_BLOB_MAX = 16_384;

/** KVM and /dev/sev as they answered in a recorded conversation. What it is asked must be what was asked there. */
export class ScriptedCalls implements SevCalls {
  readonly available: boolean;
  readonly cbitpos = 0;
  readonly #recorded: RecordedCall[];
  readonly #memory: {
    read(address: Gpa, length: number): Uint8Array;
    write(address: Gpa, bytes: Uint8Array): void;
  };
  readonly #certificates: {
    readonly pdh: Uint8Array;
    readonly certChain: Uint8Array;
    readonly id: Uint8Array;
  };
  readonly #vcpus: number;

  constructor(
    recorded: readonly RecordedCall[],
    surroundings: {
      readonly available: boolean;
      readonly memory: {
        read(address: Gpa, length: number): Uint8Array;
        write(address: Gpa, bytes: Uint8Array): void;
      };
      readonly certificates: {
        readonly pdh: Uint8Array;
        readonly certChain: Uint8Array;
        readonly id: Uint8Array;
      };
      readonly vcpus: number;
    },
  ) {
    this.#recorded = recorded.filter(({ op }) => op !== 'REG_REGION');
    this.available = surroundings.available;
    this.#memory = surroundings.memory;
    this.#certificates = surroundings.certificates;
    this.#vcpus = surroundings.vcpus;
  }

  /** Calls that QEMU made and nobody has made here. */
  get missing(): readonly RecordedCall[] {
    return this.#recorded;
  }

  platformStatus() {
    return { ...this.#answer('SEV_ISSUE_CMD', { cmd: 1 }), apiMajor: 1, apiMinor: 55, build: 21 };
  }

  pdhCertExport() {
    const answer = this.#answer('SEV_ISSUE_CMD', { cmd: 5 });
    if (answer.ret === 0) this.#answer('SEV_ISSUE_CMD', { cmd: 5 }); // the first time for the lengths
    return { ...answer, pdh: this.#certificates.pdh, certChain: this.#certificates.certChain };
  }

  getId() {
    this.#answer('SEV_ISSUE_CMD', { cmd: 8 });
    return { ...this.#answer('SEV_ISSUE_CMD', { cmd: 8 }), id: this.#certificates.id };
  }

  init(es: boolean) {
    return this.#answer(es ? 'KVM_SEV_ES_INIT' : 'KVM_SEV_INIT');
  }

  launchStart({ policy, handle, dhCert, session }: LaunchStart) {
    const lengths = { dh_len: dhCert?.length ?? 0, session_len: session?.length ?? 0 };
    return { ...this.#answer('LAUNCH_START', { policy, handle_in: handle, ...lengths }), handle: 1 };
  }

  launchUpdateData(gpa: Gpa, length: number) {
    const sha256 = this.#recorded[0]?.sha256;
    const measured = createHash('sha256').update(this.#memory.read(gpa, length)).digest('hex');
    // the kernel of the recording is not known, so neither are its hashes
    return this.#answer('LAUNCH_UPDATE_DATA', { len: length, sha256: length === 176 ? sha256 : measured });
  }

  launchUpdateVmsa() {
    return this.#answer('LAUNCH_UPDATE_VMSA', { pages: this.#vcpus });
  }

  launchMeasure(room: number): KvmBlob {
    const answer = this.#answer('LAUNCH_MEASURE', { len_in: room });
    if (room === 0) return { ret: -ERRNO.EIO, fwError: INVALID_LENGTH, length: 48, bytes: new Uint8Array() };
    const result = this.#recorded.shift();
    return {
      ...answer,
      length: 48,
      bytes: concat(fromHex(String(result?.measure)), fromHex(String(result?.mnonce))),
    };
  }

  launchSecret({ header, gpa, secret }: LaunchSecret): KvmAnswer {
    const [hdr, trans, low] = [header.length, secret.length, Number(gpa & 0xfffn)];
    const answer = this.#answer('LAUNCH_SECRET', {
      hdr_len: hdr,
      guest_len: trans,
      trans_len: trans,
      guest_uaddr_low12: low,
    });
    if (answer.ret !== 0 || answer.fwError !== 0) return answer;
    if (this.#recorded[0]?.op === 'LAUNCH_SECRET done') {
      this.#memory.write(gpa, fromHex(String(this.#recorded.shift()?.plain)));
      return DONE;
    }
    if (hdr > KVM_BLOB_MAX || trans > KVM_BLOB_MAX) return { ret: -ERRNO.EINVAL, fwError: 0 };
    if (low % 16 !== 0) return { ret: -ERRNO.EIO, fwError: INVALID_ADDRESS };
    return { ret: -ERRNO.EIO, fwError: hdr !== 52 || trans % 16 !== 0 ? INVALID_LENGTH : BAD_MEASUREMENT };
  }

  launchFinish() {
    return this.#answer('LAUNCH_FINISH');
  }

  attestationReport(mnonce: Uint8Array, room: number): KvmBlob {
    const answer = this.#answer('ATTESTATION', { len_in: room, mnonce: toHex(mnonce) });
    const report = new Uint8Array(208);
    report.set(mnonce);
    report.set(fromHex('858c21f199d737b66a423938a7fb8f292be56e76e002e7fcb3c93c7f3cba214b'), 16); // of amdsev.fd
    report.set(fromHex('010000000210000002000000'), 48);
    return room === 0
      ? { ret: -ERRNO.EIO, fwError: INVALID_LENGTH, length: 208, bytes: new Uint8Array() }
      : { ...answer, length: 208, bytes: report };
  }

  /** What was recorded for this call, if it is the next one. A forced failure stands behind the call, or for it. */
  #answer(op: string, fields: Readonly<Record<string, unknown>> = {}): KvmAnswer {
    const told = { op, ...fields };
    const next = this.#recorded[0];
    const isForced = next?.forced !== undefined && op.endsWith(next.op);
    if (!isForced) {
      this.#recorded.shift();
      for (const [name, value] of Object.entries(told)) {
        if (next?.[name] !== value)
          throw new Error(`QEMU called ${JSON.stringify(next)}; expected ${JSON.stringify(told)} to be that`);
      }
    }
    const forced = this.#recorded[0]?.forced;
    if (!Array.isArray(forced) || !(isForced || op.endsWith(this.#recorded[0]!.op) || op === 'SEV_ISSUE_CMD'))
      return DONE;
    this.#recorded.shift();
    return { ret: -Number(forced[0]), fwError: Number(forced[1]) };
  }
}
