/** What a program on a host is answered when it asks for names, in the form of node:dns: for verifiers that run in the test itself. */
import type { ForeignHost } from './host.ts';

const strings = (value: string): string[] => [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));

const undotted = (name: string): string => name.replace(/\.$/, '');

const parsed = (type: string, value: string): unknown => {
  if (type === 'TXT') return strings(value);
  if (type !== 'MX') return undotted(value);
  const [priority, exchange = ''] = value.split(' ');
  return { priority: Number(priority), exchange: undotted(exchange) };
};

const no = (code: string): Error => Object.assign(new Error(code), { code });

/** Rejects with `ENOTFOUND`, `ENODATA` or `ESERVFAIL`, as `dns.promises.resolve` does. */
export const askingFrom =
  ({ must }: Pick<ForeignHost, 'must'>) =>
  async (name: string, type: string): Promise<unknown[]> => {
    const { stdout } = await must(['kdig', name, type]);
    const status = / status: (\w+);/.exec(stdout)?.[1] ?? '';
    if (status !== 'NOERROR') throw no(status === 'NXDOMAIN' ? 'ENOTFOUND' : 'ESERVFAIL');
    const answers = stdout.split('\n').flatMap((line) => {
      const [, of, value = ''] = /^[^;\s]\S*\s+\d+\s+IN\s+([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      return of === type ? [parsed(type, value)] : [];
    });
    if (answers.length === 0) throw no('ENODATA');
    return answers;
  };
