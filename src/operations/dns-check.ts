/** `dns check`: whether the world sees what `dns records` prints. Asks every name server of every zone, and the machine's resolver; changes nothing. */
import { z } from 'zod';
import { operatorError } from '#base';
import { domains } from '#directory';
import { readStates } from '#dkim';
import {
  asker,
  check as lookAt,
  type Checked,
  dnsFindings,
  type DnsFacts,
  type Outcome,
  recordFindings,
  recordsOf,
  unconfirmed,
  valueText,
  zoneFindings,
} from '#dns';
import type { Finding, RenderInput } from '#model';
import { fitDomains } from './dkim.ts';
import { loadInput } from './desired.ts';
import { chosen, factsFor } from './dns.ts';
import { type Context, operation } from './operation.ts';
import { finding, withDirectory } from './people.ts';
import { keyringOf } from './secrets.ts';

const STATES = [
  ...(['right', 'differs', 'missing', 'wrong', 'in-the-way', 'alias', 'left-over', 'unevaluated', 'not-everywhere', 'stale', 'unknown'] as const),
] satisfies readonly Checked['state'][];

const text = z.string();
const server = z.object({
  name: text,
  address: text.nullable(),
  state: z.enum(['answers', 'lame', 'silent', 'nameless']),
  serial: z.number().nullable(),
});
const zone = z.object({
  zone: text,
  standing: z.enum(['secure', 'insecure', 'broken', 'indeterminate', 'dead']).describe("as this machine's resolver finds it"),
  servers: z.array(server).readonly(),
});
const record = z.object({
  name: text,
  type: text,
  kind: text.describe('spf, dkim and dmarc are all TXT'),
  zone: text.describe('in which it lies'),
  of: text.describe('the domain that it belongs to; of a PTR the address'),
  state: z.enum(STATES),
  wanted: z.array(text).readonly(),
  expected: z.array(text).readonly().describe('what is lacking'),
  found: z.array(text).readonly().describe('what is there instead, or beside it'),
  servers: z
    .array(z.object({ name: text, state: text, found: z.array(text).readonly() }))
    .readonly()
    .describe('what each name server shows'),
  stale_seconds: z.number().nullable().describe("for how long this machine's resolver goes on with something else"),
});

const output = z.object({
  ok: z.boolean(),
  hostname: text,
  zones: z.array(zone).readonly(),
  records: z.array(record).readonly(),
  findings: z.array(finding).readonly(),
});

const recordShown = ({ expectation, zone: { name }, state, expected, found, voices, stale }: Checked): z.output<typeof record> => ({
  name: expectation.name,
  type: expectation.type,
  kind: expectation.kind,
  zone: name,
  of: expectation.of,
  state,
  wanted: expectation.wanted.map(valueText),
  expected: expected.map(valueText),
  found: (stale?.shows ?? found).map(valueText),
  servers: voices.map((voice) => ({ name: voice.server.name, state: voice.verdict?.state ?? 'silent', found: voice.shows.map(valueText) })),
  stale_seconds: stale?.seconds ?? null,
});

/** That something is not there is of no interest where it is not wanted. */
const isTold = ({ expectation: { wanted }, state }: Checked): boolean => wanted.length > 0 || state !== 'right';

const zoneShown = ({ name, standing, servers }: Outcome['zones'][number]): z.output<typeof zone> => ({
  zone: name,
  standing,
  servers: servers.map((each) => ({ name: each.name, address: each.address ?? null, state: each.state, serial: each.serial ?? null })),
});

const refuseLocal = ({ settings }: RenderInput): void => {
  if (settings.profile !== 'local') return;
  throw operatorError({
    code: 'dns.local',
    message: 'the profile is "local": nothing of this server is in the world\'s DNS, and there is nothing to check',
    remedy: 'A server in the world has profile = "public" below [server].',
  });
};

/** Names of DKIM keys that are gone: all that is known of them. */
const goneKeys = async (context: Context, names: readonly string[]): Promise<readonly { readonly domain: string; readonly selector: string }[]> => {
  const keyring = keyringOf(context);
  const each = async (domain: string): Promise<readonly string[]> =>
    Object.entries(await readStates(keyring, domain)).flatMap(([selector, { state }]) => (state === 'retired' ? [selector] : []));
  return (await Promise.all(names.map(async (domain) => (await each(domain)).map((selector) => ({ domain, selector }))))).flat();
};

/** What belongs to a domain that does not exist is told with it. */
const findingsOf = (outcome: Outcome, { settings }: RenderInput, facts: DnsFacts, now: Date): readonly Finding[] => {
  const { validate, mode } = settings.resolver;
  const ipv6 = facts.reached.v6.length + facts.sending.v6.length > 0;
  const seen = outcome.checked.filter(({ expectation: { of } }) => !outcome.unknown.has(of));
  return [
    ...zoneFindings(outcome, { now, validates: validate, ipv6, dane: facts.keys.length > 0 }, mode === 'recursive'),
    ...recordFindings(seen),
    ...unconfirmed(facts, seen),
    ...dnsFindings(settings, facts),
  ];
};

/** Of all domains, or of what belongs to one. Rejects with `dns.local` (3), `dns.no-resolver` (4). */
export const lookAtDns = async (context: Context, input: RenderInput, domain?: string): Promise<z.output<typeof output>> => {
  const names = fitDomains(await withDirectory(domains.names));
  const facts = await factsFor(context, input, names);
  const only = chosen(domain, [...names, facts.home, facts.hostname]);
  refuseLocal(input);
  const records = recordsOf(facts, only);
  const asking = asker(context.machine, input.wiring.resolver);
  const gone = await goneKeys(context, names);
  const outcome = await lookAt(asking, { facts, records, gone, recursive: input.settings.resolver.mode === 'recursive' });
  const findings = findingsOf(outcome, input, facts, context.machine.now());
  return {
    ok: findings.every(({ level }) => level !== 'error'),
    hostname: facts.hostname,
    zones: outcome.zones.map(zoneShown),
    records: outcome.checked.filter(isTold).map(recordShown),
    findings,
  };
};

export const check = operation({
  name: 'dns check',
  summary: 'Asks every name server whether the world sees the DNS records of this server as they are to be; ends with 1 if not.',
  example: 'hauspost dns check example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain: text.optional().describe('one domain, with the records of the server if its name lies in it; or that name; otherwise all'),
  }),
  output,
  needs: 'server',
  run: async (context, { domain }) => lookAtDns(context, await loadInput(context), domain),
  exitCode: ({ ok }) => (ok ? 0 : 1),
});
