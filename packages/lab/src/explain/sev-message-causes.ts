import type { SevMessage } from '@sevlab/vmm-sim/qemu/sev-messages';
import type { Cause } from './explanation.ts';

const sev = (symbol: string): string => `QEMU 7.2, target/i386/sev.c: ${symbol}`;
const AREA = 'build OVMF of OvmfPkg/AmdSev, and look with `sevlab firmware inspect`';

/** What QEMU means by each message of its SEV code. */
export const SEV_MESSAGE_CAUSES: Readonly<Record<SevMessage, Cause>> = {
  'no platform status': {
    source: sev('sev_kvm_init'),
    means: 'the driver of the AMD-SP did not answer PLATFORM_STATUS',
    look: 'look at /dev/sev and who may open it, and at lines of ccp in the log of the host',
    command: 'PLATFORM_STATUS',
  },
  'no irqchip': {
    source: sev('sev_kvm_init'),
    means: 'the policy asks for SEV-ES, and the machine has kernel-irqchip=off',
    look: 'leave kernel-irqchip out',
  },
  'not initialized': {
    source: sev('sev_kvm_init'),
    means: 'KVM_SEV_INIT or KVM_SEV_ES_INIT was refused',
    look: 'look at the parameters sev and sev_es of kvm_amd, at the number of free ASIDs, and at fw_error',
    command: 'INIT',
  },
  'no file': {
    source: sev('sev_read_file_base64'),
    means: 'dh-cert-file or session-file cannot be read',
    look: 'these properties take paths of files that hold Base64, not the Base64 itself',
  },
  'start refused': {
    source: sev('sev_launch_start'),
    means: 'the AMD-SP took no session; ret is always 1 here',
    look: 'look whether dh-cert-file and session-file are exchanged, made for this platform (its PDH changes), and for this very policy: `sevlab owner check-session`',
    command: 'LAUNCH_START',
  },
  'no context': {
    source: sev('sev_kvm_init'),
    means: 'the launch could not be started; the line before says why',
  },
  'no KVM': {
    source: 'QEMU 7.2, softmmu/vl.c: do_configure_accelerator',
    means:
      'KVM gave up because SEV did; the lines before say why, and "Operation not permitted" means nothing',
  },
  'update refused': {
    source: sev('sev_launch_update_data'),
    means: 'the AMD-SP did not take the firmware image, or the table of hashes',
    command: 'LAUNCH_UPDATE_DATA',
  },
  'flash not encrypted': {
    source: sev('sev_encrypt_flash'),
    means: 'the firmware image could not be measured; the line before says why',
  },
  'hashes not encrypted': {
    source: sev('sev_add_kernel_loader_hashes'),
    means: 'the table of hashes could not be measured; the line before says why',
  },
  'no hashes area': {
    source: sev('sev_add_kernel_loader_hashes'),
    means: 'kernel-hashes=on, and the firmware image announces no area for the hashes',
    look: `${AREA}; the plain OVMF verifies nothing`,
  },
  'bad hashes area': {
    source: sev('sev_add_kernel_loader_hashes'),
    means: 'the firmware image announces an area for the hashes that is at 0 or smaller than the table',
    look: `0/0 is what generic builds of OVMF have: ${AREA}`,
  },
  'VMSA refused': {
    source: sev('sev_launch_update_vmsa'),
    means: 'the AMD-SP did not take the registers of a vCPU',
    command: 'LAUNCH_UPDATE_VMSA',
  },
  'measure refused': {
    source: sev('sev_launch_get_measure'),
    means:
      'LAUNCH_MEASURE failed; QEMU goes on, and there is no measurement. The text is of errno, looked up among the statuses by mistake: only the number of fw_error counts',
    command: 'LAUNCH_MEASURE',
  },
  'finish refused': {
    source: sev('sev_launch_finish'),
    means: 'LAUNCH_FINISH failed at the first cont, and QEMU ends',
    look: 'the guest must be measured, and no longer be launched by another hand',
    command: 'LAUNCH_FINISH',
  },
  'no measurement': {
    source: sev('qmp_query_sev_launch_measure'),
    means: 'this is no SEV guest, or it is not measured',
    look: 'look at query-sev: enabled, and state launch-secret or running; with -preconfig, x-exit-preconfig comes first',
  },
  'no SEV guest': {
    source: sev('sev_inject_launch_secret'),
    means: 'the machine has no sev-guest',
    look: 'QEMU wants -machine confidential-guest-support=ID and -object sev-guest,id=ID; QEMU without SEV support once answered success here',
  },
  'no secret area': {
    source: sev('qmp_sev_inject_launch_secret'),
    means: 'no gpa was given, and the firmware image announces no secret area',
    look: `${AREA}; a gpa alone does not help, since that firmware tells the guest of no area`,
  },
  'not in LSECRET': {
    source: sev('sev_inject_launch_secret'),
    means:
      'secrets are taken after the measurement and before the first cont only; the number is of QEMU: 0 uninit, 1 launch-update, 2 launch-secret, 3 running',
    look: 'start with -S, inject, then cont; state of query-sev says how far it is',
    command: 'LAUNCH_SECRET',
  },
  'no header': {
    source: sev('sev_inject_launch_secret'),
    means: 'packet-header is empty, or no Base64 at all',
    look: 'it takes Base64 of the 52 bytes, not the path of a file',
  },
  'no data': {
    source: sev('sev_inject_launch_secret'),
    means: 'secret is empty, or no Base64 at all',
    look: 'it takes Base64 of the packet, not the path of a file',
  },
  'no address': {
    source: sev('sev_inject_launch_secret, gpa2hva'),
    means: 'the packet does not lie within guest memory',
    look: 'leave gpa out, so that the image decides; a secret area of 0x810000 needs so much memory below 4 GiB',
  },
  'nothing mapped': {
    source: 'QEMU 7.2, softmmu/memory.c: gpa2hva',
    means: 'no memory of the guest is at that address',
    look: 'look at -m and at the hole below 4 GiB',
  },
  'no RAM': { source: 'QEMU 7.2, softmmu/memory.c: gpa2hva', means: 'a device is at that address' },
  'beyond region': {
    source: 'QEMU 7.2, softmmu/memory.c: gpa2hva',
    means: 'memory begins at that address and ends before the packet does',
  },
  'inject refused': {
    source: sev('sev_inject_launch_secret'),
    means:
      'KVM or the AMD-SP did not take the packet: fw_error is the status of the AMD-SP, and 0 when KVM did not ask it',
    command: 'LAUNCH_SECRET',
  },
  'SEV not enabled': { source: sev('sev_get_attestation_report'), means: 'the machine has no sev-guest' },
  'bad mnonce': {
    source: sev('sev_get_attestation_report'),
    means: 'mnonce is Base64 of another number of bytes',
  },
  'no report length': {
    source: sev('sev_get_attestation_report'),
    means: 'ATTESTATION was refused when it was asked for its length',
    command: 'ATTESTATION',
  },
  'no report': {
    source: sev('sev_get_attestation_report'),
    means: 'ATTESTATION was refused',
    command: 'ATTESTATION',
  },
  'KVM not enabled': {
    source: sev('sev_get_capabilities'),
    means: 'the machine runs without KVM',
    look: 'start QEMU with -accel kvm',
  },
  'no SEV in KVM': {
    source: sev('sev_get_capabilities'),
    means: 'KVM knows no SEV',
    look: 'look at the BIOS (SME, SEV, SNP), and at the parameter sev of kvm_amd',
  },
  'no PDH': {
    source: sev('sev_get_pdh_info'),
    means: 'PDH_CERT_EXPORT was refused',
    command: 'PDH_CERT_EXPORT',
  },
  'no ID': { source: sev('sev_get_cpu0_id'), means: 'GET_ID was refused', command: 'GET_ID' },
  'no migration': {
    source: sev('sev_add_migration_blocker'),
    means: 'a SEV guest that runs cannot be migrated or saved',
  },
  'not resettable': {
    source: 'QEMU 7.2, softmmu/runstate.c: qemu_system_reset_request',
    means: 'a guest of SEV-ES was reset, and nobody can set its registers',
    look: 'start it again',
  },
};
