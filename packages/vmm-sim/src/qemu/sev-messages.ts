/** What an ioctl came to, as QEMU says it. */
const ANSWER = "ret={ret} fw_error={status} '{text}'";
const SHORT_ANSWER = 'ret={ret} fw_err={status} ({text})';

/** What QEMU says of a SEV guest, on standard error or to a client (7.2, target/i386/sev.c), by what is wrong. */
export const SEV_MESSAGES = {
  // starting: on standard error, and QEMU ends
  'no platform status': "sev_kvm_init: failed to get platform status ret=-1 fw_error='{status}: {text}'",
  'no irqchip': 'sev_kvm_init: SEV-ES guests require in-kernel irqchip support',
  'not initialized': `sev_kvm_init: failed to initialize ${ANSWER}`,
  'no file': "SEV: Failed to read '{path}' (Failed to open file “{path}”: {why})",
  'start refused': `sev_launch_start: LAUNCH_START ${ANSWER}`,
  'no context': 'sev_kvm_init: failed to create encryption context',
  'no KVM': 'failed to initialize kvm: Operation not permitted',
  'update refused': `sev_launch_update_data: LAUNCH_UPDATE ${ANSWER}`,
  'flash not encrypted': 'SEV: Failed to encrypt pflash rom',
  'hashes not encrypted': 'SEV: Failed to encrypt kernel hashes',
  'no hashes area': 'SEV: kernel specified but guest firmware has no hashes table GUID',
  'bad hashes area': 'SEV: guest firmware hashes table area is invalid (base=0x{base} size=0x{size})',
  'VMSA refused': `sev_launch_update_vmsa: LAUNCH_UPDATE_VMSA ${ANSWER}`,
  'measure refused': `sev_launch_get_measure: LAUNCH_MEASURE ${ANSWER}`,
  'finish refused': `sev_launch_finish: LAUNCH_FINISH ${ANSWER}`,
  // afterwards: to a client
  'no measurement': 'SEV launch measurement is not available',
  'no SEV guest': 'SEV not enabled for guest',
  'no secret area': 'SEV: no secret area found in OVMF, gpa must be specified.',
  'not in LSECRET': 'SEV: Not in correct state. (LSECRET) {state}',
  'no header': 'SEV: Failed to decode sequence header',
  'no data': 'SEV: Failed to decode data',
  'no address': 'SEV: Failed to calculate guest address: {why}',
  'nothing mapped': 'No memory is mapped at address 0x{address}',
  'no RAM': 'Memory at address 0x{address} is not RAM',
  'beyond region': 'Size of memory region at 0x{address} exceeded.',
  'inject refused': `SEV: failed to inject secret ${ANSWER}`,
  'SEV not enabled': 'SEV is not enabled',
  'bad mnonce': 'SEV: mnonce must be 16 bytes (got {length})',
  'no report length': `SEV: Failed to query the attestation report length ${SHORT_ANSWER}`,
  'no report': `SEV: Failed to get attestation report ${SHORT_ANSWER}: Input/output error`,
  'KVM not enabled': 'KVM not enabled',
  'no SEV in KVM': 'SEV is not enabled in KVM',
  'no PDH': `SEV: Failed to export PDH cert ${SHORT_ANSWER}`,
  'no ID': `SEV: Failed to get ID ${SHORT_ANSWER}`,
  'no migration': 'SEV: Migration is not implemented',
  'not resettable': 'cpus are not resettable, terminating',
} as const;

export type SevMessage = keyof typeof SEV_MESSAGES;
