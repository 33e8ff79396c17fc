/**
 * What scenarios take the private internet for: names are signed from the root down and denied where they are not, updates and transfers
 * are for those who may, a machine of ours finds all of it by its ordinary configuration, and the recorder hears what is said in clear, and
 * nothing else.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { labAvailable } from '../host.ts';
import { until } from '../process.ts';
import { servedPublic } from '../served.ts';
import { askForName } from '../signed-zone.ts';
import { type Reply, Smtp } from '../smtp.ts';
import type { ForeignHost } from './host.ts';
import { type Conversation, type EximServer, type Internet, internet, type Ours } from './index.ts';

const [ROOT, PRIMARY, SECONDARY, RESOLVER, DEAD] = ['198.18.0.1', '198.18.0.3', '198.18.0.4', '198.18.0.5', '198.18.0.10'];
const KEY = 'hmac-sha256:lab. bGFiIG9mIGhhdXNwb3N0LCBub3RoaW5nIGVsc2UgdXM=';

/** Stand in the zones from the beginning. */
const LINES = [
  'a.house.example. A 198.18.9.1',
  'a.unsigned.example. A 198.18.9.2',
  'a.broken.example. A 198.18.9.3',
  'a.far.test. A 198.18.9.4',
  'a.lapsed.example. A 198.18.9.9',
];

interface Answer {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`. */
  readonly status: string;
  /** Whoever answered vouches for it (RFC 4035, section 3.2.3). */
  readonly validated: boolean;
  /** Of kdig(1), all of it. */
  readonly text: string;
}

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };

describe('the private internet', options, () => {
  let net: Internet;

  before(async () => {
    net = await internet(LINES);
  });
  after(() => net?.[Symbol.asyncDispose]());

  const ask = async (name: string, type: string, server = RESOLVER, ...more: readonly string[]): Promise<Answer> => {
    const argv = ['kdig', `@${server}`, '+dnssec', '+retry=3', '+timeout=10', ...more, name, type];
    const { stdout: text } = await net.people.must(argv);
    const [, status = ''] = /status: (\w+)/.exec(text) ?? [];
    return { status, validated: / ad[ ;]/.test(/^;; Flags: [^\n]*/m.exec(text)?.[0] ?? ''), text };
  };
  const judged = async (name: string, type: string, ...more: readonly string[]): Promise<readonly [string, boolean]> => {
    const { status, validated } = await ask(name, type, RESOLVER, ...more);
    return [status, validated];
  };

  for (const name of [
    '.',
    'test.',
    'example.',
    'house.example.',
    'club.example.',
    'lame.example.',
    'blocked.example.',
    'welcome.example.',
    'far.test.',
    '18.198.in-addr.arpa.',
    '0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa.',
  ])
    test(`${name} is signed, and the resolver of the foreign hosts vouches for it`, async () => {
      assert.deepEqual(await judged(name, 'SOA'), ['NOERROR', true]);
    });

  test('nobody vouches for a zone that is not signed, and nobody answers for one that is signed with another key, or for a time that is over', async () => {
    assert.deepEqual(await judged('a.house.example.', 'A'), ['NOERROR', true]);
    assert.deepEqual(await judged('a.unsigned.example.', 'A'), ['NOERROR', false]);
    assert.deepEqual(await judged('a.broken.example.', 'A'), ['SERVFAIL', false]);
    assert.deepEqual(await judged('a.lapsed.example.', 'A'), ['SERVFAIL', false]);
    // They are there: who does not look at signatures gets them.
    assert.match((await ask('a.broken.example.', 'A', RESOLVER, '+cdflag')).text, /^a\.broken\.example\.\s+\d+\s+IN\s+A\s+198\.18\.9\.3$/m);
    assert.match((await ask('a.lapsed.example.', 'A', RESOLVER, '+cdflag')).text, /^a\.lapsed\.example\.\s+\d+\s+IN\s+A\s+198\.18\.9\.9$/m);
  });

  test('what does not exist is denied, signed (NSEC); in an unsigned zone it is only not there', async () => {
    const proven = /^\S+\s+\d+\s+IN\s+NSEC\s/m;
    const [nobody, none, unsigned] = [
      await ask('nobody.house.example.', 'A'),
      await ask('a.house.example.', 'AAAA'),
      await ask('nobody.unsigned.example.', 'A'),
    ];
    assert.deepEqual(
      [nobody, none, unsigned].map(({ status, validated, text }) => [status, validated, proven.test(text)]),
      [
        ['NXDOMAIN', true, true],
        ['NOERROR', true, true],
        ['NXDOMAIN', false, false],
      ],
    );
  });

  test('an address leads to a name in both families, signed; one of nobody does not', async () => {
    const { addresses, name } = await net.host('led.right.example');
    for (const address of Object.values(addresses)) {
      const { text, status, validated } = await ask('-x', address);
      assert.deepEqual([status, validated], ['NOERROR', true], text);
      assert.match(text, new RegExp(`IN\\s+PTR\\s+${name}\\.$`, 'm'));
    }
    for (const address of ['198.18.77.77', '2001:2::7777']) assert.equal((await ask('-x', address)).status, 'NXDOMAIN');
  });

  const update = async (key: string | undefined, record: string): Promise<number> => {
    const lines = [`server ${PRIMARY}`, 'zone house.example.', ...(key === undefined ? [] : [`key ${key}`]), `add ${record}`, 'send', ''];
    return (await net.people.room.run(['knsupdate'], { input: lines.join('\n') })).code;
  };

  test('whoever has the key changes a zone (RFC 2136, TSIG), and its secondary has it by transfer; nobody else does', async () => {
    const wrong = `hmac-sha256:lab. ${Buffer.from('another secret of this length..').toString('base64')}`;
    const unknown = KEY.replace('lab.', 'other.');
    for (const [name, key] of [
      ['none', undefined],
      ['wrong', wrong],
      ['unknown', unknown],
    ] as const) {
      assert.notEqual(await update(key, `${name}.house.example. 60 IN A 198.18.9.5`), 0, name);
      assert.equal((await ask(`${name}.house.example.`, 'A', PRIMARY)).status, 'NXDOMAIN');
    }
    assert.equal(await update(KEY, 'new.house.example. 60 IN A 198.18.9.6'), 0);
    const there = async (server: string | undefined): Promise<true | undefined> =>
      /^new\.house\.example\.\s+60\s+IN\s+A\s+198\.18\.9\.6$/m.test((await ask('new.house.example.', 'A', server)).text) || undefined;
    assert.equal(await there(PRIMARY), true);
    await until('the secondary has it', () => there(SECONDARY), 20_000, 200);
    assert.deepEqual(await judged('new.house.example.', 'A'), ['NOERROR', true]);
  });

  test('a zone as a whole is for its secondary alone', async () => {
    const transfer = async (host: ForeignHost): Promise<string> =>
      (await host.room.run(['kdig', `@${PRIMARY}`, '+retry=0', 'house.example.', 'AXFR'])).stdout;
    assert.match(await transfer(net.names.servers.secondary), /^a\.house\.example\.\s+60\s+IN\s+A\s+198\.18\.9\.1$/m);
    assert.doesNotMatch(await transfer(net.people), /IN\s+A\s/);
  });

  test('one of the two servers of lame.example never answers; the zone is answered all the same', async () => {
    await net.names.add('www.lame.example. A 198.18.9.7');
    assert.deepEqual(await judged('www.lame.example.', 'A'), ['NOERROR', true]);
    const { text } = await ask('lame.example.', 'NS', PRIMARY);
    assert.match(text, /IN\s+NS\s+gone\.example\.$/m);
    const silent = await net.people.room.run(['kdig', `@${DEAD}`, '+retry=0', '+timeout=1', 'lame.example.', 'SOA']);
    assert.match(`${silent.stdout}${silent.stderr}`, /not reachable|no response|timeout|failed to query/i);
    assert.doesNotMatch(silent.stdout, /status: /);
  });

  test('a name that was not there is, as soon as it is added', async () => {
    for (const name of ['ask1', 'ask2', 'ask3']) {
      assert.deepEqual(await judged(`${name}.house.example.`, 'A'), ['NXDOMAIN', true]);
      await net.names.add(`${name}.house.example. A 198.18.9.8`);
      assert.deepEqual(await judged(`${name}.house.example.`, 'A'), ['NOERROR', true]);
    }
  });

  test('names below test are there for foreign hosts', async () => {
    assert.deepEqual(await judged('a.far.test.', 'A'), ['NOERROR', true]);
    assert.deepEqual(await judged('nobody.far.test.', 'A'), ['NXDOMAIN', true]);
  });

  test('nothing leads out of it', async () => {
    const outside = ['192.0.2.1', '2001:db8::1'].map((host) => net.people.dial({ host, port: 25 }));
    await Promise.all(outside.map((dialled) => assert.rejects(dialled, { code: 'EHOSTUNREACH' })));
    (await net.people.dial({ host: ROOT ?? '', port: 53 })).destroy();
  });

  for (const release of ['bookworm', 'trixie'] as const)
    describe(`a machine of ours on ${release}`, () => {
      let server: Ours;
      before(async () => {
        server = await net.ours(release);
      });

      test('vouches for names as a validating resolver does', async () => {
        const names = ['a.house.example.', 'a.unsigned.example.', 'a.broken.example.'];
        const answers = await Promise.all(names.map((name) => askForName(server.machine, '127.0.0.1', name)));
        assert.deepEqual(answers, [
          { code: 0, validated: true, answers: 1 },
          { code: 0, validated: false, answers: 1 },
          { code: 2, validated: false, answers: 0 },
        ]);
      });

      test('asks from the root down: its configuration is that of a machine elsewhere, and only root hints and key differ', async () => {
        const written = async (file: string): Promise<string> => (await server.machine.run(['cat', file])).stdout;
        const { layer } = await servedPublic({ release, init: 'systemd' });
        const elsewhere = await readFile(join(layer.lower[0] ?? '', 'etc/unbound/unbound.conf'), 'utf8');
        assert.equal(await written('/etc/unbound/unbound.conf'), elsewhere);
        assert.match(elsewhere, /root-hints: "?\/usr\/share\/dns\/root\.hints/);
        assert.match(await written('/usr/share/dns/root.hints'), new RegExp(`^a\\.root\\.example\\. \\d+ IN A ${ROOT}$`, 'm'));
        const key = net.facts.anchor.split(' ').at(-1) ?? '';
        assert.ok((await written('/var/lib/unbound/root.key')).replaceAll(/\s/g, '').includes(key.replaceAll(/\s/g, '')));
      });

      test('finds a name that was not there as soon as it is added', async () => {
        for (const name of ['late1', 'late2', 'late3']) {
          const asked = `${name}.${release}.house.example.`;
          assert.deepEqual(await askForName(server.machine, '127.0.0.1', asked), { code: 3, validated: true, answers: 0 });
          await net.names.add(`${asked} A 198.18.9.8`);
          assert.deepEqual(await askForName(server.machine, '127.0.0.1', asked), { code: 0, validated: true, answers: 1 });
        }
      });

      test('forwards nothing; a forwarder would be seen', async () => {
        const control = async (...words: readonly string[]): Promise<string> => (await server.machine.run(['unbound-control', ...words])).stdout;
        assert.equal(await control('list_forwards'), '');
        assert.equal(await control('forward_add', 'elsewhere.example', DEAD ?? ''), 'ok\n');
        assert.match(await control('list_forwards'), /^elsewhere\.example\. IN forward 198\.18\.0\.10$/m);
        assert.equal(await control('forward_remove', 'elsewhere.example'), 'ok\n');
        assert.equal(await control('list_forwards'), '');
      });
    });

  describe('the recorder', () => {
    let server: EximServer;
    before(async () => {
      server = await net.exim('spoken', { certificate: 'authority' });
    });

    const open = async (): Promise<{ readonly smtp: Smtp; readonly greeting: Reply }> =>
      Smtp.open(await net.people.dial({ host: server.host.addresses.v4, port: 25 }));

    /** The one that holds it. */
    const heard = async (mark: string): Promise<Conversation> => {
      const all = (await net.conversations()).filter(({ lines }) => lines.some((line) => line.includes(mark)));
      assert.equal(all.length, 1, mark);
      return all[0] as Conversation;
    };

    const spoken = ({ code, lines }: Reply): readonly string[] =>
      lines.map((line, index) => `S: ${code}${index === lines.length - 1 ? ' ' : '-'}${line}`);

    test('hears every line of a dialogue in clear, and no message', async () => {
      const { smtp, greeting } = await open();
      const expected = [...spoken(greeting)];
      for (const line of ['EHLO clear.people.example', 'MAIL FROM:<clear@people.example>', 'RCPT TO:<reader@spoken.example>']) {
        expected.push(`C: ${line}`, ...spoken(await smtp.command(line)));
      }
      expected.push('C: DATA');
      assert.equal((await smtp.data('Subject: words of the message\r\n\r\nwords of the body\r\n')).code, 250);
      await smtp.command('QUIT');
      smtp.close();
      const { from, to, port, lines, tls } = await heard('EHLO clear.people.example');
      assert.deepEqual([from, to, port, tls], [net.people.addresses.v4, server.host.addresses.v4, 25, undefined]);
      assert.deepEqual(lines.slice(0, expected.length), expected);
      assert.equal(lines.at(-2), 'C: QUIT');
      assert.ok(!lines.join('\n').includes('words of'), lines.join('\n'));
    });

    for (const [version, limit] of [
      ['TLS 1.3', 'TLSv1.3'],
      ['TLS 1.2', 'TLSv1.2'],
    ] as const)
      test(`hears that a dialogue went on under ${version}, for which name, and nothing that was said in it`, async () => {
        const mark = `before.${limit.toLowerCase()}.example`;
        const { smtp } = await open();
        await smtp.command(`EHLO ${mark}`);
        const trust = { ca: net.facts.authority, servername: server.host.name, maxVersion: limit };
        await smtp.startTls(trust);
        await smtp.command('EHLO within.people.example');
        assert.equal((await smtp.command('MAIL FROM:<within@people.example>')).code, 250);
        await smtp.command('QUIT');
        smtp.close();
        const { lines, tls } = await heard(mark);
        assert.deepEqual(tls, { version, serverName: 'mail.spoken.example' });
        assert.equal(lines.at(-2), 'C: STARTTLS');
        assert.match(lines.at(-1) ?? '', /^S: 220 /);
        assert.ok(!lines.join('\n').includes('within'), lines.join('\n'));
      });

    test('over IPv6 as well', async () => {
      const { smtp } = await Smtp.open(await net.people.dial({ host: server.host.addresses.v6, port: 25 }));
      await smtp.command('EHLO six.people.example');
      smtp.close();
      const { from, to } = await heard('EHLO six.people.example');
      assert.deepEqual([from, to], [net.people.addresses.v6, server.host.addresses.v6]);
    });

    test('leaves out what follows AUTH, however it is said, and nothing else', async () => {
      const [user, pass] = ['reader@people.example', 'a pass-phrase that nobody may see'];
      const [user64, pass64, both64] = [user, pass, `\0${user}\0${pass}`].map((text) => Buffer.from(text).toString('base64'));
      const challenges: Readonly<Record<string, number>> = { 'AUTH LOGIN': 2, 'AUTH PLAIN': 1 };
      const listener = await server.host.listen({ host: server.host.addresses.v4, port: 587 });
      listener.on('connection', (socket: Socket) => {
        let open = 0;
        socket.write('220 asks for passwords\r\n');
        socket.on('data', (chunk: Buffer) => {
          open = open > 0 ? open - 1 : (challenges[String(chunk).trim()] ?? 0);
          socket.write(open > 0 ? '334 VXNlcm5hbWU6\r\n' : '250 fine\r\n');
        });
      });
      const { smtp } = await Smtp.open(await net.people.dial({ host: server.host.addresses.v4, port: 587 }));
      const said = ['EHLO secret.people.example', `AUTH PLAIN ${both64}`, 'AUTH PLAIN', `${both64}`, 'AUTH LOGIN', `${user64}`, `${pass64}`];
      for (const line of [...said, 'MAIL FROM:<after@people.example>', 'QUIT']) await smtp.command(line);
      smtp.close();
      listener.close();
      const { lines } = await heard('EHLO secret.people.example');
      assert.deepEqual(
        lines.filter((line) => line.startsWith('C: ')).map((line) => line.slice(3)),
        ['EHLO secret.people.example', 'AUTH PLAIN ***', 'AUTH PLAIN', '***', 'AUTH LOGIN', '***', '***', 'MAIL FROM:<after@people.example>', 'QUIT'],
      );
      for (const secret of [pass, pass64, both64, user64]) assert.ok(!JSON.stringify(lines).includes(secret ?? ''), secret);
    });
  });
});
