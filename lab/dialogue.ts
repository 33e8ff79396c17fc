/**
 * A dialogue over any open socket, as the protocols of mail hold it: what a test wants to say, it says to the letter, and what comes
 * back is taken piece by piece. TLS may begin in the middle (STARTTLS). Octets travel as latin1 text.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';

export interface TlsTrust {
  readonly ca: string;
  readonly servername: string;
}

/** Longer than Postfix waits for names that no server answers, on a busy machine. */
const ANSWER_MS = 120_000;

export class Dialogue {
  #socket: Socket | TLSSocket;
  #rest = '';
  #end: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket | TLSSocket) {
    this.#socket = socket;
    this.#listen();
  }

  #listen(): void {
    const ended = (error: Error): void => {
      this.#end ??= error;
      this.#wake();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#rest += chunk.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', ended).on('close', () => ended(new Error('the server closed the connection')));
  }

  /** Takes what `pattern` (anchored with ^, without flag m) matches; waits for it. Rejects when the connection ends first. */
  async take(pattern: RegExp, ms = ANSWER_MS): Promise<RegExpExecArray> {
    const late = (): Error => new Error(`no answer within ${ms / 1000} s, only ${JSON.stringify(this.#rest)}`);
    const timer = setTimeout(() => this.#socket.destroy(late()), ms);
    try {
      for (;;) {
        const match = pattern.exec(this.#rest);
        if (match !== null) {
          this.#rest = this.#rest.slice(match[0].length);
          return match;
        }
        if (this.#end !== undefined) throw new Error(`${this.#end.message}; it had said ${JSON.stringify(this.#rest)}`, { cause: this.#end });
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

  /** TLS from here on; answers with the certificate that was shown. */
  async secure(trust: TlsTrust): Promise<PeerCertificate> {
    this.#socket.removeAllListeners();
    const secure = connectTls({ socket: this.#socket, ...trust });
    const hungUp = once(secure, 'close').then(() => {
      throw new Error('the server closed the connection within the TLS handshake');
    });
    await Promise.race([once(secure, 'secureConnect', { signal: AbortSignal.timeout(ANSWER_MS) }), hungUp]);
    this.#socket = secure;
    this.#listen();
    return secure.getPeerCertificate();
  }

  /** Everything that the server says until it hangs up. */
  async untilEnd(): Promise<string> {
    return this.take(/^(?!)/).then(
      () => '',
      () => this.#rest,
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
