/** `dns records`: what has to be published so that others find this server and believe it. Asks nobody in DNS. */
import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { operatorError, parseDomain } from '#base';
import { homeDomain } from '#config';
import { domains } from '#directory';
import { listDkimKeys } from '#dkim';
import {
  clientNames,
  type ClientService,
  dnscontrolText,
  type DnsFacts,
  dnsFindings,
  octodnsText,
  plainText,
  type Records,
  recordsOf,
  type Signer,
  signerAt,
  signerOf,
  zoneText,
} from '#dns';
import { reachedAt, type RenderInput, sendsBeyond } from '#model';
import { certificateAt } from '#tls';
import { roomFor } from './candidates.ts';
import { fitDomains } from './dkim.ts';
import { loadInput } from './desired.ts';
import { isServed } from './materials.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned, withDirectory } from './people.ts';
import { keyringOf } from './secrets.ts';
import { serverKeys } from './server-keys.ts';

const CLIENT_SERVICES: readonly ClientService[] = ['imaps', 'imap', 'submissions', 'submission'];

const portsOf = ({ wiring }: RenderInput): DnsFacts['ports'] =>
  Object.fromEntries(
    CLIENT_SERVICES.flatMap((service) => {
      const port = wiring.listeners.find(({ name }) => name === service)?.port;
      return port === undefined ? [] : [[service, port] as const];
    }),
  );

const signer = ({ settings }: RenderInput, leaf: X509Certificate | undefined): Signer => {
  if (settings.tls.source === 'own-ca') return { by: 'own-ca' };
  if (settings.tls.source === 'acme') return signerAt(settings.tls.directory);
  return leaf === undefined ? { by: 'unknown' } : signerOf(leaf.issuer);
};

export const factsFor = async (context: Context, input: RenderInput, names: readonly string[]): Promise<DnsFacts> => {
  const { settings, facts, wiring } = input;
  const leaf = await certificateAt(context.machine, wiring.places['tls-chain']);
  // As they lie there now: whoever brought the input may have waited for others since.
  const keysOf = Map.groupBy(await listDkimKeys(keyringOf(context)), ({ domain }) => domain);
  return {
    hostname: settings.hostname,
    home: homeDomain(settings),
    reached: reachedAt(settings, facts),
    sending: sendsBeyond(settings, facts),
    relay: settings.outgoing.relay?.host ?? null,
    ports: portsOf(input),
    keys: await serverKeys(context, input),
    certificateRead: await isServed(context, input),
    signer: signer(input, leaf),
    // An authority that is asked signs for them as soon as they lead here.
    certified:
      settings.tls.source === 'acme' ? roomFor(names, settings, leaf) : clientNames(names).filter((name) => leaf?.checkHost(name) !== undefined),
    ttl: settings.dns.ttlSeconds,
    dmarc: settings.dns.dmarc,
    domains: names.map((name) => ({ domain: parseDomain(name), dkim: keysOf.get(name) ?? [] })),
  };
};

export const chosen = (typed: string | undefined, names: readonly string[]): string | undefined => {
  if (typed === undefined) return undefined;
  const domain = parseDomain(typed);
  if (names.includes(domain)) return domain;
  throw domains.unknownDomain(domain, names);
};

const FORMATS = { zone: zoneText, plain: plainText, dnscontrol: dnscontrolText, octodns: octodnsText } as const;
type Format = keyof typeof FORMATS;
const isFormat = (key: string): key is Format => Object.hasOwn(FORMATS, key);

const formatOf = (input: Readonly<Record<string, unknown>>): Format | undefined => {
  const given = Object.keys(input).filter((key) => input[key] === true && isFormat(key));
  if (given.length > 1)
    throw operatorError({
      code: 'usage.value',
      message: `of ${given.map((key) => `--${key}`).join(' and ')} only one is possible`,
      remedy: "See 'hauspost dns records --help'.",
    });
  return given.find(isFormat);
};

const common = { name: z.string(), ttl: z.number(), why: z.string(), zone: z.string().describe('the shortest known domain that holds the name') };
const number = z.number();
const text = z.string();
const record = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.enum(['A', 'AAAA']), data: z.object({ address: text }) }),
  z.object({ ...common, type: z.enum(['CNAME', 'PTR']), data: z.object({ target: text }) }),
  z.object({ ...common, type: z.literal('MX'), data: z.object({ preference: number, exchange: text }) }),
  z.object({ ...common, type: z.literal('TXT'), data: z.object({ text }) }),
  z.object({ ...common, type: z.literal('SRV'), data: z.object({ priority: number, weight: number, port: number, target: text }) }),
  z.object({ ...common, type: z.literal('TLSA'), data: z.object({ usage: number, selector: number, matching: number, digest: text }) }),
  z.object({ ...common, type: z.literal('CAA'), data: z.object({ flags: number, tag: text, value: text }) }),
]);
const reverse = z.object({ address: text, type: z.literal('PTR'), name: text, data: z.object({ target: text }), why: text });

const output = z.object({
  hostname: text,
  records: z.array(record).readonly(),
  reverse: z.array(reverse).readonly().describe('to ask the provider of each address for'),
  left_out: z.array(z.object({ what: text, why: text })).readonly(),
  findings: z.array(finding).readonly(),
  text: text.nullable().describe('the same in the format that was asked for'),
});

const asked = (what: string): z.ZodOptional<z.ZodBoolean> => z.boolean().optional().describe(what);

const textIn = (format: Format | undefined, records: Records): string | null => (format === undefined ? null : FORMATS[format](records));

export const records = operation({
  name: 'dns records',
  summary: 'Shows the DNS records by which others find this server and believe it, with the reason of each; changes nothing, asks nobody.',
  example: 'hauspost dns records example.org --zone',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain: z.string().optional().describe('one domain, with the records of the server if its name lies in it; or that name; otherwise all'),
    zone: asked('print a zone file (RFC 1035) without start of authority and name servers'),
    plain: asked("print lines for a provider's form: host, type, value"),
    dnscontrol: asked('print lines for dnsconfig.js of DNSControl'),
    octodns: asked('print the YAML file of each zone for octoDNS'),
  }),
  output,
  needs: 'server',
  run: async (context, input) => {
    const format = formatOf(input);
    const names = fitDomains(await withDirectory(domains.names));
    const rendered = await loadInput(context);
    const facts = await factsFor(context, rendered, names);
    const only = chosen(input.domain, [...names, facts.home, facts.hostname]);
    const found = recordsOf(facts, only);
    return {
      hostname: facts.hostname,
      records: found.records,
      reverse: found.reverse,
      left_out: found.leftOut,
      findings: warned(context, dnsFindings(rendered.settings, facts)),
      text: textIn(format, found),
    };
  },
});
