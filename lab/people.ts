/** Commands about domains, accounts and aliases on a served machine, and what the server then says of an address. */
import assert from 'node:assert/strict';
import { oneDocument } from './command.ts';
import { dated } from './dated.ts';
import { fetched } from './mail.ts';
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

/** A mail from outside, waited for in the INBOX of `login`; `id` without brackets. */
export const deliver = async (server: Server, login: Login, id: string): Promise<void> => {
  const smtp = await server.stranger();
  assert.equal((await smtp.command('MAIL FROM:<someone@outside.test>')).code, 250);
  assert.equal((await smtp.command(`RCPT TO:<${login.user}>`)).code, 250);
  const head = `From: someone@outside.test\r\nTo: ${login.user}\r\nMessage-ID: <${id}>\r\n${dated()}\r\nSubject: ${id}\r\n`;
  assert.equal((await smtp.data(`${head}\r\ntext\r\n`)).code, 250);
  smtp.close();
  const imap = await server.imap(login);
  await fetched(imap, 'INBOX', `<${id}>`);
  await imap.logout();
};

/** How many messages INBOX holds. */
export const messages = async (server: Server, login: Login): Promise<number> => {
  const imap = await server.imap(login);
  const inbox = await imap.status('INBOX', { messages: true });
  await imap.logout();
  return inbox === false ? -1 : (inbox.messages ?? -1);
};
