/**
 * Does nginx read what we wrote, and nothing else? `nginx -T` tests the configuration and prints every file that it read: these must
 * be our nginx.conf, unchanged, and the types of files, which have no effect beyond themselves.
 */
import { redacted } from '#base';
import { renderNginx } from '#formats';
import type { CheckRoom, Finding, RenderInput } from '#model';
import { nginxConfig } from './config.ts';

const finding = (code: string, message: string, remedy = 'Report this as a defect, with this output.'): Finding => ({
  level: 'error',
  code: `nginx.${code}`,
  message,
  remedy,
});

/** The only files that nginx opens and that are the operator's. */
const yours = ({ settings: { tls } }: RenderInput): string | undefined =>
  tls.source === 'files' ? `If it names ${tls.key} or ${tls.chain}, mend that file; else report this as a defect, with this output.` : undefined;

/** Constant: the room has no network, and nginx binds its addresses even to test them; so all addresses may be bound there. */
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
  const { code, stdout, stderr } = await room.run(['/bin/sh', '-c', SCRIPT], { ms: 20_000 });
  if (code !== 0) return [finding('config-refused', `nginx -T exits ${code}: ${stderr.trim().slice(-2000)}`, yours(input))];
  const files = filesRead(stdout);
  const written = redacted(renderNginx(nginxConfig(input), input.facts.versions.nginx));
  const others = [...files.keys()].filter((file) => file !== '/etc/nginx/nginx.conf' && file !== '/etc/nginx/mime.types');
  return [
    ...(files.get('/etc/nginx/nginx.conf')?.trimEnd() === written.trimEnd()
      ? []
      : [{ ...finding('misunderstood', 'nginx read another nginx.conf than the one that was written'), ofRendering: true as const }]),
    ...others.map((file) => finding('foreign-file', `nginx also read ${file}`)),
    ...(/^nginx: \[warn\]/m.test(stderr) ? [finding('warning', `nginx -T warns: ${stderr.trim().slice(-2000)}`)] : []),
  ];
};
