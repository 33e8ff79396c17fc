import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hands } from '#model';
import { inputFor } from '../test-input.lab.ts';
import { catchUp, isUnreached } from './put-off.ts';

const SOCKET = 'private/dovecot-lmtp';
const AT = `mail.hauspost.test[${SOCKET}]`;

/** As Postfix 3.7.11 and 3.10.13 say it, but for the third and fourth of the others. */
const UNREACHED = [
  `connect to ${AT}: Connection refused`,
  `connect to ${AT}: No such file or directory`,
  `lost connection with ${AT} while receiving the initial server greeting`,
  `conversation with ${AT} timed out while sending MAIL FROM`,
  `delivery temporarily suspended: lost connection with ${AT} while receiving the initial server greeting`,
  `host ${AT} said: 451 4.3.0 <demo@hauspost.test> Temporary internal error (in reply to RCPT TO command)`,
];
const OTHERS = [
  undefined,
  `host ${AT} said: 452 4.2.2 <demo@hauspost.test> Quota exceeded (mailbox for user is full) (in reply to end of DATA command)`,
  `host ${AT} said: 451 4.2.0 <demo@hauspost.test> lost connection with ${AT} (in reply to end of DATA command)`,
  `host mx.outside.test[192.0.2.1] said: 451 4.3.0 connect to ${AT}: Connection refused (in reply to RCPT TO command)`,
  'connect to mx.outside.test[192.0.2.1]:25: Connection refused',
  'delivery temporarily suspended: lost connection with mx.outside.test[192.0.2.1] while receiving the initial server greeting',
  'lost connection with mail.hauspost.test[private/another] while receiving the initial server greeting',
];

test('what did not get through to the socket is known by its reason; what was not taken, or not by others, is not', () => {
  for (const reason of UNREACHED) assert.equal(isUnreached(SOCKET, reason), true, reason);
  for (const reason of OTHERS) assert.equal(isUnreached(SOCKET, reason), false, reason);
});

type Message = readonly [queue: string, id: string, ...reasons: readonly (string | undefined)[]];

const line = ([queue, id, ...reasons]: Message): string =>
  `${JSON.stringify({ queue_name: queue, queue_id: id, recipients: reasons.map((reason) => ({ address: 'demo@hauspost.test', delay_reason: reason })) })}\n`;

const NOW = new Date(1000);

/** The queue as it is at each look; what is called. */
const calls = async (woken: Parameters<typeof catchUp>[2], ...looks: readonly (readonly Message[])[]): Promise<readonly string[]> => {
  const called: string[] = [];
  const rest = [...looks];
  const hands: Hands = {
    now: () => NOW,
    pause: async (ms) => void (ms > 0 && called.push(`${ms} ms`)),
    run: async (argv, { input = '' } = {}) => {
      called.push([...argv, ...input.split('\n')].join(' ').trim());
      return { code: 0, stdout: argv[1] === '-j' ? (rest.shift() ?? assert.fail('a look too many')).map(line).join('') : '', stderr: '' };
    },
  };
  await catchUp(hands, inputFor('trixie'), woken);
  return called;
};

const LOOK = 'postqueue -j';
const RETRY = 'xargs -n 1 postqueue -i';
const DOVECOT = new Map([['dovecot', NOW]] as const);
const [refused = '', , lost = ''] = UNREACHED;
const [, full, , foreign] = OTHERS;

test('none is looked for unless Dovecot was woken; one look where nothing is put off or under way', async () => {
  assert.deepEqual(await calls(new Map([['rspamd', NOW]])), []);
  assert.deepEqual(await calls(DOVECOT, []), ['500 ms', LOOK]);
  assert.deepEqual(await calls(DOVECOT, [['incoming', 'A']]), ['500 ms', LOOK], 'nobody is to get it any more');
  assert.deepEqual(await calls(new Map([['dovecot', new Date(0)]]), []), [LOOK]);
  assert.deepEqual(
    await calls(DOVECOT, [
      ['deferred', 'A', full],
      ['deferred', 'B', foreign],
      ['hold', 'C', lost],
    ]),
    ['500 ms', LOOK],
  );
});

test('each message is tried again once, and no other', async () => {
  const first: readonly Message[] = [
    ['deferred', 'A', foreign, refused],
    ['deferred', 'B', foreign],
    ['deferred', 'C', lost],
  ];
  assert.deepEqual(await calls(DOVECOT, first, [['deferred', 'A', foreign, refused]]), ['500 ms', LOOK, `${RETRY} A C`, '1000 ms', LOOK]);
});

test('what was under way is looked at again until its attempt is over, twice at most', async () => {
  const busy: Message = ['active', 'A', undefined];
  assert.deepEqual(await calls(DOVECOT, [busy], [['incoming', 'B', undefined]]), ['500 ms', LOOK, '1000 ms', LOOK]);
  const looks: readonly (readonly Message[])[] = [[busy], [busy], [busy, ['deferred', 'B', lost]]];
  assert.deepEqual(await calls(DOVECOT, ...looks), ['500 ms', LOOK, '1000 ms', LOOK, '4000 ms', LOOK, `${RETRY} B`]);
});
