/** Does every door of Dovecot answer, in its protocol's words? Nothing here logs in or needs an account. */
import { type Facts, logOf } from '#machine';
import { type Finding, listenersOf, type Probe, reachable, type RenderInput, type Vantage } from '#model';

const WITHIN_MS = 15_000;
const ANSWER_MS = 5000;

type Target = Parameters<Vantage['talk']>[0];

interface Door {
  readonly name: string;
  readonly target: Target;
  readonly send?: string | Uint8Array;
  /** True once the answer is there; it is right only then. */
  readonly right: (answer: string) => boolean;
}

const u16 = (value: number): readonly number[] => [value >> 8, value & 255];
const sized = (bytes: readonly number[]): readonly number[] => [...u16(bytes.length), ...bytes];

/** A ClientHello of TLS 1.2 (RFC 5246 7.4.1.2) that offers ECDHE with either kind of certificate; the server answers with its own hello, or with an alert. */
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

const finding = (facts: Facts, door: Door, why: string): Finding => ({
  level: 'error',
  code: 'dovecot.no-answer',
  message: `Dovecot's ${door.name} does not answer: ${why}`,
  remedy: `Look at its log (${logOf(facts, 'dovecot')}); mail is deferred meanwhile.`,
});

const probe = (facts: Facts, door: Door): Probe => ({
  name: `dovecot ${door.name}`,
  within: WITHIN_MS,
  run: async (vantage) => {
    try {
      const answer = await vantage.talk(door.target, { ...(door.send === undefined ? {} : { send: door.send }), until: door.right, ms: ANSWER_MS });
      return door.right(answer) ? [] : [finding(facts, door, JSON.stringify(answer.slice(0, 80)))];
    } catch (error) {
      return [finding(facts, door, error instanceof Error ? error.message : String(error))];
    }
  },
});

const WORDS: Readonly<Record<string, Pick<Door, 'send' | 'right'>>> = {
  imap: { right: (answer) => /^\* OK \[CAPABILITY [^\]]*\bSTARTTLS\b/.test(answer) && answer.includes('\n') },
  imaps: { send: clientHello(), right: (answer) => answer.charCodeAt(0) === 22 && answer.length > 5 && answer.charCodeAt(5) === 2 },
  sieve: { right: (answer) => /^"STARTTLS"\r$/m.test(answer) && /^OK /m.test(answer) },
};

const network = ({ wiring }: RenderInput): readonly Door[] =>
  listenersOf(wiring, 'dovecot').flatMap(({ name, address, port }) => {
    const words = WORDS[name];
    return words === undefined ? [] : [{ name: `${name} on ${address}`, target: { host: reachable(address), port }, ...words }];
  });

/** Dovecot's authentication protocol 1.1: 2.4 says what it can only after the client's first lines. Postfix' policy protocol: SMTPD_POLICY_README. */
const local = ({ wiring: { sockets } }: RenderInput): readonly Door[] => [
  { name: 'lmtp', target: { socket: sockets.lmtp.path }, right: (answer) => /^220 .*\r\n/.test(answer) },
  {
    name: 'sasl',
    target: { socket: sockets.sasl.path },
    send: 'VERSION\t1\t1\nCPID\t1\n',
    right: (answer) => /^MECH\tPLAIN\t/m.test(answer) && /^DONE$/m.test(answer),
  },
  {
    name: 'quota-status',
    target: { socket: sockets['quota-status'].path },
    send: 'request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=nobody@invalid\nsize=1\n\n',
    right: (answer) => /^action=DUNNO\n\n/.test(answer),
  },
];

export const dovecotProbes = (input: RenderInput): readonly Probe[] => [...network(input), ...local(input)].map((door) => probe(input.facts, door));
