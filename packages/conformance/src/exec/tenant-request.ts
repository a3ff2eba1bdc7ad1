import { fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import platform from '../../cases/tenant/platform.json' with { type: 'json' };
import type { ChainCase, ChainName, ExpectedLaunch, TenantCase } from '../case.ts';
import { tableImageBytes } from '../firmware-image.ts';
import { offeredItems } from '../offered-kernel.ts';
import { DEFAULT_FIRMWARE } from '../vmm-start.ts';
import type { ChainQuestion, LaunchQuestion, TenantRequest } from './protocol.ts';

/** What a tenant is asked in a case, with every default filled in. */
export function tenantRequest(testCase: TenantCase): TenantRequest {
  const head = { do: 'tenant', case: testCase.id } as const;
  switch (testCase.when) {
    case 'measurement':
      return { ...head, question: 'measurement', ...launchQuestion(testCase.given) };
    case 'packet': {
      const { secrets } = testCase.given;
      return { ...head, question: 'packet', ...launchQuestion(testCase.given), secrets };
    }
    case 'session':
      return { ...head, question: 'session', ...testCase.given };
    case 'chain':
      return { ...head, question: 'chain', ...chainQuestion(testCase.given) };
  }
}

function launchQuestion(given: ExpectedLaunch): LaunchQuestion {
  const { tik = '4b'.repeat(16), tek = '45'.repeat(16), version = [1, 55, 21], policy = 1 } = given;
  const { digest, firmware = DEFAULT_FIRMWARE, kernel, vcpus, measurement } = given;
  const head = { tik, tek, version, policy, measurement };
  if (digest !== undefined) return { ...head, digest };
  const items = kernel && offeredItems(kernel);
  return {
    ...{ ...head, firmware: toHex(tableImageBytes(firmware)) },
    ...(items?.kernel && { kernel: toHex(items.kernel), commandLine: kernel?.commandLine ?? '' }),
    ...(items?.initrd && { initrd: toHex(items.initrd) }),
    ...(vcpus && { vcpus }),
  };
}

function chainQuestion({ change = [], replace = {} }: ChainCase['given']): ChainQuestion {
  const certificate = (name: ChainName): string => {
    let bytes = fromBase64(replace[name] ?? platform[name]);
    for (const { at = 0, bytes: written = '', length } of change.filter(
      (each) => each.certificate === name,
    )) {
      bytes.set(fromHex(written), at);
      bytes = bytes.slice(0, length);
    }
    return toHex(bytes);
  };
  const [PDH, PEK, OCA] = [certificate('PDH'), certificate('PEK'), certificate('OCA')];
  const [CEK, ASK, ARK] = [certificate('CEK'), certificate('ASK'), certificate('ARK')];
  return { certificates: { PDH, PEK, OCA, CEK, ASK, ARK }, trusted: toHex(fromBase64(platform.ARK)) };
}
