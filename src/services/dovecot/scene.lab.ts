/**
 * For the tests of this folder: a machine with the real Dovecot of a release, configured as we render it, a real MariaDB with accounts of
 * every kind, and a certificate; and what its clients do (IMAP, ManageSieve, LMTP, Postfix' SASL and policy requests).
 */
import assert from 'node:assert/strict';
import { redacted } from '#base';
import { applyGrants, connect, type Directory, migrate } from '#directory';
import { type Child, checker, type Release, type Room, until } from '#lab';
import type { RenderInput, Vantage } from '#model';
import { type Conversation, inClear, overSocket, overTls } from './conversation.lab.ts';
import { dovecot } from './index.ts';
import { inputFor } from '../test-input.lab.ts';

const CA = '/var/lib/hauspost/tls/ca.pem';
const PASSWORDS = { ARGON2ID: 'argon', 'BLF-CRYPT': 'blf', 'SHA512-CRYPT': 'sha' } as const;
const USERS = ['argon', 'blf', 'sha', 'nobrace', 'sendonly', 'small', 'odd!#$&*=?^{|}~x'];

export const must = async (room: Room, ...argv: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await room.run(argv);
  assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

const install = async (room: Room, input: RenderInput): Promise<void> => {
  for (const item of dovecot.items(input)) {
    if (item.kind === 'file') await room.put({ [item.path]: redacted(item.text) });
    if (item.kind === 'derived') await must(room, ...item.argv);
    if (item.kind === 'dir') await must(room, 'mkdir', '-p', item.path);
    if ('owner' in item) await must(room, 'chown', item.owner, item.path);
    if ('owner' in item) await must(room, 'chmod', item.mode.toString(8), item.path);
  }
};

export const certificate = async (room: Room, { wiring: { places } }: RenderInput): Promise<void> => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await must(room, 'mkdir', '-p', '/var/lib/hauspost/tls');
  await must(room, 'openssl', 'req', '-x509', ...key, '-days', '2', '-subj', '/CN=CA', '-keyout', '/tmp/ca.key', '-out', CA);
  await must(
    room,
    ...['openssl', 'req', '-x509', '-CA', CA, '-CAkey', '/tmp/ca.key', ...key, '-days', '2', '-subj', '/CN=mail'],
    ...[
      '-addext',
      'subjectAltName=DNS:mail.hauspost.test',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-keyout',
      places['tls-key'],
      '-out',
      places['tls-chain'],
    ],
  );
};

const database = async (room: Room, input: RenderInput): Promise<Directory> => {
  await must(room, 'install', '-d', '-o', 'mysql', '-g', 'mysql', '/run/mysqld');
  room.spawn(['mariadbd', '--user=mysql', '--skip-networking', '--innodb-buffer-pool-size=16M', `--socket=${input.wiring.sockets.mariadb.path}`]);
  await until('MariaDB answers', async () => (await room.run(['mariadb-admin', 'ping'])).code === 0 || undefined, 60_000);
  const directory = await connect({ socketPath: `${room.root}${input.wiring.sockets.mariadb.path}` });
  await migrate(directory);
  await applyGrants(
    directory,
    dovecot.items(input).filter((item) => item.kind === 'grant'),
  );
  return directory;
};

const accounts = async (room: Room, directory: Directory): Promise<void> => {
  await directory.change("INSERT INTO domains (domain) VALUES ('hauspost.test')");
  const hashes = new Map<string, string>();
  for (const [scheme, password] of Object.entries(PASSWORDS))
    hashes.set(password, (await must(room, 'doveadm', 'pw', '-s', scheme, '-p', password)).trim());
  const sha = hashes.get('sha') ?? '';
  for (const username of USERS) {
    await directory.change(
      "INSERT INTO accounts (username, domain, password, quota, enabled, sendonly) VALUES (:username, 'hauspost.test', :password, :quota, 1, :sendonly)",
      {
        username,
        password: username === 'nobrace' ? sha.replace('{SHA512-CRYPT}', '') : (hashes.get(username) ?? sha),
        quota: username === 'small' ? 5 : username === 'blf' ? null : 0,
        sendonly: username === 'sendonly' ? 1 : null,
      },
    );
  }
};

export const vantage = (room: Room): Vantage => ({
  now: () => new Date(0),
  talk: async (target, { send, until: enough, ms }) => {
    using talk = 'socket' in target ? await overSocket(room, target.socket) : await inClear(room, target.port, target.host);
    if (send !== undefined) talk.send(send);
    return await talk.until(enough, ms);
  },
});

export const plain = (user: string, password: string): string => Buffer.from(`\0${user}\0${password}`).toString('base64');
export const address = (user: string): string => `${user}@hauspost.test`;

const IMAP = { greeting: /^\* OK .*STARTTLS.*\r\n/, say: 's STARTTLS', answer: /^s OK .*\r\n/m };
const SIEVE = { greeting: /^OK .*\r\n/m, say: 'STARTTLS', answer: /^OK .*\r\n/m };

export const ca = (room: Room): Promise<string> => must(room, 'cat', CA);

export const imap = async (room: Room, port: 143 | 993 = 143): Promise<Conversation> => {
  const talk = await overTls(room, port, await ca(room), port === 143 ? IMAP : undefined);
  if (port === 993) await talk.answer(/^\* OK .*\r\n/);
  return talk;
};

export const sieve = async (room: Room): Promise<Conversation> => {
  const talk = await overTls(room, 4190, await ca(room), SIEVE);
  await talk.answer(/^OK .*\r\n/m);
  return talk;
};

/** The tagged answer to a login. */
export const login = async (room: Room, user: string, password: string): Promise<string> => {
  using talk = await imap(room);
  return (await talk.say(`a AUTHENTICATE PLAIN ${plain(address(user), password)}`, /^a .*\r\n/m)).replace(/^.*(?=^a )/ms, '').trim();
};

export const REFUSED = 'a NO [AUTHENTICATIONFAILED] Authentication failed.';
export const accepted = (answer: string): boolean => /^a OK .*Logged in/.test(answer);

/** Postfix' side of the authentication protocol: `OK` or `FAIL`. */
export const sasl = async (room: Room, input: RenderInput, user: string, password: string): Promise<string> => {
  using talk = await overSocket(room, input.wiring.sockets.sasl.path);
  talk.send('VERSION\t1\t1\nCPID\t7\n');
  await talk.answer(/^DONE\n/m);
  talk.send(`AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=${plain(address(user), password)}\n`);
  return (await talk.answer(/^(OK|FAIL)\t.*\n/m)).split('\t')[0] ?? '';
};

export const policy = async (room: Room, input: RenderInput, recipient: string, size: number): Promise<string> => {
  using talk = await overSocket(room, input.wiring.sockets['quota-status'].path);
  talk.send(`request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=${recipient}\nsize=${size}\n\n`);
  return (await talk.answer(/\n\n/)).trim();
};

/** The last answer that LMTP gave, `ms` after the message at the latest. */
export const deliver = async (room: Room, input: RenderInput, recipient: string, message: string, ms = 15_000): Promise<string> => {
  using talk = await overSocket(room, input.wiring.sockets.lmtp.path);
  await talk.answer(/^220 .*\r\n/);
  await talk.say('LHLO client.test', /^250 .*\r\n/m);
  await talk.say('MAIL FROM:<stranger@outside.test>', /^250 .*\r\n/m);
  const refused = await talk.say(`RCPT TO:<${recipient}>`, /^\d\d\d .*\r\n/m);
  if (!refused.startsWith('250')) return refused.trim();
  await talk.say('DATA', /^354 .*\r\n/m);
  talk.send(Buffer.from(`${message}\r\n.\r\n`, 'latin1'));
  return (await talk.until((text) => /^\d\d\d .*\r\n/m.test(text), ms)).trim();
};

/** Subjects of the mails in a folder, by IMAP. */
export const subjects = async (room: Room, user: string, password: string, folder: string): Promise<readonly string[]> => {
  using talk = await imap(room);
  await talk.say(`a LOGIN "${address(user)}" "${password}"`, /^a OK/m);
  await talk.say(`b SELECT ${folder}`, /^b OK/m);
  const answer = await talk.say('c FETCH 1:* (BODY[HEADER.FIELDS (SUBJECT)])', /^c (OK|BAD)/m);
  return [...answer.matchAll(/^Subject: (.*)\r$/gm)].map((match) => match[1] ?? '');
};

export interface Scene {
  readonly room: Room;
  readonly input: RenderInput;
  readonly directory: Directory;
  readonly log: () => string;
}

export const staged = async (release: Release): Promise<Scene & { readonly daemon: Child }> => {
  const room = await checker(release);
  const input = inputFor(release, 'runit');
  await must(room, 'useradd', '--system', '--user-group', '--no-create-home', '--home-dir', '/var/vmail', '--shell', '/usr/sbin/nologin', 'vmail');
  await must(room, 'install', '-d', '-o', 'postfix', '-g', 'root', '-m', '0700', '/var/spool/postfix/private');
  await certificate(room, input);
  await install(room, input);
  const directory = await database(room, input);
  await accounts(room, directory);
  const daemon = room.spawn(dovecot.unit(input).foreground);
  let heard = '';
  for (const stream of [daemon.stdout, daemon.stderr]) stream.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  return { room, input, directory, daemon, log: () => heard };
};
