/** What people are told of a test that failed: the dialogues that it held, and what the mail servers wrote meanwhile. Secrets are left out. */
import type { Login } from '../mail.ts';
import { type Conversation, told } from './recorder.ts';

export interface Heard {
  readonly conversations: readonly Conversation[];
  /** By the name of the host. */
  readonly logs: readonly (readonly [name: string, text: string])[];
  /** Whose passwords may stand in there. */
  readonly logins: readonly Login[];
  /** Other secrets, as they are. */
  readonly secrets: readonly string[];
}

/** Lines of Exim's log since then; each begins with its time, as `2026-11-28 15:04:05.678` (UTC), or belongs to the one before. */
export const linesSince = (log: string, from: Date): string => {
  const since = from.toISOString().slice(0, 23).replace('T', ' ');
  const lines = log.split('\n');
  const first = lines.findIndex((line) => /^\d{4}-\d\d-\d\d /.test(line) && line.slice(0, 23) >= since);
  return first < 0 ? '' : lines.slice(first).join('\n');
};

/** As they are, and as they travel (RFC 4616, and the LOGIN that came before it). */
const writtenAs = ({ user, pass }: Login): readonly string[] => [
  pass,
  ...[pass, `\0${user}\0${pass}`, `${user}\0${user}\0${pass}`].map((text) => Buffer.from(text).toString('base64')),
];

/** Of everything that was heard, what went on after `from`. */
export const report = ({ conversations, logs, logins, secrets }: Heard, from: Date): string => {
  const parts = [['dialogues', told(conversations.filter(({ last }) => last >= from))], ...logs];
  const text = parts.map(([title, words]) => `--- ${title}\n${words}`).join('\n');
  return [...secrets, ...logins.flatMap(writtenAs)].filter((secret) => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
};
