/**
 * Values of the configuration that are odd and right: characters that mean something in the daemons' files, and long ones. In every file
 * that was rendered only the lines with the old value may become others, and what they say must still be meant.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { fetched, type Login, type Server, until } from '../index.ts';
import { configure, exits } from '../operator.ts';
import { ok, recipient } from '../people.ts';

interface Values {
  readonly hostname: string;
  readonly postmaster: string;
  /** Holds key and certificate, which daemons read by that name. */
  readonly tls: string;
  /** Holds scripts and the password. */
  readonly folder: string;
  readonly relayUser: string;
  readonly password: string;
}

/** A word that is nowhere else, so that lines that hold a value can be told from others. */
const PLAIN: Values = {
  hostname: 'kestrel.hauspost.test',
  postmaster: 'kestrel@hauspost.test',
  tls: '/srv/kestrel/tls',
  folder: '/srv/kestrel',
  relayUser: 'kestrel',
  password: 'kestrel',
};
const MARK = 'kestrel';

const ODD: readonly Values[] = [
  {
    hostname: 'xn--bcher-kva.hauspost.test',
    postmaster: '$x#b|c^d&e~g_@hauspost.test',
    tls: '/srv/x+y@z/_-.tls',
    folder: `/srv/$x {a}, #b;c"d'e%f\\g=h`,
    relayUser: `#a"b'c$d{e}%f\\g;h,i=j`,
    password: `#k: l,m;n "o' $p {q} %r \\s`,
  },
  {
    hostname: `${'h'.repeat(63)}.${'o'.repeat(63)}.${'s'.repeat(63)}.hauspost.test`,
    postmaster: `${'$#|^&_g~'.repeat(8)}@hauspost.test`,
    tls: `/srv/${'t'.repeat(255)}/${'l'.repeat(255)}/${'s'.repeat(255)}`,
    folder: `/srv/${'${y}'.repeat(60)}/${'z'.repeat(255)}`,
    relayUser: 'u'.repeat(128),
    password: 'p'.repeat(200),
  },
];

const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const written = ({ hostname, postmaster, tls, folder, relayUser }: Values): string =>
  [
    ...[`hostname = ${quoted(hostname)}`, `postmaster = ${quoted(postmaster)}`],
    ...['[tls]', 'source = "files"', `key = ${quoted(`${tls}/key.pem`)}`, `chain = ${quoted(`${tls}/chain.pem`)}`],
    ...['[filters]', `before = ${quoted(`${folder}/before.sieve`)}`, `after = ${quoted(`${folder}/after.sieve`)}`],
    ...['[outgoing]', 'relay_host = "mail.outside.test"', `relay_user = ${quoted(relayUser)}`],
    ...[`relay_password_file = ${quoted(`${folder}/password`)}`, ''],
  ].join('\n');

const SIEVE = 'require ["fileinto", "mailbox"];\nif header :is "X-Odd" "yes" { fileinto :create "Odd"; }\n';

const apply = async (server: Server, values: Values): Promise<void> => {
  const { machine } = server;
  const make =
    'umask 077 && mkdir -p "$1" "$2" && cp /var/lib/hauspost/tls/key.pem /var/lib/hauspost/tls/chain.pem "$1" && cd "$2" && cat >before.sieve && echo keep\\; >after.sieve && printf "%s\\n" "$3" >password';
  ok(await machine.run(['sh', '-c', make, 'sh', values.tls, values.folder, values.password], { input: SIEVE }));
  await configure(server, written(values));
  await exits(server, 0, 'apply', '--yes');
};

/** By name of the file. A long value of a Postfix parameter is folded (postconf(5)); here each is one line again. */
const rendered = async ({ machine }: Server): Promise<ReadonlyMap<string, readonly string[]>> => {
  const script =
    "find /etc /usr/local/lib/hauspost -type f ! -name hauspost.toml -print0 | xargs -0 grep --files-with-matches --binary-files=without-match --null '' | xargs -0 tail -v -n +1";
  const { stdout } = ok(await machine.run(['sh', '-c', script]));
  const files = stdout.split(/^==> (\S+) <==\n/m).slice(1);
  return new Map(
    files.flatMap((name, index) => {
      const text = files[index + 1] ?? '';
      return index % 2 === 1 ? [] : [[name, (name.startsWith('/etc/postfix/') ? text.replaceAll(/,?\n[ \t]+/g, ', ') : text).split('\n')] as const];
    }),
  );
};

/** Lines that are others now: what stood there. */
const changed = (
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): readonly (readonly [string, string])[] => {
  assert.deepEqual([...after.keys()].toSorted(), [...before.keys()].toSorted());
  return [...before].flatMap(([name, lines]) => {
    assert.equal(after.get(name)?.length, lines.length, `${name} has as many lines as before: ${after.get(name)?.join('\n')}`);
    return lines.flatMap((line, index) => (line === after.get(name)?.[index] ? [] : [[name, line] as const]));
  });
};

/** Fingerprint of what IMAP shows. */
const shown = async ({ machine }: Server): Promise<string> => {
  const secure = connectTls({ socket: await machine.dial({ host: '127.0.0.1', port: 993 }), rejectUnauthorized: false });
  await new Promise((resolve, reject) => secure.on('secureConnect', resolve).on('error', reject));
  const { fingerprint256 } = secure.getPeerCertificate();
  secure.destroy();
  return fingerprint256;
};

let sent = 0;
/** A cron job's mail, which the postmaster reads, and a stranger's, which the operator's script files. */
const serves = async (server: Server, { postmaster, relayUser, password }: Values): Promise<void> => {
  const { machine } = server;
  const [reader]: Login[] = [{ user: postmaster, pass: 'a password of the postmaster' }];
  assert.ok(reader !== undefined);
  if (postmaster !== PLAIN.postmaster) await server.account(reader);
  sent += 1;
  const [cron, friend] = [`<cron-${sent}@odd.test>`, `<friend-${sent}@odd.test>`];
  ok(await machine.run(['sendmail', 'root'], { input: `From: root\nTo: root\nMessage-ID: ${cron}\nSubject: cron\n\nDone.\n` }));
  const brought = async (): Promise<number> => {
    const smtp = await server.stranger();
    try {
      for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<abuse@hauspost.test>']) {
        const { code } = await smtp.command(line);
        if (code !== 250) return code;
      }
      const head = `From: <friend@outside.test>\r\nTo: <abuse@hauspost.test>\r\nMessage-ID: ${friend}\r\nX-Odd: yes\r\nSubject: odd\r\n`;
      return (await smtp.data(`${head}\r\nHello.\r\n`)).code;
    } finally {
      smtp.close();
    }
  };
  // While the filter reads its configuration anew, mail is told to come later.
  const answer = async (): Promise<number | undefined> => {
    const code = await brought();
    return code < 400 || code >= 500 ? code : undefined;
  };
  assert.equal(await until('an answer that is none of "later"', answer, 30_000, 500), 250);
  for (const role of ['postmaster@hauspost.test', 'abuse@hauspost.test', 'postmaster', postmaster])
    assert.equal(await recipient(server, role), 250, role);
  assert.equal(await recipient(server, 'nobody@hauspost.test'), 550);
  const imap = await server.imap(reader);
  // Where the filter was just being reloaded, pickup(8) looks again after a minute.
  assert.match(await fetched(imap, 'INBOX', cron, 90_000), /^Done\.\r$/m);
  await until('the folder is there', async () => ((await imap.list()).some(({ path }) => path === 'Odd') ? true : undefined), 30_000, 200);
  await fetched(imap, 'Odd', friend);
  await imap.logout();
  const login = ok(await machine.run(['postmap', '-q', '[mail.outside.test]:587', 'texthash:/etc/postfix/relay-password'])).stdout;
  assert.equal(login, `${relayUser}:${password}\n`);
  assert.equal(await shown(server), await certificate(server));
};

/** Of the pair that was copied. */
const certificate = async ({ machine }: Server): Promise<string> =>
  ok(await machine.run(['openssl', 'x509', '-in', '/var/lib/hauspost/tls/chain.pem', '-noout', '-fingerprint', '-sha256']))
    .stdout.trim()
    .replace(/^.*=/, '');

/** Files in which a value must have changed something. */
const TOUCHED = [
  '/etc/postfix/main.cf',
  '/etc/dovecot/dovecot.conf',
  '/etc/nginx/nginx.conf',
  '/etc/postfix/relay-password',
  '/etc/postfix/sql/roles.cf',
];

export const oddValues = (get: () => Server): void => {
  test('odd values and long ones change the lines that hold them, and no other line of any file; the daemons mean what they say', async () => {
    const server = get();
    await server.account({ user: PLAIN.postmaster, pass: 'a password of the postmaster' });
    await apply(server, PLAIN);
    await serves(server, PLAIN);
    const plain = await rendered(server);
    for (const values of ODD) {
      await apply(server, values);
      const lines = changed(plain, await rendered(server));
      for (const [name, line] of lines) assert.ok(line.includes(MARK), `${name}: ${line}`);
      for (const name of TOUCHED)
        assert.ok(
          lines.some(([of]) => of === name),
          name,
        );
      await serves(server, values);
    }
    console.log(`    ${ODD.length} times ${Object.keys(PLAIN).length} values in ${plain.size} files`);
    await configure(server, '');
    await exits(server, 0, 'apply', '--yes');
  });
};
