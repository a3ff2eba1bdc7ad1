import { type Gpa, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  AttestationBuffer,
  type CommandName,
  GetIdBuffer,
  HandleBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PlatformStatusBuffer,
} from '@sevlab/codec/sev/command';
import { type SevStatus, statusCode } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import { PARTS } from '@sevlab/machine/part';
import { issue, place, reserve } from '../command-buffer.ts';
import type { VmmState } from '../vmm.ts';
import { asidRange, flushAsids, releaseAsid, takeAsid } from './asids.ts';
import {
  ERRNO,
  type KvmAnswer,
  type KvmBlob,
  type LaunchSecret,
  type LaunchStart,
  type SevCalls,
} from './sev-calls.ts';

/** A blob of user space that KVM passes on has at most so many bytes (SEV_FW_BLOB_MAX_SIZE). */
const BLOB_MAX = 0x4000;
const ID_SIZE = 64;

/** What KVM keeps of a guest; plain data. */
export interface KvmGuestState {
  /** The guest's number on the machine. */
  readonly guest: number;
  /** The initial VMSAs, boot CPU first; only SEV-ES has any. */
  readonly vmsas: readonly Uint8Array[];
  /** After KVM_SEV_INIT: the guest's own, and whether its registers are encrypted. */
  asid: number | undefined;
  es: boolean;
  handle: number;
  /** SEV-ES: where the boot CPU's VMSA lies. */
  vmsa: Spa | undefined;
}

export const createKvmGuest = (guest: number, vmsas: readonly Uint8Array[]): KvmGuestState => ({
  ...{ guest, vmsas, asid: undefined, es: false, handle: 0, vmsa: undefined },
});

const DONE: KvmAnswer = { ret: 0, fwError: 0 };
const refused = (errno: keyof typeof ERRNO): KvmAnswer => ({ ret: -ERRNO[errno], fwError: 0 });
const answered = (command: CommandName, status: SevStatus): KvmAnswer =>
  status === 'SUCCESS' ? DONE : { ret: -ERRNO.EIO, fwError: statusCode(status), command };

/**
 * KVM's SEV calls for one guest, with its own checks in front of the AMD-SP's (Linux 6.12, arch/x86/kvm/svm/sev.c), and
 * those of /dev/sev that QEMU makes (drivers/crypto/ccp/sev-dev.c).
 */
export class KvmGuest implements SevCalls {
  readonly available = true;
  readonly state: KvmGuestState;
  readonly #host: Host;
  readonly #vmm: VmmState;

  constructor(vmm: VmmState, host: Host, state: KvmGuestState) {
    this.#vmm = vmm;
    this.#host = host;
    this.state = state;
  }

  get cbitpos(): number {
    return PARTS[this.#vmm.part].cBit;
  }

  platformStatus(): ReturnType<SevCalls['platformStatus']> {
    return this.#call('SEV_PLATFORM_STATUS', () => {
      const empty = { apiMajor: 0, apiMinor: 0, state: 0, owner: 0, config: 0, build: 0, guestCount: 0 };
      const { answer, value } = this.#issue('PLATFORM_STATUS', PlatformStatusBuffer, empty);
      return { ...answer, apiMajor: value.apiMajor, apiMinor: value.apiMinor, build: value.build };
    });
  }

  pdhCertExport(): ReturnType<SevCalls['pdhCertExport']> {
    return this.#call('SEV_PDH_CERT_EXPORT', () => {
      const { size } = SevCertificate;
      const pdhPaddr = this.#reserve(size);
      const certsPaddr = this.#reserve(CERT_CHAIN_SIZE);
      const buffer = { pdhPaddr, pdhLen: size, certsPaddr, certsLen: CERT_CHAIN_SIZE };
      const { answer } = this.#issue('PDH_CERT_EXPORT', PdhCertExportBuffer, buffer);
      const { memory } = this.#host;
      return {
        ...answer,
        pdh: memory.read(pdhPaddr, size),
        certChain: memory.read(certsPaddr, CERT_CHAIN_SIZE),
      };
    });
  }

  getId(): ReturnType<SevCalls['getId']> {
    return this.#call('SEV_GET_ID2', () => {
      const idPaddr = this.#reserve(ID_SIZE);
      const { answer } = this.#issue('GET_ID', GetIdBuffer, { idPaddr, idLen: ID_SIZE });
      return { ...answer, id: this.#host.memory.read(idPaddr, ID_SIZE) };
    });
  }

  init(es: boolean): KvmAnswer {
    return this.#call(es ? 'KVM_SEV_ES_INIT' : 'KVM_SEV_INIT', () => {
      if (this.state.asid !== undefined) return refused('EINVAL');
      const { asids, part } = this.#vmm;
      const flush = (): boolean => flushAsids(this.#host) === 'SUCCESS';
      const asid = takeAsid(asids, this.state.guest, asidRange(part, es), flush);
      if (asid === undefined) return refused('EBUSY');
      this.state.es = es;
      this.state.asid = asid;
      return DONE;
    });
  }

  /** LAUNCH_START, then ACTIVATE; where that fails, DECOMMISSION. */
  launchStart({ handle, policy, dhCert, session }: LaunchStart): ReturnType<SevCalls['launchStart']> {
    return this.#call('KVM_SEV_LAUNCH_START', () => {
      const { asid } = this.state;
      if (asid === undefined) return { ...refused('ENOTTY'), handle };
      if (isTooLong(dhCert) || isTooLong(session)) return { ...refused('EINVAL'), handle };
      const start = this.#issue('LAUNCH_START', LaunchStartBuffer, {
        ...{ handle, policy },
        ...{ dhCertPaddr: this.#place(dhCert), dhCertLen: dhCert?.length ?? 0 },
        ...{ sessionPaddr: this.#place(session), sessionLen: session?.length ?? 0 },
      });
      if (start.answer.ret !== 0) return { ...start.answer, handle };
      const activate = this.#issue('ACTIVATE', ActivateBuffer, { handle: start.value.handle, asid });
      if (activate.answer.ret === 0) this.state.handle = start.value.handle;
      else this.#issue('DECOMMISSION', HandleBuffer, { handle: start.value.handle });
      return { ...activate.answer, handle: start.value.handle };
    });
  }

  /** One command for each contiguous piece; the digest does not see them. */
  launchUpdateData(gpa: Gpa, length: number): KvmAnswer {
    return this.#call('KVM_SEV_LAUNCH_UPDATE_DATA', () => {
      if (length === 0) return refused('EINVAL');
      const pieces = this.#host.locate(this.state.guest, gpa, length);
      for (const { spa: paddr, length: pieceLength } of pieces) {
        if (paddr === undefined) return refused('ENOMEM');
        const buffer = { handle: this.state.handle, paddr, length: pieceLength };
        const { answer } = this.#issue('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, buffer);
        if (answer.ret !== 0) return answer;
      }
      return DONE;
    });
  }

  launchUpdateVmsa(): KvmAnswer {
    return this.#call('KVM_SEV_LAUNCH_UPDATE_VMSA', () => {
      if (!this.state.es) return refused('ENOTTY');
      for (const vmsa of this.state.vmsas) {
        const paddr = reserve(this.#vmm.buffers, vmsa.length, vmsa.length);
        this.#host.memory.write(paddr, vmsa);
        const buffer = { handle: this.state.handle, paddr, length: vmsa.length };
        const { answer } = this.#issue('LAUNCH_UPDATE_VMSA', LaunchUpdateBuffer, buffer);
        if (answer.ret !== 0) return answer;
        this.state.vmsa ??= paddr;
      }
      return DONE;
    });
  }

  launchMeasure(room: number): KvmBlob {
    return this.#call('KVM_SEV_LAUNCH_MEASURE', () => {
      return this.#blob(room, (measurePaddr) => {
        const buffer = { handle: this.state.handle, measurePaddr, measureLen: room };
        const { answer, value } = this.#issue('LAUNCH_MEASURE', LaunchMeasureBuffer, buffer);
        return { answer, length: value.measureLen };
      });
    });
  }

  /** The guest's range must be contiguous in host memory; nothing here looks at alignment or the header's length. */
  launchSecret({ header, gpa, secret }: LaunchSecret): KvmAnswer {
    return this.#call('KVM_SEV_LAUNCH_SECRET', () => {
      if (secret.length === 0) return refused('EINVAL');
      const [first, ...more] = this.#host.locate(this.state.guest, gpa, secret.length);
      if (first?.spa === undefined) return refused('ENOMEM');
      if (more.length > 0) return refused('EINVAL');
      if (isTooLong(secret) || header.length === 0 || isTooLong(header)) return refused('EINVAL');
      return this.#issue('LAUNCH_SECRET', LaunchSecretBuffer, {
        handle: this.state.handle,
        ...{ hdrPaddr: this.#place(header), hdrLen: header.length },
        ...{ guestPaddr: first.spa, guestLen: secret.length },
        ...{ transPaddr: this.#place(secret), transLen: secret.length },
      }).answer;
    });
  }

  launchFinish(): KvmAnswer {
    return this.#call('KVM_SEV_LAUNCH_FINISH', () => {
      return this.#issue('LAUNCH_FINISH', HandleBuffer, { handle: this.state.handle }).answer;
    });
  }

  attestationReport(mnonce: Uint8Array, room: number): KvmBlob {
    return this.#call('KVM_SEV_GET_ATTESTATION_REPORT', () => {
      return this.#blob(room, (paddr) => {
        const buffer = { handle: this.state.handle, paddr, mnonce, length: room };
        const { answer, value } = this.#issue('ATTESTATION', AttestationBuffer, buffer);
        return { answer, length: value.length };
      });
    });
  }

  /**
   * The last descriptor of the guest is closed: DEACTIVATE and DECOMMISSION, whatever is answered, and its ASID may be
   * given out again after a flush (sev_vm_destroy). Comes to the first refusal. A guest that is gone stays so.
   */
  destroy(): KvmAnswer {
    const { guest, asid, handle } = this.state;
    if (asid !== undefined) releaseAsid(this.#vmm.asids, guest, asid);
    if (handle === 0) return DONE;
    const { answer: deactivated } = this.#issue('DEACTIVATE', HandleBuffer, { handle });
    const { answer: decommissioned } = this.#issue('DECOMMISSION', HandleBuffer, { handle });
    this.state.handle = 0;
    return deactivated.ret === 0 ? decommissioned : deactivated;
  }

  /** Tells the trace of a call when it has come back. */
  #call<A extends KvmAnswer>(call: string, make: () => A): A {
    const answer = make();
    const { ret, fwError } = answer;
    this.#host.observe(() => ({ type: 'kvm', call, ret, fwError }));
    return answer;
  }

  /** A blob that the AMD-SP writes; it tells its length where there is too little room. */
  #blob(room: number, ask: (paddr: Spa) => { readonly answer: KvmAnswer; readonly length: number }): KvmBlob {
    if (room > BLOB_MAX) return { ...refused('EINVAL'), length: room, bytes: new Uint8Array() };
    const paddr = this.#reserve(Math.max(room, 1));
    const { answer, length } = ask(room === 0 ? spa(0n) : paddr);
    const bytes = answer.ret === 0 ? this.#host.memory.read(paddr, length) : new Uint8Array();
    return { ...answer, length, bytes };
  }

  #issue<T>(
    name: CommandName,
    layout: Struct<T>,
    value: T,
  ): { readonly answer: KvmAnswer; readonly value: T } {
    const { status, value: after } = issue(this.#host, this.#vmm.buffers, name, layout, value);
    return { answer: answered(name, status), value: after };
  }

  #reserve(length: number): Spa {
    return reserve(this.#vmm.buffers, length);
  }

  /** Address 0 for what is not there. */
  #place(bytes: Uint8Array | undefined): Spa {
    return bytes === undefined ? spa(0n) : place(this.#host, this.#vmm.buffers, bytes);
  }
}

const isTooLong = (blob: Uint8Array | undefined): boolean => blob !== undefined && blob.length > BLOB_MAX;
