/**
 * M2, M3, M6, M16: whom a stranger may write to, and whom not, as two tables and one of ways to write an address somewhere else. They hold
 * for whoever comes, from wherever; who comes, the scenarios say.
 */
import assert from 'node:assert/strict';
import type { Login, Reply, Server, Smtp } from '../index.ts';

export const FROM = 'friend@outside.test';
export const ANNA: Login = { user: 'anna@second.test', pass: 'anna-password' };
export const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'robot-password' };
const SCANNER: Login = { user: 'scanner@third.test', pass: 'scanner-password' };

/** Who lives here. `server` has hauspost.test with demo@hauspost.test. */
export const settleRecipients = async (server: Server): Promise<void> => {
  for (const domain of ['second.test', 'third.test']) await server.order('domain', 'add', domain);
  await server.account(ANNA);
  for (const login of [ROBOT, SCANNER]) await server.account(login, '--send-only');
  await server.account({ user: 'gone@hauspost.test', pass: 'gone-password' }, '--disabled');
  for (const [source = '', ...destinations] of [
    ['team@hauspost.test', 'demo@hauspost.test', 'anna@second.test'],
    ['chain@second.test', 'team@hauspost.test'],
    ['away@hauspost.test', FROM],
    ['mixed@hauspost.test', 'robot@hauspost.test', 'demo@hauspost.test', 'gone@hauspost.test'],
    ['onlyrobot@hauspost.test', 'robot@hauspost.test'],
    ['fleet@hauspost.test', 'onlyrobot@hauspost.test'],
    ['devices@second.test', 'robot@hauspost.test', 'scanner@third.test'],
    ['onlygone@hauspost.test', 'gone@hauspost.test'],
    ['nowhere@hauspost.test', 'nobody@hauspost.test'],
    ['@third.test', 'anna@second.test'],
  ]) {
    await server.order('alias', 'add', source, ...destinations);
  }
};

/** The answer to RCPT TO, written to the letter; nothing is sent. */
export const recipient = async (smtp: Smtp, path: string, from = FROM): Promise<Reply> => {
  try {
    const mail = await smtp.command(`MAIL FROM:<${from}>`);
    assert.equal(mail.code, 250, mail.lines.join(' '));
    return await smtp.command(`RCPT TO:${path}`);
  } finally {
    smtp.close();
  }
};

export const isRefused = ({ code, lines }: Reply): void => assert.ok(code >= 500 && code < 600, `${code} ${lines.join(' ')}`);

/** On 25 and on submission alike. */
export const ACCEPTED: readonly (readonly [string, string])[] = [
  ['M2: an account', '<demo@hauspost.test>'],
  ['M2: an account of another domain', '<anna@second.test>'],
  ['M2: an alias with several destinations', '<team@hauspost.test>'],
  ['M2: an alias of an alias', '<chain@second.test>'],
  ['M2: an alias that leads outside', '<away@hauspost.test>'],
  ['M2: the postmaster without a domain (RFC 5321 4.5.1)', '<postmaster>'],
  ['M8: a role of a domain', '<abuse@second.test>'],
  ['M8: a role where a catch-all takes the rest', '<Hostmaster@third.test>'],
  ['M2: a quoted local part', '<"demo"@hauspost.test>'],
  ['M2: whatever a catch-all takes', '<anything@third.test>'],
  ['M3: an alias with a destination that receives', '<mixed@hauspost.test>'],
  ['M3: the same with a tag', '<mixed+tag@hauspost.test>'],
  ['M6: another case', '<DEMO@Hauspost.TEST>'],
  ['M6: a tag', '<demo+tag@hauspost.test>'],
  ['M6: an empty tag', '<demo+@hauspost.test>'],
  ['M6: tags within a tag, in another case', '<Demo+List+More@hauspost.test>'],
  ['M6: an alias with a tag', '<team+tag@hauspost.test>'],
];
/** `host` is the server's name. */
export const refusedAt = (host: string): readonly (readonly [string, string])[] => [
  ['M2: an unknown user', '<nobody@hauspost.test>'],
  ['M2: an unknown user with a tag', '<nobody+tag@hauspost.test>'],
  ['M2: nothing before the tag', '<+demo@hauspost.test>'],
  ['M2: a known name in another domain of ours', '<demo@second.test>'],
  ['M2: an unknown domain', '<demo@elsewhere.test>'],
  ['M2: a subdomain of ours', '<demo@sub.hauspost.test>'],
  ['M2: a known name at the host', `<demo@${host}>`],
  ['M2: a known name without a domain', '<demo>'],
  ['M2: a look-alike without its last letter', '<dem@hauspost.test>'],
  ['M2: a look-alike with an accent', '<d\xc3\xa9mo@hauspost.test>'],
  ['M2: SQL in the local part', "<'or'1'='1@hauspost.test>"],
  ['M2: a wildcard of SQL', '<%@hauspost.test>'],
  ['M2: one letter as a wildcard of SQL', '<dem_@hauspost.test>'],
  ['M2: an alias that leads nowhere', '<nowhere@hauspost.test>'],
  ['M2: a disabled account', '<gone@hauspost.test>'],
  ['M2: an alias that leads to a disabled account alone', '<onlygone@hauspost.test>'],
  ['M3: a send-only account', '<robot@hauspost.test>'],
  ['M3: a send-only account in another case', '<ROBOT@hauspost.test>'],
  ['M3: a send-only account with a tag', '<robot+tag@hauspost.test>'],
  ['M3: an alias that leads to a send-only account alone', '<onlyrobot@hauspost.test>'],
  ['M3: the same with a tag', '<onlyrobot+tag@hauspost.test>'],
  ['M3: an alias of such an alias', '<fleet@hauspost.test>'],
  ['M3: an alias that leads to several of them alone', '<devices@second.test>'],
  ['M3: a send-only account where a catch-all takes the rest', '<scanner@third.test>'],
  ['M3: the same with a tag', '<scanner+tag@third.test>'],
];

/** Relaying: ways to write an address of outside.test, which exists, or of this host. `stranger` is the address of mail.outside.test. */
export const relaysAt = (host: string, stranger: string): readonly (readonly [string, string])[] => [
  ['plainly', '<friend@outside.test>'],
  ['by percent', '<friend%outside.test@hauspost.test>'],
  ['by percent at the host', `<friend%outside.test@${host}>`],
  ['by percent alone', '<friend%outside.test>'],
  ['by bang', '<outside.test!friend@hauspost.test>'],
  ['by bang alone', '<outside.test!friend>'],
  ['by source route', '<@hauspost.test:friend@outside.test>'],
  ['by two source routes', `<@hauspost.test,@${host}:friend@outside.test>`],
  ['by quoted address', '<"friend@outside.test"@hauspost.test>'],
  ['by quoted address alone', '<"friend@outside.test">'],
  ['by quoted local part', '<"friend"@outside.test>'],
  ['by two at signs', '<friend@outside.test@hauspost.test>'],
  ['by address literal', `<friend@[${stranger}]>`],
  ['by literal of ours', '<friend@[127.0.0.1]>'],
  ['by two at signs and a literal of ours', '<friend@outside.test@[127.0.0.1]>'],
  ['by IPv6 literal', '<friend@[IPv6:::1]>'],
  ['by another name of loopback', '<root@localhost>'],
  ['to a Unix account', '<root@debian>'],
  ['without brackets', 'friend@outside.test'],
  ['to a program', '<"|/bin/true"@hauspost.test>'],
  ['to a file', '<"/tmp/x"@hauspost.test>'],
];
