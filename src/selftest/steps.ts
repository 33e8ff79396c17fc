/** The steps: each sends or tries something real and answers with what it saw, or rejects with what was wrong. */
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { lets, read } from './imap.ts';
import { deliver } from './lmtp.ts';
import { message } from './message.ts';
import { type Outcome, submit } from './smtp.ts';
import type { Target } from './target.ts';

export interface Step {
  readonly name: string;
  /** It waits for answers that the daemons hold back: begins with the first step, and is heard in its turn. */
  readonly ahead?: true;
  readonly run: (target: Target) => Promise<string>;
}

/** How long delivery may take: the filter's first message after its start is slow. */
const DELIVERY_MS = 30_000;

const wrong = (what: string): never => {
  throw new Error(what);
};

const accepted = (outcome: Outcome): void => {
  if (!outcome.accepted) wrong(`refused with ${outcome.code} at ${outcome.stage}: ${outcome.words}`);
};

const refusal = (outcome: Outcome, from: number, until: number): string => {
  if (outcome.accepted) return wrong('it was accepted');
  return outcome.code >= from && outcome.code < until
    ? `${outcome.code} at ${outcome.stage}`
    : wrong(`refused, but with ${outcome.code}: ${outcome.words}`);
};

const arrives = async (target: Target, mailbox: string, id: string): Promise<Buffer> =>
  (await read(target, target.user, mailbox, id, DELIVERY_MS)) ?? wrong(`it did not arrive in ${mailbox} within ${DELIVERY_MS / 1000} s`);

const inbound: Step = {
  name: 'inbound',
  run: async (target) => {
    const from = `friend@${target.stranger.domain}`;
    const { id, source } = message(target, from, target.user.address);
    accepted(await submit(target, 25, undefined, { from, to: target.user.address }, source));
    const got = await arrives(target, 'INBOX', id);
    return /^Authentication-Results:/im.test(got.toString('latin1')) ? 'arrived in INBOX' : wrong('it has no Authentication-Results');
  },
};

/** Dkim: another implementation than the signer verifies; of several signatures of ours each. */
const verified = async (target: Target, source: Buffer): Promise<string> => {
  const resolver = (name: string, type: string): Promise<string[][]> => (type === 'TXT' ? target.resolveTxt(name) : Promise.resolve([]));
  const { results } = await dkimVerify(source, { resolver });
  const ours = results.filter(({ signingDomain }) => signingDomain === target.domain);
  const bad = ours.filter(({ status }) => status.result !== 'pass');
  if (ours.length === bad.length) return wrong(`no valid signature of ${target.domain}: ${results.map(({ status }) => status.result).join(', ')}`);
  if (bad.length > 0) return wrong(`not valid: ${bad.map(({ selector, status }) => `selector ${selector}, ${status.result}`).join('; ')}`);
  return `selector ${ours.map(({ selector }) => selector).join(', ')}`;
};

const submission: Step = {
  name: 'submission',
  run: async (target) => {
    const { address } = target.user;
    const { id, source } = message(target, address, address);
    accepted(await submit(target, 587, target.user, { from: address, to: address }, source));
    await arrives(target, 'INBOX', id);
    return 'port 587, arrived in INBOX';
  },
};

const dkim: Step = {
  name: 'dkim',
  run: async (target) => {
    const { address } = target.user;
    const { id, source } = message(target, address, address);
    accepted(await submit(target, 465, target.user, { from: address, to: address }, source));
    return verified(target, await arrives(target, 'INBOX', id));
  },
};

const alias: Step = {
  name: 'alias',
  run: async (target) => {
    const { id, source } = message(target, target.user.address, target.alias);
    accepted(await submit(target, 587, target.user, { from: target.user.address, to: target.alias }, source));
    await arrives(target, 'INBOX', id);
    return 'led to INBOX';
  },
};

const sendOnly: Step = {
  name: 'send-only',
  run: async (target) => {
    const from = `friend@${target.stranger.domain}`;
    const to = target.sender.address;
    const saw = refusal(await submit(target, 25, undefined, { from, to }, message(target, from, to).source), 500, 600);
    const { source } = message(target, to, target.user.address);
    accepted(await submit(target, 587, target.sender, { from: to, to: target.user.address }, source));
    return `mail to it: ${saw}; it may send`;
  },
};

const wrongPassword: Step = {
  name: 'wrong password',
  ahead: true,
  run: async (target) => {
    const login = { address: target.user.address, password: `${target.user.password}-wrong` };
    const envelope = { from: login.address, to: login.address };
    const { source } = message(target, login.address, login.address);
    // At once, since each is answered late.
    const [byImap, bySmtp] = await Promise.all([lets(target, login), submit(target, 587, login, envelope, source)]);
    return byImap ? wrong('IMAP let it in') : refusal(bySmtp, 500, 600);
  },
};

const forgedSender: Step = {
  name: 'forged sender',
  run: async (target) => {
    const from = target.sender.address;
    const { source } = message(target, from, target.user.address);
    return refusal(await submit(target, 587, target.user, { from, to: target.user.address }, source), 500, 600);
  },
};

const gtube: Step = {
  name: 'gtube',
  run: async (target) => {
    const from = `friend@${target.stranger.domain}`;
    const { source } = message(target, from, target.user.address, { spam: true });
    return refusal(await submit(target, 25, undefined, { from, to: target.user.address }, source), 500, 600);
  },
};

/** Goes as far as the message, which is refused there: nobody gets it. */
const takesMail = async (target: Target, to: string): Promise<void> => {
  const from = `friend@${target.stranger.domain}`;
  const outcome = await submit(target, 25, undefined, { from, to }, message(target, from, to, { spam: true }).source);
  if (!outcome.accepted && outcome.stage !== 'DATA') wrong(`mail to ${to} is refused with ${outcome.code} at ${outcome.stage}: ${outcome.words}`);
};

/** The name that every domain must have (RFC 5321, section 4.5.1) may be somebody else's here than whom it is to lead to: both are tried. */
const postmaster: Step = {
  name: 'postmaster',
  run: async (target) => {
    const { address, elsewhere, unread } = target.postmaster;
    // Not tried: smtpd(8) would remember what it heard of him as long as its process lives, also when somebody reads his mail again.
    if (unread !== undefined) return wrong(unread);
    const all = [...new Set([...(elsewhere ? [] : [address]), `postmaster@${target.domain}`])];
    for (const to of all) await takesMail(target, to);
    const seen = `${all.join(' and ')} ${all.length === 1 ? 'takes' : 'take'} mail`;
    return elsewhere ? `${seen}; of ${address}, elsewhere, nothing is known here` : seen;
  },
};

const marked: Step = {
  name: 'marked mail',
  run: async (target) => {
    const { id, source } = message(target, `friend@${target.stranger.domain}`, target.user.address, { headers: ['X-Spam: Yes'] });
    await deliver(target, target.user.address, source);
    await arrives(target, 'Spam', id);
    return 'filed into Spam';
  },
};

const imap: Step = {
  name: 'imap',
  run: async (target) => ((await lets(target, target.user)) ? 'STARTTLS, login' : wrong('the right password was refused')),
};

export const STEPS: readonly Step[] = [imap, inbound, submission, dkim, alias, sendOnly, wrongPassword, forgedSender, postmaster, gtube, marked];
