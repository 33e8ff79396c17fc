/**
 * An SMTP dialogue, line by line (RFC 5321), over any open socket: what a test wants to say, it says to the letter.
 * Octets travel as latin1 text.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface Reply {
  readonly code: number;
  /** All lines, without their codes. */
  readonly lines: readonly string[];
}

export interface TlsTrust {
  readonly ca: string;
  readonly servername: string;
}

const REPLY_MS = 60_000;

export class Smtp {
  #socket: Socket | TLSSocket;
  #rest = '';
  #end: Error | undefined;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket | TLSSocket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Waits for the greeting. */
  static async open(socket: Socket | TLSSocket): Promise<{ readonly smtp: Smtp; readonly greeting: Reply }> {
    const smtp = new Smtp(socket);
    return { smtp, greeting: await smtp.reply() };
  }

  #listen(): void {
    const ended = (error: Error): void => {
      this.#end = error;
      this.#wake();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#rest += chunk.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', ended).on('close', () => ended(new Error('the server closed the connection')));
  }

  /** The next reply. Rejects when the connection ends first. */
  async reply(): Promise<Reply> {
    const timer = setTimeout(() => this.#socket.destroy(new Error('no reply within a minute')), REPLY_MS);
    try {
      for (;;) {
        const match = /^(?:[0-9]{3}-[^\n]*\n)*([0-9]{3})(?: [^\n]*)?\r?\n/.exec(this.#rest);
        if (match !== null) {
          this.#rest = this.#rest.slice(match[0].length);
          const lines = match[0].split('\r\n').filter((line) => line !== '');
          return { code: Number(match[1]), lines: lines.map((line) => line.slice(4)) };
        }
        if (this.#end !== undefined) throw this.#end;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  send(text: string): void {
    this.#socket.write(Buffer.from(text, 'latin1'));
  }

  command(line: string): Promise<Reply> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  async startTls(trust: TlsTrust): Promise<void> {
    const answer = await this.command('STARTTLS');
    if (answer.code !== 220) throw new Error(`STARTTLS: ${answer.code} ${answer.lines.join(' ')}`);
    this.#socket.removeAllListeners();
    const secure = connectTls({ socket: this.#socket, ...trust });
    await once(secure, 'secureConnect');
    this.#socket = secure;
    this.#listen();
  }

  /** DATA and the message (CRLF lines, not yet dot-stuffed); the reply to its end, or to DATA where that is refused. */
  async data(message: string): Promise<Reply> {
    const asked = await this.command('DATA');
    if (asked.code !== 354) return asked;
    this.send(`${message.replace(/^\./gm, '..').replace(/(?:\r\n)?$/, '\r\n')}.\r\n`);
    return this.reply();
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}
