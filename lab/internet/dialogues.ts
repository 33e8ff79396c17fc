/**
 * The lines of a dialogue by SMTP (RFC 5321) from the octets of its connection. Messages are left out, what follows AUTH as well, and
 * nothing is told once TLS has begun.
 */

export interface Piece {
  /** Said by the client; else by the server. */
  readonly client: boolean;
  /** As latin1. */
  readonly octets: string;
}

const END_OF_LINE = '\r\n';
const END_OF_MESSAGE = '\r\n.\r\n';

/** Control characters are shown as in `\x0a`. */
const shown = (line: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are looked for
  line.replace(/[\x00-\x1f\x7f]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`);

class Listener {
  readonly lines: string[] = [];
  readonly #rest = { C: '', S: '' };
  /** Octets of a chunk (RFC 3030) that are still to come. */
  #chunk = 0;
  #message = false;
  /** From AUTH until the answer that is no challenge (RFC 4954, section 4). */
  #secret = false;
  #asksForTls = false;
  #secure: boolean;

  constructor(secure: boolean) {
    this.#secure = secure;
  }

  #say(who: 'C' | 'S', line: string): void {
    this.lines.push(`${who}: ${shown(line)}`);
  }

  #command(line: string): void {
    this.#say('C', this.#secret ? '***' : line.replace(/^(AUTH +\S+) +\S.*/i, '$1 ***'));
    this.#secret ||= /^AUTH /i.test(line);
    this.#asksForTls ||= /^STARTTLS *$/i.test(line);
    this.#chunk = Number(/^BDAT +(\d+)/i.exec(line)?.[1] ?? 0);
  }

  /** The last line of a reply. */
  #answered(code: string): void {
    if (code !== '334') this.#secret = false;
    if (code === '220' && this.#asksForTls) this.#secure = true;
    if (code !== '354') return;
    this.#message = true;
    // What a message begins with may be its end.
    this.#rest.C = `${END_OF_LINE}${this.#rest.C}`;
  }

  #takeLine(who: 'C' | 'S'): string | undefined {
    const rest = this.#rest[who];
    const end = rest.indexOf(END_OF_LINE);
    if (end < 0) return undefined;
    this.#rest[who] = rest.slice(end + END_OF_LINE.length);
    return rest.slice(0, end);
  }

  /** Whether all of the message is there; of what is not, only so much is kept that its end is recognized. */
  #skipMessage(): boolean {
    const end = this.#rest.C.indexOf(END_OF_MESSAGE);
    this.#rest.C = end < 0 ? this.#rest.C.slice(1 - END_OF_MESSAGE.length) : this.#rest.C.slice(end + END_OF_MESSAGE.length);
    return end >= 0;
  }

  #client(): void {
    for (;;) {
      const skipped = Math.min(this.#chunk, this.#rest.C.length);
      this.#chunk -= skipped;
      this.#rest.C = this.#rest.C.slice(skipped);
      if (this.#message && !this.#skipMessage()) return;
      this.#message = false;
      const line = this.#chunk > 0 ? undefined : this.#takeLine('C');
      if (line === undefined) return;
      this.#command(line);
    }
  }

  #server(): void {
    for (let line = this.#takeLine('S'); line !== undefined && !this.#secure; line = this.#takeLine('S')) {
      this.#say('S', line);
      if (/^\d{3}(?: |$)/.test(line)) this.#answered(line.slice(0, 3));
    }
  }

  hear({ client, octets }: Piece): void {
    if (this.#secure) return;
    this.#rest[client ? 'C' : 'S'] += octets;
    if (client) this.#client();
    else this.#server();
  }

  /** What was begun and not ended. */
  end(): void {
    if (this.#secure) return;
    if (this.#rest.S !== '') this.#say('S', this.#rest.S);
    if (this.#rest.C !== '' && !this.#message) this.#say('C', this.#secret ? '***' : this.#rest.C);
  }
}

/** As `C: EHLO mail.house.example` and `S: 250 fine`. `secure`: TLS from the first octet. */
export const dialogueOf = (pieces: readonly Piece[], secure: boolean): readonly string[] => {
  const listener = new Listener(secure);
  for (const piece of pieces) listener.hear(piece);
  listener.end();
  return listener.lines;
};
