import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFindings, listQuestions } from './blocklists.ts';

const ADDRESSES = { v4: ['192.0.2.25'], v6: ['2001:db8::25'] };

test('each address at each list that counts against a sender; reversed (RFC 5782 sections 2.1, 2.4)', () => {
  const questions = listQuestions(ADDRESSES, ['bad.example=127.0.0.[2..11]*3', 'worse.example', 'trusted.example=127.0.[0..255].[1..3]*-3']);
  assert.deepEqual(
    questions.map(({ name, list, address }) => [name, list, address]),
    [
      ['25.2.0.192.bad.example', 'bad.example', '192.0.2.25'],
      [`5.2.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.bad.example`, 'bad.example', '2001:db8::25'],
      ['25.2.0.192.worse.example', 'worse.example', '192.0.2.25'],
      [`5.2.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.worse.example`, 'worse.example', '2001:db8::25'],
    ],
  );
});

const counted = (site: string, answer: string): boolean => listQuestions({ v4: ['192.0.2.25'], v6: [] }, [site])[0]?.counts(answer) ?? false;

for (const [site, yes, no] of [
  ['l.example', ['127.0.0.1', '127.0.0.255'], []],
  ['l.example*2', ['127.0.0.1'], []],
  ['l.example=127.0.0.2', ['127.0.0.2'], ['127.0.0.3', '127.0.1.2', '127.0.0.22']],
  ['l.example=127.0.0.[2..11]*3', ['127.0.0.2', '127.0.0.7', '127.0.0.11'], ['127.0.0.1', '127.0.0.12', '127.0.0.255']],
  ['l.example=127.[0;3].[0..255].[1;10..12]', ['127.3.9.1', '127.0.255.11'], ['127.1.0.1', '127.3.0.2', '127.3.0.13']],
] as const)
  test(`${site}: which answers count`, () => {
    for (const answer of yes) assert.equal(counted(site, answer), true, answer);
    for (const answer of no) assert.equal(counted(site, answer), false, answer);
  });

test('what is said: who is on which list, and lists that refuse; nothing of those that do not have the address', () => {
  const [on, off, refusing] = listQuestions({ v4: ['192.0.2.25'], v6: [] }, ['on.example=127.0.0.2', 'off.example', 'refusing.example']);
  assert.ok(on !== undefined && off !== undefined && refusing !== undefined);
  const findings = listFindings([
    { question: on, answers: ['127.0.0.2'], words: 'sent spam' },
    { question: on, answers: ['127.0.0.9'], words: '' },
    { question: off, answers: [], words: '' },
    { question: refusing, answers: ['127.255.255.254'], words: '' },
  ]);
  assert.deepEqual(
    findings.map(({ code, message }) => [code, message]),
    [
      ['dns.listed', '192.0.2.25 is on the blocklist on.example (127.0.0.2, sent spam), and servers that ask it refuse mail from here'],
      ['dns.list-refuses', 'the blocklist refusing.example answers no questions of this server, and so keeps nobody away'],
    ],
  );
});
