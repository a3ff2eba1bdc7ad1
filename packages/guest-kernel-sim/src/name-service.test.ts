import { createObserver } from '@sevlab/ambient/observer';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';

/** Types lines into a fresh guest; answers what the last one shows. */
function type(...lines: string[]): string {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const { bootParams } = PLAIN_GUEST;
    const kernel = bootKernel({ context, bootParams, profile: kernelProfile('6.1'), observer });
    return lines.map((line) => kernel.run(line).output).at(-1) ?? '';
  });
}

describe('names of users and groups', () => {
  it('are in two files', () => {
    expect(type('cat /etc/passwd /etc/group')).toBe(
      'root:*:0:0::/root:/bin/bash\nuser:*:1000:1000::/tmp:/bin/bash\nauditor:*:1001:1001::/tmp:/bin/bash\n' +
        'root:x:0:auditor\nuser:x:1000:\nauditor:x:1001:\n',
    );
    expect(type('stat -c %a%U /etc/passwd /etc/group')).toBe('644root\n644root\n');
  });

  it('can be added, for every program', () => {
    const add = [
      "echo 'guest:*:2000:3000:A Guest,,,:/dev:/bin/bash' >> /etc/passwd",
      "echo 'guests:x:3000:\nwheel:x:10:root,guest' >> /etc/group",
    ];
    expect(type(...add, 'id guest')).toBe('uid=2000(guest) gid=3000(guests) groups=3000(guests),10(wheel)\n');
    expect(type(...add, 'su guest -c id')).toBe(type(...add, 'id guest'));
    expect(type(...add, 'touch /tmp/f; chown guest: /tmp/f; stat -c %u:%g:%U:%G /tmp/f')).toBe(
      '2000:3000:guest:guests\n',
    );
    expect(type(...add, 'echo ~guest')).toBe('/dev\n');
    expect(type(...add, 'touch /tmp/f; chgrp wheel /tmp/f; ls -l /tmp/f')).toMatch(
      /^-rw-r--r-- 1 root wheel 0 /,
    );
  });

  it('are numbers where the files are gone or damaged', () => {
    const damage = "rm /etc/group; echo 'root\nroot:x:zero:0::/:\n' > /etc/passwd";
    expect(type(damage, 'ls -ld /')).toMatch(/^drwxr-xr-x \d+ 0 0 /);
    expect(type(damage, 'id')).toBe('uid=0 gid=0 groups=0\n');
    expect(type(damage, 'whoami')).toBe('whoami: cannot find name for user ID 0\n');
    expect(type(damage, 'chown root /tmp')).toBe("chown: invalid user: 'root'\n");
    expect(type(damage, 'chown 5:6 /tmp; stat -c %u:%g /tmp')).toBe('5:6\n');
  });
});
