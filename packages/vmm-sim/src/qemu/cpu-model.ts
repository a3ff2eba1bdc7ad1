import { cpuSignature } from '@sevlab/codec/sev/vmsa';

/** Family, model and stepping of QEMU's CPU models that SEV hosts have (7.2, target/i386/cpu.c: builtin_x86_defs). */
const MODELS: Readonly<Record<string, Parameters<typeof cpuSignature>[0]>> = {
  EPYC: { family: 23, model: 1, stepping: 2 },
  'EPYC-IBPB': { family: 23, model: 1, stepping: 2 },
  'EPYC-Rome': { family: 23, model: 49, stepping: 0 },
  'EPYC-Milan': { family: 25, model: 1, stepping: 1 },
  'EPYC-Genoa': { family: 25, model: 17, stepping: 0 },
  qemu64: { family: 15, model: 107, stepping: 1 },
};

/** What RDX holds after a reset. Versions of a model (`EPYC-v4`) are alike; of `host` and what is unknown, a Genoa's. */
export const cpuSignatureOf = (model: string): number =>
  cpuSignature(MODELS[model.replace(/-v\d+$/, '')] ?? MODELS['EPYC-Genoa']!);
