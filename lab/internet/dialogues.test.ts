/** What the recorder makes of the octets of a connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialogueOf, type Piece } from './dialogues.ts';

/** `C` and `S` in turn, with the letter before each piece. */
const heard = (...said: readonly string[]): readonly string[] => {
  const pieces = said.map((text): Piece => ({ client: text.startsWith('C'), octets: text.slice(1) }));
  return dialogueOf(pieces, false);
};

test('lines are told whole, however they were cut on the way', () => {
  assert.deepEqual(heard('S220-one\r', 'S\n220 two\r\n', 'CEHLO a\r\nMAIL ', 'CFROM:<>\r\n', 'S250 a\r\n250 b\r\n'), [
    ...['S: 220-one', 'S: 220 two', 'C: EHLO a', 'C: MAIL FROM:<>', 'S: 250 a', 'S: 250 b'],
  ]);
});

test('a message is left out, to its end; what comes behind it in one piece is not', () => {
  const message = ['CSubject: a\r\n\r\nbody\r', 'C\n.\n.\r\n..\r\nmore\r\n.', 'C\r\nQUIT\r\n'];
  assert.deepEqual(heard('CDATA\r\n', 'S354 go\r\n', ...message, 'S250 fine\r\n'), ['C: DATA', 'S: 354 go', 'C: QUIT', 'S: 250 fine']);
});

test('a message may be empty, or never end', () => {
  assert.deepEqual(heard('CDATA\r\n', 'S354 go\r\n', 'C.\r\nNOOP\r\n'), ['C: DATA', 'S: 354 go', 'C: NOOP']);
  assert.deepEqual(heard('CDATA\r\n', 'S354 go\r\n', 'Cwords of the message'), ['C: DATA', 'S: 354 go']);
});

test('a refused DATA is followed by commands', () => {
  assert.deepEqual(heard('CDATA\r\n', 'S503 no\r\n', 'CQUIT\r\n'), ['C: DATA', 'S: 503 no', 'C: QUIT']);
});

test('chunks are left out by their length', () => {
  assert.deepEqual(heard('CBDAT 5\r\na\r\nbcBDAT 4 LAST\r\nx', 'Cy\r\nQUIT\r\n'), ['C: BDAT 5', 'C: BDAT 4 LAST', 'C: QUIT']);
});

test('what follows AUTH is left out until it is answered; nothing after that', () => {
  assert.deepEqual(
    heard(
      'Cauth plain AHVzZXI=\r\n',
      'S235 in\r\n',
      'CAUTH LOGIN\r\n',
      'S334 VXNlcm5hbWU6\r\n',
      'Cdbq\r\nabc\r\n',
      'S334 x\r\n',
      'Cyz\r\n',
      'S535 no\r\n',
      'CRSET\r\n',
    ),
    ['C: auth plain ***', 'S: 235 in', 'C: AUTH LOGIN', 'S: 334 VXNlcm5hbWU6', 'C: ***', 'C: ***', 'S: 334 x', 'C: ***', 'S: 535 no', 'C: RSET'],
  );
  assert.deepEqual(heard('CAUTH LOGIN\r\n', 'S334 x\r\n', 'Cdbq'), ['C: AUTH LOGIN', 'S: 334 x', 'C: ***']);
});

test('nothing is told once TLS has begun; where it is refused all goes on', () => {
  assert.deepEqual(heard('CSTARTTLS\r\n', 'S220 go\r\n', 'C\x16\x03\x01a\r\n', 'Sb\r\n'), ['C: STARTTLS', 'S: 220 go']);
  assert.deepEqual(heard('CSTARTTLS\r\n', 'S454 later\r\n', 'CQUIT\r\n'), ['C: STARTTLS', 'S: 454 later', 'C: QUIT']);
  assert.deepEqual(dialogueOf([{ client: true, octets: 'EHLO a\r\n' }], true), []);
});

test('what did not come to the end of its line is told, and what cannot be seen is made visible', () => {
  assert.deepEqual(heard('S220 a\nb\r\n', 'CEHL'), ['S: 220 a\\x0ab', 'C: EHL']);
});
