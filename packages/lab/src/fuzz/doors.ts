import type { Door } from './door.ts';
import { certificateFileDoor } from './doors/certificate-file.ts';
import { firmwareDoor } from './doors/firmware.ts';
import { areaDoor, efiTableDoor, syscallDoor } from './doors/kernel.ts';
import { launchDoor } from './doors/launch.ts';
import { mailboxDoor } from './doors/mailbox.ts';
import { packetDoor } from './doors/packet.ts';
import { pipelineDoor } from './doors/pipeline.ts';
import { qemuArgumentsDoor } from './doors/qemu-arguments.ts';
import { qmpDoor } from './doors/qmp.ts';
import { scenarioFileDoor } from './doors/scenario-file.ts';
import { secretTableDoor } from './doors/secret-table.ts';
import { shellDoor } from './doors/shell.ts';
import { certificateDoor, sessionDoor } from './doors/stranger.ts';
import { structureDoor } from './doors/structure.ts';

/** Every place where somebody else's bytes or words come in. */
export const DOORS: readonly Door[] = [
  structureDoor,
  secretTableDoor,
  certificateFileDoor,
  certificateDoor,
  sessionDoor,
  packetDoor,
  mailboxDoor,
  firmwareDoor,
  efiTableDoor,
  areaDoor,
  syscallDoor,
  shellDoor,
  qmpDoor,
  qemuArgumentsDoor,
  scenarioFileDoor,
  pipelineDoor,
  launchDoor,
];
