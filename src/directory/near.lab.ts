/** Part of functions.real.test.ts: somebody's slip of the fingers, where people and aliases of that file are there. */
import assert from 'node:assert/strict';
import { HauspostError, type MailAddress, parseMailAddress as address } from '#base';
import * as accounts from './accounts.ts';
import { parseAliasSource as source, parseDestination as to } from './address.ts';
import * as aliases from './aliases.ts';
import type { Database } from './database.lab.ts';

/** Who was meant, or nobody is guessed at. */
export const slips = async ({ directory }: Database): Promise<void> => {
  const said = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'taken',
      (error: unknown) => (error instanceof HauspostError ? error.message : String(error)),
    );
  for (const [written, meant] of [
    ['rboot@one.test', '; is robot@one.test meant?'],
    ['obot@one.test', '; is robot@one.test meant?'],
    ['ana@one.test', '; is anna@one.test meant?'],
    ['gone@tow.test', '; is gone@two.test meant?'],
    ['anna@two.test', ''],
    ['zoe@one.test', ''],
    ['_nna@one.test', '; is anna@one.test meant?'],
    ['%@one.test', ''],
  ] as const)
    assert.equal(await said(accounts.get(directory, written as MailAddress)), `account ${written} does not exist${meant}`);
  assert.match(await said(accounts.get(directory, address('zoe@tow.test'))), /^domain tow\.test is not .*; is two\.test meant\?$/);
  assert.equal((await accounts.get(directory, address('robot@one.test'))).address, 'robot@one.test');
  const remove = (from: string): Promise<string> => said(aliases.remove(directory, source(from)));
  assert.equal(await remove('ifno@one.test'), 'alias ifno@one.test does not exist; is info@one.test meant?');
  assert.equal(await remove('info@oen.test'), 'alias info@oen.test does not exist; is info@one.test meant?');
  assert.equal(await remove('@tow.test'), 'alias @tow.test does not exist; is @two.test meant?');
  assert.equal(await remove('@one.test'), 'alias @one.test does not exist');
  // Destinations of an alias are hinted at, and taken all the same.
  const slip = await aliases.add(directory, {
    source: source('robto@one.test'),
    destinations: ['Ana+x@one.test', 'robt@one.test', 'zoe@one.test', 'ana@elsewhere.example'].map(to),
  });
  assert.deepEqual(
    slip.warnings.map(({ message }) => message),
    [
      'Ana+x@one.test does not exist; is anna@one.test meant?',
      'robt@one.test does not exist; is robot@one.test meant?',
      'zoe@one.test does not exist',
    ],
  );
  await aliases.remove(directory, source('robto@one.test'));
  assert.match(
    await said(aliases.remove(directory, source('all@two.test'), [to('x@one.test')])),
    /does not exist; it leads to robot@one\.test, gone\+x@two\.test, /,
  );
};
