/** C9, C10, C11: whatever is wrong with the words, or with a password on standard input: exit 3, one line that names it, and nothing changed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HAUSPOST, type Release, refusedInput, runMany, type Server, serve, unchanged } from '../index.ts';
import { WRONG } from '../wrong-input.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
      await server.order('alias', 'add', 'ring@hauspost.test', 'demo@hauspost.test');
    });
    after(() => server?.[Symbol.asyncDispose]());

    for (const [command, rows] of Object.entries(WRONG)) {
      test(`${command}: ${rows.length} kinds of wrong input`, () =>
        unchanged(server.machine, async () => {
          const outputs = await runMany(
            server.machine,
            rows.map(({ words }) => words),
          );
          for (const [index, row] of rows.entries()) refusedInput(outputs[index] ?? { code: -1, stdout: '', stderr: '' }, row);
        }));
    }

    test('C10: what no password can be is refused, without being repeated', async () => {
      const utf8 = (line: string): Uint8Array => Buffer.from(line);
      const rows: readonly (readonly [string, Uint8Array, string])[] = [
        ['--password-stdin', utf8(''), 'no password'],
        ['--password-stdin', utf8('\n'), 'empty'],
        ['--password-stdin', utf8('geheim7\n'), 'fewer than 8 characters'],
        ['--password-stdin', utf8('geheim\0x\n'), 'control character'],
        ['--password-stdin', utf8('geheim\rx\n'), 'control character'],
        ['--password-stdin', Buffer.from('geheim\xff\n', 'latin1'), 'UTF-8'],
        ['--password-stdin', utf8(`geheim${'x'.repeat(250)}\n`), 'longer than 255'],
        ['--password-hash-stdin', utf8('geheim\n'), '{SCHEME}'],
        ['--password-hash-stdin', utf8('{PLAIN}geheim\n'), '{PLAIN}'],
        ['--password-hash-stdin', utf8('{BLF-CRYPT}geheim\n'), '{BLF-CRYPT}'],
      ];
      await unchanged(server.machine, async () => {
        for (const [flag, input, names] of rows) {
          const words = ['account', 'add', 'new@hauspost.test', flag];
          const output = await server.machine.run([HAUSPOST, ...words], { input });
          refusedInput(output, { words, names });
          assert.ok(!output.stderr.includes('geheim'));
        }
      });
    });
  });
}
