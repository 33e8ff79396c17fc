/**
 * Mail that did not get through to Dovecot, since it was just then reloaded or restarted, or was away: Postfix would try it again after five minutes to an hour.
 * Once Dovecot answers it is tried at once. What other servers put off keeps its time, and so does what Dovecot does not take; what was broken off since a script
 * takes too much CPU reads like a restart, and is tried once more as well.
 */
import { parsePostqueue, type Queued } from '#formats';
import type { Hands, RenderInput, ServiceName, Wiring } from '#model';
import { socketPath } from './sockets.ts';

/** Of a server that cannot be talked to (smtp_connect.c, smtp_trouble.c), also where mail was not tried since what went before had failed (qmgr_deliver.c). */
const UNREACHED = /^(?:delivery temporarily suspended: )?(?:connect to|lost connection with|conversation with) [^ []+\[([^\]]+)\]/;
/** What LMTP says where Dovecot's own processes do not answer it (lmtp-local.c). */
const AMONG_THEMSELVES = /^host [^ []+\[([^\]]+)\] said: 451 4\.3\.0 <[^>]*> Temporary internal error \(/;

/** Whether it is one that passes once the server at the socket answers. */
export const isUnreached = (socket: string, reason = ''): boolean =>
  [UNREACHED, AMONG_THEMSELVES].some((pattern) => pattern.exec(reason)?.[1] === socket);

/** A reload may still go on when the probes were answered, by processes of before; it is over within half a second (docs/dovecot.md). */
const RELOADED_MS = 500;
/** Between looks. An attempt that met a reload is over within four seconds of it, most at once. */
const PAUSES_MS: readonly number[] = [1000, 4000];
const RETRY_MS = 600_000;

interface Look {
  readonly putOff: readonly string[];
  /** What is just being delivered, or is about to be. Without recipients it is done already: what is being delivered when the queue manager is reloaded stays in `incoming` for a minute. */
  readonly underWay: ReadonlySet<string>;
}

const look = async (hands: Hands, wiring: Wiring): Promise<Look> => {
  const messages = parsePostqueue((await hands.run(['postqueue', '-j'])).stdout);
  const socket = socketPath(wiring, 'lmtp');
  const isPutOff = ({ recipients }: Queued): boolean => recipients.some(({ delay_reason: reason }) => isUnreached(socket, reason));
  const ids = (queues: readonly string[], which: (message: Queued) => boolean): readonly string[] =>
    messages.filter((each) => queues.includes(each.queue_name) && which(each)).map(({ queue_id: id }) => id);
  return {
    putOff: ids(['deferred', 'incoming'], isPutOff),
    underWay: new Set(ids(['active', 'incoming'], ({ recipients }) => recipients.length > 0)),
  };
};

/** postqueue(1) takes one id; it also has the queue manager forget that the server was away (flush.c). */
const retry = async (hands: Hands, ids: readonly string[]): Promise<void> => {
  if (ids.length > 0) await hands.run(['xargs', '-n', '1', 'postqueue', '-i'], { input: ids.join('\n'), ms: RETRY_MS });
};

/** Each message once: what fails again waits as usual. Where nothing is put off or under way it is one look. */
export const catchUp = async (hands: Hands, { wiring }: RenderInput, woken: ReadonlyMap<ServiceName, Date>): Promise<string | undefined> => {
  const { server } = wiring.sockets.lmtp;
  const since = woken.get(server);
  if (since === undefined) return undefined;
  await hands.pause(Math.max(0, since.getTime() + RELOADED_MS - hands.now().getTime()));
  const first = await look(hands, wiring);
  await retry(hands, first.putOff);
  const tried = new Set(first.putOff);
  const awaited = first.underWay.union(tried);
  let underWay: ReadonlySet<string> = awaited;
  for (const pause of PAUSES_MS) {
    if (awaited.isDisjointFrom(underWay)) break;
    await hands.pause(pause);
    const next = await look(hands, wiring);
    const others = next.putOff.filter((id) => !tried.has(id));
    await retry(hands, others);
    for (const id of others) tried.add(id);
    underWay = next.underWay;
  }
  return tried.size === 0 ? undefined : `mail that had not got through to ${server} is tried again (messages: ${tried.size})`;
};
