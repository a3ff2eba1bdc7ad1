import { Glyph } from '../glyph.tsx';
import type { Party } from '../player/lanes.ts';

const PARTIES: readonly { readonly party: Party; readonly name: string; readonly trust: string }[] = [
  {
    party: 'owner',
    name: 'Guest owner',
    trust: 'Trusted, and elsewhere. It has the secrets, and sends them to one launch that it believes.',
  },
  {
    party: 'amd-sp',
    name: 'AMD-SP',
    trust:
      'Trusted: the AMD Secure Processor, on the chip. It holds the keys and answers the commands of the host.',
  },
  {
    party: 'guest',
    name: 'Guest',
    trust:
      'Trusted once it is attested: firmware, kernel and user space read private memory through the key of their ASID.',
  },
  {
    party: 'host',
    name: 'Host',
    trust: 'Not trusted: VMM, hypervisor, devices. It carries everything and must understand none of it.',
  },
  {
    party: 'memory',
    name: 'Memory, disk',
    trust: 'Neutral: where bytes lie. Cells of a private page hold ciphertext.',
  },
];

const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ['packet', 'header and encrypted data of LAUNCH_SECRET'],
  ['secret table', 'the secrets one after the other, each behind its GUID and length'],
  ['secret area', 'the memory region that the firmware reserved for the table'],
  ['launch digest', 'SHA-256 over what LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA measured'],
  ['measurement', 'HMAC with the TIK over launch digest, policy, firmware version and a nonce'],
  ['TEK, TIK', 'transport keys: the one encrypts, the other authenticates; guest owner and AMD-SP have them'],
  ['VEK', 'the memory key of a guest; it sits in the memory controller, and no software reads it'],
  ['ASID', 'the number by which the memory controller finds the key'],
  ['C-bit', 'the bit in a page table entry that makes an access private'],
  ['GPA, sPA', 'guest-physical and system-physical address'],
  ['firmware', 'OVMF, which runs in the guest; that of AMD is called AMD-SP here'],
];

/** What colours, patterns and words stand for. */
export const Words = () => (
  <>
    <h2>Colour is trust</h2>
    <p>
      Plaintext of a secret appears to those who may read it. To everybody else the same bytes are grey noise.
    </p>
    <table class="listing">
      <tbody>
        {PARTIES.map(({ party, name, trust }) => (
          <tr key={party} class={`party-${party}`}>
            <th scope="row" class="who">
              <Glyph party={party} /> {name}
            </th>
            <td>{trust}</td>
          </tr>
        ))}
      </tbody>
    </table>
    <p class="legend">
      <span class="byte cipher">8f</span> ciphertext <span class="byte secret">73</span> plaintext of a secret
      or of private memory <span class="byte wiped">○</span> wiped <span class="byte unknown">??</span> not in
      the trace
    </p>
    <h2>Words</h2>
    <dl class="words">
      {WORDS.map(([word, meaning]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
    <p>
      Everything here is simulated. Keys and roots of trust are made for this program and protect nothing; the
      structures, commands, checks and answers are those of the real thing.
    </p>
  </>
);
