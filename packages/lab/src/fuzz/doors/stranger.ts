import type { CommandName } from '@sevlab/codec/sev/command';
import { type Damage, damage, goodCommands, runDamaged } from '@sevlab/psp-sim/test/damaged-input';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';

interface Input {
  readonly command: CommandName;
  readonly damages: readonly Damage[];
}

/** A door for what strangers made and the host passes on with one of these commands. */
function strangerDoor(
  description: Pick<Door, 'name' | 'about' | 'share' | 'cost'>,
  commands: readonly CommandName[],
): Door {
  return arbitraryDoor<Input>({
    ...description,
    chunk: 200,
    inputs: () =>
      fc.record({
        command: fc.constantFrom(...commands),
        damages: fc.array(damage, { minLength: 1, maxLength: 2 }),
      }),
    start: () => {
      const good = new Map(goodCommands().map((each) => [each.name, each]));
      return ({ command, damages }) => {
        const given = good.get(command);
        holds(given !== undefined, 'the command is one of those with input');
        const { status, fits } = runDamaged(given, damages);
        holds(fits, 'damaged input is refused with a status for that', () => `${command} ${status}`);
        return `${command} ${status}`;
      };
    },
  });
}

/** The guest owner's session and certificate, and those of another platform. */
export const sessionDoor: Door = strangerDoor(
  {
    name: 'session',
    about: 'sessions and Diffie-Hellman certificates to LAUNCH_START and RECEIVE_START',
    ...{ share: 20, cost: 900 },
  },
  ['LAUNCH_START', 'RECEIVE_START', 'RECEIVE_UPDATE_DATA'],
);

/** Certificates that the AMD-SP is given. */
export const certificateDoor: Door = strangerDoor(
  {
    name: 'certificate',
    about: 'certificates to PEK_CERT_IMPORT and SEND_START',
    ...{ share: 20, cost: 900 },
  },
  ['PEK_CERT_IMPORT', 'SEND_START'],
);
