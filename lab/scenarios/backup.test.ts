/**
 * docs/backup.md as it stands: a copy is made while everything runs, also of mail and keys behind links, and comes back on a bare machine of the same release
 * and of the next, and in a container; a copy that is not whole opens no port; one mailbox comes back beside what is there.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allRun, arrived, boot, type Kind, launched, type Login, type Machine, type Release, serve, serverOn, type Server, until } from '../index.ts';
import { answered, configure, type Plan } from '../operator.ts';
import { LIVE, renewed } from '../tls-pair.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/backup.md'), 'utf8');

const DEBIAN = { bookworm: 12, trixie: 13 } as const;

/** The commands below a heading, of one release where they differ. */
const commands = (heading: string, release: Release): string => {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const lines = [...text.matchAll(/^ {4}(.+)$/gm)]
    .map(([, line = '']) => line)
    .filter((line) => !/ # Debian \d+$/.test(line) || line.endsWith(` ${DEBIAN[release]}`));
  assert.ok(lines.length > 4, heading);
  return `${lines.join('\n')}\n`;
};

const shell = async (machine: Machine, script: string, input = ''): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script], { cwd: '/opt/hauspost', ms: 600_000, input, encoding: 'latin1' });
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout;
};

const ANNA: Login = { user: 'anna@second.test', pass: 'anna-password' };
const FILTER = 'require ["fileinto", "mailbox"]; if header :contains "subject" "rent" { fileinto :create "House"; }';

const handedIn = async (server: Server, id: string, subject: string): Promise<void> => {
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<info@second.test>']) assert.equal((await smtp.command(line)).code, 250, line);
  const head = ['From: <friend@outside.test>', `Message-ID: <${id}>`, 'Date: Sun, 29 Nov 2026 12:00:00 +0000', `Subject: ${subject}`];
  assert.equal((await smtp.data([...head, '', `About ${subject}.`, ''].join('\r\n'))).code, 250);
  smtp.close();
};

/** The operator's own key, one path quoted as TOML also may. */
const FILES = `[tls]\nsource = "files"\nkey = '${LIVE}/key.pem'\n# before: "/srv/gone.pem"\nchain = "${LIVE}/chain.pem"\n`;

/** Message-IDs and flags by folder. */
const mail = async (server: Server, login: Login): Promise<Readonly<Record<string, readonly string[]>>> => {
  const imap = await server.imap(login);
  try {
    const folders: Record<string, readonly string[]> = {};
    for (const { path } of (await imap.list()).filter((folder) => !folder.flags.has('\\Noselect'))) {
      const lock = await imap.getMailboxLock(path);
      const found: string[] = [];
      for await (const { envelope, flags } of imap.fetch('1:*', { envelope: true, flags: true })) {
        found.push([envelope?.messageId, ...[...(flags ?? [])].filter((flag) => flag !== '\\Recent').toSorted()].join(' '));
      }
      lock.release();
      if (found.length > 0) folders[path] = found.toSorted();
    }
    return folders;
  } finally {
    await imap.logout();
  }
};

interface Kept {
  /** What others and people's programs know: keys, certificate, rows, what was learned. */
  readonly known: string;
  readonly mail: Readonly<Record<string, readonly string[]>>;
}

/** In the records of both domains: public keys, and what DMARC asks for. */
const published = async (server: Server): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const domain of ['hauspost.test', 'second.test']) {
    const { stdout } = await server.hauspost(['dns', 'records', domain, '--json']);
    found.push(...(stdout.match(/p=[A-Za-z0-9+/=]*/g) ?? []));
  }
  return found;
};

const KNOWN = `
cat ${LIVE}/key.pem ${LIVE}/chain.pem /var/vmail/removed/* /var/lib/hauspost/tls/ca.pem /var/lib/hauspost/secrets/rspamd.controller.password
mariadb --table vmail --execute 'SELECT * FROM domains; SELECT * FROM accounts; SELECT * FROM aliases'
redis-cli -s /run/redis/redis-server.sock hget RS learns_spam
redis-cli -s /run/redis/redis-server.sock --scan --pattern 'RS_*' | sort
`;

const kept = async (server: Server): Promise<Kept> => ({
  known: [...(await published(server)), await shell(server.machine, KNOWN)].join('\n'),
  mail: await mail(server, ANNA),
});

interface Copy extends Kept {
  readonly demo: Login;
  /** In base64, the archive of /root/copy: where all are folders, and where some are links to another disk. */
  readonly plain: string;
  readonly linked: string;
}

const lived = async (server: Server): Promise<void> => {
  await server.order('domain', 'add', 'second.test');
  await server.account(ANNA);
  await server.order('alias', 'add', 'info@second.test', ANNA.user);
  const sieve = await server.sieve();
  await sieve.login(ANNA);
  assert.equal((await sieve.put('house', FILTER)).status, 'OK');
  assert.equal((await sieve.command('SETACTIVE "house"')).status, 'OK');
  for (const [id, subject] of [
    ['one@outside.test', 'hello'],
    ['two@outside.test', 'the rent'],
  ] as const)
    await handedIn(server, id, subject);
};

const LESSON = `From: <a@outside.test>\nSubject: cheap\n\n${'cheap watches and pills for everybody today '.repeat(9)}\n`;

const learned = async (server: Server): Promise<string> => {
  await shell(server.machine, 'mkdir -p /root/lessons && cat >/root/lessons/one', LESSON);
  return (await server.hauspost(['spam', 'learn', '--spam', '/root/lessons'])).stdout;
};

/** A copy by the page's own lines, and what is in it but for Dovecot's own files, which come and go. */
const copyOf = async ({ machine }: Server, release: Release): Promise<{ readonly archive: string; readonly names: string }> => {
  await shell(machine, commands('Make a copy', release));
  const names = 'cd /root/copy; for each in *.tar.gz; do echo "$each"; tar -tzf "$each" | grep -v dovecot | sort; done';
  return { archive: await shell(machine, 'tar -cf - -C /root copy | base64 --wrap=0'), names: await shell(machine, names) };
};

const LINKS =
  'mkdir -p /srv/vmail /srv/disk; ln -s /srv/vmail /var/vmail; for each in mailboxes sieve removed; do ln -s ../disk/$each /srv/vmail; done';
const MOVED = `set -e
systemctl stop dovecot
mkdir /srv/disk; mv /var/vmail/* /srv/disk; mv /var/vmail /srv/vmail
${LINKS}
systemctl start dovecot
`;

const copied = async (release: Release): Promise<Copy> => {
  await using server = await serve(release);
  await renewed(server.machine, 'ECDSA');
  await configure(server, FILES);
  await server.order('apply', '--yes');
  await lived(server);
  await shell(server.machine, 'install -d -m 700 /var/vmail/removed; echo mail >/var/vmail/removed/somebody');
  const imap = await server.imap(ANNA);
  await arrived(imap, '<one@outside.test>');
  await imap.getMailboxLock('INBOX');
  await imap.messageFlagsAdd('1:*', ['\\Seen', '\\Answered']);
  await imap.logout();
  await until('the rent is in its folder', async () => (await mail(server, ANNA))['House'], 30_000, 300);
  assert.equal(await learned(server), 'Learned as spam: 1 new, 0 known, 0 skipped.\n');
  const before = await kept(server);
  const shown = [[...before.known.matchAll(/^p=.{40}/gm)].length, /\n1\nRS_\d+\n/.test(before.known), Object.keys(before.mail).toSorted()];
  assert.deepEqual(shown, [4, true, ['House', 'INBOX']]);
  const plain = await copyOf(server, release);
  assert.match(plain.names, /^var\/vmail\/mailboxes\/second\.test\/anna\/mail\/cur\/./m);
  await shell(server.machine, MOVED);
  const linked = await copyOf(server, release);
  assert.equal(linked.names, plain.names);
  return { ...before, demo: server.demo, plain: plain.archive, linked: linked.archive };
};

const bare = async (kind: Kind): Promise<Machine> => {
  const machine = await boot({ image: await launched(kind) });
  await machine.checkout();
  // Numbers that are others than on the old machine.
  await shell(machine, 'useradd --system --user-group somebody; useradd --system --user-group else');
  return machine;
};

interface Way {
  readonly kind: Kind;
  readonly which: 'plain' | 'linked';
  /** Mail is to lie on another disk there as well. */
  readonly links?: true;
}

const comesBack = ({ kind, which, links }: Way, copy: () => Copy): void => {
  const { release, init } = kind;
  describe(`on a bare ${release}, ${init}, ${which}${links ? ' to links' : ''}`, () => {
    let machine: Machine;
    let server: Server;
    const restore = commands('Bring it back', release).replace('./hauspost up', './hauspost up --yes');
    before(async () => {
      machine = await bare(kind);
      if (links) await shell(machine, `${LINKS}; mkdir /srv/disk/mailboxes /srv/disk/sieve /srv/disk/removed`);
      await shell(machine, 'base64 --decode | tar -xf - -C /root', copy()[which]);
    });
    after(() => (server ?? machine)?.[Symbol.asyncDispose]());

    test('a dump that breaks off, or that MariaDB does not take, opens no port', async () => {
      await shell(machine, 'mv /root/copy/vmail.sql /root/whole.sql');
      for (const damage of ['head -c 3000', "sed 's/^CREATE TABLE `accounts`/CREATE TABEL `accounts`/'"]) {
        await shell(machine, `${damage} /root/whole.sql >/root/copy/vmail.sql; ! cmp -s /root/whole.sql /root/copy/vmail.sql`);
        const { code, stdout, stderr } = await machine.run(['sh', '-c', restore], { cwd: '/opt/hauspost', ms: 600_000 });
        assert.equal(code, 1, stdout + stderr);
        await assert.rejects(machine.dial({ host: '127.0.0.1', port: 25 }), { code: 'ECONNREFUSED' }, damage);
      }
      await shell(machine, 'mv /root/whole.sql /root/copy/vmail.sql');
    });

    test('people, mail, flags, filters, keys and what was learned are as they were', async () => {
      const up = await shell(machine, restore);
      assert.doesNotMatch(up, /FAIL/);
      await allRun(machine);
      server = await serverOn(machine, copy().demo);
      assert.deepEqual(await kept(server), { known: copy().known, mail: copy().mail });
      if (links)
        assert.equal(
          await shell(machine, 'readlink /var/vmail /var/vmail/mailboxes /var/vmail/sieve'),
          '/srv/vmail\n../disk/mailboxes\n../disk/sieve\n',
        );
    });

    test('all works: nothing is left to do, the first account logs in, the spam filter knows what it learned, and the other one puts new mail in its folder', async () => {
      assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, []);
      const selftest = await answered<{ ok: boolean }>(server, 'selftest');
      assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
      await (await server.imap(server.demo)).logout();
      assert.equal(await learned(server), 'Learned as spam: 0 new, 1 known, 0 skipped.\n');
      await handedIn(server, 'three@outside.test', 'more rent');
      await until(
        'it is in House',
        async () => (await mail(server, ANNA))['House']?.some((each) => each.startsWith('<three@')) || undefined,
        30_000,
        300,
      );
    });

    test('a mailbox comes back beside what is there', async () => {
      const script = commands('One mailbox, or one message', release).replaceAll('example.org', 'second.test');
      const now = await mail(server, ANNA);
      await shell(machine, script);
      const again = Object.fromEntries(Object.entries(copy().mail).map(([folder, found]) => [`Again/${folder}`, found]));
      assert.deepEqual(await mail(server, ANNA), { ...now, ...again });
    });
  });
};

const systemd = (release: Release): Kind => ({ release, init: 'systemd' });

describe('a copy of Debian 12', () => {
  let copy: Copy;
  before(async () => {
    copy = await copied('bookworm');
  });
  comesBack({ kind: systemd('bookworm'), which: 'plain' }, () => copy);
  comesBack({ kind: { release: 'bookworm', init: 'none' }, which: 'linked' }, () => copy);
  comesBack({ kind: systemd('trixie'), which: 'linked', links: true }, () => copy);
});

describe('a copy of Debian 13', () => {
  let copy: Copy;
  before(async () => {
    copy = await copied('trixie');
  });
  comesBack({ kind: systemd('trixie'), which: 'linked' }, () => copy);
});
