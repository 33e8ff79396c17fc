/**
 * `dkim import`: a key that others know already, such as the one that the how-to made for all domains (selector 2017). What DNS shows by its name decides:
 * where every server shows it, it signs at once; where nothing is there, it waits like any next key; where something else is there, it is refused.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { type AbsPath, type Domain, operatorError, parseAbsPath, parseDomain } from '#base';
import { addPending, type ImportedKey, keysOf, parseSelector, readPrivateKey, recordName, type Seen } from '#dkim';
import { dkimRecordText } from '#formats';
import type { Finding, RenderInput } from '#model';
import { loadInput } from './desired.ts';
import { servedDomains } from './dkim-domains.ts';
import { asRotated, rotated } from './dkim-rotate.ts';
import { turnKeys, withDkimLock } from './dkim-turn.ts';
import { type Look, lookAtKeys } from './dkim-view.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned } from './people.ts';
import { keyringOf } from './secrets.ts';

interface Typed {
  readonly domain?: string | undefined;
  readonly selector?: string | undefined;
  readonly file?: string | undefined;
  readonly all?: boolean | undefined;
}

const usage = (message: string): Error => operatorError({ code: 'usage.value', message, remedy: "See 'hauspost dkim import --help'." });

/** With --all no domain is named, and the other words stand one further to the left. */
const words = ({ domain, selector, file, all }: Typed): { readonly domain: string | undefined; readonly selector: string; readonly file: string } => {
  const [first, name, from] = all === true ? [undefined, domain, selector] : [domain, selector, file];
  if (all === true && file !== undefined) throw usage('with --all no domain is named: hauspost dkim import --all SELECTOR FILE');
  if (all !== true && first === undefined) throw usage('DOMAIN is missing, or --all');
  if (name === undefined) throw usage('SELECTOR is missing');
  if (from === undefined) throw usage('FILE is missing');
  return { domain: first, selector: name, file: from };
};

/** Of the shell it came from; an absolute one as it stands, so that what is odd about it is named. */
const fileOf = (given: string): AbsPath => parseAbsPath(given === '' || given.startsWith('/') ? given : resolve(given));

/** RFC 1035 section 2.3.4, without the dot at the end. */
const NAME_OCTETS = 253;

/** Whether it is there already. */
const isThere = async (context: Context, domain: Domain, selector: string, { publicKey }: ImportedKey): Promise<boolean> => {
  const name = recordName({ domain, selector });
  if (name.length > NAME_OCTETS)
    throw operatorError({
      code: 'dkim.selector',
      message: `${name} would be longer than ${NAME_OCTETS} characters`,
      remedy: 'Choose a shorter selector.',
    });
  const same = (await keysOf(keyringOf(context), domain)).find((key) => key.selector === selector);
  if (same === undefined) return false;
  if (same.publicKey === publicKey) return true;
  throw operatorError({
    code: 'dkim.selector-taken',
    message: `${domain} has another key with the selector ${selector}`,
    remedy: `See 'hauspost dkim list ${domain}'.`,
    detail: { domain, selector },
  });
};

const SHOWN = 5;

const refuseOthers = (looks: ReadonlyMap<string, Look>, key: ImportedKey): void => {
  const lines = [...looks].flatMap(([name, { others }]) => others.map(({ server, text }) => `\n  ${name} at ${server}: ${text}`));
  if (lines.length === 0) return;
  throw operatorError({
    code: 'dkim.key-mismatch',
    message: `the key is not the one that DNS shows:${lines.slice(0, SHOWN).join('')}${lines.length > SHOWN ? `\n  and ${lines.length - SHOWN} more` : ''}\n  the file: ${dkimRecordText(key.publicKey)}`,
    remedy: 'Name the file that belongs to the record, or another selector, or remove the record first.',
  });
};

const weak = ({ bits }: ImportedKey): readonly Finding[] =>
  bits === null || bits >= 2048
    ? []
    : [
        {
          level: 'warning',
          code: 'dkim.weak-key',
          message: `RSA of ${bits} bits is less than the 2048 that RFC 8301 asks signers for`,
          remedy: "'hauspost dkim rotate' makes keys that follow it.",
        },
      ];

/** What DNS shows already was published by somebody, long ago as far as we know: nobody has to be waited for. */
const known = (looks: ReadonlyMap<string, Look>): ReadonlyMap<string, Seen> =>
  new Map([...looks].flatMap(([name, look]) => (look.everywhere ? [[name, { ...look, negativeTtl: 0 }] as const] : [])));

const imported = async (
  context: Context,
  input: RenderInput,
  served: readonly Domain[],
  chosen: readonly Domain[],
  selector: string,
  key: ImportedKey,
) => {
  const fresh: Domain[] = [];
  for (const domain of chosen) if (!(await isThere(context, domain, selector, key))) fresh.push(domain);
  const looks = await lookAtKeys(
    context,
    input,
    fresh.map((domain) => ({ domain, selector, publicKey: key.publicKey })),
  );
  refuseOthers(looks, key);
  for (const domain of fresh) await addPending(keyringOf(context), domain, selector, key.privatePem);
  const turns = await turnKeys(context, input, served, known(looks));
  return turns
    .filter(({ domain }) => chosen.some((name) => name === domain))
    .map((turn) => asRotated(turn, fresh.some((name) => name === turn.domain) ? [selector] : []));
};

export const importKey = operation({
  name: 'dkim import',
  summary: 'Takes a DKIM key that is published already, for a domain or for all; it signs when every server shows its record.',
  example: 'hauspost dkim import example.org 2017 /root/2017.key',
  positionals: [{ key: 'domain' }, { key: 'selector' }, { key: 'file' }],
  input: z.object({
    domain: z.string().optional().describe('the domain; with --all it is left out'),
    selector: z.string().optional().describe('what stands before ._domainkey in the name of the record'),
    file: z.string().optional().describe('the private key, PEM, without a passphrase, readable for root alone; a copy is kept'),
    all: z.boolean().optional().describe('for all domains: hauspost dkim import --all SELECTOR FILE'),
  }),
  output: z.object({ selector: z.string(), domains: z.array(rotated).readonly(), findings: z.array(finding).readonly() }),
  needs: 'server',
  run: async (context, input) => {
    const typed = words(input);
    const selector = parseSelector(typed.selector);
    const only = typed.domain === undefined ? undefined : parseDomain(typed.domain);
    const key = await readPrivateKey(context.machine, fileOf(typed.file));
    const served = await servedDomains();
    const chosen = only === undefined ? served.all : [served.one(only)];
    const rendered = await loadInput(context);
    const domains = await withDkimLock(context, 'hauspost dkim import', () => imported(context, rendered, served.all, chosen, selector, key));
    return { selector, domains, findings: warned(context, weak(key)) };
  },
});
