/** What an authority says of the time, before anything is asked of it. */
import type { Machine } from '#machine';

/** RFC 9110 section 6.6.1; undefined where nobody answers who is trusted. */
export const timeAt = async (machine: Machine, directory: string): Promise<Date | undefined> => {
  const { host, hostname, port, pathname } = new URL(directory);
  const whom = ['-connect', `${hostname}:${port || '443'}`, '-servername', hostname, '-verify_hostname', hostname, '-verify_return_error'];
  const input = `HEAD ${pathname} HTTP/1.0\r\nHost: ${host}\r\n\r\n`;
  const { stdout } = await machine.run(['timeout', '20', 'openssl', 's_client', '-quiet', ...whom], { input });
  const date = new Date(/^Date: (.+)$/im.exec(stdout)?.[1] ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
};
