/** M13: by which names somebody who is logged in may send. */
import type { Login } from '../index.ts';

export const DEMO = 'demo@hauspost.test';
export const FRIEND = 'friend@outside.test';
export const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'robot-password' };

/** Envelope sender and header lines of a message by demo; the ones that are his, and the ones that are not. */
export const MAY: readonly (readonly [string, string, ...string[]])[] = [
  ['his own address', DEMO, `From: <${DEMO}>`],
  ['his own address with a display name', DEMO, `From: "carl@hauspost.test" <${DEMO}>`],
  ['his own address with a name that is encoded', DEMO, `From: =?utf-8?q?D=C3=A9mo?= <${DEMO}>`],
  ['his own address without brackets', DEMO, `From: ${DEMO}`],
  ['his own address in another case', 'Demo@Hauspost.Test', `From: <${DEMO}>`],
  ['a tag in both', 'demo+list@hauspost.test', 'From: <demo+list@hauspost.test>'],
  ['a tag in the envelope alone', 'demo+bounces@hauspost.test', `From: <${DEMO}>`],
  ['a tag in From alone', DEMO, 'From: <demo+list@hauspost.test>'],
  ['an alias that leads to him, in another domain', 'sales@second.test', 'From: <sales@second.test>'],
  ['an alias with a tag', 'sales+x@second.test', 'From: <sales@second.test>'],
  ['an alias through an alias', 'chain@hauspost.test', 'From: <chain@hauspost.test>'],
  ['an alias of several people', 'team@hauspost.test', 'From: <team@hauspost.test>'],
  ['no envelope sender, for a read receipt', '', `From: <${DEMO}>`],
  ['his own address behind "From :"', DEMO, 'X-First: yes', `From : <${DEMO}>`],
  ['his own address on a folded line', DEMO, `From:\r\n <${DEMO}>`],
  ['his own address among comments', DEMO, `From: (carl@hauspost.test) Demo (of (all) us) <${DEMO}>`],
  ['his own address as its own name', DEMO, `From: ${DEMO} <${DEMO}>`],
];
export const MAY_NOT: readonly (readonly [string, string, ...string[]])[] = [
  ['a colleague in the envelope', 'carl@hauspost.test', 'From: <carl@hauspost.test>'],
  ['a colleague with a tag', 'carl+demo@hauspost.test', `From: <${DEMO}>`],
  ['a colleague in From', DEMO, 'From: <carl@hauspost.test>'],
  ["a colleague's alias", 'carls@hauspost.test', 'From: <carls@hauspost.test>'],
  ['an alias that is disabled towards him', 'off@hauspost.test', 'From: <off@hauspost.test>'],
  ['an address that only a catch-all leads to him', 'any@third.test', 'From: <any@third.test>'],
  ['an alias that leads outside', 'away@hauspost.test', 'From: <away@hauspost.test>'],
  ['a stranger in the envelope', FRIEND, `From: <${FRIEND}>`],
  ['a stranger in the envelope alone', FRIEND, `From: <${DEMO}>`],
  ['a stranger in From', DEMO, `From: <${FRIEND}>`],
  ['an unknown address of ours', 'nobody@hauspost.test', 'From: <nobody@hauspost.test>'],
  ['a send-only account', ROBOT.user, `From: <${ROBOT.user}>`],
  ['a name without a domain', 'demo', `From: <${DEMO}>`],
  ['his name in a subdomain', 'demo@sub.hauspost.test', 'From: <demo@sub.hauspost.test>'],
  ['an alias in From and himself in the envelope', DEMO, 'From: <sales@second.test>'],
  ['two addresses in From', DEMO, `From: <${DEMO}>, <carl@hauspost.test>`],
  ['a group in From', DEMO, `From: us: <${DEMO}>, <carl@hauspost.test>;`],
  ['an empty group in From', DEMO, 'From: nobody:;'],
  ['two From', DEMO, `From: <${DEMO}>`, 'From: <carl@hauspost.test>'],
  ['the same From twice', DEMO, `From: <${DEMO}>`, `From: <${DEMO}>`],
  ['a From without an address', DEMO, 'From: Demo'],
  ['no envelope sender and no From', ''],
  ['no envelope sender, and a colleague in From', '', 'From: <carl@hauspost.test>'],
  ['no envelope sender, and an alias in From', '', 'From: <sales@second.test>'],
  ['a second From before "From :"', DEMO, `From: <${DEMO}>`, 'From : <carl@hauspost.test>'],
  ['a second From behind "From :"', DEMO, 'X-First: yes', 'From : <carl@hauspost.test>', `From: <${DEMO}>`],
  ['a second From with a tab before the colon', DEMO, `From: <${DEMO}>`, 'FROM\t: <carl@hauspost.test>'],
  ['a second From behind a bare CR', DEMO, `From: <${DEMO}>\rFrom: <carl@hauspost.test>`],
  ['a colleague on a folded line', DEMO, 'From:\r\n <carl@hauspost.test>'],
  ['two addresses on two lines', DEMO, `From: <${DEMO}>,\r\n <carl@hauspost.test>`],
  ['two addresses without a comma', DEMO, `From: <${DEMO}> <carl@hauspost.test>`],
  ['two addresses without a comma, the other way round', DEMO, `From: <carl@hauspost.test> <${DEMO}>`],
  ['a colleague as the name, without quotes', DEMO, `From: carl@hauspost.test <${DEMO}>`],
  ['himself in a comment', DEMO, `From: (<${DEMO}>) <carl@hauspost.test>`],
];
