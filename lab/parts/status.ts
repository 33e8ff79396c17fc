/** C6, C2: what status says of listeners, certificate and queue is what the kernel, the ports and Postfix say; down and up touch none of the mail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { dated } from '../dated.ts';
import { allRun, fetched, listening, type Machine, type Server, until } from '../index.ts';
import { answered, exits } from '../operator.ts';
import { ok } from '../people.ts';

interface Status {
  readonly services: readonly { readonly name: string; readonly listeners: readonly string[] }[];
  readonly queue: { readonly active: number; readonly deferred: number; readonly hold: number };
  readonly certificates: readonly { readonly names: readonly string[]; readonly expires: string; readonly issuer: string }[];
}

const statusOf = async (server: Server): Promise<Status> => (await answered<Status>(server, 'status')).document;

/** Names of processes, where they are not those of the services. */
const PROGRAM: Readonly<Record<string, string>> = { postfix: 'master' };

const certificateAt = async ({ machine }: Server, port: number): Promise<PeerCertificate> => {
  const secure = connectTls({ socket: await machine.dial({ host: '127.0.0.1', port }), rejectUnauthorized: false });
  await new Promise((resolve, reject) => secure.on('secureConnect', resolve).on('error', reject));
  const certificate = secure.getPeerCertificate();
  secure.destroy();
  return certificate;
};

interface Queued {
  readonly queue_id: string;
  readonly queue_name: string;
  readonly recipients: readonly { readonly address: string }[];
}

/** As postqueue(1) tells it: recipient, queue, id. */
const queued = async (machine: Machine): Promise<ReadonlyMap<string, Queued>> => {
  const { stdout } = ok(await machine.run(['postqueue', '-j']));
  const rows = stdout.split('\n').filter((line) => line !== '');
  return new Map(rows.map((line) => JSON.parse(line) as Queued).map((row) => [row.recipients[0]?.address ?? '', row]));
};

const inQueue = (machine: Machine, to: string, name: string): Promise<Queued> =>
  until(
    `the message to ${to} is ${name}`,
    async () => {
      const row = (await queued(machine)).get(to);
      return row?.queue_name === name ? row : undefined;
    },
    60_000,
    100,
  );

const send = async ({ machine, demo }: Server, to: string): Promise<void> =>
  void ok(await machine.run(['sendmail', '-f', demo.user, to], { input: `From: ${demo.user}\nTo: ${to}\n${dated()}\nSubject: to wait\n\nHello.\n` }));

/** A server that takes the connection and says nothing; closed, it leaves nobody there. */
const silent = async (machine: Machine): Promise<AsyncDisposable> => {
  const sockets: { destroy(): unknown }[] = [];
  const server = await machine.listen({ host: '127.0.0.9', port: 25 });
  server.on('connection', (socket) => void sockets.push(socket.on('error', () => undefined)));
  return {
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** Names, owners, modes, times and contents of all that is in mailboxes, but for Dovecot's indexes, which it writes anew as it likes; and names of folders. */
const mailDigest = async (machine: Machine): Promise<string> => {
  const script = "find /var/vmail ! -name 'dovecot*' \\( -type d -printf '%p\\n' -o -printf '%p %m %U:%G %T@\\n' -exec sha256sum {} \\; \\) | sort";
  return ok(await machine.run(['sh', '-c', script])).stdout;
};

const told = (get: () => Server): void => {
  test('C6: listeners are those of the kernel, each at its service; the certificate is the one that is served', async () => {
    const server = get();
    const programs = new Set<string>();
    const differences = async (): Promise<readonly string[]> => {
      const [before, { services }, after] = [listening(server.machine), await statusOf(server), listening(server.machine)];
      const said = services.flatMap(({ name, listeners }) => {
        programs.add(PROGRAM[name] ?? name);
        return listeners.map((each) => `${each} ${PROGRAM[name] ?? name}`);
      });
      const real = before.filter((each) => after.includes(each) && programs.has(each.slice(each.lastIndexOf(' ') + 1)));
      return [
        ...said.filter((each) => !real.includes(each)).map((each) => `only status: ${each}`),
        ...real.filter((each) => !said.includes(each)).map((each) => `not in status: ${each}`),
      ];
    };
    // A question to a resolver is a socket, too, for as long as it is open.
    let last: readonly string[] = [];
    await until(
      () => `status and the kernel agree, but for ${last.join('; ')}`,
      async () => {
        last = await differences();
        return last.length === 0 || undefined;
      },
      30_000,
      500,
    );
    const { services, certificates } = await statusOf(server);
    assert.ok(services.find(({ name }) => name === 'postfix')?.listeners.includes('tcp 127.0.0.1:587'));
    assert.deepEqual(services.find(({ name }) => name === 'mariadb')?.listeners, []);
    assert.match((await exits(server, 0, 'status')).stdout, /^postfix .* tcp 127\.0\.0\.1:25 .*tcp \[::1\]:587/m);

    const [said, served] = [certificates[0], await certificateAt(server, 993)];
    assert.equal(certificates.length, 1);
    const names = (served.subjectaltname ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
    assert.deepEqual(
      said?.names.map((name) => name.replace(/^::1$/, '0:0:0:0:0:0:0:1')),
      names,
    );
    const { certificate } = (await answered<{ certificate: { names: readonly string[] } }>(server, 'cert', 'status')).document;
    assert.deepEqual(certificate.names, said?.names);
    assert.equal(said?.expires, new Date(served.valid_to).toISOString());
    assert.equal(
      said?.issuer,
      Object.entries(served.issuer)
        .map((pair) => pair.join('='))
        .join(', '),
    );
  });
};

/** With a message in a mailbox and others in the queue, one of them held. */
const staysTheSame = async (server: Server, held: string): Promise<void> => {
  const { machine } = server;
  const id = '<before-down@outside.test>';
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', `RCPT TO:<${server.demo.user}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const text = `From: <friend@outside.test>\r\nTo: <${server.demo.user}>\r\nMessage-ID: ${id}\r\n${dated()}\r\nSubject: stays\r\n\r\nHello.\r\n`;
  assert.equal((await smtp.data(text)).code, 250);
  smtp.close();
  const imap = await server.imap(server.demo);
  const source = await fetched(imap, 'INBOX', id);
  await imap.logout();
  const ids = async (): Promise<readonly string[]> =>
    [...(await queued(machine)).values()].map((row) => `${row.queue_id} ${row.recipients[0]?.address}`).toSorted();
  const before = [await mailDigest(machine), await ids()];
  ok(await server.hauspost(['down']));
  assert.equal(await mailDigest(machine), before[0], 'the mail, while all is stopped');
  ok(await server.hauspost(['up']));
  await allRun(machine);
  assert.deepEqual([await mailDigest(machine), await ids()], before);
  assert.equal((await inQueue(machine, held, 'hold')).queue_name, 'hold');
  const again = await server.imap(server.demo);
  assert.equal(await fetched(again, 'INBOX', id), source);
  await again.logout();
};

const queueTold = (get: () => Server): void => {
  test('C6: the queue is counted: what is tried, what waits, what is held; C2: after down and up mail and queue are the same', async () => {
    const server = get();
    const { machine } = server;
    assert.deepEqual((await statusOf(server)).queue, { active: 0, deferred: 0, hold: 0 });
    const [tried, waits, held] = ['tried@outside.test', 'waits@outside.test', 'held@outside.test'] as const;
    {
      await using _nobody = await silent(machine);
      await send(server, tried);
      await inQueue(machine, tried, 'active');
      assert.deepEqual((await statusOf(server)).queue, { active: 1, deferred: 0, hold: 0 });
    }
    await inQueue(machine, tried, 'deferred');
    for (const to of [waits, held]) await send(server, to);
    for (const to of [waits, held]) await inQueue(machine, to, 'deferred');
    ok(await machine.run(['postsuper', '-h', (await queued(machine)).get(held)?.queue_id ?? '']));
    await inQueue(machine, held, 'hold');
    assert.deepEqual((await statusOf(server)).queue, { active: 0, deferred: 2, hold: 1 });
    assert.match((await exits(server, 0, 'status')).stdout, /^Queue: 0 active, 2 deferred, 1 on hold$/m);
    await staysTheSame(server, held);
    ok(await machine.run(['postsuper', '-d', 'ALL']));
    assert.deepEqual((await statusOf(server)).queue, { active: 0, deferred: 0, hold: 0 });
  });
};

export const statusTells = (get: () => Server): void => {
  told(get);
  queueTold(get);
};
