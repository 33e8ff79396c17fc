/** What is said of domains in other scripts: as they are read to a person, as they are stored to a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atTerminal, oneDocument, refusedInput, runMany, type Server } from '../index.ts';
import { json, NOTHING, ok, orders, text } from '../people.ts';
import { sql } from '../sql.ts';

export const otherScripts = (get: () => Server): void => {
  test('C9 to C12: names in other scripts are shown as such in whatever is said to a person, and are A-labels in JSON', async () => {
    const server = get();
    const [typed, stored] = ['bücher.test', 'xn--bcher-kva.test'];
    await orders(server, ['domain', 'add', typed]);
    const [again, exists, added, warned, policy, lonely] = await runMany(server.machine, [
      ['domain', 'add', typed],
      ['domain', 'add', stored, '--json'],
      ['account', 'add', `anna@${typed}`],
      ['alias', 'add', `team@${stored}`, `typo@${stored}`],
      ['tls-policy', 'set', stored, 'encrypt'],
      ['domain', 'remove', typed, '--with-everything'],
    ]);
    refusedInput(again ?? NOTHING, { words: ['domain', 'add', typed], names: `domain ${typed} exists already` });
    const { error } = oneDocument(exists ?? NOTHING) as { error: { message: string; domain: string } };
    assert.deepEqual([error.message, error.domain], [`domain ${stored} exists already`, stored]);
    assert.deepEqual([added?.code, added?.stdout], [0, `anna@${typed} added. The user name in mail programs is anna@${stored}.\n`]);
    assert.match(added?.stderr ?? '', new RegExp(`^password of anna@${typed}: \\S+\n`));
    assert.equal(warned?.stdout, `team@${typed} leads to typo@${typed}.\n`);
    assert.match(warned?.stderr ?? '', new RegExp(`^warning: typo@${typed} does not exist\n`));
    assert.equal(policy?.stdout, `Mail for ${typed} goes out with policy encrypt.\n`);
    refusedInput(lonely ?? NOTHING, { words: ['domain', 'remove'], names: `Remove ${typed} with all of that?` });
    const inUse = `domain ${typed} is in use: 1 account (anna@${typed}); 1 alias (team@${typed})`;
    refusedInput(await server.hauspost(['domain', 'remove', stored]), { words: ['domain', 'remove', stored], names: inUse });
    const asked = await atTerminal(server.machine, ['domain', 'remove', stored, '--with-everything'], '[y/N] ', 'n\n');
    for (const line of [`  account anna@${typed}\r\n`, `  alias team@${typed}\r\n`, `Remove ${typed} with all of that? [y/N] `])
      assert.ok(asked.stdout.includes(line), asked.stdout);

    ok(await server.machine.run(['systemctl', 'stop', 'hauspost-dkim-keys.service']));
    await sql(server.machine, "INSERT INTO domains (domain) VALUES ('xn--strae-oqa.test')");
    assert.match(await text(server, 'status'), /^Attention: no DKIM key yet, so mail is not signed: straße\.test\.$/m);
    const { findings } = (await json(server, 'status')) as { findings: readonly { code: string; message: string }[] };
    assert.deepEqual(
      findings.filter(({ code }) => code === 'dkim.no-key').map(({ message }) => message),
      ['no DKIM key yet, so mail is not signed: xn--strae-oqa.test'],
    );
    assert.equal(await text(server, 'dkim', 'sync'), 'DKIM key made for straße.test.\n');
    ok(await server.machine.run(['systemctl', 'start', 'hauspost-dkim-keys.service']));
    const gone = await orders(
      server,
      ['domain', 'remove', 'straße.test'],
      ['tls-policy', 'remove', typed],
      ['domain', 'remove', typed, '--with-everything', '--yes'],
    );
    assert.match(
      gone.map(({ stdout }) => stdout).join(''),
      new RegExp(`^straße\\.test removed\\. .*\\nMail for ${typed} has no policy of its own any more\\.\\n${typed} removed\\. .*\\n$`),
    );
  });
};
