/** Rspamd answers on its sockets: a milter's option negotiation as Postfix opens it, and the controller's /ping; an address that it cannot bind it does not mention. */
import { type Facts, logOf } from '#machine';
import { type Finding, listenersOf, type Probe, type RenderInput, type Vantage } from '#model';

/** The first start compiles patterns before it listens: 20 s of computing, and a machine may be slow or busy. Later starts take 1 s. */
const WITHIN_MS = 180_000;

/** SMFIC_OPTNEG of milter protocol 6: length, `O`, version, actions, steps; the answer has the same form (sendmail's mfdef.h). */
const NEGOTIATION = Uint8Array.of(0, 0, 0, 13, 0x4f, 0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff);

const silent = (facts: Facts, code: string, what: string, error: unknown): Finding => ({
  level: 'error',
  code: `rspamd.${code}`,
  message: `Rspamd${what} does not answer: ${error instanceof Error ? error.message : String(error)}`,
  remedy: `Look at its log (${logOf(facts, 'rspamd')}); mail is deferred meanwhile.`,
});

const asked = async (
  facts: Facts,
  vantage: Vantage,
  target: Parameters<Vantage['talk']>[0],
  dialogue: Parameters<Vantage['talk']>[1],
  code: string,
  what: string,
) => {
  try {
    const answer = await vantage.talk(target, dialogue);
    return dialogue.until(answer) ? [] : [silent(facts, code, what, new Error(JSON.stringify(answer.slice(0, 80))))];
  } catch (error) {
    return [silent(facts, code, what, error)];
  }
};

const pings = (facts: Facts, name: string, target: Parameters<Vantage['talk']>[0]): Probe => ({
  name: `rspamd ${name}`,
  within: WITHIN_MS,
  run: (vantage) =>
    asked(
      facts,
      vantage,
      target,
      { send: 'GET /ping HTTP/1.0\r\n\r\n', until: (answer) => answer.includes('pong'), ms: 5000 },
      'no-controller',
      `'s ${name}`,
    ),
});

export const rspamdProbes = ({ facts, wiring }: RenderInput): readonly Probe[] => [
  {
    name: 'rspamd milter',
    within: WITHIN_MS,
    run: (vantage) =>
      asked(
        facts,
        vantage,
        { socket: wiring.sockets.milter.path },
        { send: NEGOTIATION, until: (answer) => answer.length >= 17 && answer[4] === 'O', ms: 5000 },
        'no-milter',
        ' as a milter',
      ),
  },
  pings(facts, 'controller', { socket: wiring.sockets.controller.path }),
  ...listenersOf(wiring, 'rspamd').map(({ address, port }) => pings(facts, `controller on ${address}:${port}`, { host: address, port })),
];
