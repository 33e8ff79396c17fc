/** Rspamd's controller: HTTP on a Unix socket, where whoever may open it may teach (https://docs.rspamd.com, "Rspamd HTTP API", controller worker). */
import { connect } from 'node:net';
import { type AbsPath, failure } from '#base';

export type Class = 'spam' | 'ham';

export type Verdict = { readonly became: 'learned' } | { readonly became: 'known' } | { readonly became: 'refused'; readonly reason: string };

interface Answer {
  readonly status: number;
  readonly body: string;
}

const ANSWER_MS = 30_000;

/**
 * `Learn-Type: bulk` says that what Bayes would have known is to be learned all the same; without it, it is refused from 200 messages of each class on
 * (Rspamd's lua_bayes_learn.lua; 3.4, 3.12.1).
 * One request on a connection that ends with the answer. Not Node's HTTP: to a message that is too short Rspamd says 204 with a body (3.4,
 * 3.12.1), which RFC 9110, section 15.3.5 forbids and a strict parser refuses.
 */
const post = (path: AbsPath, resource: string, message: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path });
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const [, status, body] = /^HTTP\/1\.[01] ([0-9]{3}) .*?\r\n\r\n(.*)$/s.exec(text) ?? [];
      if (status === undefined || body === undefined) reject(new Error(`it says ${JSON.stringify(text.slice(0, 80))}`));
      else resolve({ status: Number(status), body });
    });
    socket.write(`POST ${resource} HTTP/1.0\r\nLearn-Type: bulk\r\nContent-Length: ${message.length}\r\n\r\n`);
    socket.write(message);
  });

const errorIn = (body: string): string => {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : body.trim();
  } catch {
    return body.trim();
  }
};

/** In front of it Rspamd names the message by its Message-ID, or `<undef>` where it has none; here it goes by its file. */
const reasonIn = (body: string): string => errorIn(body).replace(/^<[^<>]*>:? +/, '');

/** A whole message; throws `learning.no-filter` when the filter does not answer. */
export const teach = async (socket: AbsPath, as: Class, message: Buffer): Promise<Verdict> => {
  const answer = await post(socket, `/learn${as}`, message).catch((cause: unknown) => {
    throw failure({
      code: 'learning.no-filter',
      message: `Rspamd does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "'hauspost status' shows what does not run; what was learned so far is counted as known next time.",
      cause,
    });
  });
  if (answer.status === 200) return { became: 'learned' };
  const reason = reasonIn(answer.body);
  return answer.status === 208 || /already been learned/.test(reason) ? { became: 'known' } : { became: 'refused', reason };
};
