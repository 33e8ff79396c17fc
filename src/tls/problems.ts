/**
 * What an authority had against a request, in its own words: problem documents (RFC 7807, RFC 8555 section 6.7), as certbot's log holds them. certbot itself
 * does not always pass them on: 2.1 ends with an AttributeError of Python where the authority says that it does not know the account.
 */

export interface Problem {
  /** Without `urn:ietf:params:acme:error:`. */
  readonly type: string;
  readonly detail: string;
  /** That it is about, if it is about one and says so, be it in words alone. */
  readonly name?: string;
}

export interface Conversation {
  /** Whether the authority answered at all. */
  readonly answered: boolean;
  /** What it says of the time (RFC 9110 section 6.6.1), last. */
  readonly date: Date | undefined;
  /** Those that count in the end. */
  readonly problems: readonly Problem[];
  /** certbot's own last words, where there are some. */
  readonly words: string;
}

const PREFIX = 'urn:ietf:params:acme:error:';
/** It is answered by trying again with another one, and counts only where there is nothing else. */
const NONCE = 'badNonce';

/** Each begins a line with time, level and module. */
const ENTRY = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}:/m;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const documentIn = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const found: unknown = JSON.parse(body);
    return isRecord(found) ? found : {};
  } catch {
    return {}; // a certificate, or nothing
  }
};

/** An authority that refuses one name of an order need not say apart from its words which (RFC 8555 section 6.7.1 is about several). */
const IN_WORDS: Readonly<Record<string, RegExp>> = {
  rejectedIdentifier: /"((?:[a-z0-9-]+\.)+[a-z0-9-]+)"/i,
  caa: /\bCAA for ((?:[a-z0-9-]+\.)+[a-z0-9-]+)\b/i,
};

const problemIn = (found: unknown, name?: string): readonly Problem[] => {
  if (!isRecord(found) || typeof found['type'] !== 'string' || !found['type'].startsWith(PREFIX)) return [];
  const [type, detail] = [found['type'].slice(PREFIX.length), String(found['detail'] ?? '')];
  const { subproblems } = found;
  const parts = Array.isArray(subproblems) ? subproblems.flatMap((part: unknown) => problemIn(part, identifierOf(part))) : [];
  if (parts.length > 0) return parts;
  const about = name ?? IN_WORDS[type]?.exec(detail)?.[1];
  return [{ type, detail, ...(about === undefined ? {} : { name: about }) }];
};

const identifierOf = (found: unknown): string | undefined => {
  const identifier = isRecord(found) ? found['identifier'] : undefined;
  return isRecord(identifier) && typeof identifier['value'] === 'string' ? identifier['value'] : undefined;
};

/** Of an authorization: the errors of its challenges (section 7.1.4); of an order, or instead of what was asked for: its own. */
const problemsOf = (document: Readonly<Record<string, unknown>>): readonly Problem[] => {
  const challenges = Array.isArray(document['challenges']) ? document['challenges'] : [];
  const name = identifierOf(document);
  return [
    ...problemIn(document),
    ...problemIn(document['error']),
    ...challenges.flatMap((challenge: unknown) => (isRecord(challenge) ? problemIn(challenge['error'], name) : [])),
  ];
};

const RESPONSE = ':acme.client:Received response:\n';

const unlike = (problems: readonly Problem[]): readonly Problem[] => [...new Map(problems.map((each) => [JSON.stringify(each), each])).values()];

/** `log` is that of one run. */
export const conversationIn = (log: string): Conversation => {
  const entries = log.split(ENTRY);
  const responses = entries.flatMap((entry) => {
    const at = entry.indexOf(RESPONSE);
    return at < 0 ? [] : [entry.slice(at + RESPONSE.length)];
  });
  const found = responses.flatMap((response) => problemsOf(documentIn(response.slice(response.indexOf('\n\n') + 2))));
  const counts = found.filter(({ type }) => type !== NONCE);
  const dates = responses.flatMap((response) => /^Date: (.+)$/m.exec(response)?.slice(1) ?? []);
  const errors = entries.flatMap((entry) => /^ERROR:certbot\._internal\.log:(.*)$/s.exec(entry)?.slice(1) ?? []);
  return {
    answered: responses.length > 0,
    date: dates.length === 0 ? undefined : new Date(dates.at(-1) ?? ''),
    problems: unlike(counts.length > 0 ? counts : found.slice(-1)),
    words: errors.at(-1)?.trim() ?? '',
  };
};
