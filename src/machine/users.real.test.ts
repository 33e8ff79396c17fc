/** The user that mail belongs to, made by the real useradd(8) of both releases: whatever part of it is there before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import { checker, type Room } from '#lab';
import type { Machine } from './machine.ts';
import { ensureSystemUser, refuseUserWithoutGroup } from './users.ts';

const HOME = path('/var/vmail');

for (const release of ['bookworm', 'trixie'] as const) {
  const on = async (before: string, work: (machine: Machine, told: (script: string) => Promise<string>) => Promise<void>): Promise<void> => {
    await using room: Room = await checker(release);
    const told = async (script: string): Promise<string> => {
      const { code, stdout, stderr } = await room.run(['sh', '-c', script]);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    await told(before);
    await work({ run: (argv: readonly string[]) => room.run(argv) } as unknown as Machine, told);
  };

  for (const before of ['true', 'groupadd --gid 5000 vmail', 'groupadd --gid 5000 vmail && useradd --uid 5000 --gid vmail vmail'])
    test(`${release}: after '${before}' there is the user, and what was there keeps its numbers`, async () => {
      await on(before, async (machine, told) => {
        const had = await told('getent passwd vmail; getent group vmail; true');
        await refuseUserWithoutGroup(machine, 'vmail');
        for (const _ of ['made', 'left as it is']) await ensureSystemUser(machine, 'vmail', HOME);
        assert.equal(await told('id -un vmail; id -gn vmail'), 'vmail\nvmail');
        const has = await told('getent passwd vmail; getent group vmail');
        for (const line of had.split('\n')) assert.ok(has.includes(line), `${had} became ${has}`);
        if (!had.includes('/home/vmail')) assert.match(has, /^vmail:.*:\/var\/vmail:\/usr\/sbin\/nologin$/m);
      });
    });

  test(`${release}: a user without a group of that name is refused, and nothing is made; what the refusal says helps`, async () => {
    await on('useradd --system --gid mail --no-create-home vmail', async (machine, told) => {
      const had = await told('getent passwd; getent group');
      const remedy = 'groupadd --system vmail && usermod --gid vmail vmail';
      const refusal = { blame: 'environment', code: 'machine.user-without-group', remedy: `Make the group that of the user: ${remedy}.` };
      await assert.rejects(refuseUserWithoutGroup(machine, 'vmail'), refusal);
      await assert.rejects(ensureSystemUser(machine, 'vmail', HOME), refusal);
      assert.equal(await told('getent passwd; getent group'), had);
      await told(remedy);
      await refuseUserWithoutGroup(machine, 'vmail');
      await ensureSystemUser(machine, 'vmail', HOME);
      assert.equal(await told('id -gn vmail'), 'vmail');
    });
  });
}
