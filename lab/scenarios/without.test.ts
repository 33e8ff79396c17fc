/**
 * M20: one daemon is stopped, hangs or is kept busy while mail comes. It is put off or waits in the queue, is never refused for good and never passes
 * unfiltered; when the daemon is back, everything arrives, once. Strangers, people and programs of the machine alike.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allRun, type Server, until } from '../index.ts';
import { answered } from '../operator.ts';
import {
  answer,
  BACK_MS,
  byDemo,
  byProgram,
  byStranger,
  copies,
  type Daemon,
  fateOf,
  flushed,
  message,
  neverThrough,
  PATIENCE_MS,
  REDIS,
  taken,
  without,
} from '../parts/without.ts';
import { GTUBE } from '../parts/patterns.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const DAEMONS: readonly Daemon[] = [
  { name: 'Rspamd', unit: 'rspamd', ordinary: 'put off', spam: 'put off', login: 'put off' },
  { name: 'Dovecot', unit: 'dovecot', ordinary: 'accepted', spam: 'refused', login: 'put off' },
  REDIS,
  // The last: on Debian 12 Postfix says "later" for up to a minute after its return.
  { name: 'MariaDB', unit: 'mariadb', ordinary: 'put off', spam: 'put off', login: 'put off' },
];

/** Rspamd is there, and does not answer. */
const unanswered = (get: () => Server): void => {
  test('M20: an Rspamd that hangs: mail is put off, and what is under way waits; none passes; when it goes on, all arrives, once', async () => {
    const server = get();
    const ids = [1, 2, 3].map((number) => `hung-${number}@outside.test`);
    const [own, program, under] = ['hung@hauspost.test', 'program-hung@hauspost.test', 'hung-under-way@outside.test'];
    const begun = await server.stranger();
    for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await begun.command(line)).code, 250);
    ok(await server.machine.run(['systemctl', 'kill', '--signal=STOP', 'rspamd']));
    const waiting = begun.data(message('friend@outside.test', under, 'Is anybody there?'), PATIENCE_MS);
    try {
      await byProgram(server, program);
      const codes = await Promise.all([
        ...ids.map((id) => byStranger(server, id)),
        byStranger(server, 'gtube-hung@outside.test', GTUBE),
        byDemo(server, own),
      ]);
      assert.deepEqual([...new Set(codes.map(fateOf))], ['put off'], codes.join(' '));
    } finally {
      ok(await server.machine.run(['systemctl', 'kill', '--signal=CONT', 'rspamd']));
    }
    // Scanned now, or its time for a scan is over.
    const { code } = await waiting;
    assert.notEqual(fateOf(code), 'refused', String(code));
    begun.close();
    for (const id of fateOf(code) === 'accepted' ? ids : [...ids, under]) await taken(id, () => byStranger(server, id));
    await taken(own, () => byDemo(server, own));
    await flushed(server);
    assert.deepEqual(await copies(server, [...ids, under, own, program]), [1, 1, 1, 1, 1, 1]);
  });

  test('M20: what is not scanned within the time that a scan may take is put off, not passed half-scanned', async () => {
    const server = get();
    const rules = '/etc/rspamd/rspamd.local.lua';
    const silent = await server.machine.listen({ host: '127.0.0.1', port: 2526 });
    // A rule that waits for somebody who never answers.
    const request = "require('rspamd_http').request { task = task, url = 'http://127.0.0.1:2526/', timeout = 60, callback = function() end }";
    const slow = `rspamd_config:register_symbol { name = 'SLOW', type = 'normal', callback = function(task) ${request} end }\n`;
    ok(await server.machine.run(['sh', '-c', 'cp -p "$1" /root/rules && cat >>"$1"', 'sh', rules], { input: slow }));
    try {
      ok(await server.machine.run(['systemctl', 'reload', 'rspamd']));
      const putOff = async (): Promise<true | undefined> => fateOf(await byStranger(server, 'slow@outside.test')) === 'put off' || undefined;
      await until('it is put off', putOff, BACK_MS, 500);
    } finally {
      // Not reload: what was held up by the rule would be scanned by it to its end.
      ok(await server.machine.run(['sh', '-c', 'mv /root/rules "$1" && systemctl restart rspamd', 'sh', rules], { ms: 60_000 }));
      silent.close();
    }
    await taken('mail', () => byStranger(server, 'quick-again@outside.test'));
  });

  test('M20: messages that nest 15,000 deep hold scanners: the rest is put off at worst, and when they are read it goes on', async () => {
    const server = get();
    const nested = 'Content-Type: message/rfc822\r\n\r\n'.repeat(15_000);
    const text = (number: number): string => message('friend@outside.test', `nested-${number}@outside.test`, nested, 'message/rfc822');
    const begun = performance.now();
    const bad = [1, 2].map((number) => answer(server.stranger(), 'friend@outside.test', text(number)));
    const ids = [1, 2, 3].map((number) => `beside-nested-${number}@outside.test`);
    const beside = await Promise.all(ids.map((id) => byStranger(server, id)));
    const marked = await byStranger(server, 'gtube-beside-nested@outside.test', GTUBE);
    for (const code of beside) assert.notEqual(fateOf(code), 'refused', String(code));
    assert.notEqual(fateOf(marked), 'accepted', String(marked));
    for (const code of await Promise.all(bad)) assert.notEqual(fateOf(code), 'refused', String(code));
    const late = ids.filter((_, index) => fateOf(beside[index] ?? 0) === 'put off');
    for (const id of late) await taken(id, () => byStranger(server, id));
    await taken('mail', () => byStranger(server, 'after-nested@outside.test'));
    console.log(
      `    two messages that nest 15,000 deep: all is well again after ${((performance.now() - begun) / 1000).toFixed(0)} s, ${late.length} put off`,
    );
    assert.deepEqual(await copies(server, [...ids, 'after-nested@outside.test']), [1, 1, 1, 1]);
  });
};

/** As after a power cut that took what somebody had just written there. */
const nameless = (get: () => Server): void => {
  test('M20: with an empty /etc/hosts all daemons start, and mail goes through', async () => {
    const server = get();
    const daemons = 'unbound redis-server rspamd mariadb dovecot nginx postfix';
    ok(await server.machine.run(['sh', '-c', `cp -p /etc/hosts /root/hosts && : >/etc/hosts && systemctl restart ${daemons}`]));
    try {
      await allRun(server.machine);
      const { code, document } = await answered<{ ok: boolean }>(server, 'selftest');
      assert.deepEqual([code, document.ok], [0, true], JSON.stringify(document));
    } finally {
      ok(await server.machine.run(['sh', '-c', 'cat /root/hosts >/etc/hosts']));
    }
    await taken('mail', () => byStranger(server, 'named-again@outside.test'));
  });
};

const countsAgain = (get: () => Server): void => {
  test('M27: a filter that began while Redis was away counts what an account sends once Redis is there', async () => {
    const server = get();
    const { machine, demo } = server;
    const ask = ['redis-cli', '-s', '/run/redis/redis-server.sock', 'GET', `hauspost_sent_${demo.user}`];
    const counted = async (): Promise<number> => Number(ok(await machine.run(ask)).stdout.trim());
    ok(await machine.run(['sh', '-c', 'systemctl stop redis-server && systemctl restart rspamd'], { ms: 120_000 }));
    await taken('mail', () => byDemo(server, 'uncounted@hauspost.test'));
    ok(await machine.run(['systemctl', 'start', 'redis-server']));
    await allRun(machine);
    const before = await counted();
    for (const number of [1, 2, 3, 4, 5, 6]) await taken('mail', () => byDemo(server, `counted-${number}@hauspost.test`));
    assert.equal(await counted(), before + 6);
  });
};

onEachRelease((get: () => Server) => {
  nameless(get);
  countsAgain(get);
  unanswered(get);
  for (const daemon of DAEMONS) without(get, daemon);
  neverThrough(get);
});
