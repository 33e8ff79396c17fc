/** An SMTP dialogue (RFC 5321), line by line. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Dialogue, type TlsTrust } from './dialogue.ts';

export interface Reply {
  readonly code: number;
  /** All lines, without their codes. */
  readonly lines: readonly string[];
}

const REPLY = /^(?:[0-9]{3}-[^\n]*\n)*([0-9]{3})(?: [^\n]*)?\r?\n/;

export class Smtp {
  readonly #dialogue: Dialogue;

  private constructor(dialogue: Dialogue) {
    this.#dialogue = dialogue;
  }

  /** Waits for the greeting. */
  static async open(socket: Socket | TLSSocket): Promise<{ readonly smtp: Smtp; readonly greeting: Reply }> {
    const smtp = new Smtp(new Dialogue(socket));
    return { smtp, greeting: await smtp.reply() };
  }

  /** The next reply. Rejects when the connection ends first. */
  async reply(ms?: number): Promise<Reply> {
    const [whole, code] = await this.#dialogue.take(REPLY, ms);
    const lines = whole.split('\r\n').filter((line) => line !== '');
    return { code: Number(code), lines: lines.map((line) => line.slice(4)) };
  }

  send(text: string): void {
    this.#dialogue.send(text);
  }

  command(line: string): Promise<Reply> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /** `more` is sent in clear in the same breath, as somebody in the middle might. */
  async startTls(trust: TlsTrust, more = ''): Promise<void> {
    this.send(`STARTTLS\r\n${more}`);
    const answer = await this.reply();
    if (answer.code !== 220) throw new Error(`STARTTLS: ${answer.code} ${answer.lines.join(' ')}`);
    await this.#dialogue.secure(trust);
  }

  /** DATA and the message (CRLF lines, not yet dot-stuffed); the reply to its end, within `ms`, or to DATA where that is refused. */
  async data(message: string, ms?: number): Promise<Reply> {
    const asked = await this.command('DATA');
    if (asked.code !== 354) return asked;
    this.send(`${message.replace(/^\./gm, '..').replace(/(?:\r\n)?$/, '\r\n')}.\r\n`);
    return this.reply(ms);
  }

  close(): void {
    this.#dialogue.close();
  }
}
