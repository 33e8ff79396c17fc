/** Unbound: names for the machine's mail daemons (unbound(8)). */
import { path } from '#base';
import { compareUnbound, renderUnbound, unboundOptions } from '#formats';
import { type Finding, listenersOf, type Probe, type RenderInput, type Service } from '#model';
import { unboundConfig } from './config.ts';

const FILE = path('/etc/unbound/unbound.conf');

const finding = (code: string, message: string): Finding => ({
  level: 'error',
  code,
  message,
  remedy: 'This is a defect of Hauspost; please report it.',
});

const misread = (message: string): Finding => ({ ...finding('unbound.misread', message), ofRendering: true });

/** Constant; FILE and the options come as arguments. Each answer ends with a line `--`; one that is refused, with `!!` before it. */
const ASK = 'file=$1; shift; for option; do unbound-checkconf -o "$option" "$file" || echo "!!"; echo "--"; done';

const ROOT_KEY = ['/usr/libexec/unbound-helper', 'root_trust_anchor_update'];

/** Before Unbound's first start there is no root key, which the checker wants to see; what is made here is thrown away with the room. */
const understood: Service['check'] = async (room, input) => {
  await room.run(ROOT_KEY);
  const whole = await room.run(['unbound-checkconf', FILE]);
  if (whole.code !== 0) return [finding('unbound.refused', `unbound-checkconf: ${(whole.stderr || whole.stdout).trim()}`)];
  const [clauses, version] = [unboundConfig(input), input.facts.versions.unbound];
  const options = unboundOptions(clauses, version);
  const ran = await room.run(['sh', '-c', ASK, 'ask', FILE, ...options]);
  const answered = ran.stdout.split('--\n').flatMap((answer, index) => {
    const option = options[index];
    return option === undefined || answer.endsWith('!!\n') ? [] : [[option, answer] as const];
  });
  return compareUnbound(clauses, version, new Map(answered)).map(({ key, expected, actual }) =>
    misread(`${key}: written ${expected}, understood ${actual ?? 'nothing'}`),
  );
};

/** `version.bind`-less liveness: a question for our own host name, over TCP (RFC 1035 4.2.2), answered without an error. */
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
  probes: (input) => [...new Set(listenersOf(input.wiring, 'unbound').map((listener) => listener.address))].map((address) => answers(input, address)),
};
