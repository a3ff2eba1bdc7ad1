import { createDecipheriv, createHmac } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  HandleBuffer,
  InitBuffer,
  LaunchSecretBuffer,
  LaunchUpdateBuffer,
  ReceiveStartBuffer,
  ReceiveUpdateBuffer,
  SendStartBuffer,
  SendUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { encodeChecksum, vmsaCell, vmsaChecksum, vmsaWithCell } from '@sevlab/machine/vmsa';
import { makeCertificate, signCertificate, withSlot } from '@sevlab/sev-channel/certificate';
import { generateKeyPair, sharedSecret } from '@sevlab/sev-channel/p384';
import { sealTransport } from '@sevlab/sev-channel/packet';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';
import { describe, expect, it } from 'vitest';
import { expectCascade, type Repair } from '../../test/cascade.ts';
import {
  type Certificates,
  CONTENT,
  certificatesOf,
  receiveStart,
  runningGuest,
  sendStart,
  sendStartBuffer,
  sendUpdate,
} from '../../test/migration.ts';
import {
  ASID,
  createPlatform,
  HOLE,
  initialise,
  launchGuest,
  makeOffer,
  measureGuest,
  type Platform,
  startBuffer,
  TIK,
  UNUSABLE,
} from '../../test/platform.ts';
import { createGuest, type Guest, ZERO_CHANNEL } from '../guest.ts';
import type { ProfileName } from '../profile.ts';
import { VMSA_POOL_SIZE } from '../vmsa-cells.ts';

const ready = (...options: Parameters<typeof createPlatform>): Platform => {
  const platform = createPlatform(...options);
  initialise(platform);
  return platform;
};

const reads = ({ machine }: Platform, address: Spa, length: number) =>
  machine.memory.readEncrypted(ASID, address, length);

const stateOf = (platform: Platform, handle: number) => platform.sp.guest(handle).state;

/** Somebody who is no platform at all, with a certificate that nobody signed. */
const stranger = generateKeyPair(seededEntropy('test', 'stranger'));
const unsigned = (): SevCertificate =>
  makeCertificate({
    usage: KEY_USAGE.PDH,
    algo: KEY_ALGO.ECDH_SHA256,
    apiMajor: 0,
    apiMinor: 0,
    point: stranger,
  });

/** The MAC by hand: context, FLAGS, IV, both lengths, data; nothing behind. */
function macByHand(tik: Uint8Array, context: number, header: Uint8Array, data: Uint8Array): string {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  const message = concat(Uint8Array.of(context), header.subarray(0, 20), length, length, data);
  return createHmac('sha256', tik).update(message).digest('hex');
}

describe('a guest that goes to another platform', () => {
  it('is the same there, and measured nowhere', () => {
    const from = ready('genoa-1.55', 'here');
    const to = ready('genoa-1.55', 'there');
    const { handle, paddr } = runningGuest(from, 0x21);
    const { session, policy } = sendStart(from, handle, certificatesOf(to));
    expect([policy, stateOf(from, handle)]).toEqual([0x21, 'SUPDATE']);

    const received = receiveStart(to, 0x21, session, from.sp.identity.pdh.certificate);
    expect(stateOf(to, received)).toBe('RUPDATE');
    expect(to.run('ACTIVATE', ActivateBuffer, { handle: received, asid: ASID }).status).toBe('SUCCESS');
    const target = to.place(new Uint8Array(0), CONTENT.length);
    for (let offset = 0; offset < CONTENT.length; offset += 4096) {
      const range = { handle, guestPaddr: spa(paddr + BigInt(offset)), guestLen: 4096 };
      const { header, data } = sendUpdate(from, 'SEND_UPDATE_DATA', range);
      const { status } = to.run('RECEIVE_UPDATE_DATA', ReceiveUpdateBuffer, {
        handle: received,
        hdrPaddr: to.place(header),
        hdrLen: header.length,
        guestPaddr: spa(target + BigInt(offset)),
        guestLen: 4096,
        transPaddr: to.place(data),
        transLen: 4096,
      });
      expect(status).toBe('SUCCESS');
    }
    expect(reads(to, target, CONTENT.length)).toEqual(CONTENT);

    const secret = { handle: received, hdrPaddr: target, hdrLen: 0x34, guestPaddr: target, guestLen: 16 };
    const secretStatus = to.run('LAUNCH_SECRET', LaunchSecretBuffer, {
      ...secret,
      transPaddr: target,
      transLen: 16,
    });
    expect(secretStatus.status).toBe('INVALID_GUEST_STATE');

    expect(from.run('SEND_FINISH', HandleBuffer, { handle }).status).toBe('SUCCESS');
    expect(to.run('RECEIVE_FINISH', HandleBuffer, { handle: received }).status).toBe('SUCCESS');
    expect(from.sp.guest(handle)).toMatchObject({ state: 'SENT', channel: ZERO_CHANNEL });
    expect(to.sp.guest(received)).toMatchObject({
      state: 'RUNNING',
      activation: 'active',
      channel: ZERO_CHANNEL,
      launchDigest: new Uint8Array(32),
    });
    expect(to.sp.state.asids[ASID]).toBe('inUse');
  });

  it('goes on where it was after SEND_CANCEL, and may be sent again with other keys', () => {
    const platform = ready();
    const { handle } = runningGuest(platform);
    const first = sendStart(platform, handle, certificatesOf(platform));
    expect(platform.run('SEND_CANCEL', HandleBuffer, { handle }).status).toBe('SUCCESS');
    expect(platform.sp.guest(handle)).toMatchObject({ state: 'RUNNING', channel: ZERO_CHANNEL });
    const second = sendStart(platform, handle, certificatesOf(platform));
    expect(second.session.wrapTk).not.toEqual(first.session.wrapTk);
    expect(second.session.nonce).not.toEqual(first.session.nonce);
  });

  it.each([
    ['genoa-1.55', 2],
    ['spec', 2],
  ] as const)('%s: data has context %i in its MAC and no measurement behind it', (profile, context) => {
    const platform = ready(profile);
    const { handle, paddr } = runningGuest(platform);
    const { session } = sendStart(platform, handle, { ...certificatesOf(platform), pdh: unsigned() });
    const { tek, tik } = unwrapSession(sharedSecret(stranger.d, platform.sp.identity.pdh.key), session)!;
    const { header, data } = sendUpdate(platform, 'SEND_UPDATE_DATA', {
      handle,
      guestPaddr: paddr,
      guestLen: 4096,
    });
    expect(toHex(header.subarray(20))).toBe(macByHand(tik, context, header, data));
    const decipher = createDecipheriv('aes-128-ctr', tek, header.subarray(4, 20));
    expect(new Uint8Array(decipher.update(data))).toEqual(CONTENT.subarray(0, 4096));
  });

  it('has another counter block for each packet', () => {
    const platform = ready();
    const { handle, paddr } = runningGuest(platform);
    sendStart(platform, handle, certificatesOf(platform));
    const range = { handle, guestPaddr: paddr, guestLen: 64 };
    const [a, b] = [0, 1].map(() => sendUpdate(platform, 'SEND_UPDATE_DATA', range));
    expect(a!.header.subarray(4, 20)).not.toEqual(b!.header.subarray(4, 20));
    expect(a!.data).not.toEqual(b!.data);
  });
});

describe('the VMSA of a guest with SEV-ES', () => {
  const ES_ASID = 5;
  const TMR = spa(0x4000_0000n);
  const page = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) & 0xff);

  /** A platform with SEV-ES on. */
  function readyEs(profile: ProfileName, seed: string): Platform {
    const platform = createPlatform(profile, seed);
    const init = { flags: 1, reserved02: 0, reserved04: 0, tmrPaddr: TMR, tmrLen: 0x10_0000 };
    expect(platform.run('INIT', InitBuffer, init).status).toBe('SUCCESS');
    platform.machine.host.wbinvd();
    expect(platform.bare('DF_FLUSH')).toBe('SUCCESS');
    return platform;
  }

  /** A guest that is being sent, with one VMSA. */
  function sending(profile: ProfileName) {
    const from = readyEs(profile, 'here');
    const to = readyEs(profile, 'there');
    const handle = launchGuest(from, 5, ES_ASID);
    const paddr = from.place(page);
    const update = { handle, paddr, length: 4096 };
    expect(from.run('LAUNCH_UPDATE_VMSA', LaunchUpdateBuffer, update).status).toBe('SUCCESS');
    measureGuest(from, handle);
    from.run('LAUNCH_FINISH', HandleBuffer, { handle });
    const { session } = sendStart(from, handle, { ...certificatesOf(to) });
    const received = receiveStart(to, 5, session, from.sp.identity.pdh.certificate);
    to.run('ACTIVATE', ActivateBuffer, { handle: received, asid: ES_ASID });
    return { from, to, handle, paddr, received };
  }

  const receive = (to: Platform, handle: number, packet: { header: Uint8Array; data: Uint8Array }) => {
    const guestPaddr = to.place(new Uint8Array(4096));
    const { status } = to.run('RECEIVE_UPDATE_VMSA', ReceiveUpdateBuffer, {
      handle,
      hdrPaddr: to.place(packet.header),
      hdrLen: packet.header.length,
      guestPaddr,
      guestLen: packet.data.length,
      transPaddr: to.place(packet.data),
      transLen: packet.data.length,
    });
    return { status, guestPaddr };
  };

  it.each([
    ['genoa-1.55', 2],
    ['spec', 3],
  ] as const)('%s: goes with context %i, and gets a cell of its own there', (profile, context) => {
    const { from, to, handle, paddr, received } = sending(profile);
    const range = { handle, guestPaddr: paddr, guestLen: 4096 };
    const { tik } = from.sp.guest(handle).channel;
    const packet = sendUpdate(from, 'SEND_UPDATE_VMSA', range);
    expect(toHex(packet.header.subarray(20))).toBe(macByHand(tik, context, packet.header, packet.data));

    const { status, guestPaddr } = receive(to, received, packet);
    expect(status).toBe('SUCCESS');
    const arrived = to.machine.memory.readEncrypted(ES_ASID, guestPaddr, 4096);
    expect(arrived.subarray(0, 0x380)).toEqual(page.subarray(0, 0x380));
    expect(arrived.subarray(0x390)).toEqual(page.subarray(0x390));
    expect(vmsaCell(arrived)).toBeGreaterThanOrEqual(TMR);
    expect(to.machine.memory.read(vmsaCell(arrived), 8)).toEqual(encodeChecksum(vmsaChecksum(arrived)));
    expect(to.sp.state.vmsaCells).toBe(1);
  });

  it('is data for genoa 1.55, which has one context for both', () => {
    const { from, to, handle, paddr, received } = sending('genoa-1.55');
    const packet = sendUpdate(from, 'SEND_UPDATE_DATA', { handle, guestPaddr: paddr, guestLen: 4096 });
    expect(receive(to, received, packet).status).toBe('SUCCESS');
  });

  it('is not data where the contexts differ', () => {
    const { from, to, handle, paddr, received } = sending('spec');
    const packet = sendUpdate(from, 'SEND_UPDATE_DATA', { handle, guestPaddr: paddr, guestLen: 4096 });
    expect(receive(to, received, packet).status).toBe('BAD_MEASUREMENT');
  });

  it('is refused when the host put an older page back, or another cell into it', () => {
    const { from, handle, paddr } = sending('genoa-1.55');
    const { memory } = from.machine;
    const send = (guestLen = 4096) =>
      from.run('SEND_UPDATE_VMSA', SendUpdateBuffer, {
        handle,
        hdrPaddr: from.place(new Uint8Array(0x34)),
        hdrLen: 0x34,
        guestPaddr: paddr,
        guestLen,
        transPaddr: from.place(new Uint8Array(4096)),
        transLen: 4096,
      }).status;
    const good = memory.readEncrypted(ES_ASID, paddr, 4096).slice();
    expect(send()).toBe('SUCCESS');
    memory.writeEncrypted(ES_ASID, paddr, flip(good, 0));
    expect(send()).toBe('INVALID_PARAM');
    memory.writeEncrypted(ES_ASID, paddr, vmsaWithCell(good, spa(0x4010_0000n)));
    expect(send()).toBe('INVALID_PARAM');
    memory.writeEncrypted(ES_ASID, paddr, flip(good, 0xfc0)); // not covered
    expect(send()).toBe('SUCCESS');
    expect(send(4080)).toBe('INVALID_LENGTH');
  });

  it('has no cell left: the packet is good, and nothing is written', () => {
    const { from, to, handle, paddr, received } = sending('genoa-1.55');
    const packet = sendUpdate(from, 'SEND_UPDATE_VMSA', { handle, guestPaddr: paddr, guestLen: 4096 });
    to.sp.state.vmsaCells = VMSA_POOL_SIZE;
    const { status, guestPaddr } = receive(to, received, packet);
    expect(status).toBe('RESOURCE_LIMIT');
    expect(to.machine.host.memory.read(guestPaddr, 4096)).toEqual(new Uint8Array(4096));
  });

  it.each(['SEND_UPDATE_VMSA', 'RECEIVE_UPDATE_VMSA'] as const)('%s needs SEV-ES', (name) => {
    const platform = ready();
    const handle = launchGuest(platform);
    Object.assign(platform.sp.guest(handle), { state: name.startsWith('SEND') ? 'SUPDATE' : 'RUPDATE' });
    const paddr = platform.place(new Uint8Array(4096));
    const cmd = { handle, hdrPaddr: paddr, hdrLen: 0x34, guestPaddr: paddr, guestLen: 4096 };
    const { status } = platform.run(name, SendUpdateBuffer, { ...cmd, transPaddr: paddr, transLen: 4096 });
    expect(status).toBe('UNSUPPORTED');
  });
});

describe('to whom a guest may be sent', () => {
  /** The status of SEND_START for a guest with that policy, to a receiver whose certificates are changed. */
  function statusOf(policy: number, change: (good: Certificates, to: Platform) => Partial<Certificates>) {
    const from = ready('genoa-1.55', 'here');
    const to = ready('genoa-1.55', 'there');
    const { handle } = runningGuest(from, policy);
    const good = certificatesOf(to);
    const cmd = sendStartBuffer(from, handle, { ...good, ...change(good, to) });
    return from.run('SEND_START', SendStartBuffer, cmd).status;
  }
  const asTheyAre = () => ({});
  const noSignature = () => ({ pdh: unsigned() });
  const askIsNone = ({ amd: [ask, ark] }: Certificates) => ({ amd: [flip(ask, 0x24), ark] as const });

  it('anybody, when the policy has neither SEV nor DOMAIN: nobody looks at a signature', () => {
    expect(statusOf(1, noSignature)).toBe('SUCCESS');
  });

  it.each([
    ['SEV', 0x21, asTheyAre, 'SUCCESS'],
    ['SEV', 0x21, noSignature, 'INVALID_CERTIFICATE'],
    ['SEV, an ASK of another usage', 0x21, askIsNone, 'INVALID_CERTIFICATE'],
    ['DOMAIN', 0x11, asTheyAre, 'POLICY_FAILURE'],
    ['DOMAIN', 0x11, noSignature, 'INVALID_CERTIFICATE'],
    ['DOMAIN and SEV', 0x31, asTheyAre, 'POLICY_FAILURE'],
    ['NOSEND', 0x29, asTheyAre, 'POLICY_FAILURE'],
  ] as const)('%s', (_, policy, change, status) => {
    expect(statusOf(policy, change)).toBe(status);
  });

  it.each([
    ['genoa 1.55 for 1.55', 0x3701_0021, 'SUCCESS'],
    ['a PEK of 0.14 for 0.15', 0x0f00_0021, 'POLICY_FAILURE'],
    ['a PEK of 0.14 for 0.14', 0x0e00_0021, 'SUCCESS'],
  ] as const)('the PEK tells how new the receiver is: %s', (name, policy, status) => {
    const old = (good: Certificates, to: Platform): Partial<Certificates> => {
      if (name.startsWith('genoa')) return good;
      const { sp } = to;
      const [, oca, cek] = good.platform;
      const entropy = seededEntropy('test', 'old');
      const body = { ...sp.identity.pek.certificate, apiMajor: 0, apiMinor: 14 };
      const byOca = signCertificate(body, 1, { usage: KEY_USAGE.OCA, d: sp.identity.oca.key!.d }, entropy);
      const pek = signCertificate(byOca, 2, { usage: KEY_USAGE.CEK, d: sp.cek.key.d }, entropy);
      return { platform: [pek, oca, cek] };
    };
    expect(statusOf(policy, old)).toBe(status);
  });

  it('DOMAIN: another platform of the same owner, whatever its CEK is', () => {
    const platform = ready();
    const { handle } = runningGuest(platform, 0x11);
    const good = certificatesOf(platform);
    const [pek, oca, cek] = good.platform;
    const to = { ...good, platform: [pek, oca, { ...cek, pubkeyUsage: 0 }] as const };
    expect(platform.run('SEND_START', SendStartBuffer, sendStartBuffer(platform, handle, to)).status).toBe(
      'SUCCESS',
    );
  });
});

const set = (target: object, change: object) => () => Object.assign(target, change);

/** Three rows, of a length and of `reachable`: a wrong length, an unusable address, a hole, then the right one. */
const bufferRows = <T extends object>(
  cmd: T,
  name: string,
  [field, length]: readonly [string, number],
  good: () => void,
): readonly Repair[] => [
  [`${name}_LEN is 0x${length.toString(16)}`, set(cmd, { [`${field}Len`]: length })],
  [`${name}_PADDR is a usable address`, set(cmd, { [`${field}Paddr`]: HOLE })],
  [`${name}_PADDR lies in DRAM`, good],
];
const addressRows = <T extends object>(cmd: T, name: string, field: string, good: Spa): readonly Repair[] =>
  bufferRows(cmd, name, [field, 0], set(cmd, { [`${field}Paddr`]: good })).slice(1);

const flip = (bytes: Uint8Array, offset: number) => bytes.map((byte, i) => (i === offset ? byte ^ 1 : byte));

/** Everything that a receiver shows. */
interface Shown extends Record<'pdh' | 'pek' | 'oca' | 'cek', SevCertificate> {
  readonly ask: Uint8Array;
  readonly ark: Uint8Array;
}

describe('everything wrong at first, one repair per row', () => {
  it('SEND_START', () => {
    const platform = ready();
    const { sp } = platform;
    const policy = 0x0e00_0031; // API 0.14, SEV, DOMAIN, NODBG
    const { handle } = runningGuest(platform, policy);
    const guest = sp.guest(handle);
    const good = certificatesOf(platform);
    const [pek, oca, cek] = good.platform;
    const [ask, ark] = good.amd;

    const entropy = seededEntropy('test', 'old');
    const none = { usage: KEY_USAGE.NONE, algo: KEY_ALGO.NONE, signature: new Uint8Array(0x200) };
    const oldBody = withSlot(withSlot({ ...pek, apiMajor: 0, apiMinor: 13 }, 1, none), 2, none);
    const byCek = { usage: KEY_USAGE.CEK, d: sp.cek.key.d };
    const halfPek = signCertificate(oldBody, 2, byCek, entropy);
    const oldPek = signCertificate(halfPek, 1, { usage: KEY_USAGE.OCA, d: sp.identity.oca.key!.d }, entropy);

    const unsignedPdh = withSlot(good.pdh, 1, none);
    const show: Shown = {
      pdh: {
        ...unsignedPdh,
        version: 2,
        pubkeyUsage: 0x42,
        pubkeyAlgo: 0x103,
        pubkey: flip(good.pdh.pubkey, 0x4c),
      },
      pek: oldBody,
      oca: { ...oca, sig1: flip(oca.sig1, 0) },
      cek: sp.cek.certificate,
      ask: flip(ask, 0x14), // CERTIFYING_ID
      ark: flip(ark, 0x04), // KEY_ID
    };
    const cmd = {
      ...sendStartBuffer(platform, handle, good),
      handle: 999,
      pdhCertPaddr: UNUSABLE,
      pdhCertLen: 0x825,
      platCertsPaddr: UNUSABLE,
      platCertsLen: 0,
      amdCertsPaddr: UNUSABLE,
      amdCertsLen: 0xc7f,
      sessionPaddr: UNUSABLE,
      sessionLen: 0x10,
    };
    const place = {
      pdh: () => {
        cmd.pdhCertPaddr = platform.place(SevCertificate.encode(show.pdh));
      },
      plat: () => {
        const chain = [show.pek, show.oca, show.cek].map((each) => SevCertificate.encode(each));
        cmd.platCertsPaddr = platform.place(concat(...chain));
      },
      amd: () => {
        cmd.amdCertsPaddr = platform.place(concat(show.ask, show.ark));
      },
    };
    const mend = (which: keyof typeof place, change: Partial<Shown>) => () => {
      Object.assign(show, change);
      place[which]();
    };
    const pdh = (change: Partial<SevCertificate>) => () => mend('pdh', { pdh: { ...show.pdh, ...change } })();

    Object.assign(guest, { state: 'LSECRET', policy: policy | 8 });
    sp.state.platform = 'INIT';
    expectCascade(platform, 'SEND_START', SendStartBuffer, cmd, [
      ['platform is WORKING', set(sp.state, { platform: 'WORKING' })],
      ['HANDLE names a guest', set(cmd, { handle })],
      ['SESSION_LEN is 0x80', set(cmd, { sessionLen: 0x80 })],
      ['guest is RUNNING', set(guest, { state: 'RUNNING' })],
      ['policy allows sending', set(guest, { policy })],
      ...bufferRows(cmd, 'PDH_CERT', ['pdhCert', 0x824], place.pdh),
      ...bufferRows(cmd, 'PLAT_CERTS', ['platCerts', 0x186c], place.plat),
      ...bufferRows(cmd, 'AMD_CERTS', ['amdCerts', 0xc80], place.amd),
      ['certificate VERSION is 1', pdh({ version: 1 })],
      ['certificate usage is known', pdh({ pubkeyUsage: KEY_USAGE.PEK })],
      ['public key is a point of P-384', pdh({ pubkey: good.pdh.pubkey })],
      ['certificate usage is PDH', pdh({ pubkeyUsage: KEY_USAGE.PDH })],
      ['certificate algorithm is ECDH-SHA256', pdh({ pubkeyAlgo: KEY_ALGO.ECDH_SHA256 })],
      ['ARK is the root in the fuses', mend('amd', { ark })],
      ['ASK is certified by the ARK', mend('amd', { ask: flip(ask, 1599) })],
      ['ARK signed the ASK', mend('amd', { ask })],
      ['CEK has a signature by an ASK', mend('plat', { cek: { ...cek, sig1: flip(cek.sig1, 9) } })],
      ['ASK signed the CEK', mend('plat', { cek })],
      [
        'CEK signs PEK: the certificates can be used',
        mend('plat', { pek: { ...halfPek, sig2: flip(halfPek.sig2, 0) } }),
      ],
      ['CEK signs PEK: the signature verifies', mend('plat', { pek: halfPek })],
      [
        'OCA signs PEK: the certificates can be used',
        mend('plat', { pek: { ...oldPek, sig1: flip(oldPek.sig1, 0) } }),
      ],
      ['OCA signs PEK: the signature verifies', mend('plat', { pek: oldPek })],
      [
        'PEK signs PDH: the certificates can be used',
        mend('pdh', { pdh: { ...good.pdh, sig1: flip(good.pdh.sig1, 0x48) } }),
      ],
      ['PEK signs PDH: the signature verifies', mend('pdh', { pdh: good.pdh })],
      ['receiver is as new as the policy asks', mend('plat', { pek })],
      ['receiver has the same owner', mend('plat', { oca })],
      ...addressRows(cmd, 'SESSION', 'session', platform.place(new Uint8Array(0x80))),
    ]);
    expect(stateOf(platform, handle)).toBe('SUPDATE');
  });

  it('SEND_START tells the length of a session', () => {
    const platform = ready();
    const { handle } = runningGuest(platform);
    const cmd = { ...sendStartBuffer(platform, handle, certificatesOf(platform)), sessionLen: 0x10 };
    const { status, value } = platform.run('SEND_START', SendStartBuffer, cmd);
    expect([status, value.sessionLen]).toEqual(['INVALID_LENGTH', 0x80]);
  });

  it('SEND_UPDATE_DATA', () => {
    const platform = ready();
    const { sp } = platform;
    const guest: Guest = createGuest(1, new Uint8Array(32), ZERO_CHANNEL);
    sp.memory.installKey(ASID, new Uint8Array(32));
    const room = platform.place(new Uint8Array(0), 0x10000);
    const cmd = {
      handle: 9,
      hdrPaddr: UNUSABLE,
      hdrLen: 0x33,
      guestPaddr: spa(UNUSABLE + 8n),
      guestLen: 0,
      transPaddr: UNUSABLE,
      transLen: 31,
    };
    expectCascade(platform, 'SEND_UPDATE_DATA', SendUpdateBuffer, cmd, [
      ['platform is WORKING', set(sp.state, { platform: 'WORKING' })],
      ['HDR_LEN suffices', set(cmd, { hdrLen: 0x34 })],
      ['HANDLE names a guest', () => sp.state.guests.set(9, guest)],
      ['GUEST_LEN is not 0', set(cmd, { guestLen: 0x5001 })],
      ['GUEST_LEN is a multiple of 16', set(cmd, { guestLen: 0x5010 })],
      ['GUEST_LEN is within the limit', set(cmd, { guestLen: 32 })],
      ['TRANS_LEN suffices', set(cmd, { transLen: 32 })],
      ['GUEST_PADDR is 16-byte aligned', set(cmd, { guestPaddr: UNUSABLE })],
      ['guest is in SUPDATE', set(guest, { state: 'SUPDATE' })],
      ['guest has an ASID', set(guest, { activation: 'active', asid: ASID })],
      ...addressRows(cmd, 'GUEST', 'guest', room),
      ...addressRows(cmd, 'HDR', 'hdr', spa(room + 0x4000n)),
      ...addressRows(cmd, 'TRANS', 'trans', spa(room + 0x8000n)),
    ]);
  });

  it.each([
    ['hdrLen', 0, 0x34],
    ['transLen', 31, 32],
  ] as const)('SEND_UPDATE_DATA tells how long %s should be', (field, short, needed) => {
    const platform = ready();
    const { handle, paddr } = runningGuest(platform);
    const cmd = { handle, hdrPaddr: paddr, hdrLen: 0x34, guestPaddr: paddr, guestLen: 32 };
    const { status, value } = platform.run('SEND_UPDATE_DATA', SendUpdateBuffer, {
      ...cmd,
      transPaddr: paddr,
      transLen: 32,
      [field]: short,
    });
    expect([status, value[field]]).toEqual(['INVALID_LENGTH', needed]);
  });

  it.each([
    ['SEND_FINISH', 'guest is in SUPDATE', 'SUPDATE'],
    ['SEND_CANCEL', 'guest is in SUPDATE', 'SUPDATE'],
    ['RECEIVE_FINISH', 'guest is in RUPDATE', 'RUPDATE'],
  ] as const)('%s', (name, row, state) => {
    const platform = ready();
    const guest = createGuest(0, new Uint8Array(32), ZERO_CHANNEL);
    expectCascade(platform, name, HandleBuffer, { handle: 3 }, [
      ['platform is WORKING', set(platform.sp.state, { platform: 'WORKING' })],
      ['HANDLE names a guest', () => platform.sp.state.guests.set(3, guest)],
      [row, set(guest, { state })],
    ]);
  });

  it('RECEIVE_START', () => {
    const platform = ready();
    const { sp } = platform;
    const policy = 0x3701_0047;
    const offer = makeOffer(platform, policy);
    let certificate: SevCertificate = {
      ...offer.certificate,
      version: 2,
      pubkeyUsage: 0x42,
      pubkeyAlgo: 0x103,
      pubkey: flip(offer.certificate.pubkey, 0x4c),
    };
    let session: LaunchSession = {
      ...offer.session,
      wrapMac: new Uint8Array(32),
      policyMac: new Uint8Array(32),
    };
    const cmd = {
      handle: 77,
      policy,
      pdhCertPaddr: UNUSABLE,
      pdhCertLen: 0,
      sessionPaddr: UNUSABLE,
      sessionLen: 0,
    };
    const putCertificate = (change: Partial<SevCertificate>) => () => {
      certificate = { ...certificate, ...change };
      cmd.pdhCertPaddr = platform.place(SevCertificate.encode(certificate));
    };
    const putSession = (change: Partial<LaunchSession>) => () => {
      session = { ...session, ...change };
      cmd.sessionPaddr = platform.place(LaunchSession.encode(session));
    };
    const usePolicy = (value: number) => () => {
      cmd.policy = value;
      putSession({ policyMac: policyMac(TIK, value) })();
    };
    const shared = createGuest(1, new Uint8Array(32).fill(5), ZERO_CHANNEL);
    const share = (change: Partial<Guest>) => () => sp.state.guests.set(77, { ...shared, ...change });
    sp.state.platform = 'UNINIT';
    expectCascade(platform, 'RECEIVE_START', ReceiveStartBuffer, cmd, [
      ['platform is INIT or WORKING', set(sp.state, { platform: 'INIT' })],
      ...bufferRows(cmd, 'SESSION', ['session', 0x80], putSession({})),
      ...bufferRows(cmd, 'PDH_CERT', ['pdhCert', 0x824], putCertificate({})),
      ['certificate VERSION is 1', putCertificate({ version: 1 })],
      ['certificate usage is known', putCertificate({ pubkeyUsage: KEY_USAGE.PEK })],
      ['public key is a point of P-384', putCertificate({ pubkey: offer.certificate.pubkey })],
      ['certificate usage is PDH', putCertificate({ pubkeyUsage: KEY_USAGE.PDH })],
      ['certificate algorithm is ECDH-SHA256', putCertificate({ pubkeyAlgo: KEY_ALGO.ECDH_SHA256 })],
      ['WRAP_MAC matches', putSession({ wrapMac: offer.session.wrapMac })],
      ['POLICY_MAC matches', usePolicy(0x3801_0047)], // API 1.56: one newer than the firmware
      ['firmware is as new as the policy asks', usePolicy(policy)],
      ['policy bits 15:6 are zero', usePolicy(0x3701_0007)],
      ['HANDLE is 0 or names a guest', share({})],
      ['a shared key has the same policy', share({ policy: 0x3701_0007 })],
      [
        'a shared key may be shared',
        () => {
          for (let handle = 1; handle <= 1024; handle++)
            sp.state.guests.set(handle, { ...shared, policy: 0x3701_0005 });
          usePolicy(0x3701_0005)();
        },
      ],
      ['a handle is free', () => sp.state.guests.delete(5)],
      [
        'SEV-ES is on if the policy asks for it',
        () => {
          share({ policy: 0x3701_0001 })();
          usePolicy(0x3701_0001)();
        },
      ],
    ]);
    expect(sp.guest(5)).toMatchObject({ state: 'RUPDATE', policy: 0x3701_0001, vekSeed: shared.vekSeed });
  });

  it('RECEIVE_START without a certificate is refused, where LAUNCH_START is not', () => {
    const platform = ready();
    const { dhCertPaddr: _, dhCertLen: __, ...rest } = startBuffer(platform, 1);
    const cmd = { ...rest, pdhCertPaddr: spa(0n), pdhCertLen: 0 };
    expect(platform.run('RECEIVE_START', ReceiveStartBuffer, cmd).status).toBe('INVALID_LENGTH');
  });

  it('RECEIVE_UPDATE_DATA', () => {
    const platform = ready();
    const { sp } = platform;
    const handle = launchGuest(platform);
    const guest = sp.guest(handle);
    const packet = sealTransport({
      ...guest.channel,
      context: 2,
      iv: new Uint8Array(16).fill(7),
      plaintext: CONTENT.subarray(0, 64),
    });
    const put = (flags: number) => platform.place(PacketHeader.encode({ ...packet.header, flags }));
    Object.assign(guest, { activation: 'inactive' });
    sp.state.platform = 'INIT';
    const cmd = {
      handle: 1000,
      hdrPaddr: UNUSABLE,
      hdrLen: 0x33,
      guestPaddr: spa(UNUSABLE + 8n),
      guestLen: 0,
      transPaddr: UNUSABLE,
      transLen: 16,
    };
    const target = platform.place(new Uint8Array(64));
    const trans = platform.place(packet.data);
    expectCascade(platform, 'RECEIVE_UPDATE_DATA', ReceiveUpdateBuffer, cmd, [
      ['platform is WORKING', set(sp.state, { platform: 'WORKING' })],
      ['HANDLE names a guest', set(cmd, { handle })],
      ['HDR_LEN is 0x34', set(cmd, { hdrLen: 0x34 })],
      ['GUEST_LEN is not 0', set(cmd, { guestLen: 0x5001 })],
      ['GUEST_LEN is a multiple of 16', set(cmd, { guestLen: 0x5010 })],
      ['GUEST_LEN is within the limit', set(cmd, { guestLen: 64 })],
      ['TRANS_LEN equals GUEST_LEN', set(cmd, { transLen: 64 })],
      ['GUEST_PADDR is 16-byte aligned', set(cmd, { guestPaddr: UNUSABLE })],
      ['guest is in RUPDATE', set(guest, { state: 'RUPDATE' })],
      ['guest has an ASID', set(guest, { activation: 'pending' })],
      ...addressRows(cmd, 'HDR', 'hdr', put(3)),
      ...addressRows(cmd, 'GUEST', 'guest', target),
      ...addressRows(cmd, 'TRANS', 'trans', trans),
      ['packet is not COMPRESSED', () => Object.assign(cmd, { hdrPaddr: put(2) })],
      ['MAC matches', () => Object.assign(cmd, { hdrPaddr: put(0) })],
    ]);
    expect(reads(platform, target, 64)).toEqual(CONTENT.subarray(0, 64));
  });

  it.each([
    ['genoa-1.55', 0x34, 'BAD_MEASUREMENT'],
    ['genoa-1.55', 0x40, 'INVALID_LENGTH'],
    ['spec', 0x40, 'BAD_MEASUREMENT'],
    ['spec', 0x33, 'INVALID_LENGTH'],
  ] as const)('%s: RECEIVE_UPDATE_DATA with HDR_LEN %i answers %s', (profile, hdrLen, status) => {
    const platform = ready(profile);
    const handle = launchGuest(platform);
    Object.assign(platform.sp.guest(handle), { state: 'RUPDATE' });
    const paddr = platform.place(new Uint8Array(64));
    const cmd = { handle, hdrPaddr: paddr, hdrLen, guestPaddr: paddr, guestLen: 16 };
    const bytes = { ...cmd, transPaddr: paddr, transLen: 16 };
    expect(platform.run('RECEIVE_UPDATE_DATA', ReceiveUpdateBuffer, bytes).status).toBe(status);
  });
});
