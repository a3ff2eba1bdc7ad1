import 'vitest'; // stays in the declarations, which add to its types
import type { SevStatus } from '@sevlab/codec/sev/status';
import { expect } from 'vitest';
import { matchers } from './matchers.ts';

expect.extend(matchers);

declare module 'vitest' {
  interface Matchers<T> {
    /** The AMD-SP gave that answer. */
    toHaveStatus(status: SevStatus): T;
    /** The guest finds a secret of that name, and if `value` is given, that one. Text is UTF-8. */
    toHaveSecret(guid: string, value?: string | Uint8Array): T;
    /** The file of the secret is gone, and so are name and bytes in guest memory. */
    toHaveWiped(guid: string): T;
  }
}
