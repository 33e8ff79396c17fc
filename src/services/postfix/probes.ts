/** Does every door of Postfix answer, in its protocol's words? Nothing here logs in, names a recipient or sends mail. */
import { type Facts, logOf } from '#machine';
import { type Finding, type Listener, listenersOf, type Probe, reachable, type RenderInput } from '#model';

const WITHIN_MS = 15_000;
const ANSWER_MS = 5000;

interface Words {
  readonly send?: string | Uint8Array;
  /** The answer is complete. */
  readonly whole: (answer: string) => boolean;
  /** What is wrong with it, if anything. */
  readonly wrong: (answer: string) => string | undefined;
}

const u16 = (value: number): readonly number[] => [value >> 8, value & 255];
const sized = (bytes: readonly number[]): readonly number[] => [...u16(bytes.length), ...bytes];

/** A ClientHello of TLS 1.2 (RFC 5246 7.4.1.2) with ECDHE and either kind of certificate. */
const clientHello = (): Uint8Array => {
  const suites = [0xc02b, 0xc02f, 0xc02c, 0xc030].flatMap(u16);
  const extensions = [
    [...u16(10), ...sized(sized([0x001d, 0x0017, 0x0018].flatMap(u16)))], // supported_groups
    [...u16(11), ...sized([1, 0])], // ec_point_formats: uncompressed
    [...u16(13), ...sized(sized([0x0403, 0x0503, 0x0804, 0x0401].flatMap(u16)))], // signature_algorithms
  ].flat();
  const hello = [3, 3, ...new Array<number>(32).fill(0x2a), 0, ...sized(suites), 1, 0, ...sized(extensions)];
  return Uint8Array.from([22, 3, 1, ...sized([1, 0, ...sized(hello)])]);
};

const greets = (answer: string): string | undefined =>
  answer.startsWith('220 ') ? undefined : `it greets with ${JSON.stringify(answer.slice(0, 80))}`;

/** Says nothing: who talks before the greeting is taken for a spammer's program. */
const greeting: Words = { whole: (answer) => answer.includes('\n'), wrong: greets };

/** The server's hello: a handshake record (22) with message type 2. */
const tls: Words = {
  send: clientHello(),
  whole: (answer) => answer.length > 5,
  wrong: (answer) => (answer.charCodeAt(0) === 22 && answer.charCodeAt(5) === 2 ? undefined : 'it does not answer with TLS'),
};

const WORDS: Readonly<Record<string, Words>> = { smtp: greeting, submission: greeting, submissions: tls };

const finding = (facts: Facts, { name, address, port }: Listener, why: string): Finding => ({
  level: 'error',
  code: 'postfix.no-answer',
  message: `Postfix does not answer as ${name} on ${address} port ${port}: ${why}`,
  remedy: `Look at its log (${logOf(facts, 'postfix', facts.codename === 'bookworm' ? 'postfix@-' : 'postfix')}); other servers try again meanwhile.`,
});

const probe = (facts: Facts, listener: Listener, words: Words): Probe => ({
  name: `postfix ${listener.name} on ${listener.address}`,
  within: WITHIN_MS,
  run: async (vantage) => {
    try {
      const target = { host: reachable(listener.address), port: listener.port };
      const wrong = words.wrong(
        await vantage.talk(target, { ...(words.send === undefined ? {} : { send: words.send }), until: words.whole, ms: ANSWER_MS }),
      );
      return wrong === undefined ? [] : [finding(facts, listener, wrong)];
    } catch (error) {
      return [finding(facts, listener, error instanceof Error ? error.message : String(error))];
    }
  },
});

export const postfixProbes = ({ facts, wiring }: RenderInput): readonly Probe[] =>
  listenersOf(wiring, 'postfix').flatMap((listener) => {
    const words = WORDS[listener.name];
    return words === undefined ? [] : [probe(facts, listener, words)];
  });
