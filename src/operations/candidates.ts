/**
 * Of the names that mail programs guess those that the certificate has room for. What it has already comes first: a domain that is added takes nobody's
 * name out of it.
 */
import type { X509Certificate } from 'node:crypto';
import { domains } from '#directory';
import { clientNames } from '#dns';
import type { Finding, RenderInput } from '#model';
import { namesIn } from '#tls';
import { fitDomains } from './dkim.ts';
import { findingsOf, withDirectory } from './people.ts';

/** Let's Encrypt's limit for one certificate; the server's own name is one of them. */
export const MOST = 100;
/** Of those that might be asked for, so many are looked up. */
export const LOOKED_UP = 400;

interface Settings {
  readonly hostname: string;
}

const guessedOf = (names: readonly string[], { hostname }: Settings): readonly string[] =>
  clientNames(fitDomains(names)).filter((name) => name !== hostname);

export const heldFirst = (names: readonly string[], present: Pick<X509Certificate, 'checkHost'> | undefined): readonly string[] => {
  const { held = [], other = [] } = Object.groupBy(names, (name) => (present?.checkHost(name) === undefined ? 'other' : 'held'));
  return [...held, ...other];
};

/** All that may be wanted, the server's own not among them. */
export const guessedNames = async ({ settings }: Pick<RenderInput, 'settings'>): Promise<readonly string[]> =>
  guessedOf(await withDirectory(domains.names), settings);

/** Those that can be in it, if all lead here. */
export const roomFor = (names: readonly string[], settings: Settings, present: X509Certificate | undefined): readonly string[] =>
  heldFirst(guessedOf(names, settings), present).slice(0, MOST - 1);

const NAMED = 3;

/** Of a certificate of a public authority. */
export const roomFindings = (settings: Settings, leaf: X509Certificate): Promise<readonly Finding[]> =>
  findingsOf(async (directory) => {
    const all = guessedOf(await domains.names(directory), settings);
    const out = all.filter((name) => leaf.checkHost(name) === undefined);
    const isFull = namesIn(leaf).length >= MOST;
    if (out.length === 0 || (!isFull && all.length <= LOOKED_UP)) return [];
    const named = [...out.slice(0, NAMED), ...(out.length > NAMED ? [`${out.length - NAMED} more`] : [])].join(', ');
    const message = isFull
      ? `the certificate is full: it has ${MOST} names, and ${named} cannot be in it`
      : `of ${all.length} names for mail programs ${LOOKED_UP} are looked up for the certificate, and ${named} are not in it`;
    const remedy = `Tell people of these domains to use ${settings.hostname} as their server: its certificate is for that name.`;
    return [{ level: 'warning', code: 'tls.names-full', message, remedy }];
  });
