/** `dns push` as an operator calls it: what names the server that takes changes, and what the command answers. */
import { NAME_SERVERS, type Ours } from '../internet/index.ts';
import { exits } from '../operator.ts';
import { ok } from '../people.ts';

export const PRIMARY = NAME_SERVERS.primary.v4;
export const KEY_FILE = '/etc/hauspost/dns-key';

interface Value {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

export interface Pushed {
  readonly pushed: boolean;
  readonly zones: readonly {
    readonly zone: string;
    readonly pushed: boolean;
    readonly added: readonly Value[];
    readonly changed: readonly { readonly name: string; readonly type: string }[];
    readonly removed: readonly Value[];
    readonly kept: readonly Value[];
    readonly foreign: readonly Value[];
    readonly conflicts: readonly { readonly name: string; readonly type: string; readonly found: readonly string[] }[];
  }[];
  readonly reverse: readonly { readonly address: string; readonly target: string }[];
  readonly findings: readonly { readonly code: string }[];
}

export const shell = async ({ machine }: Ours, script: string, input = ''): Promise<string> =>
  ok(await machine.run(['sh', '-c', script], { input })).stdout;

/** Replaces the section, which stands last. */
export const configure = (server: Ours, section: string): Promise<string> =>
  shell(server, "sed -i '/^\\[dns\\]/,$d' /etc/hauspost/hauspost.toml && cat >>/etc/hauspost/hauspost.toml", section);

export const section = (server = PRIMARY, more = ''): string => `[dns]\nupdate_server = "${server}"\nupdate_key_file = "${KEY_FILE}"\n${more}`;

export const push = async (server: Ours, code = 0, ...words: readonly string[]): Promise<Pushed> => {
  const { stdout } = await exits(server, code, 'dns', 'push', ...words, '--yes', '--json');
  return JSON.parse(stdout) as Pushed;
};

export const places = (list: readonly { readonly name: string; readonly type: string }[]): readonly string[] =>
  list.map(({ name, type }) => `${name}/${type}`).toSorted();
