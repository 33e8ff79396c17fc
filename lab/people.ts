/** Commands about domains, accounts and aliases on a served machine, and what the server then says of an address. */
import assert from 'node:assert/strict';
import { oneDocument } from './command.ts';
import { runMany } from './ready.ts';
import type { Login, Server } from './mail.ts';
import type { Output } from './process.ts';

export const NOTHING: Output = { code: -1, stdout: '', stderr: '' };

export const ok = (output: Output): Output => {
  assert.equal(output.code, 0, output.stderr);
  return output;
};

export const json = async (server: Server, ...words: readonly string[]): Promise<unknown> =>
  oneDocument(ok(await server.hauspost([...words, '--json'])));
export const text = async (server: Server, ...words: readonly string[]): Promise<string> => ok(await server.hauspost(words)).stdout;

/** What stands around the case that is tried: many commands in one process. */
export const orders = async ({ machine }: Server, ...lists: readonly (readonly string[])[]): Promise<readonly Output[]> =>
  (await runMany(machine, lists)).map(ok);

/** Documents of many commands. */
export const jsons = async (server: Server, ...lists: readonly (readonly string[])[]): Promise<readonly unknown[]> =>
  (await orders(server, ...lists.map((words) => [...words, '--json']))).map(oneDocument);

export const recipient = async (server: Server, address: string): Promise<number> => {
  const smtp = await server.stranger();
  await smtp.command('MAIL FROM:<someone@outside.test>');
  const { code } = await smtp.command(`RCPT TO:<${address}>`);
  smtp.close();
  return code;
};

export const canLogIn = (server: Server, login: Login): Promise<boolean> =>
  server.imap(login).then(
    async (imap) => {
      await imap.logout();
      return true;
    },
    (error: { authenticationFailed?: boolean }) => {
      if (error.authenticationFailed !== true) throw error;
      return false;
    },
  );
