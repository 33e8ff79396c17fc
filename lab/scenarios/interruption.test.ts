/** What interrupts a change or a self-test, and how the machine comes out of it: C3, C4, C6, C7. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { atTerminal, collect, ended, HAUSPOST, hasSaid, type Release, type Server, serve } from '../index.ts';
import { announcedSize, answered, configure, exits, generations, type Plan } from '../operator.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

/** `apply --yes` in a session of its own, until it says what is waited for. */
const applyUntil = async (server: Server, said: string): Promise<{ readonly pid: string; readonly ended: Promise<number>; text(): string }> => {
  const child = server.machine.spawn([HAUSPOST, 'apply', '--yes']);
  const stderr = collect(child.stderr);
  await hasSaid(child, stderr, said);
  // The oldest: a child that it has forked bears its name until it runs a program of its own.
  const pid = (await server.machine.run(['pgrep', '-o', '-f', 'main.ts apply --yes'])).stdout.trim();
  assert.match(pid, /^[0-9]+$/, stderr.text());
  return { pid, ended: ended(child), text: stderr.text };
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('C4: the terminal goes away in the middle of apply: it goes back by itself, and says so', async () => {
      const [before, size] = [await generations(server), await announcedSize(server)];
      await configure(server, '[mail]\nmessage_size_limit = "31M"\n');
      const run = await applyUntil(server, ' ok write files');
      await server.machine.run(['kill', '-HUP', run.pid]);
      assert.equal(await run.ended, 1, run.text());
      assert.match(run.text(), /^hauspost: interrupted; what was there before is in place$/m);
      assert.deepEqual([await generations(server), await announcedSize(server)], [before, size]);
      const { document } = await answered<Plan>(server, 'plan');
      assert.deepEqual([document.interrupted, document.changes.length > 0], [undefined, true]);
    });

    test('C3, C4, C6: it is killed in the middle of apply: plan and status say so, apply undoes it and goes on', async () => {
      const before = await generations(server);
      await configure(server, '[mail]\nmessage_size_limit = "32M"\n');
      const run = await applyUntil(server, ' ok write files');
      await server.machine.run(['kill', '-KILL', run.pid]);
      assert.notEqual(await run.ended, 0);
      const { code, document } = await answered<Plan>(server, 'plan');
      const next = document.interrupted ?? 0;
      assert.ok(code === 2 && next > (before.at(-1) ?? 0), JSON.stringify(document));
      assert.match(
        (await exits(server, 2, 'plan')).stdout,
        new RegExp(`^A change \\(to generation ${next}\\) was interrupted, .*'hauspost apply' puts it in order\\.$`, 'm'),
      );
      const status = (await exits(server, 0, 'status')).stdout;
      assert.match(status, /^A change .* was interrupted/m);
      assert.doesNotMatch(status, /Changed by somebody else/);
      assert.deepEqual(await generations(server), before, 'it never was in place');
      assert.match((await exits(server, 3, 'apply')).stderr, /a question and no terminal to ask at: Go on\?/);
      const agreed = await atTerminal(server.machine, ['apply'], '[y/N] ', 'y\n');
      assert.equal(agreed.code, 0, agreed.stdout);
      assert.match(agreed.stdout, /warning: an earlier change \(generation \d+\) was interrupted; it is undone first/);
      assert.equal(await announcedSize(server), 'SIZE 33554432');
      await exits(server, 0, 'plan');
      assert.equal((await generations(server)).length, before.length + 1);
    });

    test('C7: a self-test that was killed leaves nothing once the next one has run', async () => {
      const traces = async (): Promise<string> => {
        const { stdout: accounts } = await exits(server, 0, 'account', 'list');
        const { stdout: aliases } = await exits(server, 0, 'alias', 'list');
        const { stdout: mail } = await server.machine.run(['ls', '/var/vmail/mailboxes/hauspost.test']);
        return `${accounts}${aliases}${mail}`;
      };
      const child = server.machine.spawn([HAUSPOST, 'selftest']);
      const stderr = collect(child.stderr);
      await hasSaid(child, stderr, ' ok self-test: alias');
      await server.machine.run(['pkill', '-KILL', '-f', 'main.ts selftest']);
      await ended(child);
      assert.match(await traces(), /hauspost-selftest-/);
      await exits(server, 0, 'selftest');
      assert.doesNotMatch(await traces(), /hauspost-selftest-/);
    });
  });
}
