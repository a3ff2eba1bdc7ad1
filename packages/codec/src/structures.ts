import { AcpiDescriptionHeader } from './acpi/description-header.ts';
import { Facs } from './acpi/facs.ts';
import { Fadt, GenericAddress } from './acpi/fadt.ts';
import { InterruptSourceOverride, IoApic, Madt, ProcessorLocalApic } from './acpi/madt.ts';
import { Rsdp, Rsdp10 } from './acpi/root-pointer.ts';
import { E820Entry, EfiInfo } from './efi/boot-params.ts';
import { EfiMemoryAttributesTable } from './efi/memory-attributes.ts';
import { EfiMemoryDescriptor } from './efi/memory-map.ts';
import { SecretLocation } from './efi/secret-location.ts';
import { SecretEntry, SecretHeader } from './efi/secret-table.ts';
import { EfiConfigurationTable, EfiSystemTable } from './efi/system-table.ts';
import { EncryptedFile } from './encrypted-file.ts';
import type { Struct } from './layout.ts';
import { AreaBlock, GuidedEntryTail } from './ovmf/guided-table.ts';
import { HashesTableEntry, HashesTableHeader } from './ovmf/hashes-table.ts';
import { ImageManifest } from './ovmf/manifest.ts';
import { ResetBlock } from './ovmf/reset-block.ts';
import { AttestationReport } from './sev/attestation.ts';
import { AmdCertificateHead, EcdsaSignature, EcPublicKey, SevCertificate } from './sev/certificate.ts';
import {
  ActivateBuffer,
  ActivateExBuffer,
  AttestationBuffer,
  CopyBuffer,
  DebugBuffer,
  GetIdBuffer,
  GuestStatusBuffer,
  HandleBuffer,
  InitBuffer,
  InitExBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PekCertImportBuffer,
  PekCsrBuffer,
  PlatformStatusBuffer,
  ReceiveStartBuffer,
  ReceiveUpdateBuffer,
  SendStartBuffer,
  SendUpdateBuffer,
} from './sev/command.ts';
import { PacketHeader, PacketMacPrefix } from './sev/packet.ts';
import { LaunchMeasurement, LaunchSession } from './sev/session.ts';
import { Vmsa, VmsaSegment } from './sev/vmsa.ts';
import { Smbios3EntryPoint, SmbiosEntryPoint } from './smbios/entry-point.ts';
import { SmbiosBiosInformation, SmbiosHeader, SmbiosSystemInformation } from './smbios/structures.ts';

/** Every structure by the name that `sevlab annotate` takes. */
export const STRUCTURES: Readonly<Record<string, Struct<unknown>>> = {
  init: InitBuffer,
  'init-ex': InitExBuffer,
  'platform-status': PlatformStatusBuffer,
  'pek-csr': PekCsrBuffer,
  'pek-cert-import': PekCertImportBuffer,
  'pdh-cert-export': PdhCertExportBuffer,
  'get-id': GetIdBuffer,
  handle: HandleBuffer,
  activate: ActivateBuffer,
  'guest-status': GuestStatusBuffer,
  'launch-start': LaunchStartBuffer,
  'launch-update': LaunchUpdateBuffer,
  'launch-measure': LaunchMeasureBuffer,
  'launch-secret': LaunchSecretBuffer,
  'send-start': SendStartBuffer,
  'send-update': SendUpdateBuffer,
  'receive-start': ReceiveStartBuffer,
  'receive-update': ReceiveUpdateBuffer,
  copy: CopyBuffer,
  'activate-ex': ActivateExBuffer,
  attestation: AttestationBuffer,
  debug: DebugBuffer,
  'attestation-report': AttestationReport,
  session: LaunchSession,
  measurement: LaunchMeasurement,
  'packet-header': PacketHeader,
  'packet-mac-prefix': PacketMacPrefix,
  vmsa: Vmsa,
  'vmsa-segment': VmsaSegment,
  certificate: SevCertificate,
  'ec-public-key': EcPublicKey,
  'ecdsa-signature': EcdsaSignature,
  'amd-certificate-head': AmdCertificateHead,
  'guided-entry-tail': GuidedEntryTail,
  'area-block': AreaBlock,
  'reset-block': ResetBlock,
  'hashes-table-header': HashesTableHeader,
  'hashes-table-entry': HashesTableEntry,
  manifest: ImageManifest,
  'secret-location': SecretLocation,
  'secret-header': SecretHeader,
  'secret-entry': SecretEntry,
  'system-table': EfiSystemTable,
  'configuration-table': EfiConfigurationTable,
  'memory-descriptor': EfiMemoryDescriptor,
  'memory-attributes-table': EfiMemoryAttributesTable,
  'rsdp-1.0': Rsdp10,
  rsdp: Rsdp,
  'acpi-header': AcpiDescriptionHeader,
  'generic-address': GenericAddress,
  fadt: Fadt,
  facs: Facs,
  madt: Madt,
  'local-apic': ProcessorLocalApic,
  'io-apic': IoApic,
  'interrupt-source-override': InterruptSourceOverride,
  'smbios-entry-point': SmbiosEntryPoint,
  'smbios3-entry-point': Smbios3EntryPoint,
  'smbios-header': SmbiosHeader,
  'smbios-bios-information': SmbiosBiosInformation,
  'smbios-system-information': SmbiosSystemInformation,
  'efi-info': EfiInfo,
  'e820-entry': E820Entry,
  'encrypted-file': EncryptedFile,
};
