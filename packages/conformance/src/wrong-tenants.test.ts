import { expect, it } from 'vitest';
import { allCases } from './cases.ts';
import type { TenantReply, TenantRequest } from './exec/protocol.ts';
import { askTenant } from './exec/remote-tenant.ts';
import { runCase } from './run.ts';
import { answerTenant } from './targets/sim-tenant.ts';

const cases = allCases().filter(({ room }) => room === 'tenant');

type Tenant = (request: TenantRequest) => TenantReply;

const failuresOf = (tenant: Tenant): string[] =>
  cases
    .filter(
      (each) => runCase(each, { name: 'wrong', tenant: (one) => askTenant(tenant, one) }).outcome === 'fail',
    )
    .map(({ id }) => id);

/** Accepts what is right for any of these. */
const anyOf =
  (...changes: ((request: TenantRequest) => TenantRequest)[]): Tenant =>
  (request) => {
    const replies = [request, ...changes.map((change) => change(request))].map(answerTenant);
    return replies.find(({ verdict }) => verdict === 'accepted') ?? replies[0]!;
  };

const aboutLaunch =
  (change: (launch: Extract<TenantRequest, { readonly question: 'measurement' }>) => object) =>
  (request: TenantRequest): TenantRequest =>
    request.question === 'measurement' ? { ...request, ...change(request) } : request;
const sameRoot = (request: TenantRequest): TenantRequest =>
  request.question === 'chain' ? { ...request, trusted: request.certificates.ARK } : request;

it('nothing fails when nothing is wrong', () => expect(failuresOf(answerTenant)).toEqual([]));

it.each<[string, Tenant, string[]]>([
  [
    'does not mind which build it is',
    anyOf(aboutLaunch(({ version: [major, minor] }) => ({ version: [major, minor, 20] }))),
    ['MEA-23'],
  ],
  ['does not mind debugging', anyOf(aboutLaunch(({ policy }) => ({ policy: policy & ~1 }))), ['MEA-21']],
  ['measures no registers', anyOf(aboutLaunch(() => ({ vcpus: undefined }))), ['MEA-20']],
  [
    'does not mind a kernel that nobody measured',
    anyOf(aboutLaunch(() => ({ kernel: undefined }))),
    ['MEA-15'],
  ],
  ['takes a launch without a session', anyOf(aboutLaunch(() => ({ tik: '00'.repeat(16) }))), ['MEA-32']],
  ['tries the TEK in place of the TIK', anyOf(aboutLaunch(({ tek }) => ({ tik: tek }))), ['MEA-31']],
  ['trusts whatever root comes along', anyOf(sameRoot), ['CHN-24']],
  [
    'takes a policy of another session',
    anyOf((request) => (request.question === 'session' ? { ...request, policy: 3 } : request)),
    ['SES-08'],
  ],
])('a tenant fails that %s', (_, tenant, failed) => {
  expect(failuresOf(tenant)).toEqual(failed);
});

it('a tenant that believes everything fails whatever is to be refused', () => {
  const refused = cases.filter(({ then }) => 'verdict' in then && then.verdict !== 'accepted');
  const believes: Tenant = (request) =>
    request.question === 'packet' ? answerTenant(request) : { verdict: 'accepted' };
  const failures = failuresOf(believes);
  expect(failures).toEqual(refused.map(({ id }) => id).filter((id) => !id.startsWith('PKT-')));
});

it('a tenant whose packets are for no launch, or for none of Linux, fails', () => {
  const spoiling =
    (spoil: (data: string) => string): Tenant =>
    (request) => {
      const reply = answerTenant(request);
      return { ...reply, ...(reply.data !== undefined && { data: spoil(reply.data) }) };
    };
  const sealed = cases.filter(({ then }) => 'taken' in then).map(({ id }) => id);
  expect(failuresOf(spoiling((data) => `${data.slice(0, -2)}00`))).toEqual(sealed);
  expect(failuresOf(spoiling((data) => data.slice(0, -2)))).toEqual(sealed);
});
