import { utf8 } from '@sevlab/codec/bytes';
import { parseGuid } from '@sevlab/codec/guid';
import { hostFinds } from '@sevlab/lab/host-search';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import { setupOf } from '@sevlab/lab/scenario/setup';

/** What a test wants of a launch; everything has a default. */
export interface LaunchOptions {
  /** By GUID. Text is UTF-8. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>>;
  /** The emulated kernel, such as `6.1` or `documented`. */
  readonly linux?: string;
  /** The same seed gives the same bytes. */
  readonly seed?: string;
}

/** A guest that was launched, attested, given its secrets, and booted. */
export interface LaunchedGuest {
  /** Types a command into the guest's shell. */
  run(command: string): { readonly output: string; readonly status: number };
  /** Reads a secret as root. Throws an error with `code`, as node:fs does. */
  readSecret(guid: string): Uint8Array;
  /** The lines of the kernel log. */
  dmesg(): readonly string[];
  /** Whether the host, reading all touched DRAM, finds these bytes anywhere. */
  hostFinds(bytes: string | Uint8Array): boolean;
  /** An independent guest with the same past. */
  fork(): LaunchedGuest;
  /** Every actor and the trace, for what is not here. */
  readonly pipeline: Pipeline;
}

/**
 * Runs the whole pipeline in this process: platform, guest owner, VMM, LAUNCH_SECRET, firmware, kernel.
 * Throws when an actor refuses, RangeError or SyntaxError for secrets that cannot be packed.
 */
export function launch(options: LaunchOptions = {}): LaunchedGuest {
  const { secrets = {}, linux, seed } = options;
  const scenario = { version: 1, title: 'launch', steps: [] } as const;
  const overrides = {
    record: true,
    ...(linux !== undefined && { linux }),
    ...(seed !== undefined && { seed }),
  };
  const pipeline = createPipeline(setupOf(scenario, '', overrides).setup);
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  pipeline.seal(
    Object.entries(secrets).map(([guid, value]) => ({ guid: parseGuid(guid), data: bytesOf(value) })),
  );
  const status = pipeline.inject();
  if (status !== 'SUCCESS') throw new Error(`LAUNCH_SECRET answered ${status}; expected SUCCESS`);
  pipeline.finish();
  pipeline.boot();
  return guestOf(pipeline);
}

function guestOf(pipeline: Pipeline): LaunchedGuest {
  const { kernel } = pipeline.progress;
  if (kernel === undefined) throw new Error('the pipeline has not booted');
  return {
    run: (command) => kernel.run(command),
    readSecret: (guid) => kernel.fs.readFileSync(`/sys/kernel/security/secrets/coco/${guid}`) as Uint8Array, // no encoding was asked for
    dmesg: () => kernel.dmesg(),
    hostFinds: (bytes) => hostFinds(pipeline.actors.machine.host, bytesOf(bytes)) !== undefined,
    fork: () => guestOf(pipeline.fork()),
    pipeline,
  };
}

const bytesOf = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? utf8(value) : value);
