/**
 * For the real test of this folder: Postfix in a room with MariaDB, Unbound and a small Dovecot as SASL and LMTP peer, and
 * SMTP conversations with it from inside the room's network. Rspamd and the policy service have tests of their own.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { redacted } from '#base';
import { applyGrants, connect, type Directory, migrate } from '#directory';
import { checker, type Release, type Room, socketsOf, until } from '#lab';
import type { RenderInput } from '#model';
import { postfix } from './index.ts';
import { inputFor } from '../test-input.lab.ts';

export const LIMIT_MS = 20_000;

export interface Scene {
  readonly room: Room;
  readonly input: RenderInput;
  readonly directory: Directory;
  log(): string;
}

export const must = async (room: Room, ...argv: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await room.run(argv);
  assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

const install = async (room: Room, input: RenderInput): Promise<void> => {
  for (const item of postfix.items(input)) {
    if (item.kind === 'file') await room.put({ [item.path]: redacted(item.text) });
    if (item.kind === 'dir') await must(room, 'mkdir', '-p', item.path);
    if (item.kind === 'absent') await must(room, 'rm', '-f', item.path);
    if ('owner' in item) await must(room, 'chown', item.owner, item.path);
    if ('owner' in item) await must(room, 'chmod', item.mode.toString(8), item.path);
  }
};

const UNBOUND = `server:
  interface: 127.0.0.1
  chroot: ""
  use-syslog: no
  module-config: "iterator"
  local-zone: "." static
  local-data: "outside.test. A 127.0.0.9"
  local-data: "outside.test. MX 10 outside.test."
  local-data-ptr: "127.0.0.9 outside.test"
`;

const listener = (name: string): string => `unix_listener /var/spool/postfix/private/${name} {\n mode = 0660\n user = postfix\n group = postfix\n }`;
const DOVECOT: Readonly<Record<Release, string>> = {
  bookworm: `protocols = lmtp
auth_mechanisms = plain login
passdb {
 driver = static
 args = password=secret
}
userdb {
 driver = static
 args = uid=mail gid=mail home=/var/mails/%d/%n allow_all_users=yes
}
mail_location = maildir:~/mail
disable_plaintext_auth = no
ssl = no`,
  trixie: `dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = lmtp
auth_mechanisms = plain login
passdb static {
 password = secret
}
userdb static {
 fields {
  uid = mail
  gid = mail
  home = /var/mails/%{user|domain}/%{user|username}
 }
 allow_all_users = yes
}
mail_driver = maildir
mail_path = ~/mail
auth_allow_cleartext = yes
ssl = no`,
};

const peers = async (room: Room, release: Release, { wiring: { places } }: RenderInput): Promise<void> => {
  const tail = `recipient_delimiter = +\nfirst_valid_uid = 1\nlog_path = /tmp/dovecot.log\nservice lmtp {\n${listener('dovecot-lmtp')}\n}\nservice auth {\n${listener('auth')}\n}\n`;
  await room.put({ '/etc/unbound/unbound.conf': UNBOUND, '/etc/dovecot/dovecot.conf': `${DOVECOT[release]}\n${tail}` });
  await must(room, 'install', '-d', '-o', 'mail', '-g', 'mail', '/var/mails', '/var/lib/hauspost/tls');
  const request = [
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=mail.hauspost.test',
  ];
  await must(room, ...request, '-keyout', places['tls-key'], '-out', places['tls-chain']);
  room.spawn(['unbound', '-d', '-c', '/etc/unbound/unbound.conf']);
  room.spawn(['dovecot', '-F']);
};

const database = async (room: Room, input: RenderInput): Promise<Directory> => {
  await must(room, 'install', '-d', '-o', 'mysql', '-g', 'mysql', '/run/mysqld');
  room.spawn(['mariadbd', '--user=mysql', '--skip-networking', '--innodb-buffer-pool-size=16M', `--socket=${input.wiring.sockets.mariadb.path}`]);
  await until('MariaDB answers', async () => (await room.run(['mariadb-admin', 'ping'])).code === 0 || undefined, 60_000);
  const directory = await connect({ socketPath: `${room.root}${input.wiring.sockets.mariadb.path}` });
  await migrate(directory);
  await applyGrants(
    directory,
    postfix.items(input).filter((item) => item.kind === 'grant'),
  );
  await directory.change("INSERT INTO domains (domain) VALUES ('hauspost.test'), ('example.test')");
  await directory.change(`INSERT INTO accounts (username, domain, password, quota, enabled, sendonly) VALUES
    ('demo', 'hauspost.test', 'x', 0, 1, 0), ('other', 'hauspost.test', 'x', 0, 1, 0), ('robot', 'hauspost.test', 'x', 0, 1, 1),
    ('gone', 'hauspost.test', 'x', 0, 0, 0), ('boss', 'example.test', 'x', 0, 1, 0)`);
  await directory.change(`INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES
    ('info', 'hauspost.test', 'demo', 'hauspost.test', 1), ('bots', 'hauspost.test', 'robot', 'hauspost.test', 1),
    (NULL, 'example.test', 'boss', 'example.test', 1)`);
  return directory;
};

export const staged = async (release: Release): Promise<Scene> => {
  const [room, input] = [await checker(release), inputFor(release, 'runit')];
  await install(room, input);
  const directory = await database(room, input);
  await peers(room, release, input);
  return { room, input, directory, log: () => '' };
};

export const serving = async (scene: Scene): Promise<Scene> => {
  // The filter and the policy service have tests of their own.
  await must(scene.room, 'postconf', '-e', 'smtpd_milters=', 'smtpd_policy_service_try_limit=1');
  for (const command of postfix.unit(scene.input).prepare) await must(scene.room, 'sh', '-c', '"$@" | cat', 'sh', ...command);
  // Behind a pipe, as runsv has it: postlogd cannot open a socket, which is what a child of Node has for standard output.
  const master = scene.room.spawn(['sh', '-c', '"$@" 2>&1 | cat', 'sh', ...postfix.unit(scene.input).foreground]);
  let said = '';
  master.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await until(
    'Postfix greets',
    () =>
      open(scene, 25).then(
        (talk) => {
          talk.close();
          return true;
        },
        () => undefined,
      ),
    30_000,
  );
  return { ...scene, log: () => said };
};

export interface Talk {
  /** The whole answer, without the last line break. */
  say(line: string): Promise<string>;
  /** Sends octets as they are. */
  send(raw: string): void;
  answer(): Promise<string>;
  starttls(): Promise<Talk>;
  close(): void;
}

export const talkOver = (socket: Socket | TLSSocket): Talk => {
  let heard = '';
  let over = false;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  socket.on('close', () => {
    over = true;
  });
  socket.on('error', () => undefined);
  const answer = async (): Promise<string> => {
    const whole = await until('an answer', () => (over || /^\d{3}(?: .*)?\r\n$/m.test(heard) ? heard : undefined), LIMIT_MS, 2);
    heard = '';
    return whole.trimEnd();
  };
  const talk: Talk = {
    answer,
    send: (raw) => socket.write(raw, 'latin1'),
    say: (line) => {
      socket.write(`${line}\r\n`, 'latin1');
      return answer();
    },
    starttls: async () => {
      assert.match(await talk.say('STARTTLS'), /^220 /);
      socket.removeAllListeners('data');
      return secured(socket);
    },
    close: () => socket.destroy(),
  };
  return talk;
};

const secured = async (clear: Socket): Promise<Talk> => {
  const socket = connectTls({ socket: clear, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return talkOver(socket);
};

export const dial = (scene: Scene, port: number, host: string): Promise<Socket> =>
  socketsOf(`/proc/${scene.room.pid}/ns/net`).dial({ host, port, ...(host === '127.0.0.1' ? { localAddress: '127.0.0.9' } : {}) });

export const open = async (scene: Scene, port: number, host = '127.0.0.1'): Promise<Talk> => {
  const socket = await dial(scene, port, host);
  const talk = port === 465 ? await secured(socket) : talkOver(socket);
  assert.match(await talk.answer(), /^220 mail\.hauspost\.test ESMTP$/);
  return talk;
};

/** A stranger who has said EHLO. */
export const stranger = async (scene: Scene, host?: string): Promise<Talk> => {
  const talk = await open(scene, 25, host);
  await talk.say('EHLO peer.outside.test');
  return talk;
};

export const member = async (scene: Scene, port: 465 | 587, user = 'demo'): Promise<Talk> => {
  const clear = await open(scene, port);
  await clear.say('EHLO [192.0.2.77]');
  const talk = port === 587 ? await clear.starttls() : clear;
  await talk.say('EHLO [192.0.2.77]');
  const proof = Buffer.from(`\0${user}@hauspost.test\0secret`).toString('base64');
  assert.match(await talk.say(`AUTH PLAIN ${proof}`), /^235 /);
  return talk;
};

/** The code that RCPT gets in a transaction of its own. */
export const rcpt = async (talk: Talk, from: string, to: string): Promise<string> => {
  await talk.say(`MAIL FROM:${from}`);
  const answer = await talk.say(`RCPT TO:${to}`);
  await talk.say('RSET');
  return answer.slice(0, 3);
};

export const send = async (talk: Talk, from: string, to: string, content: string): Promise<string> => {
  assert.match(await talk.say(`MAIL FROM:${from}`), /^250 /);
  assert.match(await talk.say(`RCPT TO:${to}`), /^250 /);
  assert.match(await talk.say('DATA'), /^354 /);
  talk.send(content);
  return talk.answer();
};
