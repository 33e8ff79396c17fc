/** C1: what each command says on a machine on which nothing of Hauspost is in place, where its launcher is ready. */
import assert from 'node:assert/strict';
import { OPERATIONS } from '#operations';
import { type Machine, runMany } from '../index.ts';

/** Commands that do without a server. */
const NO_SERVER = ['up', 'down', 'upkeep', 'config check', 'config explain', 'config example'];

const REFUSED =
  "hauspost: no mail server of Hauspost is in place on this machine\n  '/opt/hauspost/hauspost up' makes one for trying, with --hostname and --domain one for the world.\n";

export const commandsBeforeUp = async (machine: Machine): Promise<void> => {
  const asking = OPERATIONS.filter(({ name }) => !NO_SERVER.includes(name));
  const words = asking.map(({ example }) => example.split(' ').slice(1));
  for (const [index, { code, stdout, stderr }] of (await runMany(machine, words)).entries())
    assert.deepEqual([code, stdout, stderr], [4, '', REFUSED], asking[index]?.name);
  for (const { code, stderr } of await runMany(machine, [['rollback', '0'], ['upkeep'], ['config', 'example']])) assert.equal(code, 0, stderr);
};
