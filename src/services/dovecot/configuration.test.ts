import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { redacted } from '#base';
import type { RenderInput } from '#model';
import { mainText, sqlFileTexts } from './configuration.ts';
import { dovecot } from './index.ts';
import { limits } from './limits.ts';
import { inputFor, LOCAL } from '../test-input.lab.ts';

const expected = (name: string): string => readFileSync(`${import.meta.dirname}/expected/${name}`, 'utf8');
const written = (input: RenderInput): string => redacted(mainText(input));

test('dovecot.conf of 2.3, whole, with its files for SQL', () => {
  const input = inputFor('bookworm');
  assert.equal(written(input), expected('2.3.conf'));
  const files = sqlFileTexts(input).map((file) => [file.path, redacted(file.text)]);
  assert.deepEqual(
    files,
    ['', '-refused', '-failed', '-succeeded'].map((name) => [`/etc/dovecot/dovecot-sql${name}.conf.ext`, expected(`2.3-sql${name}.conf.ext`)]),
  );
});

test('dovecot.conf of 2.4, whole; the SQL is in it', () => {
  const input = inputFor('trixie');
  assert.equal(written(input), expected('2.4.conf'));
  assert.deepEqual(sqlFileTexts(input), []);
});

test('under runit it logs to what runit reads', () => {
  const [systemd, runit] = [written(inputFor('trixie')).split('\n'), written(inputFor('trixie', 'runit')).split('\n')];
  assert.deepEqual(
    runit.filter((line) => !systemd.includes(line)),
    ['log_path = /dev/stderr'],
  );
});

test('without limits a login is taken down all the same, since sessions are ended by it', () => {
  for (const [release, found] of [
    ['bookworm', ['', '-succeeded']],
    ['trixie', []],
  ] as const) {
    const input = inputFor(release);
    const logins = { ...input.settings.logins, failuresPerClient: 0, failuresPerAccount: 0 };
    const without = { ...input, settings: { ...input.settings, logins } };
    assert.deepEqual(
      sqlFileTexts(without).map(({ path }) => path),
      found.map((name) => `/etc/dovecot/dovecot-sql${name}.conf.ext`),
    );
    const passdbs = written(without).match(/^passdb .*\{\n(?: {2}.*\n)+/gm) ?? [];
    assert.equal(passdbs.length, 2);
    assert.match(passdbs[0] ?? '', /result_success = continue-ok/);
    assert.match(passdbs[1] ?? '', /skip = unauthenticated/);
  }
});

test('a protocol without a listener is closed, not left to the default', () => {
  const input = inputFor('bookworm');
  const wiring = { ...input.wiring, listeners: input.wiring.listeners.filter(({ name }) => name !== 'imap') };
  assert.ok(written({ ...input, wiring }).includes('  inet_listener imap {\n    port = 0\n  }\n  inet_listener imaps {\n    port = 993\n'));
});

test('unlimited is the default quota if the configuration says so', () => {
  const input = inputFor('bookworm');
  const mail = { ...input.settings.mail, defaultQuota: 0 as RenderInput['settings']['mail']['defaultQuota'] };
  assert.ok(written({ ...input, settings: { ...input.settings, mail } }).includes('  quota_rule = *:storage=0M\n'));
});

test('mail expires in the folders for which the operator says so, in the words of 2.3', () => {
  const expiry = (more: string): readonly (readonly string[])[] =>
    [
      ...written(inputFor('bookworm', 'systemd', `${LOCAL}[mail]\n${more}`)).matchAll(
        /^ {2}mailbox (\w+) \{\n(?: {4}.*\n)*? {4}autoexpunge = (.*)$/gm,
      ),
    ].map(([, ...found]) => found);
  assert.deepEqual(expiry('expire_spam = "never"\n'), []);
  assert.deepEqual(expiry('expire_spam = "4w"\n'), [['Spam', '4 weeks']]);
  assert.deepEqual(expiry('expire_spam = "1d"\nexpire_trash = "90d"\n'), [
    ['Spam', '1 days'],
    ['Trash', '90 days'],
  ]);
});

test('the address space of a delivery follows the largest message, up to half of the memory, and is never less than what Dovecot gives it', () => {
  for (const [limit, memoryMb, space] of [
    ['1M', 4096, '256 M'],
    ['50M', 4096, '800 M'],
    ['64M', 4096, '1 G'],
    ['1G', 32_768, '16 G'],
    ['50M', 1024, '512 M'],
    ['50M', 400, '256 M'],
  ] as const) {
    const input = inputFor('bookworm', 'systemd', `${LOCAL}[mail]\nmessage_size_limit = "${limit}"\n`);
    const text = written({ ...input, facts: { ...input.facts, memoryMb } });
    assert.equal(/^service lmtp \{\n(?: .*\n)*? {2}vsz_limit = (.*)$/m.exec(text)?.[1], space);
  }
});

test('items: owners and modes, directories before what is in them, grants on views', () => {
  const shown = dovecot.items(inputFor('bookworm')).map((item) => {
    if (item.kind === 'grant') return `grant ${item.principal} ${item.on}`;
    return 'owner' in item ? `${item.kind} ${item.path} ${item.owner} ${item.mode.toString(8)}` : `${item.kind} ${item.path}`;
  });
  assert.deepEqual(shown, [
    'file /etc/dovecot/dovecot.conf root:root 644',
    'file /etc/dovecot/dovecot-sql.conf.ext root:dovecot 640',
    'file /etc/dovecot/dovecot-sql-refused.conf.ext root:dovecot 640',
    'file /etc/dovecot/dovecot-sql-failed.conf.ext root:dovecot 640',
    'file /etc/dovecot/dovecot-sql-succeeded.conf.ext root:dovecot 640',
    'dir /etc/dovecot/sieve root:root 755',
    'file /etc/dovecot/sieve/spam.sieve root:root 644',
    'derived /etc/dovecot/sieve/spam.svbin root:root 644',
    'file /etc/dovecot/sieve/learn-spam.sieve root:root 644',
    'derived /etc/dovecot/sieve/learn-spam.svbin root:root 644',
    'file /etc/dovecot/sieve/learn-ham.sieve root:root 644',
    'derived /etc/dovecot/sieve/learn-ham.svbin root:root 644',
    'dir /usr/local/lib/hauspost root:root 755',
    'file /usr/local/lib/hauspost/rspamd-learn root:root 755',
    'file /usr/local/lib/hauspost/sieve-sendmail root:root 755',
    'file /usr/local/lib/hauspost/compile-sieve root:root 755',
    'dir /var/vmail vmail:vmail 700',
    'dir /var/vmail/mailboxes vmail:vmail 700',
    'dir /var/vmail/sieve vmail:vmail 700',
    'grant dovecot mailboxes_v1',
    'grant dovecot logins_v1',
    'grant dovecot login_refused_v3',
    'grant dovecot login_failed_v2',
    'grant dovecot login_succeeded_v1',
  ]);
});

test('the script that files spam', () => {
  const script = dovecot.items(inputFor('trixie')).find((item) => item.kind === 'file' && item.path.endsWith('/spam.sieve'));
  assert.ok(script?.kind === 'file');
  assert.equal(
    redacted(script.text).replace(/^#.*\n/, ''),
    'require ["fileinto", "mailbox"];\nif header :is "X-Spam" "Yes" {\n  fileinto :create "Spam";\n  stop;\n}\n',
  );
});

test('limits follow the machine, within reason', () => {
  assert.deepEqual(limits({ cores: 1, memoryMb: 512 }), { authWorkers: 2, sessions: 64, loginProcesses: 1, deliveries: 1, questions: 100 });
  assert.deepEqual(limits({ cores: 1, memoryMb: 1024 }), { authWorkers: 2, sessions: 128, loginProcesses: 1, deliveries: 1, questions: 100 });
  assert.deepEqual(limits({ cores: 4, memoryMb: 4096 }), { authWorkers: 8, sessions: 512, loginProcesses: 4, deliveries: 4, questions: 256 });
  assert.deepEqual(limits({ cores: 16, memoryMb: 65536 }), { authWorkers: 32, sessions: 4096, loginProcesses: 4, deliveries: 4, questions: 500 });
});
