/**
 * C4 when the machine itself gives way in the middle of a change: its disk is full, /etc is read-only, the power goes. The machine has a disk of its own
 * (ext4), of which a power cut leaves what was synced; the next boot recovers its journal. One effect of each phase of a change is looked at;
 * all of them: each-effect-*.test.ts. Numbered mail flows meanwhile, and all that was accepted is there in the end.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allRun, boot, HAUSPOST, launched, oneDocument, type Release, type Server, serve } from '../index.ts';
import { announcedSize, answered, type Change, exits, type Failure, generations, type Plan } from '../operator.ts';
import {
  arrived,
  ask,
  asks,
  disturbed,
  during,
  FORTH,
  flow,
  givesWay,
  losesPower,
  NEW,
  OLD,
  stateOf,
  takeRight,
  usesUpRoom,
} from '../parts/disturbed.ts';

/** MB: what a served machine writes within these minutes, and some room. */
const DISK = 1500;

const PHASES = {
  stage: { before: 'write /var/lib/hauspost/generations/', nth: 20 },
  enter: { before: 'write /var/lib/hauspost/state.json' },
  files: { before: 'write /etc/postfix/main.cf' },
  derived: { before: '/usr/bin/sievec' },
  database: { before: 'statement GRANT' },
  activation: { before: 'systemctl --no-ask-password reload postfix' },
  commit: { before: 'write /var/lib/hauspost/state.json', nth: 2 },
} as const;
type Phase = keyof typeof PHASES;

type Way = 'full' | 'read-only' | 'power';

/** The two take turns. */
const TURNS: Readonly<Record<Release, readonly (readonly [Way, Phase])[]>> = {
  bookworm: [
    ['full', 'stage'],
    ['full', 'files'],
    ['full', 'derived'],
    ['read-only', 'enter'],
    ['power', 'files'],
    ['power', 'commit'],
  ],
  trixie: [
    ['full', 'enter'],
    ['full', 'commit'],
    ['read-only', 'files'],
    ['power', 'database'],
  ],
};

const TITLES: Readonly<Record<Way, (phase: Phase) => string>> = {
  full: (phase) => `the disk is full before ${phase}: it says so, goes back, and is healed once there is room`,
  'read-only': (phase) => `/etc is read-only before ${phase}: it says so, and is healed once it can be written`,
  power: (phase) => `the power goes before ${phase}: the old or the new answers, and the next command heals it`,
};

const timed = async (what: string, work: () => Promise<void>): Promise<void> => {
  const begun = performance.now();
  await work();
  console.log(`    ${what}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
};

/** MB: less than the packages need. */
const SMALL = 400;

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, () => {
    test('C1: a first up that has no room for the packages is refused before it installs any', async () => {
      await using machine = await boot({ image: await launched({ release, init: 'systemd' }), disk: SMALL });
      await machine.checkout();
      const { code, stdout } = await machine.run([HAUSPOST, 'up', '--yes', '--json']);
      const { error } = oneDocument({ stdout }) as Failure;
      assert.deepEqual([code, error.code], [4, 'disk.full'], stdout);
      const [, free = '', needed = ''] =
        /^the file system at \/ is full \((\d+) MB of \d+ MB are free\): the change needs (\d+) MB; nothing was touched$/.exec(error.message) ?? [];
      assert.ok(Number(free) < SMALL && Number(needed) > SMALL && Number(needed) < 2000, error.message);
      console.log(`    ${error.message}`);
      assert.equal((await machine.run(['dpkg-query', '-W', 'postfix'])).code, 1);
    });

    let server: Server;
    let mail: ReturnType<typeof flow>;
    let planned: readonly Change[];

    before(async () => {
      server = await serve(release, { disk: DISK });
      await server.machine.checkout();
      await ask(server);
      planned = (await answered<Plan>(server, 'plan')).document.changes;
      mail = flow(server);
    });
    after(async () => {
      await mail?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    for (const [by, why] of [
      ['full', /^the file system at \/ is full \(\d+ MB of 1\d+ MB are free\): the change needs \d+ MB; nothing was touched$/],
      ['read-only', /^the file system at \/etc is read-only: the change cannot be written; nothing was touched$/],
    ] as const)
      test(`C3, C4: ${by} from the start: refused before anything is touched`, () =>
        timed(`${by} from the start`, () =>
          during(server, by, async () => {
            const { code, document } = await answered<Failure>(server, 'apply', '--yes');
            assert.deepEqual([code, document.error.blame, document.error.code], [4, 'environment', `disk.${by}`]);
            assert.match(document.error.message, why);
            assert.deepEqual([await stateOf(server), await generations(server)], [{ committed: 1, entering: null }, [0, 1]]);
            assert.equal((await server.machine.run(['ls', '/var/lib/hauspost/generations'])).stdout, '0\n1\n');
            assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, planned);
            assert.equal(await announcedSize(server), OLD);
          }),
        ));

    test('C4: a state.json that is empty is refused by every command, which says what to write, and nothing changes', async () => {
      const { machine } = server;
      const file = '/var/lib/hauspost/state.json';
      const empty = `cp -p ${file} /run/state.json && : >${file}`;
      assert.equal((await machine.run(['sh', '-c', empty])).code, 0);
      try {
        for (const words of [
          ['plan'],
          ['status'],
          ['generations'],
          ['apply', '--yes'],
          ['up', '--yes'],
          ['rollback', '1', '--yes'],
          ['rollback', '0', '--yes'],
        ]) {
          const { code, document } = await answered<Failure>(server, ...words);
          assert.deepEqual([code, document.error.code], [4, 'store.damaged'], words.join(' '));
          assert.match(document.error.remedy, /write what was in place last: \{"committed":1,"entering":null\}$/);
        }
        assert.equal(await announcedSize(server), OLD);
      } finally {
        await machine.run(['cp', '-p', '/run/state.json', file]);
      }
      assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, planned);
    });

    test('C4: a database that waits for room is not waited for; once there is some, what was asked of it is done', () =>
      timed('the database waits for room', async () => {
        await FORTH.takeBack(server);
        await takeRight(server);
        await during(server, 'full', async () => {
          await usesUpRoom(server);
          const { code, document } = await answered<Failure>(server, 'apply', '--yes');
          assert.deepEqual([code, document.error.code], [4, 'disk.full'], document.error.message);
          assert.match(document.error.message, /^the database waits for room: [\s\S]*the file system at \/ is full/m);
        });
        await exits(server, 0, 'apply', '--yes');
        assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, []);
        await ask(server);
      }));

    for (const [way, phase] of TURNS[release])
      test(`C4, C5: ${TITLES[way](phase)}`, () =>
        timed(`${way} before ${phase}`, async () => {
          await asks(server, FORTH);
          if (way === 'power') await losesPower(server, PHASES[phase], FORTH);
          else assert.equal((await givesWay(server, PHASES[phase], way, FORTH, planned)).code, 4);
        }));

    test('C4, C5: the power goes while a change that was killed is undone: the next command heals it', () =>
      timed('power cut while it goes back', async () => {
        await asks(server, FORTH);
        assert.equal((await disturbed(server, FORTH.words, { ...PHASES.activation, by: 'killed' })).code, 137);
        await losesPower(server, PHASES.files, { ...FORTH, name: 'going back', words: ['rollback', '1'] });
      }));

    test('with room, a writable /etc and power the same change is made, and all mail that was accepted is there', async () => {
      await ask(server);
      await exits(server, 0, 'apply', '--yes');
      assert.equal(await announcedSize(server), NEW);
      await allRun(server.machine);
      const accepted = await mail.stop();
      console.log(`    ${accepted.length} messages were accepted meanwhile`);
      assert.ok(accepted.length > 30, String(accepted.length));
      await arrived(server, accepted);
      const selftest = await answered<{ ok: boolean }>(server, 'selftest');
      assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
    });
  });
}
