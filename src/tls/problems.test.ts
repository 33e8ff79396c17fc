/** What certbot's log holds of a conversation with an authority; the texts are those that certbot 2.1.0 wrote while Pebble refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationIn } from './problems.ts';

const response = (status: number, document: unknown, date = 'Sat, 28 Nov 2026 21:28:58 GMT'): string =>
  `2026-11-28 21:28:58,453:DEBUG:urllib3.connectionpool:https://localhost:14000 "POST /x HTTP/1.1" ${status} 918
2026-11-28 21:28:58,453:DEBUG:acme.client:Received response:
HTTP ${status}
Cache-Control: public, max-age=0, no-cache
Content-Type: application/json; charset=utf-8
Date: ${date}

${typeof document === 'string' ? document : JSON.stringify(document, null, 3)}
2026-11-28 21:28:58,454:DEBUG:acme.client:Storing nonce: NK7QI5UpSa94HF0d-_8KAQ
`;

const problem = (type: string, detail: string): unknown => ({ type: `urn:ietf:params:acme:error:${type}`, detail, status: 400 });
const authorization = (name: string, status: string, error?: unknown): unknown => ({
  status,
  identifier: { type: 'dns', value: name },
  challenges: [{ type: 'http-01', status, ...(error === undefined ? {} : { error }) }],
});

test('errors of challenges, each once, with the name that it is about', () => {
  const refused = problem('connection', 'Get "http://imap.example.org/.well-known/acme-challenge/x": connection refused');
  const log = [
    response(200, authorization('imap.example.org', 'pending')),
    response(200, authorization('imap.example.org', 'invalid', refused)),
    response(200, authorization('imap.example.org', 'invalid', refused)),
    response(200, authorization('mail.example.org', 'valid')),
  ].join('');
  const { answered, problems, date } = conversationIn(log);
  assert.deepEqual(
    [answered, date?.toISOString(), problems],
    [
      true,
      '2026-11-28T21:28:58.000Z',
      [{ type: 'connection', detail: 'Get "http://imap.example.org/.well-known/acme-challenge/x": connection refused', name: 'imap.example.org' }],
    ],
  );
});

test('an order that is refused; a nonce that was counts only where nothing else went wrong', () => {
  const nonce = response(400, problem('badNonce', 'JWS has an invalid anti-replay nonce: x'));
  const limited = response(429, problem('rateLimited', 'too many certificates already issued for: example.org'));
  assert.deepEqual(
    conversationIn(nonce + limited).problems.map(({ type }) => type),
    ['rateLimited'],
  );
  assert.deepEqual(
    conversationIn(nonce + nonce).problems.map(({ type }) => type),
    ['badNonce'],
  );
  assert.deepEqual(conversationIn(response(200, { type: 'http-01', url: 'https://x/' })).problems, []);
});

test('subproblems tell which name (RFC 8555 section 6.7.1)', () => {
  const whole = {
    ...(problem('malformed', 'some of the identifiers requested were rejected') as object),
    subproblems: [{ ...(problem('rejectedIdentifier', 'no such public suffix') as object), identifier: { type: 'dns', value: 'mail.local' } }],
  };
  assert.deepEqual(conversationIn(response(403, whole)).problems, [
    { type: 'rejectedIdentifier', detail: 'no such public suffix', name: 'mail.local' },
  ]);
});

test('words tell which name, where nothing else does', () => {
  const named = (type: string, detail: string) => conversationIn(response(400, problem(type, detail))).problems.map(({ name }) => name);
  assert.deepEqual(named('rejectedIdentifier', 'Cannot issue for "imap.example.org": forbidden by policy'), ['imap.example.org']);
  assert.deepEqual(named('caa', 'While processing CAA for smtp.example.org: CAA record for example.org prevents issuance'), ['smtp.example.org']);
  assert.deepEqual(named('rejectedIdentifier', 'some names are forbidden by policy'), [undefined]);
  assert.deepEqual(named('rateLimited', 'too many certificates for "example.org"'), [undefined]);
});

test('nobody answered; what is no document is not read as one', () => {
  const down = `2026-11-28 21:29:23,915:ERROR:certbot._internal.log:An unexpected error occurred:
2026-11-28 21:29:23,915:ERROR:certbot._internal.log:ValueError: Requesting localhost/dir: Connection refused
`;
  assert.deepEqual(conversationIn(down), {
    answered: false,
    date: undefined,
    problems: [],
    words: 'ValueError: Requesting localhost/dir: Connection refused',
  });
  assert.deepEqual(conversationIn(response(200, '-----BEGIN CERTIFICATE-----\nMII\n')).problems, []);
  assert.deepEqual(conversationIn('').answered, false);
});
