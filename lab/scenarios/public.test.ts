/**
 * C1, M23, profile public: a machine with addresses of its own, in a network with a stranger and a client. `up --hostname --domain` made
 * it, and at first nobody answers a question for a name, as on a machine whose way out is not there yet.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import {
  allRun,
  type Addresses,
  askUdp,
  boot,
  fetched,
  HAUSPOST,
  type Host,
  lastingListeners,
  type Login,
  type Machine,
  type NameRecord,
  nameServer,
  network,
  PUBLIC,
  readyOn,
  type Release,
  type Reply,
  servedPublic,
  shownPassword,
  Smtp,
  type TlsTrust,
  upRecord,
} from '../index.ts';

const NAMES = { v4: '198.18.0.53', v6: '2001:2::53' };
const STRANGER: Addresses = { v4: '198.18.0.66', v6: '2001:2::66' };
const CLIENT: Addresses = { v4: '198.18.0.77', v6: '2001:2::77' };

const RECORDS: readonly NameRecord[] = [
  { name: 'elsewhere.example', type: 'MX', data: '10 mail.elsewhere.example' },
  { name: 'elsewhere.example', type: 'TXT', data: `v=spf1 ip4:${STRANGER.v4} ip6:${STRANGER.v6} -all` },
  { name: 'mail.elsewhere.example', type: 'A', data: STRANGER.v4 },
  { name: 'mail.elsewhere.example', type: 'AAAA', data: STRANGER.v6 },
  { name: '66.0.18.198.in-addr.arpa', type: 'PTR', data: 'mail.elsewhere.example' },
  { name: `6.6.${'0.'.repeat(22)}2.0.0.0.1.0.0.2.ip6.arpa`, type: 'PTR', data: 'mail.elsewhere.example' },
];

const PORTS: Readonly<Record<string, readonly number[]>> = { master: [25, 465, 587], dovecot: [143, 993, 4190], nginx: [80, 443] };
const OPEN = Object.values(PORTS).flat();
const EXPECTED = [
  ...Object.entries(PORTS).flatMap(([program, ports]) => ports.flatMap((port) => [`tcp 0.0.0.0:${port} ${program}`, `tcp [::]:${port} ${program}`])),
  ...['tcp 127.0.0.1:53 unbound', 'tcp [::1]:53 unbound', 'udp 127.0.0.1:53 unbound', 'udp [::1]:53 unbound'],
  'tcp 127.0.0.1:11334 rspamd',
].toSorted();
const SHUT = [53, 11334, 3306, 6379, 11332, 11333, 8953, 24, 110, 995];

const FILE = '/etc/hauspost/hauspost.toml';
const RESOLVER = `
[resolver]
forwarders = ["${NAMES.v4}"]
`;
const ACCOUNT = `postmaster@${PUBLIC.domain}`;
const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

const extendFile = async (machine: Machine, text: string): Promise<void> => {
  assert.equal((await machine.run(['sh', '-c', `cat >>${FILE}`], { input: text })).code, 0);
};

/** Answers with what it tells on standard error. */
const apply = async (machine: Machine): Promise<string> => {
  const { code, stdout, stderr } = await readyOn(machine).run(['apply', '--yes']);
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stderr;
};

interface Place extends AsyncDisposable {
  readonly machine: Machine;
  readonly stranger: Host;
  readonly client: Host;
  /** Not answering yet. */
  readonly names: Host;
  readonly trust: TlsTrust;
  readonly login: Login;
}

const arrange = async (release: Release): Promise<Place> => {
  const machine = await boot({ image: await servedPublic({ release, init: 'systemd' }) });
  const lan = await network();
  await lan.join(machine, PUBLIC.addresses);
  await allRun(machine);
  return {
    machine,
    stranger: await lan.host('mail.elsewhere.example', STRANGER),
    client: await lan.host('laptop.elsewhere.example', CLIENT),
    names: await lan.host('ns.elsewhere.example', NAMES),
    trust: { ca: (await machine.run(['cat', '/var/lib/hauspost/tls/ca.pem'])).stdout, servername: PUBLIC.hostname },
    login: { user: ACCOUNT, pass: shownPassword(await upRecord(machine), ACCOUNT) },
    [Symbol.asyncDispose]: async () => {
      await lan[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
};

let sent = 0;

const message = (from: string, to: string): { readonly id: string; readonly text: string } => {
  const id = `<public-${++sent}@elsewhere.example>`;
  const text = [
    `From: <${from}>`,
    `To: <${to}>`,
    `Message-ID: ${id}`,
    dated(),
    'Subject: Thursday',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    // Nobody else's words: what Rspamd's greylisting told to come later has to wait, whoever sends it again.
    `Hello, shall we meet on Thursday at the usual place, number ${sent}?`,
    '',
  ];
  return { id, text: text.join('\r\n') };
};

const opened = async (host: Host, address: string, port: number): Promise<Smtp> => {
  const { smtp, greeting } = await Smtp.open(await host.dial({ host: address, port }));
  assert.equal(greeting.code, 220, greeting.lines.join(' '));
  assert.equal((await smtp.command(`EHLO ${host.name}`)).code, 250);
  return smtp;
};

/** The first answer that is no success, or the one to the end of the message. */
const delivery = async (smtp: Smtp, from: string, to: string, text: string): Promise<Reply> => {
  try {
    for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) {
      const reply = await smtp.command(line);
      if (reply.code !== 250) return reply;
    }
    return await smtp.data(text);
  } finally {
    smtp.close();
  }
};

const said = ({ code, lines }: Reply): string => `${code} ${lines.join(' ')}`;

/** On 587 with STARTTLS, logged in. */
const submission = async ({ client, trust, login }: Place, address: string): Promise<Smtp> => {
  const smtp = await opened(client, address, 587);
  await smtp.startTls(trust);
  await smtp.command(`EHLO ${client.name}`);
  const answer = await smtp.command(`AUTH PLAIN ${Buffer.from(`\0${login.user}\0${login.pass}`).toString('base64')}`);
  assert.equal(answer.code, 235, said(answer));
  return smtp;
};

/** On 993, our own authority trusted and nobody else. */
const mailbox = async ({ client, trust, login }: Place, address: string): Promise<ImapFlow> => {
  const forward = await client.forward({ host: address, port: 993 });
  const tls = { ca: trust.ca };
  const imap = new ImapFlow({ host: '127.0.0.1', port: forward.port, secure: true, servername: trust.servername, auth: login, tls, logger: false });
  imap.on('close', () => void forward.close());
  imap.on('error', () => undefined); // the call under way rejects with it
  await imap.connect();
  return imap;
};

const arrived = async (place: Place, id: string): Promise<string> => {
  const imap = await mailbox(place, PUBLIC.addresses.v4);
  try {
    return await fetched(imap, 'INBOX', id);
  } finally {
    await imap.logout();
  }
};

const onRelease = (release: Release): void => {
  describe(release, { concurrency: 1 }, () => {
    let place: Place;
    before(async () => {
      place = await arrange(release);
    });
    after(() => place?.[Symbol.asyncDispose]());

    test('C1: up ended well where nobody answers for names, and says what a mail program needs', async () => {
      const record = await upRecord(place.machine);
      console.log(`    up took ${(record.ms / 1000).toFixed(0)} s`);
      assert.equal(record.code, 0, record.stderr);
      assert.match(record.stdout, /IMAP mail\.example\.test\s+port 993 TLS, or 143 STARTTLS/);
      assert.match(record.stdout, /SMTP mail\.example\.test\s+port 465 TLS, or 587 STARTTLS/);
      assert.match(record.stdout, /postmaster@example\.test/);
      assert.doesNotMatch(record.stdout, /FAIL/);
    });

    test('M17: while nobody answers for names a stranger is told to come later, and nothing is refused for good', async () => {
      const tell = async (from: string): Promise<Reply> =>
        delivery(await opened(place.stranger, PUBLIC.addresses.v4, 25), from, ACCOUNT, message(from, ACCOUNT).text);
      const [unknown, bounce] = await Promise.all([tell('friend@elsewhere.example'), tell('')]);
      console.log(`    ${said(unknown)}; ${said(bounce)}`);
      assert.equal(Math.floor(unknown.code / 100), 4, said(unknown));
      assert.equal(Math.floor(bounce.code / 100), 4, said(bounce));
    });

    test('M12: a client of the network logs in on 587 and 993 and gets what it sent, whether names are known or not', async () => {
      const { user } = place.login;
      const { id, text } = message(user, user);
      const end = await delivery(await submission(place, PUBLIC.addresses.v4), user, user, text);
      assert.equal(end.code, 250, said(end));
      assert.match(await arrived(place, id), /usual place/);
    });

    test('M23: listeners are the public ones on all addresses, 53 and 11334 on loopback, each by its own daemon', async () => {
      assert.deepEqual(await lastingListeners(place.machine, EXPECTED.length), EXPECTED);
    });

    for (const family of ['v4', 'v6'] as const) {
      test(`M23: another host reaches ${OPEN.join(', ')} and nothing else, IP${family}`, async () => {
        const host = PUBLIC.addresses[family];
        for (const port of OPEN) (await place.stranger.dial({ host, port })).destroy();
        for (const port of SHUT) await assert.rejects(place.stranger.dial({ host, port }), { code: 'ECONNREFUSED' }, String(port));
        assert.equal(await askUdp(place.stranger, host, 53), 'refused');
      });
    }

    /** Of names, as status and the first `up` tell it. */
    const nameless = async (): Promise<readonly string[]> => {
      const { stdout } = await readyOn(place.machine).run(['status', '--json']);
      const { findings } = JSON.parse(stdout) as { findings: readonly { code: string; message: string }[] };
      return findings.filter(({ code }) => code === 'resolver.no-answer').map(({ message }) => message);
    };

    test('C1, C6: where no name can be looked up, up, apply and status say so, and what then becomes of mail', async () => {
      const said = 'names of other domains cannot be looked up, and mail from and to them waits: no name server of the world answers this machine';
      const warning = `warning: ${said}\n         Let it send to port 53`;
      assert.ok((await upRecord(place.machine)).stderr.includes(warning));
      await extendFile(place.machine, '[mail]\nmessage_size_limit = "51M"\n');
      const stderr = await apply(place.machine);
      assert.ok(stderr.includes(warning), stderr);
      assert.deepEqual(await nameless(), [said]);
      const doctor = await readyOn(place.machine).run(['doctor', '--json']);
      const { findings } = JSON.parse(doctor.stdout) as { findings: readonly { code: string }[] };
      const codes = findings.map(({ code }) => code).filter((code) => /resolver/.test(code));
      assert.deepEqual([doctor.code, codes], [1, ['resolver.no-answer']], 'one cause, told once');
      assert.match((await readyOn(place.machine).run(['doctor'])).stdout, /\nNot all is well: \d+ errors?(?:, \d+ warnings?)?\.\n$/);
      assert.ok((await readyOn(place.machine).run(['plan'])).stdout.includes(`\nAttention: ${said}.\n  Let it send to port 53`));
    });

    test('M1: with names, a stranger delivers over IPv4 and IPv6, and it is said what was verified', async () => {
      await using _names = await nameServer(place.names, NAMES.v4, RECORDS);
      await extendFile(place.machine, RESOLVER);
      assert.doesNotMatch(await apply(place.machine), /cannot be looked up/);
      assert.deepEqual(await nameless(), []);
      for (const family of ['v4', 'v6'] as const) {
        const { id, text } = message('friend@elsewhere.example', ACCOUNT);
        const smtp = await opened(place.stranger, PUBLIC.addresses[family], 25);
        const end = await delivery(smtp, 'friend@elsewhere.example', ACCOUNT, text);
        assert.equal(end.code, 250, said(end));
        const source = await arrived(place, id);
        assert.match(source, /^Authentication-Results: mail\.example\.test;[\s\S]*?spf=pass/m);
        assert.match(source, /^Received: from mail\.elsewhere\.example \(mail\.elsewhere\.example \[/m);
      }
    });

    test('M16: and is no way to anybody else', async () => {
      const smtp = await opened(place.stranger, PUBLIC.addresses.v4, 25);
      assert.equal((await smtp.command('MAIL FROM:<>')).code, 250);
      const answer = await smtp.command('RCPT TO:<victim@elsewhere.example>');
      assert.equal(answer.code, 554, said(answer));
      smtp.close();
    });

    test("C1, C5: a server whose names do not say which domain it is for is one again after rollback 0, with the domain of its database; without one 'up' asks", async () => {
      const { machine } = place;
      const done = async (...words: readonly string[]): Promise<void> => {
        const { code, stdout, stderr } = await machine.run([HAUSPOST, ...words, '--yes'], { ms: 600_000 });
        assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
      };
      assert.equal((await machine.run(['sed', '-i', 's/^hostname = .*/hostname = "mail.hoster.test"/', FILE])).code, 0);
      await done('rollback', '0');
      await done('up');
      const again = { ...place, trust: { ...place.trust, servername: 'mail.hoster.test' } };
      const { user } = place.login;
      const { id, text } = message(user, user);
      const end = await delivery(await submission(again, PUBLIC.addresses.v4), user, user, text);
      assert.equal(end.code, 250, said(end));
      await arrived(again, id);
      await done('rollback', '0');
      const drop = "systemctl start mariadb && mariadb --execute 'DROP DATABASE vmail' && systemctl stop mariadb";
      assert.equal((await machine.run(['sh', '-c', drop])).code, 0);
      const { code, stderr } = await machine.run([HAUSPOST, 'up', '--yes']);
      const remedy = `Run '${HAUSPOST} up --hostname mail.hoster.test --domain ...' with the first domain that mail is taken for.`;
      assert.deepEqual([code, stderr.includes(remedy)], [3, true], stderr);
    });
  });
};

// Both wait most of the time: for names that nobody tells, and for what postscreen wants to see.
describe('both releases', { concurrency: true }, () => RELEASES.forEach(onRelease));
