/**
 * Limits of wrong passwords (M27). Dovecot has a way to ask somebody about each login (auth policy), but only by HTTP over TCP, and it makes an
 * address wait, right passwords too. So the database counts: a first passdb that refuses (`deny`), and behind the real one two that never
 * know anybody and whose questions take down how it went. Whatever asks Dovecot for a login is counted, Postfix included. From where somebody was
 * let in is taken down without limits, too: his sessions are ended by it.
 */
import { lookups } from '#directory';
import type { Node, Row } from '#formats';
import type { RenderInput } from '#model';
import type { Dialect } from './vocabulary.ts';

export interface Step {
  readonly name: 'refused' | 'failed' | 'succeeded';
  readonly query: string;
  /** How the passdb joins the others (passdb settings, both releases). */
  readonly rows: readonly Row[];
}

/** Around the real passdb, in order. */
export interface Steps {
  readonly before: readonly Step[];
  readonly real: readonly Row[];
  readonly after: readonly Step[];
}

export const loginLimits = ({ settings: { logins } }: RenderInput, dialect: Dialect): Steps => {
  const limited = logins.failuresPerClient > 0 || logins.failuresPerAccount > 0;
  const { local, domain, client, digest } = dialect.variables;
  const who = { local: dialect.written(local), domain: dialect.written(domain), client: dialect.written(client) };
  const tried = { ...who, digest: dialect.written(digest) };
  const failed: Step = {
    name: 'failed',
    query: lookups.loginFailed(tried, logins),
    rows: [{ set: 'skip', to: 'authenticated' }],
  };
  return {
    before: limited ? [{ name: 'refused', query: lookups.loginRefused(tried, logins), rows: [{ set: 'deny', to: true }] }] : [],
    real: [{ set: 'result_success', to: 'continue-ok', why: 'On to those that take it down; they change nothing of the result.' }],
    after: [...(limited ? [failed] : []), { name: 'succeeded', query: lookups.loginSucceeded(who), rows: [{ set: 'skip', to: 'unauthenticated' }] }],
  };
};

/** Anvil's own penalty delays right passwords from an address where others failed. */
export const noPenalty: Node = {
  block: 'service',
  name: 'anvil',
  rows: [
    {
      block: 'unix_listener',
      name: 'anvil-auth-penalty',
      why: 'Not opened: the penalty delays right passwords, too. The first passdb limits instead.',
      rows: [
        { set: 'mode', to: '00', until: '2.4' },
        { set: 'mode', to: '0', from: '2.4' },
      ],
    },
  ],
};
