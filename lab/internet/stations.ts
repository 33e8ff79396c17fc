/** The hosts of `npm run lab` as people see them: what each is, how its TLS is, and the way into it. */
import type { Release } from '../kinds.ts';
import type { Addresses } from '../network.ts';
import type { EximServer } from './exim.ts';
import type { ForeignHost } from './host.ts';
import { type ForeignServer, type Internet, internet, type Ours } from './index.ts';

export interface Station {
  readonly name: string;
  readonly addresses: Addresses;
  readonly what: string;
  readonly tls: string;
  /** A process in its namespaces, as the host counts. */
  readonly pid: number;
  log(): Promise<string>;
}

export interface Lab extends AsyncDisposable {
  readonly net: Internet;
  readonly stations: readonly Station[];
}

const DESCRIBED: Readonly<Record<string, string>> = {
  'a.root.example': 'Knot: the root zone',
  'registry.example': 'Knot: test, example and the reverse zones',
  'ns1.example': 'Knot: the zones below them, signed here',
  'ns2.example': 'Knot: some of them, and the reverse zones, by transfer',
  'resolver.example': 'Unbound: whom the foreign hosts ask for names',
  'recorder.example': 'dumpcap: hears all that is said by SMTP',
  'laptop.people.example': "where people's mail programs are",
  'acme.example': 'Pebble: certificates by ACME, https://acme.example/dir',
};

interface Described extends ForeignServer {
  readonly tls: string;
}

const EXIMS: Readonly<Record<string, Described>> = {
  right: { certificate: 'authority', tlsa: 'right', tls: 'CA-signed, right TLSA' },
  wrong: { certificate: 'authority', tlsa: 'wrong', tls: 'CA-signed, wrong TLSA' },
  self: { certificate: 'self-signed', tls: 'self-signed, no TLSA' },
  clear: { certificate: 'none', tls: 'none' },
};

const stationOf = (host: ForeignHost): Station => ({
  name: host.name,
  addresses: host.addresses,
  what: DESCRIBED[host.name] ?? 'a foreign host',
  tls: host.name === 'acme.example' ? 'CA-signed' : '-',
  pid: host.room.pid,
  log: async () => host.said(),
});

const eximStation = ({ host, domain, log }: EximServer, tls: string): Station => ({
  ...stationOf(host),
  what: `Exim: mail of ${domain}`,
  tls,
  log,
});

const JOURNAL_LINES = '300';

const oursStation = ({ identity, machine, demo }: Ours, release: Release): Station => ({
  name: identity.hostname,
  addresses: identity.addresses,
  what: `Hauspost on ${release}: mail of ${identity.domain}; ${demo.user}, password ${demo.pass}`,
  tls: 'its own authority, right TLSA',
  get pid() {
    return Number(machine.root.split('/')[2]);
  },
  log: async () => (await machine.run(['journalctl', '--no-pager', `--lines=${JOURNAL_LINES}`])).stdout,
});

/** `tell` hears of each step as it begins. */
export const openLab = async (releases: readonly Release[], tell: (step: string) => void): Promise<Lab> => {
  await using stack = new AsyncDisposableStack();
  tell('name servers, resolver, recorder');
  const net = stack.use(await internet());
  const special: Station[] = [];
  for (const release of releases) {
    tell(`a mail server of ours on ${release}`);
    special.push(oursStation(await net.ours(release), release));
  }
  for (const [name, { tls, ...options }] of Object.entries(EXIMS)) {
    tell(`mail.${name}.example`);
    special.push(eximStation(await net.exim(name, options), tls));
  }
  tell('acme.example');
  await net.pebble();
  const taken = new Set(special.map(({ name }) => name));
  const rest = net.hosts.filter(({ name }) => !taken.has(name)).map(stationOf);
  const undo = stack.move();
  return { net, stations: [...special, ...rest], [Symbol.asyncDispose]: () => undo.disposeAsync() };
};
