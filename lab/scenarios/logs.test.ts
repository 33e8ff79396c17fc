/** M28: logs are forgotten by age, as the configuration says, and by nothing else; the real journald decides. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Release, type Server, serve } from '../index.ts';
import { answered, configure, exits, type Plan } from '../operator.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

/** The folder of the journal files that journald writes to. */
const FOLDER = String.raw`$(journalctl --header | sed -n 's/^File path: \(.*\)\/[^/]*$/\1/p' | head -n 1)`;
/** Sequence number id of the files made here. */
const OURS = 'feed'.repeat(8);

/**
 * Copies of a full journal file under the names that journald gives to files that began so many days ago: `system@ID-NUMBER-TIME.journal`, where
 * the numbers of one id grow with the time, which is in microseconds; both in hexadecimal.
 */
const OLDER = `
set -e
journalctl --rotate
cd "${FOLDER}"
full=$(ls system@*.journal | head -n 1)
for days; do
  cp "$full" "system@${OURS}-$(printf %016x $((1000 - days)))-$(printf %016x $(( ($(date +%s) - days * 86400) * 1000000 ))).journal"
done`;

/** Their names, as far as they are there. */
const LEFT = `ls "${FOLDER}"`;

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    const shell = async (script: string, ...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await server.machine.run(['sh', '-c', script, 'sh', ...words]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    /** Ages in days. */
    const left = async (): Promise<readonly number[]> =>
      [...(await shell(LEFT)).matchAll(new RegExp(`^system@${OURS}-([0-9a-f]{16})-`, 'gm'))].map(
        ([, number = '']) => 1000 - Number.parseInt(number, 16),
      );

    test('M28: seven days, unless something else is said', async () => {
      await shell(OLDER, '1', '3', '6', '8', '30');
      await shell('journalctl --rotate');
      assert.deepEqual((await left()).toSorted(), [1, 3, 6]);
    });

    test('M28: retention counts at once, and what was logged around the change is there', async () => {
      const logged = (mark: string): Promise<string> => shell('logger -p mail.info -t postfix/test "$1"; journalctl --sync', mark);
      await logged('before the change');
      await configure(server, '[logs]\nretention = "2d"\n');
      const { document } = await answered<Plan>(server, 'plan');
      assert.deepEqual(
        document.changes.map(({ target, needs }) => [target, needs]),
        [['/etc/systemd/journald.conf.d/hauspost.conf', ['reload logs']]],
      );
      await exits(server, 0, 'apply', '--yes');
      assert.deepEqual(await left(), [1]);
      await logged('after the change');
      const journal = await server.machine.journal();
      for (const mark of ['before the change', 'after the change']) assert.ok(journal.includes(mark), mark);
      assert.match(journal, /dovecot.*starting up/, 'and all since the machine booted');
    });
  });
}
