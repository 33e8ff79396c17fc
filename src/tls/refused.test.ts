/** Who must act, and what to do, when an authority does not sign: one code for each reason that an operator can do something about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation } from './problems.ts';
import { type Asked, refusalOf } from './refused.ts';

const NOW = new Date('2026-11-28T21:00:00Z');
const asked = (more: Partial<Asked> = {}): Asked => ({
  directory: 'https://acme.example.org/directory',
  hostname: 'mail.example.org',
  challenge: 'http',
  now: NOW,
  verdict: undefined,
  ...more,
});
const said = (more: Partial<Conversation>): Conversation => ({ answered: true, date: NOW, problems: [], words: '', ...more });
const of = (type: string, name?: string): Conversation =>
  said({ problems: [{ type, detail: 'its own words', ...(name === undefined ? {} : { name }) }] });

test('by the type of the problem, in the words of the authority', () => {
  const codes = ['rateLimited', 'connection', 'unauthorized', 'dns', 'caa', 'rejectedIdentifier', 'serverInternal', 'badNonce', 'anythingElse'];
  assert.deepEqual(
    codes.map((type) => refusalOf(asked(), of(type)).code),
    ['acme.rate-limited', 'acme.challenge', 'acme.challenge', 'acme.dns', 'acme.caa', 'acme.name', 'acme.down', 'acme.down', 'acme.refused'],
  );
  const { message, exitCode } = refusalOf(asked(), of('connection', 'imap.example.org'));
  assert.equal(message, 'the authority at acme.example.org cannot reach this server: imap.example.org: its own words (connection)');
  assert.equal(exitCode, 4);
});

test('port 80 or the name servers: what is to be mended depends on the challenge', () => {
  assert.match(refusalOf(asked(), of('connection')).remedy, /^Port 80 /);
  assert.match(refusalOf(asked({ challenge: 'dns' }), of('unauthorized')).remedy, /name server/);
});

test("of what Python's urllib3 says the reason is told, and not its objects", () => {
  const pool = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='acme.example.org', port=443): Max retries exceeded with url: /dir";
  const told = (words: string): string => refusalOf(asked(), said({ answered: false, date: undefined, words })).message;
  const object = '<urllib3.connection.HTTPSConnection object at 0x7f1a>';
  const before = 'the authority at acme.example.org does not answer: ';
  const refusedWords = 'Failed to establish a new connection: [Errno 111] Connection refused';
  assert.equal(told(`${pool} (Caused by NewConnectionError('${object}: ${refusedWords}'))`), before + refusedWords);
  const unresolved = "Failed to resolve 'acme.example.org' ([Errno -3] Temporary failure in name resolution)";
  assert.equal(told(`${pool} (Caused by NameResolutionError("${object}: ${unresolved}"))`), before + unresolved);
  assert.equal(told('An unexpected error occurred'), `${before}An unexpected error occurred`);
});

test('a clock that is off is told from an authority that is down, and from one that nobody trusts', () => {
  const silent = said({ answered: false, date: undefined, words: 'Connection refused' });
  const code = (verdict: number | undefined): string => refusalOf(asked({ verdict }), silent).code;
  assert.deepEqual([code(undefined), code(0), code(9), code(10), code(20)], ['acme.down', 'acme.down', 'acme.clock', 'acme.clock', 'acme.untrusted']);
  const skewed = said({ date: new Date('2026-11-29T00:00:00Z'), problems: of('malformed').problems });
  assert.equal(refusalOf(asked(), skewed).code, 'acme.clock');
  assert.equal(refusalOf(asked(), said({ date: new Date('2026-11-28T21:30:00Z'), problems: of('malformed').problems })).code, 'acme.refused');
});
