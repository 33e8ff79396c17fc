/**
 * What upkeep leaves in DNS although it is not wanted at the moment at which it looks: it asks nobody, and what it goes by may be there again in a moment,
 * or have come while it waited. At a name server that takes changes (Knot).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldBy, type Internet, type Ours } from '../internet/index.ts';
import { HAUSPOST, until } from '../index.ts';
import { exits } from '../operator.ts';
import { ended } from '../process.ts';
import { firstLine } from '../room.ts';
import { configure, places, push, section, shell } from './dns-pushed.ts';

interface Place {
  readonly net: Internet;
  readonly server: Ours;
}

/** Upkeep, which somebody holds up who changes DNS; it stands still then. The answer lets it go on, and answers with its exit code. */
const waitingUpkeep = async (server: Ours): Promise<() => Promise<number>> => {
  const { machine } = server;
  const holder = machine.spawn(['flock', '/run/hauspost/dns', 'sh', '-c', 'echo held; read -r line']);
  await firstLine(holder, 'flock');
  const upkeep = machine.spawn(['sh', '-c', '"$@" & echo $!; wait $!', 'sh', HAUSPOST, 'upkeep']);
  const pid = await firstLine(upkeep, 'upkeep');
  const waits = async (): Promise<true | undefined> =>
    (await machine.run(['sh', '-c', `readlink /proc/${pid}/fd/*`])).stdout.includes('/run/hauspost/dns\n') || undefined;
  await until('it waits', waits, 120_000, 100);
  // A flock(1) that it has begun may still be running, and must have come to nothing.
  await shell(
    server,
    `kill -STOP ${pid}; for child in $(pgrep -x -P ${pid} flock); do until grep -q '^State:.Z' /proc/$child/status; do :; done; done`,
  );
  holder.stdin.end('\n');
  await ended(holder);
  return async () => {
    await shell(server, `kill -CONT ${pid}`);
    return ended(upkeep);
  };
};

export const publishedMeanwhile = (get: () => Place & { readonly further: string }): void => {
  test('upkeep that waits for somebody who publishes goes by the keys that there are after that', async () => {
    const { net, server, further } = get();
    const added = `lists.${further}`;
    const goOn = await waitingUpkeep(server);
    await server.order('domain', 'add', added);
    await push(server);
    const before = await heldBy(net, 'primary', further);
    assert.equal(before.filter((line) => line.includes(`._domainkey.${added}. `)).length, 2);
    assert.equal(await goOn(), 0);
    assert.deepEqual(await heldBy(net, 'primary', further), before);
    await server.order('domain', 'remove', added);
    await push(server);
  });
};

/** As where a router, or a provider, has taken them away for a moment; the name server is still reached. */
const loseAddresses = async (server: Ours): Promise<() => Promise<void>> => {
  const { v4, v6 } = server.identity.addresses;
  const ip = (verb: string): Promise<string> =>
    shell(server, `ip address ${verb} ${v4}/16 dev host0 && ip address ${verb} ${v6}/64 dev host0${verb === 'add' ? ' nodad' : ''}`);
  await shell(server, 'ip address add 10.77.0.2/32 dev host0');
  await ip('del');
  return async () => {
    await ip('add');
    await shell(server, 'ip address del 10.77.0.2/32 dev host0 && ip route replace default dev host0 && ip route replace ::/0 dev host0');
  };
};

/** Removed by hand: that upkeep has put it back shows that it has looked at the zone. */
const SIGN = '_imaps._tcp';

/** The zones as they were, but for what is removed by hand. */
const keeps = async ({ net, server }: Place, zones: readonly string[]): Promise<void> => {
  const before = await Promise.all(zones.map((zone) => heldBy(net, 'primary', zone)));
  await net.names.remove(...zones.map((zone) => `${SIGN}.${zone}. SRV`));
  await server.hauspost(['upkeep']);
  assert.deepEqual(await Promise.all(zones.map((zone) => heldBy(net, 'primary', zone))), before);
};

export const keptWithoutAddresses = (get: () => Place & { readonly further: string }): void => {
  test('upkeep leaves SPF, as it leaves addresses, while the machine has no public address; dns push, which shows it first, does not', async () => {
    const { net, server, further } = get();
    const { domain, hostname } = server.identity;
    const before = await heldBy(net, 'primary', domain);
    const comeBack = await loseAddresses(server);
    await keeps(get(), [domain, further]);
    const gone = places((await push(server)).zones.flatMap(({ removed }) => removed));
    assert.deepEqual(gone, [`${domain}/TXT`, `${further}/TXT`, `${hostname}/A`, `${hostname}/AAAA`, `${hostname}/TXT`].toSorted());
    await comeBack();
    await push(server);
    assert.deepEqual(await heldBy(net, 'primary', domain), before);
  });
};

const [KEY, CHAIN] = ['/etc/ssl/private/operators.key', '/etc/ssl/operators.pem'];
const TLS = `[tls]\nsource = "files"\nkey = "${KEY}"\nchain = "${CHAIN}"\n`;

/** A certificate for the names that mail programs try, of an authority whose name CAA records know. */
const makeCertificate = async (server: Ours): Promise<void> => {
  const { domain, hostname } = server.identity;
  const names = [hostname, `imap.${domain}`, `smtp.${domain}`].map((name) => `DNS:${name}`).join(',');
  const request = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj "/O=Let's Encrypt" -addext subjectAltName=${names}`;
  await shell(server, `${request} -keyout ${KEY} -out ${CHAIN} 2>/dev/null; chmod 600 ${KEY}`);
};

export const keptForCertificate = (get: () => Place): void => {
  test('upkeep leaves CNAME and CAA while the certificate cannot be read; with one that daemons have read, and that is not for these names, they go', async () => {
    const { net, server } = get();
    const { domain, hostname } = server.identity;
    const ofCertificate = async (): Promise<readonly string[]> =>
      (await heldBy(net, 'primary', domain)).filter((line) => / (?:CNAME|CAA) /.test(line)).map((line) => line.replace(/ \d+ /, ' '));
    await makeCertificate(server);
    await configure(server, `${section()}${TLS}`);
    await exits(server, 0, 'apply', '--yes');
    await push(server);
    const theirs = [`${hostname}. CAA 0 issue "letsencrypt.org"`, `imap.${domain}. CNAME ${hostname}.`, `smtp.${domain}. CNAME ${hostname}.`];
    assert.deepEqual(await ofCertificate(), theirs.toSorted());
    await shell(server, `mv ${CHAIN} ${CHAIN}.away`);
    await keeps(get(), [domain]);
    assert.deepEqual(await ofCertificate(), theirs.toSorted());
    await configure(server, section());
    await exits(server, 0, 'apply', '--yes');
    await exits(server, 0, 'upkeep');
    assert.deepEqual(await ofCertificate(), []);
  });
};
