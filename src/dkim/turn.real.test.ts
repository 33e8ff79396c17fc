/**
 * A rotation that is killed before each of its effects, one after the other, with real files: what Rspamd finds at that moment signs with a key whose record is
 * published, and the next turn brings it to the same end.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import { openSecrets } from '#apply';
import { type Domain, parseDomain, path } from '#base';
import { type Machine, thisMachine } from '#machine';
import {
  ALGORITHMS,
  algorithmOf,
  ensureDkimKeys,
  type Keyring,
  keysOf,
  knownOf,
  makePending,
  publishDkimKeys,
  recordName,
  takeTurn,
} from './index.ts';

const folder = mkdtempSync('/tmp/hauspost-turn-');
after(() => rmSync(folder, { recursive: true }));

const DOMAIN = parseDomain('example.org');
const DAY = 86_400;

class Killed extends Error {}

/** Real files, which belong to root here: there is no Rspamd. `effects`: how many are left; `days` have passed. */
const mortal = (life: { effects: number; days: number }): Machine => {
  const machine = thisMachine();
  const effect = async <T>(work: () => Promise<T>): Promise<T> => {
    if (life.effects === 0) throw new Killed();
    life.effects -= 1;
    return work();
  };
  const owned = (placement: { readonly mode: number }) => ({ ...placement, owner: 'root:root' });
  return {
    ...machine,
    now: () => new Date(Date.parse('2026-11-20T12:00:00Z') + life.days * DAY * 1000),
    write: (file, content, placement) => effect(() => machine.write(file, content, owned(placement))),
    makeDir: (file, placement) => effect(() => machine.makeDir(file, owned(placement))),
    remove: (file) => effect(() => machine.remove(file)),
  };
};

const ringIn = (name: string, machine: Machine): Keyring => {
  const at = (part: string) => path(`${folder}/${name}/${part}`);
  return { machine, secrets: openSecrets(machine, at('secrets')), states: at('states'), directory: at('copies') };
};

const shown = async (keyring: Keyring) =>
  new Map((await keysOf(keyring, DOMAIN)).map((key) => [recordName(key), { everywhere: true, why: '', negativeTtl: 0 }] as const));

const turn = async (keyring: Keyring): Promise<void> => {
  await takeTurn(keyring, await knownOf(keyring, [DOMAIN]), { seen: await shown(keyring), retireAfterSeconds: 7 * DAY });
};

/** Two looks find that the week of the last keys is over. */
const weekLater = async (keyring: Keyring, life: { days: number }): Promise<void> => {
  for (const days of [7, 1]) {
    life.days += days;
    await turn(keyring);
  }
};

/** The next keys, DNS that shows them, a week, and the end of the last ones. */
const rotation = async (keyring: Keyring, life: { days: number }): Promise<void> => {
  for (const algorithm of ALGORITHMS) await makePending(keyring, DOMAIN, algorithm);
  await turn(keyring);
  await weekLater(keyring, life);
};

/** By each map the key that Rspamd would sign with, as far as it lies there. */
const signers = (name: string): readonly string[] =>
  ['selectors.map', 'ed25519.map'].map((map) => {
    const [, selector = ''] = readFileSync(`${folder}/${name}/copies/${map}`, 'utf8').trim().split(' ');
    assert.ok(existsSync(`${folder}/${name}/copies/${DOMAIN}/${selector}.key`), `${map} names ${selector}`);
    return selector;
  });

const begun = async (name: string, life: { effects: number; days: number }): Promise<Keyring> => {
  const keyring = ringIn(name, mortal({ ...life, effects: Infinity }));
  await ensureDkimKeys(keyring, DOMAIN);
  await publishDkimKeys(keyring);
  return keyring;
};

const states = async (keyring: Keyring, domain: Domain): Promise<readonly string[]> =>
  (await keysOf(keyring, domain)).map((key) => `${algorithmOf(key)} ${key.state}`).toSorted();

/** Whether it was killed. */
const killedAfter = async (effects: number): Promise<boolean> => {
  const name = `after-${effects}`;
  const life = { effects, days: 0 };
  await begun(name, life);
  const keyring = ringIn(name, mortal(life));
  const killed = await rotation(keyring, life).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Killed) return true;
      throw error;
    },
  );
  life.effects = Infinity;
  const published = (await keysOf(keyring, DOMAIN)).map(({ selector }) => selector);
  for (const selector of signers(name)) assert.ok(published.includes(selector), `killed after ${effects}: ${selector} signs and is not published`);
  await turn(keyring);
  await weekLater(keyring, life);
  assert.deepEqual(await states(keyring, DOMAIN), ['ed25519 active', 'rsa active'], `killed after ${effects}`);
  const lie = (part: string): readonly string[] =>
    readdirSync(`${folder}/${name}/${part}/${DOMAIN}`)
      .map((file) => file.replace('.key', ''))
      .toSorted();
  assert.deepEqual(lie('copies'), signers(name).toSorted(), 'nothing of the last keys is left');
  assert.deepEqual(lie('secrets/dkim'), signers(name).toSorted());
  return killed;
};

test('killed before any of its effects it leaves what signs and is published, and comes to its end later', { timeout: 240_000 }, async () => {
  let effects = 0;
  while (await killedAfter(effects)) effects += 1;
  assert.ok(effects > 15, `there were ${effects}`);
});
