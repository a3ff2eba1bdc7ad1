import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { createIdentity } from '@sevlab/psp-sim/identity';
import { decodePoint, makeCertificate } from '@sevlab/sev-channel/certificate';
import { describeLaunch } from '@sevlab/sev-channel/described-launch';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import { bindsLaunch, measureLaunch } from '@sevlab/sev-channel/measurement';
import { generateKeyPair, sharedSecret } from '@sevlab/sev-channel/p384';
import { decryptPacket, sealPacket } from '@sevlab/sev-channel/packet';
import { unwrapSession } from '@sevlab/sev-channel/session';
import type { Pipeline } from '../pipeline.ts';
import type { Attack } from './scenario.ts';
import { keepPacket, keptBytes, keptChannel, keptKey, type Schemes } from './schemes.ts';
import { bytesOf, ScenarioError } from './values.ts';

/** What an attack of that kind is told. */
type Told<Kind extends string> = Attack extends infer One
  ? One extends { readonly [K in Kind]: infer What }
    ? What
    : never
  : never;

/** A Diffie-Hellman key with a certificate that nobody signed. */
export function makeDhKey(schemes: Schemes, { as }: Told<'dhKey'>): void {
  const key = generateKeyPair(schemes.entropy);
  const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  schemes.keys.set(as, key);
  schemes.saved.set(as, SevCertificate.encode(makeCertificate({ ...usage, point: key })));
}

/**
 * Whoever has the chip's endorsement key can make keys of a platform, and sign them as the AMD-SP would. The PDH is
 * kept under the name; the certificates are those that the next offer shows.
 */
export function impersonate(pipeline: Pipeline, schemes: Schemes, { as }: Told<'impersonate'>): void {
  const { secureProcessor } = pipeline.actors;
  const { version } = secureProcessor.state.profile;
  const { pdh, pek, oca } = createIdentity(secureProcessor.cek, version, schemes.entropy);
  schemes.keys.set(as, pdh.key);
  schemes.certificates = {
    pdh: SevCertificate.encode(pdh.certificate),
    pek: SevCertificate.encode(pek.certificate),
    oca: SevCertificate.encode(oca.certificate),
  };
}

/** TEK and TIK, kept as `NAME.tek` and `NAME.tik`. Throws ScenarioError for a session that the key does not open. */
export function unwrap(
  pipeline: Pipeline,
  schemes: Schemes,
  { session, peer, key, as }: Told<'unwrap'>,
): void {
  const point = decodePoint(SevCertificate.decode(keptBytes(pipeline, schemes, peer)).pubkey);
  if (point === undefined)
    throw new ScenarioError(`attack unwrap: ${peer} has no point of P-384; expected a certificate`);
  const z = sharedSecret(keptKey(schemes, key).d, point);
  const keys = unwrapSession(z, LaunchSession.decode(keptBytes(pipeline, schemes, session)));
  if (keys === undefined)
    throw new ScenarioError(`attack unwrap: ${key} does not open ${session}; expected a session made for it`);
  schemes.saved.set(`${as}.tek`, keys.tek);
  schemes.saved.set(`${as}.tik`, keys.tik);
}

/** MEASURE and MNONCE as the owner expects them: everything in them is public but the TIK. */
export function forgeMeasurement(
  pipeline: Pipeline,
  schemes: Schemes,
  { keys, mnonceOf, as }: Told<'forgeMeasurement'>,
): void {
  const { intent } = pipeline.actors.owner.state;
  const mnonce =
    mnonceOf === undefined
      ? new Uint8Array(16)
      : LaunchMeasurement.decode(keptBytes(pipeline, schemes, mnonceOf)).mnonce;
  const measure = measureLaunch({
    tik: keptChannel(pipeline, schemes, keys).tik,
    version: pipeline.actors.secureProcessor.state.profile.version,
    policy: intent.policy,
    digest: launchDigest(describeLaunch(intent.launch)),
    mnonce,
  });
  schemes.saved.set(as, LaunchMeasurement.encode({ measure, mnonce }));
}

/** A packet with a secret of the host's, kept as `NAME.header` and `NAME.data`; `file` is the scenario's. */
export function forgePacket(
  pipeline: Pipeline,
  schemes: Schemes,
  { keys, guid, as, ...source }: Told<'forgePacket'>,
  file: string,
): void {
  const { version } = pipeline.actors.secureProcessor.state.profile;
  const { measure } = LaunchMeasurement.decode(keptBytes(pipeline, schemes, 'measurement'));
  const data = bytesOf(source, file, 'attack forgePacket');
  const packet = sealPacket({
    ...keptChannel(pipeline, schemes, keys),
    measure: bindsLaunch(version) ? measure : undefined,
    iv: schemes.entropy.bytes(16),
    plaintext: encodeSecretTable([{ guid: parseGuid(guid), data }]),
  });
  keepPacket(schemes, as, packet);
}

/** What is in a packet of LAUNCH_SECRET or SEND_UPDATE_DATA. */
export function decrypt(pipeline: Pipeline, schemes: Schemes, { keys, packet, as }: Told<'decrypt'>): void {
  const { iv } = PacketHeader.decode(keptBytes(pipeline, schemes, `${packet}.header`));
  const data = keptBytes(pipeline, schemes, `${packet}.data`);
  schemes.saved.set(as, decryptPacket(keptChannel(pipeline, schemes, keys).tek, iv, data));
}
