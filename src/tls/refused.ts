/** Why an authority did not sign, who must act, and what to do: one error for each of the reasons that an operator can do something about. */
import { environmentError, failure, HauspostError } from '#base';
import type { Conversation, Problem } from './problems.ts';

export interface Asked {
  readonly directory: string;
  readonly hostname: string;
  readonly challenge: 'http' | 'dns';
  readonly now: Date;
  /** openssl's verdict on the directory's certificate, where the authority did not answer. */
  readonly verdict: number | undefined;
}

/** x509_vfy.h */
const NOT_YET_VALID = 9;
const HAS_EXPIRED = 10;
/** What TLS and a courteous server differ by is less. */
const FAR_MS = 3_600_000;

const REACHED: Readonly<Record<Asked['challenge'], string>> = {
  http: "Port 80 of each name must be reached from outside, by every address that DNS has for it (IPv6 as well): see 'hauspost dns records', the router and any firewall.",
  dns: 'Every name server of the zone must show the record that was put there: see [dns] update_server, and whether each of them gets changes from it.',
};

interface Reason {
  readonly code: string;
  readonly what: string;
  /** `name`: that the authority speaks of, the server's own if it speaks of none. */
  readonly remedy: (asked: Asked, name: string) => string;
}

/** By type (RFC 8555 section 6.7). */
const REASONS: Readonly<Record<string, Reason>> = {
  rateLimited: {
    code: 'acme.rate-limited',
    what: 'has signed or refused too often lately',
    remedy: () => 'Wait: it is asked again by itself. Asking more often makes it later. What is served stays valid meanwhile.',
  },
  connection: { code: 'acme.challenge', what: 'cannot reach this server', remedy: ({ challenge }) => REACHED[challenge] },
  unauthorized: {
    code: 'acme.challenge',
    what: 'does not find its challenge here',
    remedy: ({ challenge }) => `Each name must lead to this server and to no other. ${REACHED[challenge]}`,
  },
  incorrectResponse: {
    code: 'acme.challenge',
    what: 'finds another answer to its challenge',
    remedy: ({ challenge }) => `Each name must lead to this server and to no other. ${REACHED[challenge]}`,
  },
  dns: {
    code: 'acme.dns',
    what: 'cannot look up a name',
    remedy: () => "See 'hauspost dns check': the name must be in DNS, and where its zone is signed (DNSSEC), the signatures must be right.",
  },
  caa: {
    code: 'acme.caa',
    what: 'is not the one that may sign, as a CAA record says',
    remedy: (_asked, name) => `Change the CAA record of ${name} or of a domain above it, or name the authority that it allows in tls.directory.`,
  },
  rejectedIdentifier: {
    code: 'acme.name',
    what: 'does not sign for such a name',
    remedy: ({ hostname }, name) =>
      name === hostname
        ? 'server.hostname must be a name below a public domain.'
        : `Ask the authority about ${name}; where DNS does not lead it here, nobody asks for it.`,
  },
  invalidContact: { code: 'acme.contact', what: 'does not take the address', remedy: () => 'Write another one in tls.email, or remove it.' },
  unsupportedContact: { code: 'acme.contact', what: 'does not take the address', remedy: () => 'Write another one in tls.email, or remove it.' },
  externalAccountRequired: {
    code: 'acme.account',
    what: 'wants an account that was made elsewhere',
    remedy: () => 'Name another authority in tls.directory; or ask it with a client of its own, and write source = "files".',
  },
  serverInternal: { code: 'acme.down', what: 'has a fault of its own', remedy: () => 'Wait: it is asked again by itself.' },
  badNonce: { code: 'acme.down', what: 'refuses its own nonces', remedy: () => 'Wait: it is asked again by itself.' },
};

const OTHER: Reason = { code: 'acme.refused', what: 'refuses', remedy: () => 'See what it says; it is asked again by itself.' };

const inWords = ({ name, detail, type }: Problem): string => `${name === undefined ? '' : `${name}: `}${detail} (${type})`;

const authority = ({ directory }: Asked): string => `the authority at ${new URL(directory).host}`;

const refused = (asked: Asked, problems: readonly Problem[]): HauspostError => {
  const [first] = problems;
  const reason = REASONS[first?.type ?? ''] ?? OTHER;
  return environmentError({
    code: reason.code,
    message: `${authority(asked)} ${reason.what}: ${problems.map(inWords).join('; ')}`,
    remedy: reason.remedy(asked, first?.name ?? asked.hostname),
    detail: { problems },
  });
};

const clockOff = (asked: Asked, there: string): HauspostError =>
  environmentError({
    code: 'acme.clock',
    message: `the clock of this machine says ${asked.now.toISOString().slice(0, 16).replace('T', ' ')} (UTC), and ${there}`,
    remedy: "Set it ('date'), and have a time service keep it right, such as Debian's systemd-timesyncd or chrony.",
  });

/** `... (Caused by NewConnectionError("<object at 0x...>: why"))`: of an error of Python's urllib3 the end alone says something to others. */
const innermost = (words: string): string => /\(Caused by [\s\S]*?\(["']<[^>]*>: ([\s\S]+?)["']\)+$/.exec(words.trim())?.[1] ?? words;

const unanswered = (asked: Asked, words: string): HauspostError => {
  const who = authority(asked);
  if (asked.verdict === NOT_YET_VALID) return clockOff(asked, `the certificate of ${who} begins later`);
  if (asked.verdict === HAS_EXPIRED) return clockOff(asked, `the certificate of ${who} has run out by then`);
  if (asked.verdict !== undefined && asked.verdict !== 0)
    return environmentError({
      code: 'acme.untrusted',
      message: `${who} shows a certificate that this machine does not trust (openssl says ${asked.verdict})`,
      remedy:
        "See tls.directory. An authority of your own: put its certificate into /usr/local/share/ca-certificates and run 'update-ca-certificates'.",
    });
  return environmentError({
    code: 'acme.down',
    message: `${who} does not answer${words === '' ? '' : `: ${innermost(words)}`}`,
    remedy:
      'Wait: it is asked again by itself. If others reach it: this machine must be able to look up its name (/etc/resolv.conf) and to connect to it.',
  });
};

/** The authority says another time; undefined where it says about the same. Whatever it signed, nobody here could say how long that is valid. */
export const clockRefusal = (asked: Asked, { date }: Pick<Conversation, 'date'>): HauspostError | undefined =>
  date === undefined || Math.abs(date.getTime() - asked.now.getTime()) <= FAR_MS
    ? undefined
    : clockOff(asked, `${authority(asked)} says ${date.toISOString().slice(0, 16).replace('T', ' ')}`);

/** Problems of one name, which others of the same order need not have. */
const OF_A_NAME = new Set(['rejectedIdentifier', 'caa', 'dns', 'connection', 'unauthorized', 'incorrectResponse']);

/** Of `names` those that an authority has refused, where each of its problems is about one of them; else none. */
export const refusedNames = (error: unknown, names: readonly string[]): readonly string[] => {
  const problems = (error instanceof HauspostError ? (error.detail['problems'] as readonly Problem[] | undefined) : undefined) ?? [];
  const isAboutOne = ({ type, name = '' }: Problem): boolean => OF_A_NAME.has(type) && names.includes(name);
  return problems.every(isAboutOne) ? names.filter((name) => problems.some((problem) => problem.name === name)) : [];
};

/** `said` of an attempt that brought no certificate. */
export const refusalOf = (asked: Asked, said: Conversation): HauspostError => {
  const { answered, problems, words } = said;
  const clock = clockRefusal(asked, said);
  if (clock !== undefined) return clock;
  if (problems.length > 0) return refused(asked, problems);
  if (!answered) return unanswered(asked, words);
  return failure({
    code: 'acme.failed',
    message: `certbot ended without a certificate: ${words}`,
    remedy: 'See /var/lib/hauspost/acme/attempt/log.',
  });
};
