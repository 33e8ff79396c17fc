/**
 * M17: how somebody talks who brings mail, well kept in all else: one octet at a time, out of turn, until he leaves or vanishes in the middle; and two hundred
 * connections at once, from one host and from ten, while well-kept senders still get through.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { type Reply, Smtp, until } from '../index.ts';
import { brought, called, callOf, FAMILIES, type Family, type ForeignHost, handIn, inbox, letter, type Ours, said } from '../internet/index.ts';
import { inNetwork } from '../namespace.ts';
import type { Addresses } from '../network.ts';
import { ok } from '../people.ts';

/** `mail.NAME.example`, at addresses of the street. */
export interface Neighbour {
  readonly name: string;
  readonly addresses: Addresses;
}

export interface Street {
  readonly server: Ours;
  /** Has the addresses of all neighbours. */
  readonly street: ForeignHost;
}

/** The whole way; the message as it lies in INBOX. */
export const delivered = async ({ street, server }: Street, { name, addresses }: Neighbour, family: Family, mark: string): Promise<string> => {
  const call = callOf(name, addresses, family);
  const id = `${mark}-${family}@${name}.example`;
  const answer = await brought(street, server, { ...call, text: letter(id, call.sender, server.demo.user) });
  assert.equal(answer.code, 250, said(answer));
  return inbox(server, id);
};

interface Conversation {
  readonly socket: Socket;
  readonly smtp: Smtp;
  /** Lines, without CRLF at their ends. */
  readonly envelope: readonly string[];
  readonly id: string;
  /** With the line that ends the data. */
  readonly text: string;
}

let begun = 0;

const connected = async ({ street, server }: Street, { name, addresses }: Neighbour, family: Family): Promise<Conversation> => {
  const [socket, id, sender] = [await called(street, server, addresses[family]), `manners-${++begun}@${name}.example`, `friend@${name}.example`];
  const { smtp, greeting } = await Smtp.open(socket);
  assert.equal(greeting.code, 220, said(greeting));
  const envelope = [`MAIL FROM:<${sender}>`, `RCPT TO:<${server.demo.user}>`, 'DATA'];
  return { socket, smtp, envelope, id, text: `${letter(id, sender, server.demo.user)}.\r\n` };
};

const greeted = async (street: Street, neighbour: Neighbour, family: Family = 'v4'): Promise<Conversation> => {
  const conversation = await connected(street, neighbour, family);
  assert.equal((await conversation.smtp.command(`EHLO mail.${neighbour.name}.example`)).code, 250);
  return conversation;
};

const codes = async ({ smtp }: Conversation, count: number): Promise<readonly number[]> => {
  const got: number[] = [];
  while (got.length < count) got.push((await smtp.reply()).code);
  return got;
};

/** Until the server hangs up. */
const remaining = async ({ smtp }: Conversation): Promise<readonly Reply[]> => {
  const got: Reply[] = [];
  for (;;) {
    const reply = await smtp.reply().catch((error: unknown) => {
      assert.match(String(error), /closed the connection|ECONNRESET/);
      return undefined;
    });
    if (reply === undefined) return got;
    got.push(reply);
  }
};

/** Of the address, on the machine, with the process that serves each. */
const connections = async ({ machine }: Ours, from: string): Promise<readonly string[]> => {
  const address = from.includes(':') ? `[${from}]` : from;
  const { stdout } = ok(await machine.run(['ss', '-Htnp', 'state', 'connected', 'exclude', 'time-wait', 'dst', address]));
  return stdout.split('\n').filter((line) => line !== '');
};

/** Ends when no connection of the address is left on the machine, and nothing that is half received in the queue. */
const leavesNothing = async (server: Ours, from: string): Promise<void> => {
  let found: readonly string[] = [];
  await until(
    () => `nobody waits for ${from}: ${found.join('\n')}`,
    async () => {
      const files = ok(await server.machine.run(['find', '/var/spool/postfix/incoming', '/var/spool/postfix/active', '-type', 'f']));
      found = [...(await connections(server, from)), ...files.stdout.split('\n').filter((line) => line !== '')];
      return found.length === 0 || undefined;
    },
    30_000,
    100,
  );
};

const isNowhere = async (server: Ours, ids: readonly string[]): Promise<void> => {
  const imap = await server.imap(server.demo);
  try {
    for (const { path } of await imap.list()) {
      const lock = await imap.getMailboxLock(path);
      for (const id of ids) assert.deepEqual(await imap.search({ header: { 'message-id': `<${id}>` } }), [], `${id} is in ${path}`);
      lock.release();
    }
  } finally {
    await imap.logout();
  }
};

const isSlow = (get: () => Street, neighbour: Neighbour): void => {
  test('M17: who says one octet at a time is heard to the end', async () => {
    const conversation = await greeted(get(), neighbour);
    const { smtp, socket, envelope, id, text } = conversation;
    socket.setNoDelay(true);
    const slowly = async (words: string): Promise<number> => {
      for (const octet of words) {
        smtp.send(octet);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return (await smtp.reply()).code;
    };
    const begin = performance.now();
    const answers: number[] = [];
    for (const words of [...envelope.map((line) => `${line}\r\n`), text]) answers.push(await slowly(words));
    console.log(`    one octet at a time: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    assert.deepEqual(answers, [250, 250, 354, 250]);
    smtp.close();
    await inbox(get().server, id);
  });
};

const outOfTurn = (get: () => Street, neighbour: Neighbour): void => {
  test('M17: who says more before the answer to his HELO is refused and hung up on; nothing of it is taken', async () => {
    for (const hello of ['EHLO', 'HELO']) {
      const conversation = await connected(get(), neighbour, 'v4');
      const { smtp, envelope, id, text } = conversation;
      smtp.send(`${[`${hello} mail.${neighbour.name}.example`, ...envelope].join('\r\n')}\r\n${text}`);
      const answers = await remaining(conversation);
      const got = answers.map(({ code }) => code);
      assert.ok(got.some((code) => code >= 500) && !got.includes(354), answers.map(said).join('\n'));
      await leavesNothing(get().server, neighbour.addresses.v4);
      await isNowhere(get().server, [id]);
    }
  });

  test('M17: who sends the message behind DATA before he may is refused; a group that ends with DATA is taken (RFC 2920, section 3.1)', async () => {
    const { server } = get();
    const early = await greeted(get(), neighbour);
    early.smtp.send(`${early.envelope.join('\r\n')}\r\n${early.text}`);
    const [, , third = 0] = await codes(early, 3);
    assert.ok(third >= 500, String(third));
    early.smtp.close();
    const inTurn = await greeted(get(), neighbour);
    inTurn.smtp.send(`${inTurn.envelope.join('\r\n')}\r\n`);
    assert.deepEqual(await codes(inTurn, 3), [250, 250, 354]);
    inTurn.smtp.send(inTurn.text);
    assert.deepEqual(await codes(inTurn, 1), [250]);
    inTurn.smtp.close();
    await inbox(server, inTurn.id);
    await leavesNothing(server, neighbour.addresses.v4);
    await isNowhere(server, [early.id]);
  });
};

/** How the client goes, with half of a message said. */
const LEAVES: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'hangs up': (socket) => socket.end(),
  'is torn away': (socket) => socket.resetAndDestroy(),
};

const breaksOff = (get: () => Street, neighbour: Neighbour): void => {
  for (const [how, leave] of Object.entries(LEAVES))
    test(`M17: of a message whose sender ${how} in the middle nothing arrives, and nobody waits for the rest`, async () => {
      const { server } = get();
      const ids: string[] = [];
      for (const family of FAMILIES) {
        const whole = await greeted(get(), neighbour, family);
        const { smtp, socket, envelope, id, text } = whole;
        for (const line of envelope) assert.ok((await smtp.command(line)).code < 400, line);
        // All but the last two octets, CR and LF behind the dot.
        smtp.send(text.slice(0, -2));
        await until('all has left', () => socket.writableLength === 0 || undefined, 5000);
        assert.equal((await connections(server, neighbour.addresses[family])).length, 1);
        leave(socket);
        await leavesNothing(server, neighbour.addresses[family]);
        ids.push(id);
      }
      await delivered(get(), neighbour, 'v4', how.replaceAll(' ', '-'));
      await isNowhere(server, ids);
    });
};

/** Until it is disposed of nothing reaches the address, and nothing leaves it: neither FIN nor RST tells anybody. */
const cutOff = async ({ room }: ForeignHost, address: string): Promise<AsyncDisposable> => {
  const [netns, family] = [`/proc/${room.pid}/ns/net`, address.includes(':') ? 'ip6' : 'ip'];
  const chain = (hook: string, end: string): string => `chain ${hook} { type filter hook ${hook} priority 0; ${family} ${end} ${address} drop; }`;
  await inNetwork(netns, ['nft', '-f', '-'], { input: `table inet cut {\n${chain('input', 'daddr')}\n${chain('output', 'saddr')}\n}\n` });
  return { [Symbol.asyncDispose]: async () => void (await inNetwork(netns, ['nft', 'delete', 'table', 'inet', 'cut'])) };
};

/** As `up` left it, it waits for five minutes (RFC 5321, section 4.5.3.2.7). */
const PATIENCE = 'smtpd_timeout=5s';

/** A process that was there before the reload may still take a session, and does as it was told then. */
const impatient = async ({ machine }: Ours): Promise<AsyncDisposable> => {
  const processes = async (): Promise<readonly string[]> => (await machine.run(['pgrep', '-x', 'smtpd'])).stdout.split('\n').filter(Boolean);
  const set = async (...argv: readonly string[]): Promise<void> => {
    ok(await machine.run(['postconf', ...argv]));
    const before = await processes();
    ok(await machine.run(['postfix', 'reload']));
    const gone = async (): Promise<true | undefined> => (await processes()).every((pid) => !before.includes(pid)) || undefined;
    await until('no smtpd is left that knows the old limit', gone, 30_000, 100);
  };
  await set('-e', PATIENCE);
  return { [Symbol.asyncDispose]: () => set('-X', 'smtpd_timeout') };
};

/** Ends when no process of the machine has a connection with it any more; what the kernel still wants to tell it does not count. */
const givenUp = (server: Ours, from: string): Promise<true> =>
  until(
    `nobody waits for ${from}`,
    async () => (await connections(server, from)).every((line) => !line.includes('users:')) || undefined,
    60_000,
    200,
  );

const vanishes = (get: () => Street, neighbour: Neighbour): void => {
  test('M17: on a sender who vanishes in the middle the server gives up by itself; nothing of the message arrives, and he may come again', async () => {
    const { server, street } = get();
    await using _ = await impatient(server);
    const ids: string[] = [];
    for (const family of FAMILIES) {
      const from = neighbour.addresses[family];
      const { smtp, socket, envelope, id, text } = await greeted(get(), neighbour, family);
      for (const line of envelope) assert.ok((await smtp.command(line)).code < 400, line);
      smtp.send(text.slice(0, -2));
      await until('all has left', () => socket.writableLength === 0 || undefined, 5000);
      {
        await using _gone = await cutOff(street, from);
        assert.equal((await connections(server, from)).length, 1);
        const begin = performance.now();
        await givenUp(server, from);
        console.log(`    a sender who vanished: given up after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
        smtp.close();
      }
      await leavesNothing(server, from);
      ids.push(id);
      await delivered(get(), neighbour, family, 'vanished');
    }
    await isNowhere(server, ids);
  });
};

interface Held extends Disposable {
  /** With a recipient accepted. */
  readonly inside: number;
  /** Told to come later. */
  readonly later: number;
}

/** Says everything up to RCPT on `count` connections of each, and holds them. */
const held = async (place: Street, neighbours: readonly Neighbour[], count: number): Promise<Held> => {
  const open: Smtp[] = [];
  const one = async ({ name, addresses }: Neighbour): Promise<number> => {
    const { smtp, greeting } = await Smtp.open(await called(place.street, place.server, addresses.v4));
    open.push(smtp);
    if (greeting.code !== 220) return greeting.code;
    let code: number = greeting.code;
    for (const line of [`EHLO mail.${name}.example`, `MAIL FROM:<friend@${name}.example>`, `RCPT TO:<${place.server.demo.user}>`])
      if (code < 400) ({ code } = await smtp.command(line));
    return code;
  };
  const got = await Promise.all(neighbours.flatMap((neighbour) => Array.from({ length: count }, () => one(neighbour))));
  const [inside, later] = [250, 421].map((wanted) => got.filter((code) => code === wanted).length);
  assert.equal((inside ?? 0) + (later ?? 0), got.length, got.join(' '));
  return { inside: inside ?? 0, later: later ?? 0, [Symbol.dispose]: () => open.map((smtp) => smtp.close()) };
};

/** Of one client, on a machine with as much memory as it likes (docs/postfix.md). */
const OF_ONE = 50;

const atOnce = (get: () => Street, crowd: readonly Neighbour[], fresh: readonly Neighbour[]): void => {
  const [alone] = crowd;
  const meanwhile = async (mark: string, newcomers: readonly Neighbour[]): Promise<void> => {
    const begin = performance.now();
    const { server } = get();
    await Promise.all([
      ...newcomers.flatMap((each, number) => delivered(get(), each, FAMILIES[number % 2] ?? 'v4', mark)),
      handIn(server, server.demo.user),
    ]);
    console.log(`    ${mark}: well-kept senders were through after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  };

  test('M17: 200 connections at once from one host: most are told to come later, none for good; others get through meanwhile, and then he does', async () => {
    assert.ok(alone !== undefined);
    {
      using crowded = await held(get(), [alone], 200);
      console.log(`    of one host ${crowded.inside} inside, ${crowded.later} later`);
      assert.ok(crowded.inside > 0 && crowded.inside <= OF_ONE, String(crowded.inside));
      await meanwhile('from-one', fresh.slice(0, 2));
    }
    await leavesNothing(get().server, alone.addresses.v4);
    await delivered(get(), alone, 'v4', 'after-the-crowd');
  });

  test('M17: 200 connections at once from ten hosts: all are let in; others get through meanwhile', async () => {
    const ten = crowd.slice(1, 11);
    assert.equal(ten.length, 10);
    {
      using crowded = await held(get(), ten, 20);
      console.log(`    of ten hosts ${crowded.inside} inside, ${crowded.later} later`);
      assert.equal(crowded.inside, 200);
      await meanwhile('from-ten', fresh.slice(2, 4));
    }
    for (const { addresses } of ten) await leavesNothing(get().server, addresses.v4);
  });
};

/** `known` has been greeted before; the others come for the first time: `crowd` has eleven, `fresh` four. */
export const badManners = (get: () => Street, known: Neighbour, crowd: readonly Neighbour[], fresh: readonly Neighbour[]): void => {
  isSlow(get, known);
  outOfTurn(get, known);
  breaksOff(get, known);
  vanishes(get, known);
  atOnce(get, crowd, fresh);
};
