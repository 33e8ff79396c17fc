/**
 * Does nginx read what we wrote, and nothing else? `nginx -T` tests the configuration and prints every file that it read: these must
 * be our nginx.conf, unchanged, and the types of files, which have no effect beyond themselves.
 */
import { path, redacted } from '#base';
import { renderNginx } from '#formats';
import type { CheckRoom, Finding, Place, ReadText, RenderInput } from '#model';
import { at, extent, lineThat, ofRendering, placeNamed, readIn } from '../places.ts';
import { nginxConfig } from './config.ts';

export const CONF = path('/etc/nginx/nginx.conf');

const finding = (
  code: string,
  message: string,
  place?: Place,
  remedy = 'This is a defect of Hauspost; please report it with this output.',
): Finding => ({
  level: 'error',
  code: `nginx.${code}`,
  message,
  ...at(place),
  remedy,
});

const NOT_BOUND = /\bbind\(\) to (\S+) failed/;

/** Of a port that it cannot have it names the address, as it stands in `listen`. */
export const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const [, endpoint] = NOT_BOUND.exec(words) ?? [];
  if (endpoint === undefined) return placeNamed(words, read);
  return lineThat(CONF, await read(CONF), (line) => line.trim().startsWith(`listen ${endpoint} `));
};

/** The first line that is another. */
const differs = (written: string, read: string): readonly Finding[] => {
  const [ours, theirs] = [written.trimEnd().split('\n'), read.trimEnd().split('\n')];
  const index = [...ours, ...theirs].findIndex((_, number) => ours[number] !== theirs[number]);
  const shown = ([ours[index], theirs[index]] as const).map((line) => JSON.stringify(line?.trim() ?? null));
  if (index < 0) return [];
  return [ofRendering(finding('misread', `written ${shown[0]}, read ${shown[1]}`, { file: CONF, ...extent(written, index + 1) }))];
};

/** The only files that nginx opens and that are the operator's. */
const yours = ({ settings: { tls } }: RenderInput): string | undefined =>
  tls.source === 'files' ? `If it names ${tls.key} or ${tls.chain}, mend that file; else please report this with this output.` : undefined;

/** Constant. nginx binds its addresses even to test them: in a network of its own, where they are nobody's and may be bound all the same. */
const SCRIPT = `for family in ipv4 ipv6; do
  file=/proc/sys/net/$family/ip_nonlocal_bind
  if [ -e "$file" ]; then echo 1 > "$file"; fi
done
exec /usr/sbin/nginx -T -e stderr`;

/** The files of `nginx -T`, by path. */
export const filesRead = (stdout: string): ReadonlyMap<string, string> =>
  new Map(
    stdout
      .split(/^# configuration file (?=\/)/m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf(':\n');
        return [part.slice(0, end), part.slice(end + 2)] as const;
      }),
  );

export const checkNginx = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const { code, stdout, stderr } = await room.run(['unshare', '--net', '/bin/sh', '-c', SCRIPT], { ms: 20_000 });
  if (code !== 0) {
    const said = stderr.trim().slice(-2000);
    return [finding('config-refused', `nginx -T exits ${code}: ${said}`, await placeIn(said, readIn(room)), yours(input))];
  }
  const files = filesRead(stdout);
  const written = redacted(renderNginx(nginxConfig(input), input.facts.versions.nginx));
  const others = [...files.keys()].filter((file) => file !== CONF && file !== '/etc/nginx/mime.types');
  const warnings = stderr.split('\n').filter((line) => line.startsWith('nginx: [warn]'));
  return [
    ...differs(written, files.get(CONF) ?? ''),
    ...others.map((file) => finding('foreign-file', `nginx also read ${file}`)),
    ...(await Promise.all(warnings.map(async (line) => finding('warning', `nginx -T warns: ${line}`, await placeNamed(line, readIn(room)))))),
  ];
};
