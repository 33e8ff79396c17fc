/**
 * Changes at BIND, Knot and PowerDNS of both releases: what they take, what they refuse and how that is told, that what somebody else changed meanwhile is not
 * overwritten, and that a key need not be let more than docs/dns.md says.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError, parseDomain, parseFqdn, path } from '#base';
import { CLOCK_LIBRARY, clockFiles, knotServer, type Room, until, zoneReader } from '#lab';
import { type Machine, thisMachine } from '#machine';
import { carryOut } from './carrying-out.ts';
import type { DnsFacts } from './facts.ts';
import { facts as given } from './facts.lab.ts';
import { type Identity, identityOf } from './ownership.ts';
import { isChange, lookAt, type PushPlan } from './pushing.ts';
import type { DnsRecord } from './record.ts';
import { recordsOf } from './records.ts';
import { type UpdateServer, updateServer } from './update-server.ts';

const ZONE = 'open.test';
/** In which the key may change what docs/dns.md says. */
const LIMITED = 'limited.test';
/** In which a wildcard answers for all names. */
const WILD = 'wild.test';
/** In which nobody may change anything. */
const SHUT = 'shut.test';
const SECRET = 'bm90IGEgc2VjcmV0LCBmb3IgdGVzdHM=';
/** BIND listens only where an interface has the address. */
const SERVERS = { bind: '127.0.0.1', knot: '127.0.0.62', powerdns: '127.0.0.63' } as const;
type Kind = keyof typeof SERVERS;

const zoneFile = (zone: string): string =>
  `$TTL 60\n${zone}. SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 86400 0\n${zone}. NS ns.${zone}.\nns.${zone}. A 127.0.0.61\n${zone}. TXT "theirs"\n${zone === WILD ? `*.${zone}. CNAME www.else.test.\n*._tcp.${zone}. TXT "theirs"\n` : ''}`;

const keyText = (name: string, secret = SECRET): string => `key "${name}" { algorithm hmac-sha256; secret "${secret}"; };\n`;

const host = `mail.${LIMITED}`;

const NAMED = `${keyText('hauspost')}
options { directory "/srv/bind"; pid-file "/srv/bind/pid"; session-keyfile "/srv/bind/session"; listen-on { ${SERVERS.bind}; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; allow-transfer { any; }; };
controls { };
zone "${ZONE}" { type primary; file "${ZONE}"; allow-update { key hauspost; }; };
zone "${WILD}" { type primary; file "${WILD}"; allow-update { key hauspost; }; };
zone "${SHUT}" { type primary; file "${SHUT}"; };
zone "${LIMITED}" { type primary; file "${LIMITED}"; update-policy {
  grant hauspost name ${LIMITED}. MX TXT;
  grant hauspost name _dmarc.${LIMITED}. TXT;
  grant hauspost subdomain _domainkey.${LIMITED}. TXT;
  grant hauspost subdomain _tcp.${LIMITED}. SRV;
  grant hauspost name imap.${LIMITED}. CNAME;
  grant hauspost name smtp.${LIMITED}. CNAME;
  grant hauspost name ${host}. A AAAA TXT CAA;
  grant hauspost name _25._tcp.${host}. TLSA;
  grant hauspost name _acme-challenge.imap.${LIMITED}. TXT;
  grant hauspost name _acme-challenge.smtp.${LIMITED}. TXT;
  grant hauspost name _acme-challenge.${host}. TXT;
}; };
`;

const KNOT = `${knotServer([`${SERVERS.knot}@53`], '/srv/knot')}key:
  - id: hauspost
    algorithm: hmac-sha256
    secret: ${SECRET}
acl:
  - id: all
    key: hauspost
    action: update
  - id: some
    key: hauspost
    action: update
    update-type: [A, AAAA, MX, TXT, CNAME, SRV, TLSA, CAA]
template:
  - id: default
    storage: /srv/knot
    semantic-checks: off
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: changes
zone:
  - domain: ${ZONE}
    file: ${ZONE}
    acl: all
  - domain: ${WILD}
    file: ${WILD}
    acl: all
  - domain: ${SHUT}
    file: ${SHUT}
  - domain: ${LIMITED}
    file: ${LIMITED}
    acl: some
`;

const POWERDNS = `launch=gsqlite3
gsqlite3-database=/srv/powerdns/db
local-address=${SERVERS.powerdns}
socket-dir=/srv/powerdns
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
daemon=yes
`;

/** As docs/dns.md has it. `shut`: another key alone. */
const FILLED = `set -e
sqlite3 /srv/powerdns/db </usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
util() { pdnsutil --config-dir=/srv/powerdns "$@"; }
util import-tsig-key hauspost hmac-sha256 ${SECRET}
util import-tsig-key another hmac-sha256 ${SECRET}
for zone in ${ZONE} ${WILD} ${SHUT}; do
  util load-zone $zone /srv/bind/$zone
  util set-meta $zone TSIG-ALLOW-DNSUPDATE hauspost
done
util set-meta ${SHUT} TSIG-ALLOW-DNSUPDATE another
`;

const KEYS = { right: keyText('hauspost'), unknown: keyText('nobody'), 'other-secret': keyText('hauspost', 'b3RoZXI=') };

const begin = async (room: Room): Promise<void> => {
  await room.put({
    '/srv/bind/named.conf': NAMED,
    '/srv/knot/knot.conf': KNOT,
    '/srv/powerdns/pdns.conf': POWERDNS,
    ...Object.fromEntries(
      [ZONE, WILD, SHUT, LIMITED].flatMap((zone) => [`/srv/bind/${zone}`, `/srv/knot/${zone}`].map((file) => [file, zoneFile(zone)])),
    ),
    ...Object.fromEntries(Object.entries(KEYS).map(([name, text]) => [`/srv/${name}.key`, text])),
    ...(await clockFiles(3600)),
  });
  for (const argv of [
    ['named', '-c', '/srv/bind/named.conf', '-u', 'root'],
    ['knotd', '-d', '-c', '/srv/knot/knot.conf'],
    ['sh', '-c', FILLED],
    ['pdns_server', '--config-dir=/srv/powerdns'],
  ]) {
    const { code, stderr } = await room.run(argv);
    assert.equal(code, 0, stderr);
  }
  for (const address of Object.values(SERVERS)) {
    const serves = async (): Promise<true | undefined> =>
      (await room.run(['dig', `@${address}`, '+short', '+time=1', '+tries=1', WILD, 'SOA'])).stdout.startsWith('ns.') || undefined;
    await until(`${address} serves its zones`, serves, 20_000, 100);
  }
};

const machineIn = (room: Room, preload = false): Machine => ({
  ...thisMachine(),
  run: async (argv, options = {}) => {
    const words = preload ? ['env', `LD_PRELOAD=${CLOCK_LIBRARY}`, ...argv] : argv;
    return room.run(words, options);
  },
});

interface Place {
  readonly kind: Kind;
  readonly room: Room;
  readonly machine: Machine;
  readonly server: UpdateServer;
  readonly as: (key: keyof typeof KEYS, preload?: boolean) => UpdateServer;
}

const placeOf = (room: Room, kind: Kind): Place => {
  const update = { server: { address: SERVERS[kind], port: 53 }, keyFile: path('/srv/right.key') };
  const as: Place['as'] = (key, preload) =>
    updateServer(machineIn(room, preload), update, { file: path(`/srv/${key}.key`), name: key === 'unknown' ? 'nobody' : 'hauspost' });
  return { kind, room, machine: machineIn(room), server: as('right'), as };
};

const factsOf = (zone: string): DnsFacts =>
  given({
    hostname: parseFqdn(`mail.${zone}`),
    home: parseDomain(zone),
    certified: [`imap.${zone}`],
    signer: { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' },
    domains: given()
      .domains.slice(0, 1)
      .map((domain) => ({ ...domain, domain: parseDomain(zone) })),
  });

const wantedIn = (zone: string): readonly DnsRecord[] => recordsOf(factsOf(zone)).records;

const look = (server: UpdateServer, wanted: readonly DnsRecord[], published: ReadonlySet<Identity> = new Set()): Promise<PushPlan> =>
  lookAt(server, { wanted, all: wanted, within: undefined, published, takeOver: new Set(), spared: () => false });

const push = async ({ machine, server }: Place, wanted: readonly DnsRecord[], published?: ReadonlySet<Identity>): Promise<number> => {
  const { zones } = await look(server, wanted, published);
  for (const zone of zones) await carryOut(machine, server, zone);
  return zones.flatMap(({ differences }) => differences.filter(isChange)).length;
};

/** `NAME TYPE` of all that is there beside the zone's own. */
const namesIn = async ({ room, kind }: Place, zone: string): Promise<readonly string[]> => {
  const words = {
    bind: ['dig', `@${SERVERS.bind}`, '+noall', '+answer', '+onesoa', zone, 'AXFR'],
    knot: ['knotc', '-c', '/srv/knot/knot.conf', 'zone-read', `${zone}.`],
    powerdns: ['pdnsutil', '--config-dir=/srv/powerdns', 'list-zone', zone],
  }[kind];
  const { stdout } = await room.run(words);
  return stdout
    .split('\n')
    .flatMap((line) => {
      const [, name = '', type = ''] = /^(?:\[\S+\] )?(\S+?)\.?\s+\d+\s+(?:IN\s+)?([A-Z]+)\s/.exec(line) ?? [];
      return name === '' || type === 'SOA' || type === 'NS' || name.startsWith('ns.') ? [] : [`${name} ${type}`];
    })
    .toSorted();
};

const EXIT: Readonly<Record<string, number>> = { 'dns.update-key': 3, 'dns.update-secret': 3, 'dns.changed-meanwhile': 1 };

const refusedAs =
  (...codes: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof HauspostError && codes.includes(error.code), String(error));
    assert.equal(error.exitCode, EXIT[error.code] ?? 4, error.message);
    return true;
  };

const empty = { prerequisites: [], remove: [], add: [{ name: `x.${ZONE}`, type: 'A', value: '192.0.2.1', ttl: 60 }] };

/** Of PowerDNS nobody learns what is wrong with a signature. Knot 3.2 calls a key that may not do this unknown (BADKEY), 3.4 says NOTAUTH. */
const SAID: Readonly<Record<Kind, Readonly<Record<'secret' | 'clock' | 'sent' | 'late' | 'shut', readonly string[]>>>> = {
  bind: {
    ...{ secret: ['dns.update-secret'], clock: ['dns.update-clock'], sent: ['dns.update-secret'], late: ['dns.update-clock'] },
    shut: ['dns.update-refused'],
  },
  knot: {
    ...{ secret: ['dns.update-secret'], clock: ['dns.update-clock'], sent: ['dns.update-secret'], late: ['dns.update-clock'] },
    shut: ['dns.update-key', 'dns.update-not-authoritative'],
  },
  powerdns: {
    ...{ secret: ['dns.update-key'], clock: ['dns.update-key'], sent: ['dns.update-refused'], late: ['dns.update-refused'] },
    shut: ['dns.update-refused'],
  },
};

const refusals = async ({ as, server, kind }: Place): Promise<void> => {
  const wanted = wantedIn(ZONE);
  const said = SAID[kind];
  await assert.rejects(look(as('unknown'), wanted), refusedAs('dns.update-key'));
  await assert.rejects(look(as('other-secret'), wanted), refusedAs(...said.secret));
  await assert.rejects(look(as('right', true), wanted), refusedAs(...said.clock));
  await assert.rejects(as('right', true).send({ ...empty, zone: ZONE }), refusedAs(...said.late));
  await assert.rejects(as('other-secret').send({ ...empty, zone: ZONE }), refusedAs(...said.sent));
  const shut = { ...empty, add: [{ name: `x.${SHUT}`, type: 'A', value: '192.0.2.1', ttl: 60 }], zone: SHUT };
  await assert.rejects(server.send(shut), refusedAs(...said.shut));
  await assert.rejects(server.send({ ...empty, zone: 'nobody.test' }), refusedAs('dns.update-not-authoritative'));
  await assert.rejects(server.send({ ...empty, zone: ZONE, add: shut.add }), refusedAs('dns.update-not-authoritative'));
  const { elsewhere, zones } = await look(server, [...wanted, ...wantedIn('nobody.test')]);
  assert.deepEqual([zones.map(({ zone }) => zone), [...new Set(elsewhere.map(({ record }) => record.zone))]], [[ZONE], ['nobody.test']]);
};

const meanwhile = async (place: Place): Promise<void> => {
  const { machine, server } = place;
  const before = await look(server, wantedIn(ZONE));
  await server.send({ zone: ZONE, prerequisites: [], remove: [], add: [{ name: ZONE, type: 'MX', value: '5 other.test.', ttl: 60 }] });
  for (const zone of before.zones) await assert.rejects(carryOut(machine, server, zone), refusedAs('dns.changed-meanwhile'));
  assert.deepEqual(await namesIn(place, ZONE), [`${ZONE} MX`, `${ZONE} TXT`]);
  await server.send({ zone: ZONE, prerequisites: [], remove: [{ name: ZONE, type: 'MX', value: '5 other.test.' }], add: [] });
};

const wholeZone = async (place: Place, zone: string): Promise<void> => {
  const theirs = await namesIn(place, zone);
  const wanted = wantedIn(zone);
  const published = new Set(wanted.map(identityOf));
  assert.equal(await push(place, wanted), 16);
  assert.deepEqual(await namesIn(place, zone), [...wanted.map(({ name, type }) => `${name} ${type}`), ...theirs].toSorted());
  assert.equal(await push(place, wanted, published), 0, 'nothing to do');
  assert.equal(
    await push(
      place,
      wanted.map((record) => ({ ...record, ttl: 300 })),
      published,
    ),
    15,
    'but for the text beside theirs',
  );
  assert.equal(await push(place, [], published), 16);
  assert.deepEqual(await namesIn(place, zone), theirs);
};

/** What `cert challenge` puts there and takes away. */
const challenges = async (place: Place): Promise<void> => {
  const { kind, server } = place;
  const theirs = await namesIn(place, LIMITED);
  const records = [host, `imap.${LIMITED}`, `smtp.${LIMITED}`].map((name) => ({ name: `_acme-challenge.${name}`, type: 'TXT', value: '"text"' }));
  for (const record of records) await server.send({ zone: LIMITED, prerequisites: [], remove: [], add: [{ ...record, ttl: 1 }] });
  assert.deepEqual(await namesIn(place, LIMITED), [...theirs, ...records.map(({ name, type }) => `${name} ${type}`)].toSorted());
  for (const record of records) await server.send({ zone: LIMITED, prerequisites: [], remove: [record], add: [] });
  assert.deepEqual(await namesIn(place, LIMITED), theirs);
  // Knot's list of types has no names.
  const other = { name: `_acme-challenge.www.${LIMITED}`, type: 'TXT', value: '"text"', ttl: 1 };
  if (kind === 'bind')
    await assert.rejects(server.send({ zone: LIMITED, prerequisites: [], remove: [], add: [other] }), refusedAs('dns.update-refused'));
};

/** More than one message holds. */
const manyRecords = async (place: Place): Promise<void> => {
  const text = 'x'.repeat(400);
  const wanted = Array.from(
    { length: 200 },
    (_, index): DnsRecord => ({ name: `t${index}.${ZONE}`, ttl: 60, zone: ZONE, why: '', type: 'TXT', data: { text } }),
  );
  await push(place, wanted);
  assert.equal((await namesIn(place, ZONE)).length, 201);
  await push(place, [], new Set(wanted.map(identityOf)));
  assert.deepEqual(await namesIn(place, ZONE), [`${ZONE} TXT`]);
};

for (const release of ['bookworm', 'trixie'] as const)
  test(`${release}: BIND, Knot and PowerDNS`, async (context) => {
    await using room = await zoneReader(release);
    await begin(room);
    for (const kind of ['bind', 'knot', 'powerdns'] as const) {
      const place = placeOf(room, kind);
      await context.test(`${kind}: what is refused is told as what it is, and changes nothing`, async () => {
        await refusals(place);
        assert.deepEqual(await namesIn(place, ZONE), [`${ZONE} TXT`]);
      });
      await context.test(`${kind}: what somebody else changed meanwhile is not overwritten`, () => meanwhile(place));
      await context.test(`${kind}: all records come, and go`, () => wholeZone(place, ZONE));
      // PowerDNS lets a key do everything in a zone, or nothing.
      if (kind !== 'powerdns') {
        await context.test(`${kind}: with a key that may not change more than that`, () => wholeZone(place, LIMITED));
        await context.test(`${kind}: with the same key challenges by DNS come, and go`, () => challenges(place));
      }
      await context.test(`${kind}: what a wildcard answers is in nobody's way`, () => wholeZone(place, WILD));
      await context.test(`${kind}: more than one message holds`, () => manyRecords(place));
    }
  });
