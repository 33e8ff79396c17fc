/** What a machine of ours says that DNS is to show, as lines of the lab's zones, and how it gets there. */
import { json, ok, text } from '../people.ts';
import type { Internet } from './internet.ts';
import type { Ours } from './ours.ts';
import type { ZoneLine } from './zones.ts';

interface Records {
  readonly records: readonly { readonly name: string; readonly type: string }[];
  readonly reverse: readonly { readonly name: string; readonly data: { readonly target: string } }[];
}

const linesIn = (zone: string): readonly ZoneLine[] =>
  zone.split('\n').flatMap((line) => {
    const [, name, rest] = /^(\S+) \d+ IN (.+)$/.exec(line) ?? [];
    return name === undefined ? [] : [`${name} ${rest}`];
  });

export const printed = async (server: Ours, domain: string): Promise<readonly ZoneLine[]> => {
  const zone = linesIn(await text(server, 'dns', 'records', domain, '--zone'));
  const { reverse } = (await json(server, 'dns', 'records', domain)) as Records;
  return [...zone, ...reverse.map(({ name, data }) => `${name}. PTR ${data.target}.`)];
};

/** `NAME TYPE` of a line: all records of that type. */
const place = (line: ZoneLine): ZoneLine => line.split(' ').slice(0, 2).join(' ');

/** What the lab published goes; what was printed comes, as far as it is `wanted`. */
export const publish = async (
  net: Internet,
  server: Ours,
  domain: string,
  wanted: (line: ZoneLine) => boolean = () => true,
): Promise<readonly ZoneLine[]> => {
  const lines = await printed(server, domain);
  await net.names.replace([...new Set(lines.map(place))], lines.filter(wanted));
  return lines;
};

/** The resolver remembers nothing of what was there before. */
export const forget = async ({ machine }: Ours, ...zones: readonly string[]): Promise<void> => {
  const script = 'for zone; do unbound-control -c /etc/unbound/unbound.conf flush_zone "$zone"; done';
  ok(await machine.run(['sh', '-c', script, 'forget', ...zones]));
};
