/**
 * What octoDNS reads, by the two libraries that it reads with, PyYAML and natsort, of both releases: the records that were printed, and no key out of the
 * order that it insists on. (octoDNS itself is no package of Debian: docs/dns.md says what was tried by hand.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDomain } from '#base';
import { zoneReader } from '#lab';
import { absolute } from '#formats';
import { ED25519, facts, RSA } from './facts.lab.ts';
import { octodnsText } from './octodns.ts';
import type { DnsRecord } from './record.ts';
import { recordsOf } from './records.ts';

const SEED = 23;

/** Prints each document as JSON: `[[name, type, ttl, [value, ...]], ...]`. */
const READ = `
import json, sys, natsort, yaml

class Loader(yaml.SafeLoader):
    pass

def mapping(loader, node):
    loader.flatten_mapping(node)
    pairs = [(loader.construct_object(key, True), loader.construct_object(value, True)) for key, value in node.value]
    keys = [key for key, _ in pairs]
    for key, wanted in zip(keys, sorted(keys, key=natsort.natsort_keygen()), strict=True):
        if key != wanted:
            raise ValueError('keys out of order: %s, and not %s' % (key, wanted))
    if len(set(keys)) != len(keys):
        raise ValueError('keys twice')
    return dict(pairs)

Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
for zone in yaml.load_all(sys.stdin.read(), Loader):
    sets = [(name, each) for name, some in zone.items() for each in some]
    print(json.dumps([[name, each['type'], each['ttl'], each.get('values', [each.get('value')])] for name, each in sets]))
`;

type Read = readonly (readonly [string, string, number, readonly unknown[]])[];

const value = ({ type, data }: DnsRecord): unknown => {
  switch (type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'CNAME':
    case 'PTR':
      return absolute(data.target);
    case 'MX':
      return { exchange: absolute(data.exchange), preference: data.preference };
    case 'TXT':
      return data.text.split(';').join('\\;');
    case 'SRV':
      return { ...data, target: absolute(data.target) };
    case 'TLSA':
      return {
        certificate_association_data: data.digest,
        certificate_usage: data.usage,
        matching_type: data.matching,
        selector: data.selector,
      };
    case 'CAA':
      return data;
  }
};

/** Of one zone, one record a line. */
const expected = (records: readonly DnsRecord[], zone: string): readonly string[] =>
  records
    .filter((record) => record.zone === zone)
    .map((record) => JSON.stringify([record.name === zone ? '' : record.name.slice(0, -zone.length - 1), record.type, record.ttl, value(record)]));

const canonical = (given: unknown): unknown =>
  typeof given === 'object' && given !== null ? Object.fromEntries(Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1))) : given;

const sorted = (lines: readonly string[]): readonly string[] =>
  lines
    .map((line) => {
      const [name, type, ttl, one] = JSON.parse(line) as readonly unknown[];
      return JSON.stringify([name, type, ttl, canonical(one)]);
    })
    .toSorted();

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$/);
const selectors = fc.sample(fc.uniqueArray(label, { minLength: 1000, maxLength: 1000 }), { seed: SEED, numRuns: 1 }).flat();

const given = facts({
  signer: { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' },
  certified: ['imap.example.net', 'smtp.example.net'],
  reached: { v4: ['192.0.2.25', '192.0.2.26'], v6: ['2001:db8::25'] },
  domains: [
    {
      domain: parseDomain('example.net'),
      dkim: selectors.map((selector, index) => ({ selector, publicKey: index % 2 === 0 ? RSA : ED25519, state: 'active' as const })),
    },
    { domain: parseDomain('example.org'), dkim: [] },
  ],
});

for (const release of ['bookworm', 'trixie'] as const)
  test(`PyYAML and natsort of ${release} read the records that were printed, with ${selectors.length} selectors (seed ${SEED})`, async () => {
    await using room = await zoneReader(release);
    const { records } = recordsOf(given);
    const { code, stdout, stderr } = await room.run(['python3', '-c', READ], { input: octodnsText({ records, reverse: [], leftOut: [] }) });
    assert.equal(code, 0, stderr);
    const zones = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Read).flatMap(([name, type, ttl, values]) => values.map((one) => JSON.stringify([name, type, ttl, one]))));
    assert.deepEqual(
      zones.map(sorted),
      [...new Set(records.map(({ zone }) => zone))].map((zone) => sorted(expected(records, zone))),
    );
    const turned = octodnsText({ records, reverse: [], leftOut: [] }).replace(/^"_imap\._tcp":$/m, '"zzz":');
    assert.match((await room.run(['python3', '-c', READ], { input: turned })).stderr, /keys out of order/);
  });
