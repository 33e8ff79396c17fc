/**
 * C8 to C14: whatever is wrong with the words, with a password on standard input or in the configuration: exit 3, one line that names it,
 * and nothing changed. Beside it what is odd or at an edge, and right.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, fileWith, HAUSPOST, type Output, refusedInput, runMany, type Seen, type Server, unchanged, WRONG_VALUES } from '../index.ts';
import { answered, exits, UNANSWERED } from '../operator.ts';
import { oddValues } from '../parts/odd-values.ts';
import { canLogIn, jsons, NOTHING, ok, orders } from '../people.ts';
import { onEachRelease } from '../scenario.ts';
import { RING, WRONG } from '../wrong-input.ts';

const words = (get: () => Server): void => {
  before(async () => {
    await get().order('alias', 'add', 'ring@hauspost.test', 'demo@hauspost.test');
    ok(await get().machine.run(['ln', '-s', RING, RING]));
  });

  let seen: Seen | undefined;
  for (const [command, rows] of Object.entries(WRONG)) {
    test(`${command}: ${rows.length} kinds of wrong input`, async () => {
      const refused = async (): Promise<void> => {
        const outputs = await runMany(
          get().machine,
          rows.map((row) => row.words),
        );
        for (const [index, row] of rows.entries()) refusedInput(outputs[index] ?? NOTHING, row);
      };
      const before = seen;
      // Who finds a change is the only one to tell of it.
      seen = undefined;
      seen = await unchanged(get().machine, refused, before);
    });
  }
};

const passwords = (get: () => Server): void => {
  test('C10: what no password can be is refused, without being repeated', async () => {
    const { machine, hauspost } = get();
    const rows: readonly (readonly [string, string | Uint8Array, string])[] = [
      ['--password-stdin', Buffer.from(''), 'no password'],
      ['--password-stdin', '\n', 'empty'],
      ['--password-stdin', 'geheim7\n', 'fewer than 8 characters'],
      ['--password-stdin', 'geheim\0x\n', 'control character'],
      ['--password-stdin', 'geheim\rx\n', 'control character'],
      ['--password-stdin', Buffer.from('geheim\xff\n', 'latin1'), 'UTF-8'],
      ['--password-stdin', `geheim${'x'.repeat(250)}\n`, 'longer than 255'],
      ['--password-hash-stdin', 'geheim\n', '{SCHEME}'],
      ['--password-hash-stdin', '{PLAIN}geheim\n', '{PLAIN}'],
      ['--password-hash-stdin', '{BLF-CRYPT}geheim\n', '{BLF-CRYPT}'],
    ];
    await unchanged(machine, async () => {
      for (const [flag, input, names] of rows) {
        for (const given of [
          ['account', 'add', 'new@hauspost.test', flag],
          ['account', 'passwd', 'demo@hauspost.test', flag],
        ]) {
          // What is no text, or nothing, comes to a process of its own.
          const output = typeof input === 'string' ? await hauspost(given, input) : await machine.run([HAUSPOST, ...given], { input });
          refusedInput(output, { words: given, names });
          assert.ok(!output.stderr.includes('geheim'));
        }
      }
    });
    assert.equal(await canLogIn(get(), get().demo), true, 'the old password');
  });
};

const FILE = '/etc/hauspost/hauspost.toml';

/** Exit 3, nothing on standard output, and on standard error the file's place, the option, and what to write. */
const refusedFile = ({ code, stdout, stderr }: Output, option: string, what: string): void => {
  assert.deepEqual([code, stdout], [3, ''], `${what}: ${stderr}`);
  const lines = stderr.split('\n');
  assert.ok(
    lines.some(
      (line, index) => line.startsWith(`${FILE}:`) && /^\S+:\d+:\d+: /.test(line) && line.includes(option) && /^ {2}\S/.test(lines[index + 1] ?? ''),
    ),
    `${what} names ${option}: ${stderr}`,
  );
  for (const line of lines) assert.match(line, /^(\/etc\/hauspost\/hauspost\.toml:\d+:\d+: [ -~]+| {2}[ -~]+|hauspost: \d+ mistakes|)$/, what);
};

const configuration = (get: () => Server): void => {
  test('C8, C3, C4: a wrong value of any option stops config check, plan and apply, and no file changes', async () => {
    const server = get();
    const rows = Object.entries(WRONG_VALUES).flatMap(([option, values]) => values.map((value) => ({ option, text: fileWith(option, value) })));
    await unchanged(server.machine, async () => {
      ok(await server.machine.run(['cp', '--archive', FILE, '/root/right.toml']));
      for (const { option, text } of rows) {
        // By the host, since a process in the machine takes longer than the command.
        writeFileSync(`${server.machine.root}${FILE}`, text);
        for (const command of [['config', 'check'], ['plan'], ['apply', '--yes']])
          refusedFile(await server.hauspost(command), option, `${command.join(' ')} with ${text}`);
      }
      ok(await server.machine.run(['cp', '--archive', '/root/right.toml', FILE]));
    });
    assert.equal((await answered<{ changes: unknown[] }>(server, 'plan')).code, 0, 'with the right file there is nothing to do');
  });
};

const LABEL = 'a'.repeat(63);
const EDGES = {
  label: `${LABEL}.test`,
  /** 253 octets. */
  domain: `${[LABEL, LABEL, LABEL, 'b'.repeat(56)].join('.')}.test`,
  /** 189 octets, so that an address has 254. */
  home: `${[LABEL, LABEL, 'c'.repeat(56)].join('.')}.test`,
  local: 'l'.repeat(64),
};

const edges = (get: () => Server): void => {
  test('C9, C10, C11: the longest names and the largest quota are right: mail arrives, is read, sent and signed, and moved aside', async () => {
    const server = get();
    const login = { user: `${EDGES.local}@${EDGES.home}`, pass: 'a password of the longest address' };
    assert.deepEqual([EDGES.domain.length, EDGES.home.length, login.user.length], [253, 189, 254]);
    const added = await jsons(server, ...[EDGES.label, EDGES.domain, EDGES.home].map((domain) => ['domain', 'add', domain]));
    assert.deepEqual(
      added,
      [EDGES.label, EDGES.domain, EDGES.home].map((domain) => ({ domain, warnings: [] })),
    );
    refusedInput(await server.hauspost(['account', 'add', `x@${EDGES.domain}`]), {
      words: ['account', 'add'],
      names: 'is longer than 254 characters',
    });
    await server.account(login, '--quota', '1024T');
    const [accounts, alias] = await jsons(server, ['account', 'list', EDGES.home], ['alias', 'add', `@${EDGES.label}`, login.user]);
    assert.deepEqual(accounts, [{ address: login.user, quota_mb: 1024 ** 3, enabled: true, send_only: false }]);
    assert.deepEqual(alias, { source: `@${EDGES.label}`, destinations: [{ address: login.user, enabled: true }], warnings: [] });

    const smtp = await server.client(465, login);
    assert.equal((await smtp.command(`MAIL FROM:<${login.user}>`)).code, 250);
    assert.equal((await smtp.command(`RCPT TO:<${EDGES.local}@${EDGES.label}>`)).code, 250);
    const head = `From: <${login.user}>\r\nTo: <${EDGES.local}@${EDGES.label}>\r\nMessage-ID: <edge@hauspost.test>\r\n${dated()}\r\nSubject: edge\r\n`;
    assert.equal((await smtp.data(`${head}\r\ntext\r\n`)).code, 250);
    smtp.close();
    const imap = await server.imap(login);
    assert.match(
      (await fetched(imap, 'INBOX', '<edge@hauspost.test>')).replaceAll(/\r\n\s+/g, ''),
      new RegExp(`^DKIM-Signature: .*d=${EDGES.home};`, 'm'),
    );
    await imap.logout();
    assert.deepEqual((await answered<{ findings: unknown }>(server, 'status')).document.findings, [UNANSWERED]);

    await orders(server, ['alias', 'remove', `@${EDGES.label}`]);
    const [gone] = (await jsons(server, ['account', 'remove', login.user, '--yes'])) as readonly { moved_to: string }[];
    assert.match((await server.machine.run(['grep', '-rl', 'edge@hauspost.test', gone?.moved_to ?? ''])).stdout, /\/mailboxes\//);
    await orders(server, ...[EDGES.label, EDGES.domain, EDGES.home].map((domain) => ['domain', 'remove', domain]));
    await exits(server, 0, 'plan');
  });

  test('dns records of profile local, and of the longest domain: all is printed that fits, and that nobody outside needs it', async () => {
    const server = get();
    await orders(server, ['domain', 'add', EDGES.domain]);
    const { stdout, stderr } = await exits(server, 0, 'dns', 'records', '--zone');
    assert.match(stdout, /^mail\.hauspost\.test\. 3600 IN A 127\.0\.0\.1\n(?:;.*\n)*mail\.hauspost\.test\. 3600 IN AAAA ::1$/m);
    assert.match(stdout, /^hauspost\.test\. 3600 IN TXT "v=spf1 a:mail\.hauspost\.test ~all"$/m);
    assert.match(stdout, new RegExp(`^${EDGES.domain}\\. 3600 IN MX 10 mail\\.hauspost\\.test\\.$`, 'm'));
    assert.doesNotMatch(stdout, /PTR/);
    assert.match(stderr, /^warning: the profile is "local": [^\n]*nobody outside needs these records\n/m);
    await orders(server, ['domain', 'remove', EDGES.domain]);
  });
};

onEachRelease(words, passwords, configuration, edges, oddValues);
