import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat } from '@sevlab/codec/bytes';
import { decodeAmdCertificate, SevCertificate } from '@sevlab/codec/sev/certificate';
import { decodePoint, isSound } from '@sevlab/sev-channel/certificate';
import fc from 'fast-check';
import {
  decodeAuthorityFile,
  decodeChainFile,
  decodePdhFile,
  encodeChainFile,
} from '../../certificate-file.ts';
import { startNewPlatform } from '../../emulated-platform.ts';
import { changed, nearly } from '../arbitraries.ts';
import { arbitraryDoor, type Door } from '../door.ts';
import { attempted } from '../failure.ts';

const READERS = {
  chain: decodeChainFile,
  authority: decodeAuthorityFile,
  pdh: decodePdhFile,
  certificate: (bytes: Uint8Array) => {
    const certificate = SevCertificate.decode(bytes);
    decodePoint(certificate.pubkey);
    return isSound(certificate);
  },
  'AMD certificate': decodeAmdCertificate,
} as const;
type Reader = keyof typeof READERS;
const READER_NAMES = Object.keys(READERS) as Reader[]; // keys of a literal record

interface Input {
  readonly reader: Reader;
  readonly file: Uint8Array;
}

/** Files of certificates, as sevctl and AMD write them. */
export const certificateFileDoor: Door = arbitraryDoor<Input>({
  name: 'certificate-file',
  about: 'files of certificates: read, or refused with what was expected',
  ...{ share: 20, chunk: 500, cost: 150 },
  inputs: () => {
    const { certificates } = startNewPlatform((actor) => seededEntropy('files', actor));
    const full = encodeChainFile(certificates, true);
    const { pdh, ask, ark } = certificates;
    const good = fc.constantFrom(full, encodeChainFile(certificates, false), pdh, ask, ark, concat(ask, ark));
    return fc.record({
      reader: fc.constantFrom(...READER_NAMES),
      file: fc.oneof(
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3000 }) },
        { weight: 4, arbitrary: good.chain(nearly) },
        { weight: 4, arbitrary: good.chain(changed) },
        { weight: 1, arbitrary: good },
      ),
    });
  },
  start:
    () =>
    ({ reader, file }) =>
      `${reader}: ${attempted(() => READERS[reader](file))}`,
});
