/** What the self-test talks to, and as whom. */
import type { ConnectionOptions } from 'node:tls';
import type { Domain, MailAddress } from '#base';

export interface Login {
  readonly address: MailAddress;
  readonly password: string;
}

/** An address of this machine to come from; without one it is that of `host`, and not the first of its subnet, which Linux would take. */
export interface Place {
  readonly localAddress?: string | undefined;
}

export type Trust = Pick<ConnectionOptions, 'ca' | 'allowPartialTrustChain' | 'checkServerIdentity'>;

export interface Target {
  /** Where the mail ports are bound. */
  readonly host: string;
  /** Name in the server's certificate. */
  readonly servername: string;
  /** Which certificate is the right one, as tls.connect(Node) takes it. */
  readonly trust: Trust;
  /** A stranger's local address and the domain of his mail. */
  readonly stranger: Place & { readonly helo: string; readonly domain: string };
  readonly domain: Domain;
  /** Who answers for the server. Elsewhere: his mail is not this server's, and nothing is known of it here. Unread: that nobody receives it, in words. */
  readonly postmaster: { readonly address: MailAddress; readonly elsewhere: boolean; readonly unread: string | undefined };
  /** Gets mail, logs in everywhere. */
  readonly user: Login;
  /** Sends only. */
  readonly sender: Login;
  /** Leads to `user`. */
  readonly alias: MailAddress;
  readonly lmtpSocket: string;
  /** Answers TXT questions: the machine's resolver, or our own keys while DNS does not have them yet. */
  readonly resolveTxt: (name: string) => Promise<string[][]>;
  readonly now: () => Date;
  /** Asks until it holds; false after `ms`. */
  readonly waitFor: (condition: () => Promise<boolean>, ms: number) => Promise<boolean>;
  /** Octets, hexadecimal; makes each message its own. */
  readonly token: () => string;
}
