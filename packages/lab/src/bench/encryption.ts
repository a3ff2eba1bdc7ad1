import { createCipheriv, createHash } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { gpa } from '@sevlab/codec/address';
import { BlockEncryption, TWEAK_CONSTANTS_SIZE } from '@sevlab/machine/xex';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import { KvmGuest } from '@sevlab/vmm-sim/kvm/kvm-guest';
import { createPipeline } from '../pipeline.ts';
import { compare, type Effort } from './compare.ts';
import { type Figure, ratioFigure } from './figure.ts';
import { BENCH_SEED, benchSetup } from './guest-under-test.ts';

const MIB = 1024 * 1024;
const PAGE = 4096;
const IMAGE = 4 * MIB;

/** Memory encryption and launch digest beside node:crypto on one flat buffer. */
export function encryptionFigures(effort: Effort): Figure[] {
  const entropy = seededEntropy(BENCH_SEED, 'encryption');
  const encryption = new BlockEncryption('XEX', entropy.bytes(TWEAK_CONSTANTS_SIZE));
  const [key, xtsKey, image] = [entropy.bytes(16), entropy.bytes(32), entropy.bytes(IMAGE)];
  const page = image.subarray(0, PAGE);
  const flat = (bytes: Uint8Array) => () =>
    createCipheriv('aes-128-xts', xtsKey, new Uint8Array(16)).update(bytes);
  return [
    ratioFigure(
      {
        name: 'encryption-4mib',
        what: 'memory encryption of 4 MiB',
        reference: 'AES-128-XTS by node:crypto on one flat buffer',
        target: { atMost: 2.2 },
      },
      compare(() => encryption.encrypt(key, 0, image), flat(image), effort),
    ),
    ratioFigure(
      {
        name: 'encryption-4kib',
        what: 'memory encryption of one page',
        reference: 'AES-128-XTS by node:crypto on 4 KiB',
        target: { atMost: 3 },
      },
      compare(() => encryption.encrypt(key, PAGE, page), flat(page), effort),
    ),
    ratioFigure(
      {
        name: 'digest-4mib',
        what: 'launch digest of 4 MiB',
        reference: 'one SHA-256',
        target: { atMost: 1.5 },
      },
      compare(
        () => launchDigest([{ what: 'image', bytes: image }]),
        () => createHash('sha256').update(image).digest(),
        effort,
      ),
    ),
    launchUpdateFigure(xtsKey, image, effort),
  ];
}

/** The command that does both, through mailbox, checks and DRAM. */
function launchUpdateFigure(xtsKey: Uint8Array, image: Uint8Array, effort: Effort): Figure {
  const pipeline = createPipeline(benchSetup(IMAGE, { part: 'milan', profile: 'genoa-1.55' }));
  pipeline.offer();
  const { vmm, record } = pipeline.launch();
  const guest = new KvmGuest(vmm.state, vmm.host, record);
  const reset = vmm.state.buffers.next;
  return ratioFigure(
    {
      name: 'launch-update-data-4mib',
      what: 'LAUNCH_UPDATE_DATA of 4 MiB, from the mailbox to the cells of DRAM',
      reference: 'one SHA-256 and one AES-128-XTS by node:crypto on one flat buffer',
      target: { atMost: 2 },
    },
    compare(
      () => {
        vmm.state.buffers.next = reset;
        guest.launchUpdateData(gpa(0n), IMAGE);
      },
      () => {
        createHash('sha256').update(image).digest();
        createCipheriv('aes-128-xts', xtsKey, new Uint8Array(16)).update(image);
      },
      effort,
    ),
  );
}
