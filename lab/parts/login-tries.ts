/** M27: how somebody tries to log in, by which service, from which of a client's addresses. */
import assert from 'node:assert/strict';
import { connect as connectTls } from 'node:tls';
import { CLIENT_NAME, type Login, ManageSieve, PUBLIC, type Reply, Smtp, type Sockets, type TlsTrust } from '../index.ts';

export type Service = 'imap' | 'submission' | 'sieve';
export type Outcome = 'in' | 'refused';

const target = (from: string, port: number) => {
  const host = from.startsWith('127.') ? '127.0.0.1' : from === '::1' ? '::1' : from.includes(':') ? PUBLIC.addresses.v6 : PUBLIC.addresses.v4;
  return { host, port, localAddress: from };
};

/** LOGIN by IMAP over TLS; the first tagged answer. */
const byImap = async (sockets: Sockets, trust: TlsTrust, { user, pass }: Login, from: string): Promise<Outcome> => {
  const socket = connectTls({ socket: await sockets.dial(target(from, 993)), ...trust });
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('error', reject).on('close', () => reject(new Error(`closed after ${text}`)));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const tagged = /^a (OK|NO|BAD).*$/m.exec(text);
      if (tagged !== null) resolve(tagged[0]);
    });
    socket.write(`a LOGIN "${user}" "${pass}"\r\n`);
  });
  socket.destroy();
  if (answer.startsWith('a OK')) return 'in';
  assert.match(answer, /^a NO \[AUTHENTICATIONFAILED\] Authentication failed\.$/m);
  return 'refused';
};

export const submitting = async (
  sockets: Sockets,
  trust: TlsTrust,
  { user, pass }: Login,
  from: string,
): Promise<{ readonly smtp: Smtp; readonly answer: Reply }> => {
  const { smtp, greeting } = await Smtp.open(connectTls({ socket: await sockets.dial(target(from, 465)), ...trust }));
  assert.equal(greeting.code, 220);
  await smtp.command(`EHLO ${CLIENT_NAME}`);
  return { smtp, answer: await smtp.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${pass}`).toString('base64')}`) };
};

const bySubmission = async (sockets: Sockets, trust: TlsTrust, login: Login, from: string): Promise<Outcome> => {
  const { smtp, answer } = await submitting(sockets, trust, login, from);
  smtp.close();
  if (answer.code === 235) return 'in';
  assert.equal(answer.code, 535, answer.lines.join(' '));
  return 'refused';
};

const bySieve = async (sockets: Sockets, trust: TlsTrust, login: Login, from: string): Promise<Outcome> => {
  const { sieve } = await ManageSieve.open(await sockets.dial(target(from, 4190)));
  await sieve.startTls(trust);
  const { status } = await sieve.login(login);
  sieve.close();
  return status === 'OK' ? 'in' : 'refused';
};

export const BY = { imap: byImap, submission: bySubmission, sieve: bySieve } as const;
