/**
 * The two ends of an alias. A source is an address of ours, or `@domain` for everything there that has no name of its own. A destination is any
 * address in the world: with a tag, with characters and upper case that our own accounts do not have. Both are plain text in the brand.
 */
import { type Domain, type MailAddress, operatorError, parseDomain, parseMailAddress } from '#base';

declare const brand: unique symbol;
/** `@domain`. */
export type CatchAll = string & { readonly [brand]: 'CatchAll' };
export type AliasSource = MailAddress | CatchAll;
/** An RFC 5321 dot-string address, at most 254 octets. */
export type Destination = string & { readonly [brand]: 'Destination' };

/** As the columns hold it; `local` is NULL for a catch-all. */
export interface Parts {
  readonly local: string | null;
  readonly domain: string;
}

export const parseAliasSource = (input: string): AliasSource => {
  if (input.startsWith('*@')) {
    throw operatorError({
      code: 'input.catch-all',
      message: `source ${JSON.stringify(input.slice(0, 300))} would be an address whose name is an asterisk`,
      remedy: `Write ${input.slice(1, 300)} for everything in the domain that has no name of its own.`,
      detail: { value: input.slice(0, 300) },
    });
  }
  return input.startsWith('@') ? (`@${parseDomain(input.slice(1))}` as CatchAll) : parseMailAddress(input);
};

const ATOM = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;

export const parseDestination = (input: string): Destination => {
  const no = (why: string, remedy = 'Write a whole address such as user@example.org.'): never => {
    const value = input.length > 80 ? `${input.slice(0, 77)}...` : input;
    throw operatorError({
      code: 'input.destination',
      message: `destination ${JSON.stringify(value)} ${why}`,
      remedy,
      detail: { value: input.slice(0, 300) },
    });
  };
  if (/[,;]/.test(input)) no('looks like several', 'Write a blank between them.');
  const at = input.lastIndexOf('@');
  if (at < 0) no("has no '@domain'");
  const local = input.slice(0, at);
  if (local === '') no("has nothing left of the '@'");
  if (local.length > 64) no(`has more than 64 characters left of the '@' (${local.length})`);
  if (!ATOM.test(local)) no("holds a character that is not allowed left of the '@'");
  const address = `${local}@${parseDomain(input.slice(at + 1))}`;
  if (address.length > 254) no('is longer than 254 characters');
  return address as Destination;
};

export const partsOf = (address: AliasSource | Destination): Parts => {
  const at = address.lastIndexOf('@');
  return { local: at === 0 ? null : address.slice(0, at), domain: address.slice(at + 1) };
};

/** Case does not tell two addresses of ours apart. */
export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Without the tag: `user+tag` is `user`. */
export const base = (local: string): string => local.split('+', 1)[0] ?? '';

/** For rows: what the columns hold, put together again. */
export const joined = (local: string | null, domain: string): string => `${local ?? ''}@${domain}`;

/** For rows whose CHECK or foreign key says that this is a domain of ours. */
export const asDomain = (column: string): Domain => column.toLowerCase() as Domain;
