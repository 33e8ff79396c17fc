import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import type { FileState, Machine } from '#machine';
import { installationFindings, refuseAnybodys } from './installation.ts';

type Look = Partial<Pick<FileState, 'kind' | 'owner' | 'mode'>>;

/** All is root's but what is named. */
const among = (program: string, looks: Readonly<Record<string, Look>> = {}) => {
  const usual = { kind: 'dir', owner: 'root:root', mode: 0o755, size: 0, modified: new Date(0) } as const;
  const state: Machine['state'] = async (at) => ({ ...usual, ...looks[at] });
  return { machine: { state } as Machine, program: path(program) };
};

const said = async (program: string, looks?: Readonly<Record<string, Look>>): Promise<readonly string[]> =>
  (await installationFindings(among(program, looks))).flatMap(({ level, code, message, remedy }) => [level, code, message, remedy]);

test("what is root's alone is fine, also by a link, and where root's group may write", async () => {
  assert.deepEqual(await said('/opt/hauspost/hauspost'), []);
  const looks = { '/opt': { mode: 0o2775 }, '/opt/hauspost/src': { kind: 'link', mode: 0o777 } } as const;
  assert.deepEqual(await said('/opt/hauspost/hauspost', looks), []);
  assert.deepEqual(await said('/hauspost'), []);
});

test("a checkout in somebody's home is said so, with where to put it; nothing is refused", async () => {
  const looks = { '/home/anna': { owner: 'anna:anna', mode: 0o700 }, '/home/anna/hauspost': { owner: 'anna:anna' } };
  assert.deepEqual(await said('/home/anna/hauspost/hauspost', looks), [
    'warning',
    'installation.not-roots',
    'root runs what lies in /home/anna/hauspost once an hour and more, and user anna may write /home/anna',
    'Put it where root alone writes: mv /home/anna/hauspost /opt/hauspost && chown -R root: /opt/hauspost && chmod -R go-w /opt/hauspost; then /opt/hauspost/hauspost apply.',
  ]);
  await refuseAnybodys(among('/home/anna/hauspost/hauspost', looks));
});

test('each of its parts counts, by owner, group and mode', async () => {
  const remedy = "Make it root's: chown -R root: /opt/hauspost && chmod -R go-w /opt/hauspost.";
  for (const part of ['', '/hauspost', '/package.json', '/package-lock.json', '/src', '/node_modules'])
    for (const [who, look] of [
      ['user anna', { owner: 'anna:anna' }],
      ['group staff', { owner: 'root:staff', mode: 0o2775 }],
      ['everybody', { mode: 0o757 }],
    ] as const) {
      const message = `root runs what lies in /opt/hauspost once an hour and more, and ${who} may write /opt/hauspost${part}`;
      assert.deepEqual(await said('/opt/hauspost/hauspost', { [`/opt/hauspost${part}`]: look }), [
        'warning',
        'installation.not-roots',
        message,
        remedy,
      ]);
    }
});

test('where everybody can write no server is made', async () => {
  for (const open of ['/tmp', '/tmp/some', '/tmp/some/hauspost'])
    await assert.rejects(refuseAnybodys(among('/tmp/some/hauspost/hauspost', { [open]: { mode: 0o1777 } })), {
      blame: 'environment',
      code: 'installation.anybodys',
      message: `Hauspost lies in /tmp/some/hauspost, and everybody can write in ${open}: root would run from then on what anybody puts there`,
    });
  await refuseAnybodys(among('/opt/hauspost/hauspost', { '/tmp': { mode: 0o1777 } }));
});
