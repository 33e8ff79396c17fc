/**
 * M14 over the life of keys: two signatures that four verifiers far away believe; the next keys sign only when both name servers of the zone show them; what
 * the last ones signed verifies as long as they are published; a key of somebody else's is taken where DNS shows it. The zone is changed by hand.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { type Login, until } from '../index.ts';
import {
  type EximServer,
  heldBy,
  type Internet,
  NAME_SERVERS,
  onEachReleaseThere,
  type Ours,
  unanimous,
  UPDATER,
  verdicts,
} from '../internet/index.ts';
import { type Failure, answered, exits } from '../operator.ts';
import { json, ok, text } from '../people.ts';

const READER = 'reader@right.example';
const FURTHER = 'further.example';
const ANNA: Login = { user: `anna@${FURTHER}`, pass: 'password-of-anna' };
/** Nothing goes by itself here: upkeep is called by the tests. */
const RETIRE_SECONDS = 5;

interface Key {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  readonly state: string;
  readonly next: string;
  readonly waits: string | null;
}

const keys = async (server: Ours, domain: string): Promise<readonly Key[]> => (await json(server, 'dkim', 'list', domain)) as readonly Key[];
const inState = async (server: Ours, domain: string, state: string): Promise<readonly string[]> =>
  (await keys(server, domain)).filter((key) => key.state === state).map(({ selector }) => selector);

/** As `dns records --zone` prints them, for the lab's zones. */
const lines = async (server: Ours, domain: string): Promise<readonly string[]> =>
  (await text(server, 'dns', 'records', domain, '--zone'))
    .split('\n')
    .filter((line) => line.includes('._domainkey.') && !line.startsWith(';'))
    .map((line) => line.replace(/ \d+ IN /, ' '));

const lineOf = async (server: Ours, domain: string, ...selectors: readonly string[]): Promise<readonly string[]> =>
  (await lines(server, domain)).filter((line) => selectors.some((selector) => line.startsWith(`${selector}._domainkey.`)));

let sent = 0;
const arrives = async (server: Ours, { user, pass }: Login, right: EximServer): Promise<string> => {
  sent += 1;
  const id = `rotation-${sent}@${server.identity.hostname}`;
  const smtp = await server.client(587, { user, pass });
  const header = [`From: <${user}>`, `To: <${READER}>`, `Subject: ${id}`, dated(), `Message-ID: <${id}>`, 'MIME-Version: 1.0'];
  for (const line of [`MAIL FROM:<${user}>`, `RCPT TO:<${READER}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  assert.equal((await smtp.data([...header, 'Content-Type: text/plain', '', 'Hello.', ''].join('\r\n'))).code, 250);
  smtp.close();
  return right.message(id);
};

/** Of the signatures, sorted. */
const selectors = (message: string): readonly string[] => {
  const [header = ''] = message.replace(/\r\n/g, '\n').split('\n\n');
  const fields = header.replace(/\n[ \t]+/g, ' ').match(/^DKIM-Signature:.*$/gim) ?? [];
  return fields.map((field) => /[; ]s=([^;\s]+)/.exec(field)?.[1] ?? '').toSorted();
};

/** Rspamd reads its maps a moment later. */
const signedBy = (server: Ours, login: Login, right: EximServer, wanted: readonly string[]): Promise<string> =>
  until(
    `mail of ${login.user} is signed by ${wanted.join(', ')}`,
    async () => {
      const message = await arrives(server, login, right);
      return selectors(message).join() === wanted.toSorted().join() ? message : undefined;
    },
    30_000,
    200,
  );

/** What stands in the zone at the first server alone, until the answer is called. */
const atOneServer = async (net: Internet, zone: string, ...some: readonly string[]): Promise<() => Promise<void>> => {
  const { primary } = net.names.servers;
  const goOn = await net.names.hold(zone);
  await net.names.add(...some);
  await until(
    'the first server shows it',
    async () => {
      const { stdout } = await primary.must(['kdig', `@${primary.addresses.v4}`, '+short', some[0]?.split(' ')[0] ?? '', 'TXT']);
      return stdout.trim() === '' ? undefined : true;
    },
    10_000,
  );
  return goOn;
};

const arrange = async (net: Internet, server: Ours): Promise<{ readonly right: EximServer }> => {
  ok(await server.machine.run(['sh', '-c', 'cat >>/etc/hauspost/hauspost.toml'], { input: `[dkim]\nretire_after = "${RETIRE_SECONDS}s"\n` }));
  // It would do by itself what the tests ask for.
  ok(await server.machine.run(['systemctl', 'stop', 'hauspost-upkeep']));
  await server.order('domain', 'add', FURTHER);
  await server.account(ANNA);
  await net.names.add('right.example. TXT "v=spf1 mx -all"', ...(await lines(server, FURTHER)));
  return { right: await net.exim('right', { certificate: 'authority', tlsa: 'right' }) };
};

const inspected = async ({ machine }: Ours): Promise<string> =>
  ok(
    await machine.run([
      'sh',
      '-c',
      'find /var/lib/hauspost/dkim /var/lib/hauspost/secrets/dkim /var/lib/rspamd/dkim -type f | sort | xargs sha256sum',
    ]),
  ).stdout;

const refused = async (server: Ours, code: string, ...words: readonly string[]): Promise<string> => {
  const before = await inspected(server);
  const { code: status, document } = await answered<Failure>(server, ...words);
  assert.deepEqual([status, document.error.code], [3, code], JSON.stringify(document));
  assert.equal(await inspected(server), before, 'nothing is changed');
  return document.error.message;
};

onEachReleaseThere(
  ({ net, server }) => arrange(net, server),
  (get) => {
    const first: string[] = [];
    const next: string[] = [];
    let old = '';

    test('from the beginning: RSA and Ed25519, and four verifiers believe both', async () => {
      const { server, right } = get();
      const { domain } = server.identity;
      first.push(...(await inState(server, domain, 'active')));
      assert.deepEqual(
        (await keys(server, domain)).map(({ algorithm, state }) => `${algorithm} ${state}`),
        ['rsa active', 'ed25519 active'],
      );
      old = await signedBy(server, server.demo, right, first);
      assert.deepEqual(await verdicts(right, old), unanimous(`${domain} pass`));
    });

    test('the next keys are shown by dns records, and do not sign while nobody publishes them', async () => {
      const { server, right } = get();
      const { domain } = server.identity;
      await exits(server, 0, 'dkim', 'rotate', domain);
      next.push(...(await inState(server, domain, 'pending')));
      assert.equal(next.length, 2);
      assert.equal((await lines(server, domain)).length, 4);
      const { stdout } = await exits(server, 0, 'dkim', 'rotate', domain);
      assert.match(stdout, new RegExp(`${next[0]} waits: ns1\\.example does not show it; ns2\\.example does not show it\\.$`, 'm'));
      assert.deepEqual(await inState(server, domain, 'pending'), next, 'no others are made while these wait');
      const shown = (await text(server, 'dkim', 'list')).split('\n');
      for (const line of shown.filter((each) => !/ waits: /.test(each))) assert.ok(line.length <= 80, `wider than a terminal: ${line}`);
      assert.ok(shown.includes(`${next[0]} waits: ns1.example does not show it; ns2.example does not show it.`), shown.join('\n'));
      assert.ok(
        shown.some((line) => new RegExp(`^${next[0]} +RSA +pending +\\d{4}-\\d\\d-\\d\\d +signs once seen everywhere$`).test(line)),
        shown.join('\n'),
      );
      assert.deepEqual(selectors(await arrives(server, server.demo, right)), first.toSorted());
      assert.deepEqual(await inState(server, FURTHER, 'pending'), [], 'nor for another domain');
    });

    test('shown by one of the two servers alone: they go on waiting, and it is told for which one', async () => {
      const { net, server, right } = get();
      const { domain } = server.identity;
      const publish = await atOneServer(net, `${domain}.`, ...(await lineOf(server, domain, ...next)));
      try {
        await exits(server, 0, 'upkeep');
        assert.deepEqual(await inState(server, domain, 'pending'), next);
        for (const { state, waits } of await keys(server, domain)) if (state === 'pending') assert.equal(waits, 'ns2.example does not show it');
        assert.deepEqual(selectors(await arrives(server, server.demo, right)), first.toSorted());
      } finally {
        await publish();
      }
    });

    test('shown by both: they sign, four verifiers believe them, and what the last ones signed still verifies', async () => {
      const { server, right } = get();
      const { domain } = server.identity;
      const { stdout } = await exits(server, 0, 'upkeep');
      for (const selector of next) assert.match(stdout, new RegExp(`^DKIM key ${selector} of ${domain} signs from now on\\.$`, 'm'));
      const both = unanimous(`${domain} pass`);
      assert.deepEqual(await verdicts(right, await signedBy(server, server.demo, right, next)), both);
      assert.deepEqual(await inState(server, domain, 'retiring'), first);
      assert.equal((await lines(server, domain)).length, 4);
      assert.deepEqual(await verdicts(right, old), both);
    });

    test('when their time is over the last keys are gone: from the records, from the disk, not from the list', async () => {
      const { net, server, right } = get();
      const { domain } = server.identity;
      const gone = await lineOf(server, domain, ...first);
      await until(
        'they are retired',
        async () => {
          await exits(server, 0, 'upkeep');
          return (await inState(server, domain, 'retired')).length === 2 ? true : undefined;
        },
        60_000,
        2000,
      );
      assert.deepEqual(await inState(server, domain, 'active'), next);
      assert.deepEqual((await lines(server, domain)).length, 2);
      const files = await inspected(server);
      for (const selector of first) assert.doesNotMatch(files, new RegExp(`/${domain}/${selector}(?:\\.key)?$`, 'm'));
      for (const selector of next) assert.match(files, new RegExp(`/${domain}/${selector}$`, 'm'));
      await net.names.remove(...gone.map((line) => line.split(' ').slice(0, 2).join(' ')));
      assert.deepEqual(selectors(await arrives(server, server.demo, right)), next.toSorted());
      const { stdout } = await exits(server, 0, 'dkim', 'rotate', domain);
      const third = /^\S+: (h\d{8}(?:-\d)?) is made\.$/m.exec(stdout)?.[1] ?? stdout;
      assert.ok(![...first, ...next].includes(third), `a third pair, most often on one day, by other names than ${third}`);
    });

    test('a key of others, one for all domains: where DNS shows it, it signs at once; its record is the one that was there', async () => {
      const { net, server, right } = get();
      const { domain } = server.identity;
      const make =
        'umask 077; openssl genrsa -out /root/2017.key 2048 2>/dev/null && openssl rsa -in /root/2017.key -pubout -outform DER 2>/dev/null | base64 -w0';
      const p = ok(await server.machine.run(['sh', '-c', make])).stdout;
      const record = `"v=DKIM1; k=rsa; " "p=${p.slice(0, 200)}" "${p.slice(200)}"`;
      await net.names.add(...[domain, FURTHER].map((name) => `2017._domainkey.${name}. TXT ${record}`));
      await exits(server, 0, 'dkim', 'import', '--all', '2017', '/root/2017.key');
      for (const [login, name] of [
        [server.demo, domain],
        [ANNA, FURTHER],
      ] as const) {
        const [ed25519 = ''] = (await keys(server, name)).flatMap(({ algorithm, state, selector }) =>
          algorithm === 'ed25519' && state === 'active' ? [selector] : [],
        );
        const message = await signedBy(server, login, right, ['2017', ed25519]);
        assert.deepEqual(await verdicts(right, message), unanimous(`${name} pass`));
      }
      // Each command about keys goes on with what is due, and says so.
      await until(
        'the last key of this domain is retired',
        async () => {
          await exits(server, 0, 'upkeep');
          return (await inState(server, FURTHER, 'retiring')).length === 0 ? true : undefined;
        },
        60_000,
        1000,
      );
      assert.match(await text(server, 'dkim', 'import', FURTHER, '2017', '/root/2017.key'), /^The key 2017 was there already\.$/m);
      const shown = await text(server, 'dkim', 'export', domain, '2017');
      assert.equal(shown.replace(/" "/g, ''), `2017._domainkey.${domain}. IN TXT "v=DKIM1; k=rsa; p=${p}"\n`);
    });

    test('by age: upkeep makes the next keys of a domain whose key is old enough, and of no other', async () => {
      const { server } = get();
      const more = async (script: string): Promise<void> => void ok(await server.machine.run(['sh', '-c', script]));
      const made = async (): Promise<readonly string[]> =>
        (await exits(server, 0, 'upkeep')).stdout.split('\n').filter((line) => / was made;/.test(line));
      await more(`sed -i 's/"since": "20../"since": "2020/' /var/lib/hauspost/dkim/${FURTHER}/keys.json`);
      assert.deepEqual(await made(), [], 'by itself it never does where records are published by hand');
      await more(`echo 'rotate = "30d"' >>/etc/hauspost/hauspost.toml`);
      const lines = await made();
      assert.equal(lines.length, 2, lines.join('\n'));
      for (const line of lines)
        assert.match(line, /^DKIM key h\d{8}(?:-2)?(?:-ed25519)? of further\.example was made; its record is to be published\.$/);
      assert.deepEqual(await made(), [], 'once');
    });

    test('a key that is not the one of the record is refused with both; unpublished it waits', async () => {
      const { net, server } = get();
      ok(await server.machine.run(['sh', '-c', 'umask 077; openssl genpkey -algorithm ed25519 -out /root/other.key']));
      await net.names.add(`taken._domainkey.${FURTHER}. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`);
      const message = await refused(server, 'dkim.key-mismatch', 'dkim', 'import', FURTHER, 'taken', '/root/other.key');
      assert.match(message, /taken\._domainkey\.further\.example at registry\.example: v=DKIM1; k=ed25519; p=11qYAYKx/);
      assert.match(message, /the file: v=DKIM1; k=ed25519; p=[\w+/]{43}=$/);
      assert.match(
        await refused(server, 'dkim.selector-taken', 'dkim', 'import', FURTHER, '2017', '/root/other.key'),
        /another key with the selector 2017/,
      );
      const { stdout } = await exits(server, 0, 'dkim', 'import', FURTHER, 'free', '/root/other.key');
      assert.match(stdout, /free waits: registry\.example does not show it\.$/m);
    });

    test('pushed: the keys that waited are published by Hauspost, sign when both servers have them, and the last ones go from DNS with their time', async () => {
      const { net, server, right } = get();
      const { domain } = server.identity;
      const waiting = await inState(server, domain, 'pending');
      assert.equal(waiting.length, 2);
      const update = `[dns]\nupdate_server = "${NAME_SERVERS.primary.v4}"\nupdate_key_file = "/etc/hauspost/dns-key"\n`;
      const key = `key "lab" {\n\talgorithm ${UPDATER.algorithm};\n\tsecret "${UPDATER.secret}";\n};\n`;
      ok(await server.machine.run(['sh', '-c', 'umask 077; cat >/etc/hauspost/dns-key'], { input: key }));
      ok(await server.machine.run(['sh', '-c', 'cat >>/etc/hauspost/hauspost.toml'], { input: update }));
      await exits(server, 0, 'dkim', 'rotate', domain);
      await until(
        'the keys sign',
        async () => {
          await server.hauspost(['upkeep']);
          return (await inState(server, domain, 'pending')).length === 0 ? true : undefined;
        },
        60_000,
        1000,
      );
      const message = await signedBy(server, server.demo, right, waiting);
      assert.deepEqual(await verdicts(right, message), unanimous(`${domain} pass`));
      await until(
        'the last ones are retired',
        async () => {
          await server.hauspost(['upkeep']);
          return (await inState(server, domain, 'retiring')).length === 0 ? true : undefined;
        },
        60_000,
        2000,
      );
      const inZone = async (): Promise<readonly string[]> =>
        (await heldBy(net, 'primary', domain)).flatMap((line) => /^(\S+)\._domainkey\./.exec(line)?.[1] ?? []).toSorted();
      // What was published by hand is not Hauspost's, and stays.
      for (const selector of waiting) assert.ok((await inZone()).includes(selector));
      const words = ['dkim', 'rotate', domain];
      await exits(server, 0, ...words);
      const third = await inState(server, domain, 'pending');
      await until(
        'the third pair signs, and the second is gone from the zone',
        async () => {
          await server.hauspost(['upkeep']);
          const there = await inZone();
          return third.every((selector) => there.includes(selector)) && !waiting.some((selector) => there.includes(selector)) ? true : undefined;
        },
        90_000,
        2000,
      );
    });

    test('where nothing is said of their age, keys of 180 days are followed where the name server has the zone, and nowhere else', async () => {
      const { server } = get();
      const { domain } = server.identity;
      const third = 'third.example';
      await server.order('domain', 'add', third);
      const since = '2020-01-01T00:00:00.000Z';
      const old = Object.fromEntries((await keys(server, third)).map(({ selector, algorithm }) => [selector, { algorithm, state: 'active', since }]));
      const file = (name: string): string => `/var/lib/hauspost/dkim/${name}/keys.json`;
      const age = `mkdir -p /var/lib/hauspost/dkim/${third}; cat >${file(third)}; sed -i 's/"since": "20../"since": "2020/' ${file(domain)}`;
      ok(await server.machine.run(['sh', '-c', age], { input: JSON.stringify({ keys: old }) }));
      ok(await server.machine.run(['sed', '-i', '/^rotate = /d', '/etc/hauspost/hauspost.toml']));
      for (const { next: follows } of await keys(server, third)) assert.equal(follows, "signs until 'dkim rotate'");
      const { stdout } = await server.hauspost(['upkeep']);
      assert.deepEqual([...new Set(stdout.match(/(?<=^DKIM key \S+ of )\S+(?= was made;)/gm))], [domain], stdout);
    });

    test('the private key leaves only for who asks for it, into a file of root alone', async () => {
      const { server } = get();
      const words = ['dkim', 'export', FURTHER, '2017'];
      assert.doesNotMatch(JSON.stringify(await json(server, ...words)), /PRIVATE/);
      await exits(server, 0, ...words, '--private', '--file', '/root/exported.key');
      const script =
        'stat -c "%a %U" /root/exported.key; for key in exported 2017; do openssl rsa -in /root/$key.key -pubout 2>/dev/null | sha256sum; done';
      const { stdout } = ok(await server.machine.run(['sh', '-c', script]));
      const [mode, one, other] = stdout.split('\n');
      assert.equal(mode, '600 root');
      assert.equal(one, other);
      assert.match(await text(server, ...words, '--private'), /^-----BEGIN PRIVATE KEY-----\n/);
      assert.match(await refused(server, 'dkim.file-exists', ...words, '--private', '--file', '/root/exported.key'), /exists already/);
    });
  },
);
