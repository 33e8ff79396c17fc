/**
 * `up` tells an operator in short what the world does not see of the server yet, and waits for it where it is told to; `doctor` tells each thing: DNS,
 * whether mail gets out on port 25, whether blocklists have its addresses. Each thing that is wrong has a twin that is right.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneDocument, until } from '../index.ts';
import { forget, listingLines, onEachReleaseThere, type Ours, printed, publish, reverseOf } from '../internet/index.ts';
import { answered, type Finding, launched } from '../operator.ts';
import { ok } from '../people.ts';

const FILE = '/etc/hauspost/hauspost.toml';

interface Told {
  readonly code: number;
  readonly findings: readonly Finding[];
}

const asked = async (server: Ours): Promise<Told> => {
  const output = await server.hauspost(['doctor', '--json']);
  const { ok: well, findings } = oneDocument(output) as { ok: boolean; findings: readonly Finding[] };
  assert.equal(output.code, well ? 0 : 1, output.stderr);
  return { code: output.code, findings };
};

/** What it says with these lines in the operator's file, none of which is applied. */
const told = async (server: Ours, more: string): Promise<Told> => {
  ok(await server.machine.run(['cp', '-a', FILE, '/root/before.toml']));
  try {
    ok(await server.machine.run(['sh', '-c', `cat >>${FILE}`], { input: more }));
    return await asked(server);
  } finally {
    ok(await server.machine.run(['mv', '/root/before.toml', FILE]));
  }
};

/** The file as it was in the beginning, with these lines, in place. */
const applied = async (server: Ours, more: string): Promise<void> => {
  const script = `[ -e /root/first.toml ] || cp -a ${FILE} /root/first.toml; cat /root/first.toml - >${FILE}`;
  ok(await server.machine.run(['sh', '-c', script], { input: more }));
  ok(await server.hauspost(['apply', '--yes']));
};

/** A name that was not there a moment ago may be denied by the resolver for the rest of that second. */
const known = async (server: Ours, line: string): Promise<void> => {
  const [name = ''] = line.split(' ');
  const argv = ['dig', '+short', '@127.0.0.1', name, 'A'];
  await until(`${name} is known`, async () => ok(await server.machine.run(argv)).stdout.trim() !== '' || undefined, 10_000, 200);
};

const codes = ({ findings }: Told): readonly string[] => findings.map(({ code }) => code);

onEachReleaseThere(
  async ({ net }) => {
    const closed = await net.host('mail.closed.example');
    await net.names.add(
      'closed.example. MX 10 mail.closed.example.',
      'gone.example. A 198.18.0.10',
      'nobody.example. MX 10 gone.example.',
      'null.example. MX 0 .',
    );
    return { open: await net.exim('open', { certificate: 'authority' }), closed };
  },
  (get) => {
    test('up: names what DNS does not show yet and goes on; what is there is not named', async () => {
      const { net, server } = get();
      const { domain, hostname, addresses } = server.identity;
      await net.names.remove(`${reverseOf(addresses).v4} PTR`);
      const { code, document } = await answered<{ findings: readonly Finding[] }>(server, 'up', '--yes');
      assert.equal(code, 0);
      assert.deepEqual(
        document.findings.map((each) => each.code),
        ['dns.incomplete', 'dns.ptr'],
      );
      const [dns, ptr] = document.findings;
      // The lab has published addresses, MX and the keys.
      const before = `DNS does not show yet what others must see of this server: ${hostname} TXT, `;
      assert.ok(dns?.message.startsWith(before) && dns.message.includes(`_dmarc.${domain} TXT`), dns?.message);
      for (const there of [`${hostname} A`, `${domain} MX`, `_domainkey.${domain}`]) assert.ok(!dns?.message.includes(there), dns?.message);
      assert.match(ptr?.message ?? '', new RegExp(`^many servers will refuse mail from ${addresses.v4.replaceAll('.', '\\.')}, whose name`));
    });

    test('up --wait-for-dns: interrupted it says what is lacking, and the server runs; once all that mail needs is published it ends by itself', async () => {
      const { net, server } = get();
      const { machine, identity } = server;
      const words = ['up', '--yes', '--wait-for-dns'];
      const first = await launched(machine, words, 'waits for DNS: ');
      ok(await machine.run(['kill', '-INT', first.pid]));
      assert.equal(await first.ended, 1);
      assert.match(first.said(), /^hauspost: the server runs, but the wait for DNS ended early: it does not show yet \S+ TXT, /m);
      const second = await launched(machine, words, 'waits for DNS: ');
      const publishes = async (wanted?: (line: string) => boolean): Promise<void> => {
        await publish(net, server, identity.domain, wanted);
        await forget(server, identity.domain, 'in-addr.arpa', 'ip6.arpa');
      };
      await publishes((line) => !/ (?:TLSA|SRV) /.test(line));
      assert.equal(await second.ended, 0, second.said());
      const less = await answered<{ findings: readonly Finding[] }>(server, 'up', '--yes');
      const [lacks, ...others] = less.document.findings;
      assert.deepEqual([lacks?.code, others], ['dns.incomplete', []]);
      assert.match(lacks?.message ?? '', /^DNS does not show what is better there, though mail comes and goes without: _25\._tcp\.\S+ TLSA, /);
      const missing = await asked(server);
      assert.deepEqual([missing.code, new Set(codes(missing))], [0, new Set(['dns.missing'])]);
      await publishes();
      const { document } = await answered<{ findings: readonly Finding[] }>(server, ...words);
      assert.deepEqual(document.findings, []);
    });

    test('a record that goes is told by doctor by itself', async () => {
      const { net, server } = get();
      const mx = (await printed(server, server.identity.domain)).filter((line) => line.includes(' MX '));
      await net.names.remove(...mx);
      await forget(server, server.identity.domain);
      const { code, findings } = await asked(server);
      assert.deepEqual([code, findings.map((each) => each.code)], [1, ['dns.missing']]);
      await net.names.add(...mx);
      await forget(server, server.identity.domain);
    });

    test('where nothing is wrong it says so', async () => {
      const { server } = get();
      assert.deepEqual(await asked(server), { code: 0, findings: [] });
      assert.equal(ok(await server.hauspost(['doctor'])).stdout, 'All is well.\n');
    });

    test('port 25 outwards: one server that greets is enough; where none does, it says which were tried, and why', async () => {
      const { server } = get();
      const tried = (...domains: readonly string[]): Promise<Told> => told(server, `[outgoing]\ntried_domains = ${JSON.stringify(domains)}\n`);
      assert.deepEqual(await tried('open.example'), { code: 0, findings: [] });
      assert.deepEqual(await tried('closed.example', 'nobody.example', 'open.example'), { code: 0, findings: [] });
      const shut = await tried('closed.example', 'nobody.example');
      assert.deepEqual([shut.code, codes(shut)], [1, ['outgoing.port-25']]);
      assert.match(
        shut.findings[0]?.message ?? '',
        /^mail to others will not leave: of the mail servers of closed\.example, nobody\.example none could be reached on port 25 \(connect ECONNREFUSED [^ ;]+(; connect [A-Z]+ [^ ;]+)+\)$/,
      );
      assert.match(shut.findings[0]?.remedy ?? '', /relay_host/);
    });

    test('nobody is tried who takes no mail, or has no name, or where a relay carries it, once that is in place', async () => {
      const { server } = get();
      const none = { code: 0, findings: [] };
      assert.deepEqual(await told(server, '[outgoing]\ntried_domains = ["null.example", "no-such-name.example"]\n'), none);
      assert.deepEqual(await told(server, '[outgoing]\ntried_domains = []\n'), none);
      const relay = '[outgoing]\nrelay_host = "mail.open.example"\ntried_domains = ["closed.example"]\n';
      assert.deepEqual(codes(await told(server, relay)), ['config.not-in-place']);
      await applied(server, relay);
      const relayed = codes(await asked(server));
      assert.ok(relayed.includes('dns.relay') && !relayed.includes('outgoing.port-25'), relayed.join());
    });

    test('blocklists: each of the addresses that is listed, in the words of the list; what does not count is not told', async () => {
      const { net, server } = get();
      const { addresses } = server.identity;
      const lists = [
        'blocked.example=127.0.0.2*3',
        'blocked.example=127.0.0.[2..9]*-3',
        'unsigned.example=127.0.0.[3..9]',
        'welcome.example=127.0.0.2*3',
      ];
      await applied(server, `[incoming]\ndnsbl = ${JSON.stringify(lists)}\n`);
      assert.deepEqual(await asked(server), { code: 0, findings: [] });
      const lines = ['blocked.example.', 'unsigned.example.'].flatMap((list) => listingLines(addresses, list, '127.0.0.2'));
      const [four = ''] = lines;
      await net.names.add(...lines, `${four.split(' ')[0]} TXT "sent spam"`);
      for (const line of lines) await known(server, line);
      const listed = await asked(server);
      assert.deepEqual(
        listed.findings.map(({ code, message }) => [code, message.split(',')[0]]),
        [
          ['dns.listed', `${addresses.v4} is on the blocklist blocked.example (127.0.0.2`],
          ['dns.listed', `${addresses.v6} is on the blocklist blocked.example (127.0.0.2)`],
        ],
      );
      assert.match(listed.findings[0]?.message ?? '', /\(127\.0\.0\.2, sent spam\)/);
      assert.equal(listed.code, 0, 'others may refuse mail; here nothing is wrong');
    });

    test('a list that answers none of our questions is told once', async () => {
      const { net, server } = get();
      const lines = listingLines(server.identity.addresses, 'welcome.example.', '127.255.255.254');
      await net.names.add(...lines);
      for (const line of lines) await known(server, line);
      assert.deepEqual(codes(await asked(server)), ['dns.listed', 'dns.listed', 'dns.list-refuses']);
      await applied(server, '');
    });

    test('a daemon that does not run is named, and is wrong; once it runs it is not', async () => {
      const { server } = get();
      const units = ['nginx', 'hauspost-upkeep'];
      const missing = ({ findings }: Told): readonly string[] =>
        findings.flatMap(({ code, message }) => (code === 'service.not-running' ? [message] : []));
      ok(await server.machine.run(['systemctl', 'stop', ...units]));
      const stopped = await asked(server);
      assert.deepEqual([stopped.code, missing(stopped)], [1, ['not running: nginx, upkeep']]);
      ok(await server.machine.run(['systemctl', 'start', ...units]));
      assert.deepEqual(missing(await asked(server)), []);
    });

    test('a further domain in a zone whose signatures have expired', async () => {
      const { net, server } = get();
      await server.order('domain', 'add', 'lapsed.example');
      await net.names.add(...(await printed(server, 'lapsed.example')));
      const { code, findings } = await asked(server);
      assert.deepEqual([code, findings.map((each) => each.code)], [1, ['dns.signatures-expired']]);
    });
  },
);
