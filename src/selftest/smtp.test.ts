/** A connection that ends in the middle ends the question, too, whatever was asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { SMTPServer } from 'smtp-server';
import type { MailAddress } from '#base';
import { converse } from './smtp.ts';

type Phase = 'greeting' | 'login' | 'data';

const LOGIN = { address: 'demo@example.test' as MailAddress, password: 'right' };
const ENVELOPE = { from: LOGIN.address, to: 'other@example.test' };

/** A server that takes a message, or ends the connection in one phase; answers with what it was told. */
const conversation = async (ends: Phase | undefined, password = LOGIN.password): ReturnType<typeof converse> => {
  const sockets = new Set<Socket>();
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = new SMTPServer({
    logger: false,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    disabledCommands: ['STARTTLS'],
    onConnect: (_session, done) => (ends === 'greeting' ? end() : done()),
    onAuth: (given, _session, done) => {
      if (ends === 'login') end();
      else if (given.password === LOGIN.password) done(null, { user: LOGIN.address });
      else done(new Error('wrong password'));
    },
    onData: (stream, _session, done) => {
      if (ends === 'data') end();
      else stream.resume().once('end', done);
    },
  });
  server.on('error', () => undefined); // of its sockets
  server.server.on('connection', (socket: Socket) => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.server.address() as AddressInfo;
    const smtp = new SMTPConnection({ host: '127.0.0.1', port, ignoreTLS: true });
    return await converse(smtp, { ...LOGIN, password }, ENVELOPE, 'Subject: a\r\n\r\nb\r\n');
  } finally {
    await new Promise<void>((resolve) => server.close(resolve));
  }
};

describe('one dialogue', () => {
  for (const phase of ['greeting', 'login', 'data'] as const) {
    test(`ends when the server ends it: ${phase}`, { timeout: 30_000 }, () => assert.rejects(conversation(phase), /closed|ended/));
  }

  test('says what was accepted', async () => {
    assert.deepEqual(await conversation(undefined), { accepted: true });
  });

  test('says what was refused, and where', async () => {
    const outcome = await conversation(undefined, 'wrong');
    assert.ok(!outcome.accepted);
    assert.deepEqual([outcome.code, outcome.stage], [535, 'AUTH PLAIN']);
  });
});
