import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { until, zoneReader } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderZone, type ZoneRecord } from './zone.ts';

const SEED = 17;
const APEX = 'zone.test';
const HEAD = `${APEX}. 3600 IN SOA ns.${APEX}. hostmaster.${APEX}. 1 3600 600 86400 60\n${APEX}. 3600 IN NS ns.${APEX}.\nns.${APEX}. 3600 IN A 192.0.2.53\n`;

const txt = (text: string, index = 0): ZoneRecord => ({ name: `t${index}.${APEX}`, ttl: 60, type: 'TXT', data: { text }, why: text.slice(0, 80) });
const caa = (value: string, index = 0): ZoneRecord => ({ name: `c${index}.${APEX}`, ttl: 60, type: 'CAA', data: { flags: 0, tag: 'issue', value } });

const { held, refused } = sorted(hostileValues(SEED, 1400, 4000), (text) => renderZone([txt(text)]));
const values = sorted(hostileValues(SEED + 1, 400, 255), (value) => renderZone([caa(value)])).held;

test(`a zone file refuses NUL and half characters alone (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} texts held`);
  for (const text of refused) assert.ok(text.includes('\0') || !text.isWellFormed(), JSON.stringify(text));
});

const number = fc.integer({ min: 0, max: 65_535 });
const octet = fc.integer({ min: 0, max: 255 });
const numbers = fc.sample(fc.tuple(number, number, number), { seed: SEED, numRuns: 200 });
const octets = fc.sample(fc.uint8Array({ minLength: 16, maxLength: 32 }), { seed: SEED, numRuns: 200 });
const quads = fc.sample(fc.tuple(octet, octet, octet, octet), { seed: SEED, numRuns: 100 });

interface Case {
  readonly record: ZoneRecord;
  /** What a dump must say of it, where that is not the octets of a text. */
  readonly says: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** All eight groups; the URL parser shortens them (RFC 5952). */
const v6 = (bytes: Uint8Array): string => (hex(bytes.slice(0, 16)).match(/.{4}/g) ?? []).join(':');
const shortest = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);

const CASES: readonly Case[] = [
  ...numbers.map(([priority, weight, port], index) => {
    const target = index % 3 === 0 ? '.' : `h${port}.${APEX}`;
    const dotted = target === '.' ? '.' : `${target}.`;
    const data = { priority, weight, port, target };
    return { record: { name: `_s${index}._tcp.${APEX}`, ttl: 60, type: 'SRV', data } as const, says: `${priority} ${weight} ${port} ${dotted}` };
  }),
  ...numbers.map(([preference], index) => {
    const data = { preference, exchange: `h${index}.${APEX}` };
    return { record: { name: `m${index}.${APEX}`, ttl: 60, type: 'MX', data } as const, says: `${preference} h${index}.${APEX}.` };
  }),
  ...octets.map((bytes, index) => {
    const data = { usage: index % 4, selector: index % 2, matching: 0, digest: hex(bytes) };
    const says = `${index % 4} ${index % 2} 0 ${hex(bytes)}`;
    return { record: { name: `_25._tcp.d${index}.${APEX}`, ttl: 60, type: 'TLSA', data } as const, says };
  }),
  ...octets.map((bytes, index) => {
    const address = v6(bytes);
    return { record: { name: `a${index}.${APEX}`, ttl: 60, type: 'AAAA', data: { address } } as const, says: shortest(address) };
  }),
  ...quads.map((quad, index) => {
    const address = quad.join('.');
    return { record: { name: `a${index}.${APEX}`, ttl: 60, type: 'A', data: { address } } as const, says: address };
  }),
  ...quads.map(([first], index) => {
    const record = { name: `n${index}.${APEX}`, ttl: 60, type: 'CNAME', data: { target: `h${first}.${APEX}` } } as const;
    return { record, says: `h${first}.${APEX}.` };
  }),
];

const ZONE = HEAD + renderZone([...held.map(txt), ...values.map(caa), ...CASES.map(({ record }) => record)]);

type Dump = ReadonlyMap<string, string>;

/** Value by name and type, of lines `NAME TTL [IN] TYPE VALUE`. */
const dumped = (lines: readonly string[]): Dump =>
  new Map(
    lines.flatMap((line) => {
      const [, name, type, value = ''] = /^(\S+)\s+\d+\s+(?:IN\s+)?([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[`${name} ${type}`, value] as const];
    }),
  );

/** What stands between quotes, string after string, octets as latin1 (RFC 1035 section 5.1). */
const strings = (value: string): readonly string[] =>
  [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inside = '']) =>
    inside.replace(/\\(?:(\d{3})|(.))/g, (_, code: string | undefined, itself: string) =>
      code === undefined ? itself : String.fromCharCode(Number(code)),
    ),
  );

const asOctets = (text: string): string => Buffer.from(text).toString('latin1');

const areEqual = (dump: Dump): void => {
  for (const [index, text] of held.entries()) {
    const found = strings(dump.get(`t${index}.${APEX}. TXT`) ?? '');
    assert.equal(found.join(''), asOctets(text));
    assert.ok(found.length > 0 && found.slice(0, -1).every((each) => each.length === 255), JSON.stringify(text));
  }
  for (const [index, value] of values.entries()) {
    const said = dump.get(`c${index}.${APEX}. CAA`) ?? '';
    assert.match(said, /^0 issue "/);
    assert.deepEqual(strings(said), [asOctets(value)]);
  }
  for (const { record, says } of CASES) {
    const said = dump.get(`${record.name}. ${record.type}`) ?? '';
    assert.equal(record.type === 'TLSA' ? said.toLowerCase().replace(/(?<=^\d \d \d .*) /g, '') : said, says, record.name);
  }
};

const KNOT = `server:
    rundir: /tmp/knot
    listen: 127.0.0.1@5353
log:
  - target: stderr
    any: warning
database:
    storage: /tmp/knot
zone:
  - domain: ${APEX}
    file: /tmp/zone
`;

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} texts and ${values.length + CASES.length} other values come back from named-compilezone on ${release} (seed ${SEED})`, async () => {
    await using room = await zoneReader(release);
    await room.put({ '/tmp/zone': ZONE });
    const { code, stdout, stderr } = await room.run([
      'named-compilezone',
      '-i',
      'none',
      '-F',
      'text',
      '-s',
      'full',
      '-o',
      '/tmp/dump',
      APEX,
      '/tmp/zone',
    ]);
    assert.equal(code, 0, `${stdout.slice(0, 2000)}${stderr.slice(0, 2000)}`);
    areEqual(dumped((await room.run(['cat', '/tmp/dump'], { encoding: 'latin1' })).stdout.split('\n')));
  });

  test(`the same come back from Knot's server on ${release}`, async () => {
    await using room = await zoneReader(release);
    await room.put({ '/tmp/zone': ZONE, '/tmp/knot/knot.conf': KNOT });
    const started = await room.run(['knotd', '-d', '-c', '/tmp/knot/knot.conf']);
    assert.equal(started.code, 0, started.stderr);
    const read = ['knotc', '-c', '/tmp/knot/knot.conf', 'zone-read', APEX];
    const dump = await until(
      'Knot serves the zone',
      async () => {
        const { code, stdout } = await room.run(read, { encoding: 'latin1' });
        return code === 0 ? stdout : undefined;
      },
      30_000,
    );
    areEqual(dumped(dump.split('\n').map((line) => line.replace(/^\[\S+\] /, ''))));
  });
}
