import crypto, { type BinaryLike } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** Input of at least so many bytes is counted as one flat buffer, however it was cut. */
const BULK = 4096;

/** What a run asked of node:crypto, each to be done again alone. */
export interface RecordedPrimitives {
  /** How often each was called; for bulk ciphers and hashes the bytes that they saw. */
  readonly counts: Readonly<Record<string, number>>;
  /** Does it all again, bulk input as one flat buffer. */
  replay(): void;
}

type Once = () => unknown;

/**
 * Runs `work` once with node:crypto's functions replaced by ones that note what they are given. They are put back
 * before it returns, also when it throws.
 */
export function recordPrimitives(work: () => unknown): RecordedPrimitives {
  const counts: Record<string, number> = {};
  const again: Once[] = [];
  const bulk = new Map<string, number>();
  const note = (what: string, once: Once, times = 1): void => {
    counts[what] = (counts[what] ?? 0) + times;
    again.push(once);
  };
  const original = { ...crypto };
  const lengthOf = (data: BinaryLike): number => Buffer.byteLength(data as Uint8Array | string); // no other kind is used here
  const noteBulk = (what: string, length: number): void => {
    bulk.set(what, (bulk.get(what) ?? 0) + length);
  };

  /** The object with its update() watched: short inputs are done again as they are. */
  const watch = <T extends { update(...input: never[]): unknown }>(
    object: T,
    what: string,
    redo: (input: Uint8Array) => unknown,
  ): T => {
    const update = object.update.bind(object) as (...input: unknown[]) => unknown; // whatever the object takes
    return Object.assign(object, {
      update: (data: BinaryLike, ...rest: unknown[]) => {
        const length = lengthOf(data);
        if (length >= BULK) noteBulk(what, length);
        else {
          const input = new Uint8Array(length);
          note(what, () => redo(input));
        }
        return update(data, ...rest);
      },
    });
  };

  const replaced = {
    createHash: (algorithm: string, options?: crypto.HashOptions) =>
      watch(original.createHash(algorithm, options), algorithm, (input) =>
        original.createHash(algorithm, options).update(input).digest(),
      ),
    createHmac: (algorithm: string, key: BinaryLike) => {
      const copy = new Uint8Array(lengthOf(key));
      return watch(original.createHmac(algorithm, key), `hmac-${algorithm}`, (input) =>
        original.createHmac(algorithm, copy).update(input).digest(),
      );
    },
    createCipheriv: (name: string, key: crypto.CipherKey, iv: BinaryLike | null) =>
      watch(original.createCipheriv(name, key, iv), name, (input) =>
        original.createCipheriv(name, key, iv).update(input),
      ),
    createDecipheriv: (name: string, key: crypto.CipherKey, iv: BinaryLike | null) =>
      watch(original.createDecipheriv(name, key, iv), name, (input) =>
        original.createCipheriv(name, key, iv).update(input),
      ),
    verify: (...input: Parameters<typeof crypto.verify>) => {
      note('verify', () => original.verify(...input));
      return original.verify(...input);
    },
    privateEncrypt: (...input: Parameters<typeof crypto.privateEncrypt>) => {
      note('rsa', () => original.privateEncrypt(...input));
      return original.privateEncrypt(...input);
    },
    createPublicKey: (input: Parameters<typeof crypto.createPublicKey>[0]) => {
      note('key import', () => original.createPublicKey(input));
      return original.createPublicKey(input);
    },
    createECDH: (curve: string) => {
      const ecdh = original.createECDH(curve);
      const setPrivateKey = ecdh.setPrivateKey.bind(ecdh) as (key: Uint8Array) => void; // never as text
      const computeSecret = ecdh.computeSecret.bind(ecdh) as (key: Uint8Array) => Buffer;
      let scalar = new Uint8Array();
      const again = (): crypto.ECDH => {
        const fresh = original.createECDH(curve);
        fresh.setPrivateKey(scalar);
        return fresh;
      };
      return Object.assign(ecdh, {
        setPrivateKey: (key: Uint8Array) => {
          scalar = new Uint8Array(key);
          note('key from scalar', again);
          return setPrivateKey(key);
        },
        computeSecret: (point: Uint8Array) => {
          const ready = again();
          note('key agreement', () => ready.computeSecret(point));
          return computeSecret(point);
        },
      });
    },
  };

  Object.assign(crypto, replaced);
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    Object.assign(
      crypto,
      Object.fromEntries(Object.keys(replaced).map((name) => [name, Reflect.get(original, name)])),
    );
    syncBuiltinESMExports();
  }
  for (const [what, length] of bulk) {
    const flat = new Uint8Array(length);
    note(`${what}, bytes`, bulkOnce(what, flat), length);
  }
  return {
    counts,
    replay: () => {
      for (const once of again) once();
    },
  };
}

/** One pass over a flat buffer; memory encryption counts as XTS with keys as long as its own. */
function bulkOnce(what: string, flat: Uint8Array): Once {
  const [, bits, mode] = /^aes-(\d+)-(\w+)$/.exec(what) ?? [];
  if (bits === undefined) {
    const hmac = what.replace(/^hmac-/, '');
    return hmac === what
      ? () => crypto.createHash(what).update(flat).digest()
      : () => crypto.createHmac(hmac, new Uint8Array(16)).update(flat).digest();
  }
  const name = mode === 'ecb' ? `aes-${bits}-xts` : what;
  const key = Uint8Array.from({ length: (Number(bits) / 8) * (mode === 'ecb' ? 2 : 1) }, (_, i) => i);
  return () => crypto.createCipheriv(name, key, new Uint8Array(16)).update(flat);
}
