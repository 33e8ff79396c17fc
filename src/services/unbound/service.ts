/** Unbound: names for the machine's mail daemons (unbound(8)). */
import { path, redacted } from '#base';
import { compareUnbound, renderUnbound, unboundOptions } from '#formats';
import { type Finding, listenersOf, type Place, type Probe, type ReadText, type RenderInput, type Service } from '#model';
import { at, lineThat, ofRendering, placeNamed, readIn, settingIn } from '../places.ts';
import { CONTROL, unboundConfig } from './config.ts';
import { KEY_ZONE } from './zones.ts';

const FILE = path('/etc/unbound/unbound.conf');

const finding = (code: string, message: string, place?: Place): Finding => ({
  level: 'error',
  code,
  message,
  ...at(place),
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/** Of a value that only shows when it is used it names the value alone: `for ::1 port 53`, `ip address: '192.0.2.533'`. */
const VALUE = /can't bind socket: .* for (\S+) port \d+|cannot parse [^']*'([^']+)'/;

const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const named = await placeNamed(words, read);
  const [, address, other] = VALUE.exec(words) ?? [];
  const value = address ?? other;
  if (named !== undefined || value === undefined) return named;
  return lineThat(FILE, await read(FILE), (line) => line.trimEnd().endsWith(` "${value}"`));
};

/** Constant; FILE and the options come as arguments. Each answer ends with a line `--`; one that is refused, with `!!` before it. */
const ASK = 'file=$1; shift; for option; do unbound-checkconf -o "$option" "$file" || echo "!!"; echo "--"; done';

const ROOT_KEY = ['/usr/libexec/unbound-helper', 'root_trust_anchor_update'];

/** Before Unbound's first start there is no root key, which the checker wants to see, nor that zone; what is made here is thrown away with the room. */
const understood: Service['check'] = async (room, input) => {
  await room.run(ROOT_KEY);
  await room.run(['touch', KEY_ZONE]);
  const whole = await room.run(['unbound-checkconf', FILE]);
  if (whole.code !== 0) {
    const said = (whole.stderr || whole.stdout).trim();
    return [finding('unbound.refused', `unbound-checkconf: ${said}`, await placeIn(said, readIn(room)))];
  }
  const [clauses, version] = [unboundConfig(input), input.facts.versions.unbound];
  const options = unboundOptions(clauses, version);
  const ran = await room.run(['sh', '-c', ASK, 'ask', FILE, ...options]);
  const answered = ran.stdout.split('--\n').flatMap((answer, index) => {
    const option = options[index];
    return option === undefined || answer.endsWith('!!\n') ? [] : [[option, answer] as const];
  });
  const text = redacted(renderUnbound(clauses, version));
  return compareUnbound(clauses, version, new Map(answered)).map(({ key, expected, actual }) =>
    ofRendering(finding('unbound.misread', `${key}: written ${expected}, understood ${actual ?? 'nothing'}`, settingIn(FILE, text, [key]))),
  );
};

/** `version.bind`-less liveness: a question for a name that Unbound itself knows, over TCP (RFC 1035 4.2.2), answered without an error. */
const question = (name: string): Buffer => {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const message = Buffer.concat([Buffer.from('2a2a01000001000000000000', 'hex'), ...labels, Buffer.from('0000010001', 'hex')]);
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
};

const answers = (input: RenderInput, address: string): Probe => ({
  name: `unbound answers on ${address}`,
  within: 10_000,
  run: async (vantage) => {
    const name = input.settings.profile === 'local' ? input.settings.hostname : 'localhost';
    const reply = Buffer.from(
      await vantage.talk({ host: address, port: 53 }, { send: question(name), until: (got) => got.length >= 14, ms: 3_000 }),
      'latin1',
    );
    const code = (reply[5] ?? 15) & 15;
    return code === 0 ? [] : [finding('unbound.no-answer', `the resolver on ${address} answers with code ${code} for ${name}`)];
  },
});

/** As Unbound tells addresses: without a zone, each once. */
const told = (addresses: readonly string[]): string => [...new Set(addresses.map((address) => address.replace(/%.*$/, '')))].toSorted().join();

/**
 * unbound-checkconf(8) prints nothing of `forward-zone`; whom it asks the running one tells, `. IN forward ADDRESS ...`. On a Unix socket what
 * unbound-control(8) says is plain text.
 */
const forwards = ({ forwarders }: RenderInput['settings']['resolver']): Probe => ({
  name: `unbound forwards to ${forwarders.join(', ')}`,
  within: 10_000,
  run: async (vantage) => {
    const reply = await vantage.talk({ socket: CONTROL }, { send: 'UBCT1 list_forwards\n', until: (got) => got.endsWith('\n'), ms: 3_000 });
    const same = told(reply.trim().split(' ').slice(3)) === told(forwarders);
    return same ? [] : [finding('unbound.forwards-elsewhere', `written forward-addr ${forwarders.join(' ')}, understood ${reply.trim()}`)];
  },
});

export const unbound: Service = {
  name: 'unbound',
  packages: () => ['unbound', 'dns-root-data'],
  unit: () => ({
    systemd: 'unbound.service',
    prepare: [ROOT_KEY],
    foreground: ['/usr/sbin/unbound', '-d', '-p'],
    reload: ['unbound-control', '-c', FILE, 'reload'],
  }),
  items: (input) => [
    {
      kind: 'file',
      path: FILE,
      text: renderUnbound(unboundConfig(input), input.facts.versions.unbound),
      owner: 'root:root',
      mode: 0o644,
      wakes: [{ service: 'unbound', by: 'restart' }],
    },
  ],
  check: understood,
  placeIn,
  probes: (input) => [
    ...[...new Set(listenersOf(input.wiring, 'unbound').map((listener) => listener.address))].map((address) => answers(input, address)),
    ...(input.settings.resolver.forwarders.length > 0 ? [forwards(input.settings.resolver)] : []),
  ],
};
