import { fromHex, toHex } from '@sevlab/codec/bytes';
import { parseGuid } from '@sevlab/codec/guid';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { cpuSignature } from '@sevlab/codec/sev/vmsa';
import { type AcceptedLaunch, acceptLaunch } from '@sevlab/guest-owner-sim/accepted-launch';
import { verifyPlatform } from '@sevlab/guest-owner-sim/verify-platform';
import { type DescribedLaunch, describeLaunch, initialVmsas } from '@sevlab/sev-channel/described-launch';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import { macEqual } from '@sevlab/sev-channel/mac';
import { policyMac } from '@sevlab/sev-channel/session';
import type { ChainQuestion, LaunchQuestion, TenantReply, TenantRequest } from '../exec/protocol.ts';

/** Errors that say that an input is none. By name: tools/mutants.mjs gives the actor a codec of its own, with its own LengthError. */
const UNUSABLE: readonly string[] = ['LengthError', 'RangeError', 'SyntaxError'];

/** The emulated guest owner. What it cannot take for a key, a digest, a session or a name is unusable. */
export function answerTenant(request: TenantRequest): TenantReply {
  try {
    return answer(request);
  } catch (error) {
    if (!(error instanceof Error) || !UNUSABLE.includes(error.name)) throw error;
    return { verdict: 'unusable' };
  }
}

function answer(request: TenantRequest): TenantReply {
  switch (request.question) {
    case 'measurement':
      return { verdict: verdict(judgeLaunch(request) !== undefined) };
    case 'packet':
      return seal(request);
    case 'session': {
      const { policyMac: mac } = LaunchSession.decode(fromHex(request.session));
      return { verdict: verdict(macEqual(policyMac(fromHex(request.tik), request.policy), mac)) };
    }
    case 'chain':
      return { verdict: verdict(holdsChain(request)) };
  }
}

const verdict = (holds: boolean): 'accepted' | 'refused' => (holds ? 'accepted' : 'refused');

function judgeLaunch(question: LaunchQuestion): AcceptedLaunch | undefined {
  const { tik, tek, policy, digest: known } = question;
  const [apiMajor, apiMinor, build] = question.version;
  const digest = known === undefined ? launchDigest(describeLaunch(described(question))) : fromHex(known);
  const measurement = fromHex(question.measurement);
  if (measurement.length !== LaunchMeasurement.size) return undefined;
  const expected = { version: { apiMajor, apiMinor, build }, policy, digest };
  return acceptLaunch({ tik: fromHex(tik), tek: fromHex(tek) }, expected, measurement);
}

function described({
  firmware = '',
  kernel,
  initrd,
  commandLine = '',
  vcpus,
}: LaunchQuestion): DescribedLaunch {
  const image = fromHex(firmware);
  const cpus = vcpus && { count: vcpus.count, cpuSignature: cpuSignature(vcpus), form: 'legacy' as const };
  return {
    image,
    ...(kernel !== undefined && {
      kernel: {
        kernel: fromHex(kernel),
        commandLine,
        ...(initrd !== undefined && { initrd: fromHex(initrd) }),
      },
    }),
    ...(cpus && { vmsas: initialVmsas(image, cpus) }),
  };
}

function seal(request: Extract<TenantRequest, { readonly question: 'packet' }>): TenantReply {
  const launch = judgeLaunch(request);
  if (launch === undefined) return { verdict: 'refused' };
  const secrets = request.secrets.map(({ guid, data }) => ({ guid: parseGuid(guid), data: fromHex(data) }));
  const iv = new Uint8Array(16).fill(0x49); // the keys are known to everybody
  const { header, data } = launch.sealTable(secrets, { tail: 'sevctl', iv });
  return { verdict: 'accepted', header: toHex(header), data: toHex(data) };
}

function holdsChain({ certificates, trusted }: ChainQuestion): boolean {
  const { PDH, PEK, OCA, CEK, ASK, ARK } = certificates;
  const platform = { pdh: fromHex(PDH), pek: fromHex(PEK), oca: fromHex(OCA), cek: fromHex(CEK) };
  return verifyPlatform({ ...platform, ask: fromHex(ASK), ark: fromHex(ARK) }, fromHex(trusted)).accepted;
}
