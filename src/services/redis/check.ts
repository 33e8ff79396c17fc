/**
 * What does Redis make of its file? It has no dump, so one is started in the check room with the staged file, but on a socket of its
 * own below /tmp and without a data directory of ours, and asked for its settings. An unknown directive ends it at once.
 * It ends with the room, which has processes of its own and throws away what was written.
 */
import { path, redacted } from '#base';
import { isLines, isList, renderRedis, type Row, rowsFor } from '#formats';
import type { CheckRoom, Finding, Place, ReadText, RenderInput } from '#model';
import { at, extent, lineThat, ofRendering, readIn, settingIn } from '../places.ts';
import { rows } from './rows.ts';

export const CONF = path('/etc/redis/redis.conf');
const PROBE_SOCKET = '/tmp/hauspost-redis-check.sock';
/**
 * Constant; SOCKET, NAMES (blank separated) and then the server's argv come as arguments. Waits until the server answers or has ended.
 * In the foreground, because Redis 8.0 goes into the background before it reads its file, and exits 0 whatever is in it.
 */
const SCRIPT = `set -eu
socket=$1; names=$2; shift 2
{ "$@" >&2 || :; : > "$socket.ended"; } &
until redis-cli -s "$socket" PING >/dev/null 2>&1; do
  [ ! -e "$socket.ended" ]
  sleep 0.1
done
redis-cli -s "$socket" CONFIG GET $names
redis-cli -s "$socket" SHUTDOWN NOSAVE
`;

/** Changed for the probe, so that nothing of the running Redis is touched. */
const REPLACED: readonly (readonly [string, string])[] = [
  ['unixsocket', PROBE_SOCKET],
  ['pidfile', '/tmp/hauspost-redis-check.pid'],
  ['dir', '/tmp'],
];

const finding = (code: string, message: string, place?: Place): Finding => ({
  level: 'error',
  code: `redis.${code}`,
  message,
  ...at(place),
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/**
 * `Reading the configuration file, at line 7`; of a directive that it does not know, 8.0 only shows the line: `>>> 'x 1'`. Of a socket that it cannot
 * have it says no more than that. It has but one file.
 */
export const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const [, line] = /\bat line (\d+)\b/.exec(words) ?? [];
  const text = await read(CONF);
  if (line !== undefined) return { file: CONF, ...extent(text, Number(line)) };
  if (/\bUnix socket\b/i.test(words)) return settingIn(CONF, text, ['unixsocket']);
  const [, shown] = />>> '(.*)'/.exec(words) ?? [];
  return shown === undefined ? undefined : lineThat(CONF, text, (each) => each.replaceAll('"', '') === shown.replaceAll('"', ''));
};

/** `redis-cli` writes keys and values of CONFIG GET on alternating lines. */
const settings = (stdout: string): ReadonlyMap<string, string> => {
  const lines = stdout.split('\n');
  return new Map(lines.flatMap((line, index) => (index % 2 === 0 ? [[line, lines[index + 1] ?? ''] as const] : [])));
};

const written = ({ to }: Row): string => {
  const words = isLines(to) ? [] : isList(to) ? to : [to];
  return words.map((word) => (word === true ? 'yes' : word === false ? 'no' : String(word))).join(' ');
};

/** The directives that Redis reports otherwise than written, and how. */
export const misunderstood = (
  expected: readonly Row[],
  stdout: string,
): readonly { readonly name: string; readonly wanted: string; readonly got: string | undefined }[] => {
  const got = settings(stdout);
  return expected
    .filter((row) => !REPLACED.some(([name]) => name === row.set))
    .map((row) => ({ name: row.set, wanted: written(row), got: got.get(row.set) }))
    .filter(({ wanted, got: value }) => wanted !== value);
};

export const checkRedis = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const expected = rowsFor(input.facts.versions.redis, rows(input));
  const names = expected.map((row) => row.set).join(' ');
  const server = ['/usr/bin/redis-server', CONF, ...REPLACED.flatMap(([name, to]) => [`--${name}`, to])];
  const { code, stdout, stderr } = await room.run(['/bin/sh', '-c', SCRIPT, 'redis-check', PROBE_SOCKET, names, ...server], { ms: 20_000 });
  if (code !== 0) {
    const said = `${stderr}${stdout}`.trim().slice(-2000);
    return [finding('config-refused', `redis-server with the new file exits ${code}: ${said}`, await placeIn(said, readIn(room)))];
  }
  const text = redacted(renderRedis(rows(input), input.facts.versions.redis));
  return misunderstood(expected, stdout).map(({ name, wanted, got }) =>
    ofRendering(
      finding('misread', `${name}: written ${JSON.stringify(wanted)}, understood ${JSON.stringify(got ?? null)}`, settingIn(CONF, text, [name])),
    ),
  );
};
