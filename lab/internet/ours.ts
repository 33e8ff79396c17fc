/**
 * Mail servers of ours in the private internet: made by `up --hostname --domain` on a bare Debian in it. What differs from a machine in the
 * world are root hints, trust anchor and the authority that its Debian trusts.
 */
import { allRun, type Login, type Server, serverOn } from '../mail.ts';
import { readyOn } from '../ready.ts';
import type { Release } from '../kinds.ts';
import { boot, derive, type Image, type Machine } from '../machine.ts';
import type { Addresses, Network } from '../network.ts';
import { succeeded } from '../process.ts';
import { firstUp, launched, programHash } from '../served.ts';
import { fromKeys } from '../dkim.ts';
import type { Names } from './dns.ts';
import type { ForeignHost } from './host.ts';
import { foreign, type Facts } from './layer.ts';
import { rootHints } from './resolver.ts';
import { addressesOf } from './topology.ts';
import { addressLines, reverseLines, type ZoneLine } from './zones.ts';

export interface Identity {
  readonly hostname: string;
  readonly domain: string;
  readonly addresses: Addresses;
}

/** Who a machine of each release is: both may be there at once. */
export const OURS: Readonly<Record<Release, Identity>> = {
  bookworm: { hostname: 'mail.house.example', domain: 'house.example', addresses: addressesOf(10) },
  trixie: { hostname: 'mail.club.example', domain: 'club.example', addresses: addressesOf(11) },
};

/** What of the internet a machine of ours needs around it. */
export interface Around {
  readonly lan: Network;
  readonly people: ForeignHost;
  readonly names: Pick<Names, 'add'>;
}

/** Debian's dns-root-data comes later and leaves alone what is diverted (dpkg-divert(1)). */
const TRUST = `set -e
for file in root.hints root.key; do dpkg-divert --quiet --local --rename --add /usr/share/dns/$file; done
mkdir -p /usr/share/dns
printf %s "$1" >/usr/share/dns/root.hints
printf '%s\\n' "$2" >/usr/share/dns/root.key
printf %s "$3" >/usr/local/share/ca-certificates/internet.crt
update-ca-certificates >/dev/null`;

const trusting = async (machine: Machine, { anchor, authority }: Facts): Promise<void> => {
  const argv = ['sh', '-c', TRUST, 'trust', rootHints(), anchor, authority];
  succeeded(argv, await machine.run(argv));
};

/** What stands in the zone before there is a key. */
export const ourLines = ({ hostname, domain, addresses }: Identity): readonly ZoneLine[] => [
  ...addressLines(`${hostname}.`, addresses),
  ...reverseLines(addresses, `${hostname}.`),
  `${domain}. MX 10 ${hostname}.`,
  `${domain}. TXT "v=spf1 mx -all"`,
];

/** After its first `up`, made while this internet answers for names; `open` begins one with the lines that it is given. */
export const servedThere = async (release: Release, open: (lines: readonly ZoneLine[]) => Promise<Around & AsyncDisposable>): Promise<Image> => {
  const { facts } = await foreign();
  const identity = OURS[release];
  const recipe = JSON.stringify([facts.anchor, identity, programHash()]);
  return derive(await launched({ release, init: 'systemd' }), 'served-internet', recipe, async (machine) => {
    await using net = await open(ourLines(identity));
    await trusting(machine, facts);
    await net.lan.join(machine, identity.addresses);
    await firstUp(machine, ['--hostname', identity.hostname, '--domain', identity.domain]);
  });
};

/** `3 1 1` of what it serves on port 25 (RFC 6698). */
const keyDigest = async (machine: Machine): Promise<string> => {
  const script =
    'openssl s_client -starttls smtp -connect 127.0.0.1:25 2>/dev/null </dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum';
  return (await machine.run(['sh', '-c', script])).stdout.split(' ')[0] ?? '';
};

const SELECTORS = 'for key in /var/lib/rspamd/dkim/"$1"/*.key; do basename "$key" .key; done';

const dkimLines = async (machine: Machine, domain: string): Promise<readonly ZoneLine[]> => {
  const { stdout } = await machine.run(['sh', '-c', SELECTORS, 'look', domain]);
  const names = stdout
    .split('\n')
    .filter((selector) => selector !== '')
    .map((selector) => `${selector}._domainkey.${domain}`);
  return Promise.all(
    names.map(async (name) => {
      const [[text = ''] = []] = await fromKeys(machine)(name);
      // A string holds 255 octets at most (RFC 1035 section 3.3.14).
      const strings = text.match(/.{1,255}/g) ?? [];
      return `${name}. TXT ${strings.map((each) => `"${each}"`).join(' ')}`;
    }),
  );
};

export interface Ours extends Server {
  readonly identity: Identity;
  /** Of all accounts that have been made. */
  readonly logins: readonly Login[];
}

/** Boots it, joins it, waits until its daemons run, and publishes what others believe it by. `demo` of its domain has an account. */
export const ours = async (net: Around, release: Release, image: Image): Promise<Ours> => {
  const identity = OURS[release];
  const { hostname, domain, addresses } = identity;
  const machine = await boot({ image, name: hostname });
  await net.lan.join(machine, addresses);
  await allRun(machine);
  const people = net.people;
  const vantage = { sockets: people, host: addresses.v4, stranger: people.addresses.v4, client: people.addresses.v4, hostname };
  const demo = { user: `demo@${domain}`, pass: 'password-of-demo' };
  const server = await serverOn(machine, demo, vantage);
  const logins: Login[] = [];
  const account: Server['account'] = async (login, ...flags) => {
    logins.push(login);
    await server.account(login, ...flags);
  };
  await account(demo);
  await net.names.add(...ourLines(identity), `_25._tcp.${hostname}. TLSA 3 1 1 ${await keyDigest(machine)}`, ...(await dkimLines(machine, domain)));
  return { ...server, account, identity, logins };
};

export const apply = async ({ machine }: Pick<Server, 'machine'>, text: string): Promise<void> => {
  const write = ['sh', '-c', 'cat >>/etc/hauspost/hauspost.toml'];
  succeeded(write, await machine.run(write, { input: text }));
  const words = ['apply', '--yes'];
  succeeded(words, await readyOn(machine).run(words));
};
