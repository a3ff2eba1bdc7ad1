import { gpa } from '@sevlab/codec/address';
import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { issue, place } from '@sevlab/vmm-sim/command-buffer';
import { CommandFailed } from '@sevlab/vmm-sim/errors';
import { type GuestRecord, LaunchingGuest } from '@sevlab/vmm-sim/guest';
import { createKvmGuest, KvmGuest } from '@sevlab/vmm-sim/kvm/kvm-guest';
import { FOUR_GIB, ramRegions } from '@sevlab/vmm-sim/ram-regions';
import { expectDone, expectInit, type Vmm, writeGuest } from '@sevlab/vmm-sim/vmm';
import { initialVmsas, ONE_VCPU } from '@sevlab/vmm-sim/vmsas';
import type { Pipeline } from '../pipeline.ts';
import type { LaunchPlan } from './scenario.ts';
import type { Schemes } from './schemes.ts';
import { addressOf, ScenarioError } from './values.ts';

const PAGE = 4096;

/**
 * A launch by a VMM that keeps to the plan instead of the agreement. Throws CommandFailed, and ScenarioError for a plan
 * that cannot be.
 */
export function launchOtherwise(pipeline: Pipeline, plan: LaunchPlan, schemes: Schemes): LaunchingGuest {
  const { setup, actors, progress } = pipeline;
  if (setup.directBoot || setup.disk)
    throw new ScenarioError('attack launch: expected a scenario without kernel and disk');
  const { image = setup.image, policy = setup.policy } = schemes;
  const { vmm } = actors;
  const es = hasPolicy(policy, 'ES');
  const base = FOUR_GIB - BigInt(image.length);
  const guest = vmm.host.createGuest([
    ...ramRegions(setup.memorySize),
    { gpa: gpa(base), length: BigInt(image.length) },
  ]);
  const vmsas = es ? initialVmsas(image, setup.vcpus ?? ONE_VCPU) : [];
  const record: GuestRecord = {
    ...createKvmGuest(guest, vmsas),
    memorySize: setup.memorySize,
    image,
    table: readGuidedTable(image),
  };
  const kvm = new KvmGuest(vmm.state, vmm.host, record);
  expectInit(vmm.state.part, es, kvm.init(es));
  const { offer } = progress;
  const session =
    plan.session === 'none' || offer === undefined ? {} : { dhCert: offer.godh, session: offer.session };
  expectDone('LAUNCH_START', kvm.launchStart({ handle: 0, policy, ...session }));
  const whole = { image: 0, length: image.length, gpa: `0x${base.toString(16)}` };
  for (const piece of plan.update ?? [whole]) {
    const bytes = image.subarray(piece.image, piece.image + piece.length);
    if (bytes.length !== piece.length)
      throw new ScenarioError(
        `attack launch: expected pieces of the image of ${image.length} bytes, got ${piece.image} and ${piece.length} more`,
      );
    const at = gpa(addressOf(piece.gpa));
    writeGuest(vmm.host, guest, at, bytes);
    expectDone('LAUNCH_UPDATE_DATA', kvm.launchUpdateData(at, bytes.length));
  }
  if (es && plan.vmsas === 'data') measureAsData(vmm, record);
  else if (es) expectDone('LAUNCH_UPDATE_VMSA', kvm.launchUpdateVmsa());
  return new LaunchingGuest(vmm, record);
}

/** The digest has no types: it comes out as if LAUNCH_UPDATE_VMSA had been called. */
function measureAsData({ host, state }: Vmm, record: GuestRecord): void {
  for (const vmsa of record.vmsas) {
    const paddr = place(host, state.buffers, vmsa, PAGE);
    const buffer = { handle: record.handle, paddr, length: vmsa.length };
    const { status } = issue(host, state.buffers, 'LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, buffer);
    if (status !== 'SUCCESS') throw new CommandFailed('LAUNCH_UPDATE_DATA', status);
    record.vmsa ??= paddr;
  }
}
