/**
 * M17, M7, M8 under load: ten well-kept senders hold 200 connections and bring mail for three minutes, while 20 mail programs read. Nobody well kept is refused,
 * loses the connection or waits long; each message that was answered with 250 is there once; who is not to get through does not. Afterwards as many processes
 * run as before, and those that stay have no more memory of their own than after a shorter load.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptied } from '../delivered.ts';
import { onEachReleaseThere } from '../internet/index.ts';
import { CONNECTIONS, type Load, loadPlace, READERS, runLoad, told, whereabouts } from '../load/index.ts';
import { atRest, ownBesideWorkers, ownOfLasting, type Resident, resident, shown } from '../resident.ts';

/** Eight messages a second in all. */
const EVERY_MS = 25_000;
const FIRST_SECONDS = 30;
const SECONDS = 180;
/** RFC 5321 (section 4.5.3.2) has a sender wait for at least two minutes at DATA, ten at its end, and five else; here the `Dialogue` gives up after two. */
const MOST_SECONDS = 115;
/** What stays are MariaDB's pages, heap and caches of Rspamd, and what journald knows of its files: they grow with their first work. */
const MOST_ABOVE_IDLE = 1.4;
/** From one load to the next, though it is six times as long: 1.02 to 1.06 were seen. */
const MOST_ABOVE_FIRST = 1.15;

/** The names of this internet's root are too short for dnsblog(8), which says so each time. */
const WARNINGS = 'journalctl --no-pager --priority=warning | grep -v dnsblog | tail -n 100';

interface Loaded {
  readonly load: Load;
  readonly after: Resident;
}

onEachReleaseThere(
  async ({ net, server }) => {
    const place = await loadPlace(net, server);
    const { machine } = server;
    const loaded = async (mark: string, seconds: number): Promise<Loaded> => {
      const load = await runLoad(place, { mark, seconds, everyMs: EVERY_MS });
      console.log(told(load));
      if (load.amiss.length > 0) console.log((await machine.run(['sh', '-c', WARNINGS])).stdout);
      await emptied(server);
      return { load, after: await resident(machine) };
    };
    const idle = await resident(machine);
    console.log(`    idle ${shown(idle)}`);
    return { ...place, idle, first: await loaded('load-first', FIRST_SECONDS), long: await loaded('load-long', SECONDS) };
  },
  (get) => {
    test(`M17: ${CONNECTIONS} connections of ten well-kept senders are open for ${SECONDS} s, and hear nothing but agreement`, () => {
      for (const { load } of [get().first, get().long]) {
        assert.deepEqual(load.amiss, []);
        assert.ok(load.open.length > 2, String(load.open));
        assert.deepEqual(new Set(load.open), new Set([CONNECTIONS]));
        assert.ok(load.taken.size >= CONNECTIONS, String(load.taken.size));
      }
    });

    test(`M17: none of them waits longer than ${MOST_SECONDS} s for an answer`, () => {
      for (const { load } of [get().first, get().long])
        assert.deepEqual(
          load.answers.table().filter(({ most }) => most > MOST_SECONDS),
          [],
        );
    });

    test('M17, M8: meanwhile one without a name is told 450, and what the filter refuses 554', () => {
      for (const { load } of [get().first, get().long])
        for (const [told, words] of [
          [load.strays.nameless, /^450 .*cannot find your reverse hostname/],
          [load.strays.spammer, /^554 5\.7\.1 Gtube pattern/],
        ] as const) {
          assert.ok(told.length > 1);
          for (const answer of told) assert.match(answer, words);
        }
    });

    test('M7: meanwhile each connection hears once that a mailbox has no room', () => {
      const [asked] = get()
        .long.load.answers.table()
        .filter(({ what }) => what === 'RCPT without room');
      assert.equal(asked?.count, CONNECTIONS);
    });

    test(`M12: meanwhile ${READERS} mail programs read without a failure, and hear of new mail in IDLE`, () => {
      const { readers } = get().long.load;
      assert.equal(readers.length, READERS);
      for (const { rounds, read, told: times } of readers) assert.ok(rounds > 5 && read > 5 && times > 5, `${rounds} ${read} ${times}`);
    });

    test('M20: each message that was answered with 250 is in its mailbox once, and no other', async () => {
      for (const { load } of [get().first, get().long]) {
        const found = await whereabouts(get(), load.mark);
        assert.deepEqual(
          [...load.taken].filter(([id, user]) => found.get(id)?.join() !== user),
          [],
        );
        assert.deepEqual(
          [...found.keys()].filter((id) => !load.taken.has(id)),
          [],
        );
      }
    });

    test('P4: afterwards as many processes run as before, and those that stay keep no more than after the first load', async () => {
      const { server, idle, first, long } = get();
      const rest = await atRest(server.machine, idle);
      console.log(`    afterwards ${shown(rest)}`);
      const [begun = 0, warm = 0, , last = 0] = ownOfLasting(idle, first.after, long.after, rest);
      console.log(
        `    of their own those that stay have ${begun.toFixed(0)} MB idle, ${warm.toFixed(0)} MB after the first load, ${last.toFixed(0)} MB now`,
      );
      const [before, after] = [ownBesideWorkers(idle), ownBesideWorkers(rest)];
      assert.ok(after <= before * MOST_ABOVE_IDLE, `${after} MB, ${before} MB before`);
      assert.ok(last <= warm * MOST_ABOVE_FIRST, `${last} MB, ${warm} MB after the first load`);
    });
  },
);
