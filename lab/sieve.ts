/** A ManageSieve dialogue (RFC 5804), command by command. */
import type { Socket } from 'node:net';
import { Dialogue, type TlsTrust } from './dialogue.ts';

export interface SieveReply {
  readonly status: 'OK' | 'NO' | 'BYE';
  /** What came before the status, and the words after it; a literal there is written out. */
  readonly lines: string;
  readonly words: string;
}

/** Lines of a reply begin with a quoted string or a literal; the last with the status (RFC 5804 4). */
const REPLY = /^((?:(?!OK|NO|BYE)[^\n]*\n)*)(OK|NO|BYE)([^\n]*)\r\n/;

export class ManageSieve {
  readonly #dialogue: Dialogue;

  private constructor(dialogue: Dialogue) {
    this.#dialogue = dialogue;
  }

  /** Waits for the capabilities that the server greets with. */
  static async open(socket: Socket): Promise<{ readonly sieve: ManageSieve; readonly capabilities: string }> {
    const sieve = new ManageSieve(new Dialogue(socket));
    return { sieve, capabilities: (await sieve.reply()).lines };
  }

  async reply(): Promise<SieveReply> {
    const [, lines = '', status = '', words = ''] = await this.#dialogue.take(REPLY);
    const literal = /\{([0-9]+)\}$/.exec(words);
    const written = literal === null ? '' : (await this.#dialogue.take(new RegExp(`^[^]{${literal[1]}}\r\n`)))[0];
    return { status: status as SieveReply['status'], lines, words: words + written };
  }

  command(line: string): Promise<SieveReply> {
    this.#dialogue.send(`${line}\r\n`);
    return this.reply();
  }

  /** The capabilities that hold under TLS. */
  async startTls(trust: TlsTrust): Promise<string> {
    const { status, words } = await this.command('STARTTLS');
    if (status !== 'OK') throw new Error(`STARTTLS: ${status}${words}`);
    await this.#dialogue.secure(trust);
    return (await this.reply()).lines;
  }

  login({ user, pass }: { readonly user: string; readonly pass: string }): Promise<SieveReply> {
    return this.command(`AUTHENTICATE "PLAIN" "${Buffer.from(`\0${user}\0${pass}`).toString('base64')}"`);
  }

  /** PUTSCRIPT with a literal that waits for no permission. */
  put(name: string, script: string): Promise<SieveReply> {
    return this.command(`PUTSCRIPT "${name}" {${script.length}+}\r\n${script}`);
  }

  close(): void {
    this.#dialogue.close();
  }
}
