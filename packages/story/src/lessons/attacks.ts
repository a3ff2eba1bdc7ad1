import { LAUNCH_ATTACKS } from './launch-attacks.ts';
import type { AttackLesson } from './lesson.ts';
import { MEMORY_ATTACKS } from './memory-attacks.ts';
import { PACKET_ATTACKS } from './packet-attacks.ts';

/** The lessons in which an outcome is predicted before it is shown, in the order of the pipeline. */
export const ATTACK_LESSONS: readonly AttackLesson[] = [
  ...LAUNCH_ATTACKS,
  ...PACKET_ATTACKS,
  ...MEMORY_ATTACKS,
];
