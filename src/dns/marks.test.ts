/** A copy of a machine is told by its identity or by its firmware; what is not known, or is somebody else's, tells nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Machine, thisMachine } from '#machine';
import { isAnother, marksOf } from './marks.ts';

const [ONE, OTHER] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];
const [BOARD, OTHER_BOARD] = ['12345678-1234-1234-1234-123456789abc', '87654321-4321-4321-4321-cba987654321'];
const [ID, PRODUCT] = ['/etc/machine-id', '/sys/class/dmi/id/product_uuid'];

/** With these files alone. */
const having = (files: Readonly<Record<string, string>>, booted: Readonly<Record<string, string>> = { '/run/systemd/system': '' }): Machine => {
  const all: Readonly<Record<string, string>> = { ...booted, ...files };
  return {
    ...thisMachine(),
    state: (file) =>
      Promise.resolve(all[file] === undefined ? undefined : { kind: 'file', owner: 'root:root', mode: 0o444, size: 0, modified: new Date(0) }),
    read: (file) =>
      all[file] === 'denied' ? Promise.reject(new Error('EACCES')) : Promise.resolve(all[file] === undefined ? undefined : Buffer.from(all[file])),
  };
};

const published = having({ [ID]: `${ONE}\n`, [PRODUCT]: `${BOARD}\n` });
const differs = async (machine: Machine): Promise<boolean> => isAnother(await marksOf(published), await marksOf(machine));

test('another identity is another machine, and so is the same one on other firmware', async () => {
  assert.ok(await differs(having({ [ID]: `${OTHER}\n`, [PRODUCT]: `${BOARD}\n` })));
  assert.ok(await differs(having({ [ID]: `${ONE}\n`, [PRODUCT]: OTHER_BOARD })));
  assert.ok(!(await differs(having({ [ID]: ONE, [PRODUCT]: BOARD.toUpperCase() }))));
});

test('what is absent, empty, not made yet or not to be read is no difference', async () => {
  for (const id of ['', 'uninitialized\n', 'denied']) assert.ok(!(await differs(having({ [ID]: id, [PRODUCT]: BOARD }))), id);
  assert.ok(!(await differs(having({ [ID]: ONE, [PRODUCT]: 'denied' }))));
  assert.ok(!(await differs(having({}))));
  assert.deepEqual(await marksOf(having({ [ID]: 'uninitialized\n' })), {});
});

test("a container's firmware is the host's; without systemd nothing counts", async () => {
  const inside = { '/run/systemd/system': '', '/run/systemd/container': 'lxc' };
  assert.ok(!(await differs(having({ [ID]: ONE, [PRODUCT]: OTHER_BOARD }, inside))));
  assert.ok(await differs(having({ [ID]: OTHER, [PRODUCT]: OTHER_BOARD }, inside)));
  assert.deepEqual(await marksOf(having({ [ID]: OTHER, [PRODUCT]: OTHER_BOARD }, {})), {});
});

test('what is kept shows neither', async () => {
  const kept = JSON.stringify(await marksOf(published));
  assert.ok(!kept.includes(ONE) && !kept.includes(BOARD));
});
