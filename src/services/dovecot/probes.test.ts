import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Vantage } from '#model';
import { dovecotProbes } from './probes.ts';
import { inputFor } from '../test-input.lab.ts';

const GOOD: Readonly<Record<string, string>> = {
  '143': '* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN] Dovecot ready.\r\n',
  '993': '\x16\x03\x03\x00\x4a\x02\x00',
  '4190': '"SASL" "PLAIN"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "Dovecot ready."\r\n',
  'dovecot-lmtp': '220 mail.hauspost.test Dovecot ready.\r\n',
  auth: 'VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n',
  'quota-status': 'action=DUNNO\n\n',
};

const from = (answers: Readonly<Record<string, string>>): Vantage => ({
  now: () => new Date(0),
  talk: async (target) => {
    const answer = answers['socket' in target ? (target.socket.split('/').at(-1) ?? '') : String(target.port)];
    if (answer === undefined) throw new Error('nothing listens');
    return answer;
  },
});

const failing = async (answers: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const results = await Promise.all(
    dovecotProbes(inputFor('trixie')).map(async (probe) => ((await probe.run(from(answers))).length === 0 ? [] : [probe.name])),
  );
  return results.flat();
};

test('all doors answer', async () => {
  assert.deepEqual(await failing(GOOD), []);
});

test('silence, a TLS alert, a missing STARTTLS and a quota service that refuses are no answers', async () => {
  assert.equal((await failing({})).length, 9);
  assert.deepEqual(await failing({ ...GOOD, '993': '\x15\x03\x03\x00\x02\x02\x28' }), ['dovecot imaps on 127.0.0.1', 'dovecot imaps on ::1']);
  assert.deepEqual(await failing({ ...GOOD, '143': '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready.\r\n' }), [
    'dovecot imap on 127.0.0.1',
    'dovecot imap on ::1',
  ]);
  assert.deepEqual(await failing({ ...GOOD, 'quota-status': 'action=\n\n' }), ['dovecot quota-status']);
});

test('doors on all addresses are tried by loopback', () => {
  const input = inputFor('trixie');
  const listeners = [{ service: 'dovecot', name: 'imaps', transport: 'tcp', address: '0.0.0.0', port: 993 } as const];
  assert.deepEqual(
    dovecotProbes({ ...input, wiring: { ...input.wiring, listeners } }).map(({ name }) => name),
    ['dovecot imaps on 0.0.0.0', 'dovecot lmtp', 'dovecot sasl', 'dovecot quota-status'],
  );
});
