/**
 * The asker between servers that are not as they should be: forgers beside the real one, lost messages, no EDNS, answers that do not fit, and silence. Each
 * is a socket of this process in the network of a room.
 */
import assert from 'node:assert/strict';
import type { Socket as DatagramSocket, RemoteInfo } from 'node:dgram';
import { test } from 'node:test';
import { type Sockets, until, zoneReader } from '#lab';
import { handsIn, socketsIn } from './asking.lab.ts';
import { type Asker, asker } from './asking.ts';

const [STRANGER, RIGHT, FORGED, PORT] = ['127.0.0.53', '192.0.2.1', '192.0.2.66', 53];
const NOBODY = { address: '127.0.0.77', port: PORT };
const OPT_OCTETS = 11;
const [AA, TC, FORMERR] = [0x8400, 0x8600, 0x8001];

interface Forgery {
  readonly id?: number;
  /** In place of the name's first letter. */
  readonly letter?: string;
  readonly flags?: number;
}

/** To a question for an A record, with EDNS or without: this address (RFC 1035 section 4.1). */
const answerTo = (question: Buffer, address: string, { id = question.readUInt16BE(), letter, flags = AA }: Forgery = {}): Buffer => {
  const isEmpty = flags !== AA;
  const header = Buffer.alloc(12);
  for (const [index, word] of [id, flags, 1, isEmpty ? 0 : 1].entries()) header.writeUInt16BE(word, 2 * index);
  const asked = Buffer.from(question.subarray(12, question.readUInt16BE(10) === 0 ? undefined : -OPT_OCTETS));
  if (letter !== undefined) asked.write(letter, 1);
  const record = Buffer.from(['c00c', '00010001', '0000003c', '0004'].join(''), 'hex');
  return Buffer.concat([header, asked, ...(isEmpty ? [] : [record, Buffer.from(address.split('.').map(Number))])]);
};

type Says = (question: Buffer, answer: (message: Buffer) => void, from: RemoteInfo) => void;

/** A server for the time of a test. */
const stranger = async (sockets: Sockets, says: Says): Promise<DatagramSocket & Disposable> => {
  const socket = await sockets.datagrams({ host: STRANGER, port: PORT });
  socket.on('message', (question, from) => says(question, (message) => socket.send(message, from.port, from.address), from));
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
};

const told = async (asking: Asker, name = 'name.test'): Promise<string | undefined> => {
  const read = (await asking.one({ name, type: 'A', server: STRANGER }))?.answer[0]?.read;
  return read?.type === 'A' ? read.data.address : undefined;
};

test('servers that are not as they should be', async (t) => {
  await using room = await zoneReader('trixie');
  const sockets = socketsIn(room);
  const fresh = (): Asker => asker(handsIn(sockets), NOBODY);

  await t.test('another id, another question, a question, nonsense, and another sender are not believed; the right one after them is', async () => {
    using beside = Object.assign(await sockets.datagrams({ host: STRANGER, port: 5353 }), { [Symbol.dispose]: () => beside.close() });
    using _ = await stranger(sockets, (question, answer, from) => {
      answer(answerTo(question, FORGED, { id: question.readUInt16BE() ^ 1 }));
      answer(answerTo(question, FORGED, { letter: 'g' }));
      answer(question);
      answer(answerTo(question, FORGED).subarray(0, -1));
      answer(Buffer.alloc(0));
      beside.send(answerTo(question, FORGED), from.port, from.address, () => answer(answerTo(question, RIGHT)));
    });
    assert.equal(await told(fresh()), RIGHT);
  });

  await t.test('each question has a port and an id of its own', async () => {
    const seen: string[][] = [[], []];
    using _ = await stranger(sockets, (question, answer, { port }) => {
      for (const [index, value] of [question.readUInt16BE(), port].entries()) seen[index]?.push(String(value));
      answer(answerTo(question, RIGHT));
    });
    const asking = fresh();
    await Promise.all(Array.from({ length: 40 }, (_each, index) => told(asking, `n${index}.test`)));
    // One of forty may be there twice by chance.
    for (const values of seen) assert.ok(new Set(values).size >= 38, values.join(' '));
  });

  await t.test('what got lost is asked again', async () => {
    const seen: string[] = [];
    using _ = await stranger(sockets, (question, answer) => {
      if (seen.push(question.toString('hex')) === 2) answer(answerTo(question, RIGHT));
    });
    assert.equal(await told(fresh()), RIGHT);
    assert.equal(seen.length, 2);
  });

  await t.test('a server that knows no EDNS is asked without', async () => {
    using _ = await stranger(sockets, (question, answer) =>
      answer(question.readUInt16BE(10) === 0 ? answerTo(question, RIGHT) : answerTo(question, RIGHT, { flags: FORMERR })),
    );
    assert.equal(await told(fresh()), RIGHT);
  });

  await t.test('what does not fit comes by TCP, in however many pieces; where TCP is shut nothing does', async () => {
    using _ = await stranger(sockets, (question, answer) => answer(answerTo(question, FORGED, { flags: TC })));
    assert.equal(await told(fresh()), undefined);
    const server = await sockets.listen({ host: STRANGER, port: PORT });
    server.on('connection', (socket) =>
      socket.on('data', async (question) => {
        assert.equal(question.readUInt16BE(), question.length - 2);
        const reply = answerTo(question.subarray(2), RIGHT);
        for (const octet of [0, reply.length, ...reply]) await new Promise((sent) => socket.write(Buffer.from([octet]), sent));
      }),
    );
    assert.equal(await told(fresh()), RIGHT);
    server.close();
  });

  await t.test('who says nothing is asked eight questions at a time, and holds up nobody else', async () => {
    // By id: whoever waits for long asks again.
    const waiting = new Map<number, () => void>();
    using _ = await stranger(sockets, (question, answer) => waiting.set(question.readUInt16BE(), () => answer(answerTo(question, RIGHT))));
    const asking = fresh();
    const all = Promise.all(Array.from({ length: 20 }, (_each, index) => told(asking, `n${index}.test`)));
    await until('eight have come', () => Promise.resolve(waiting.size >= 8 || undefined), 10_000);
    // Nobody listens there, which is heard at once.
    assert.equal(await asking.one({ name: 'name.test', type: 'A' }), undefined);
    assert.equal(waiting.size, 8);
    const answering = setInterval(() => {
      for (const answer of waiting.values()) answer();
    }, 20);
    assert.deepEqual(await all, Array(20).fill(RIGHT));
    clearInterval(answering);
  });
});
