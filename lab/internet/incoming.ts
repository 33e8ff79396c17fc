/** Mail that hosts of the internet bring to a machine of ours on port 25, said to the letter, and what they are told. */
import type { Socket } from 'node:net';
import { dated } from '../dated.ts';
import { fetched } from '../mail.ts';
import type { Addresses } from '../network.ts';
import { type Reply, Smtp } from '../smtp.ts';
import type { ForeignHost } from './host.ts';
import type { Ours } from './ours.ts';
import { addressLines, reverseLines, type ZoneLine } from './zones.ts';

export const FAMILIES = ['v4', 'v6'] as const;
export type Family = (typeof FAMILIES)[number];

/** What is said of NAME.example alone: it may send from where its mail goes. */
export const domainLines = (name: string): readonly ZoneLine[] => [
  `${name}.example. MX 10 mail.${name}.example.`,
  `${name}.example. TXT "v=spf1 mx -all"`,
];

/** What a well-kept sender `mail.NAME.example` of `NAME.example` has in DNS. */
export const senderLines = (name: string, addresses: Addresses): readonly ZoneLine[] => [
  ...addressLines(`mail.${name}.example.`, addresses),
  ...reverseLines(addresses, `mail.${name}.example.`),
  ...domainLines(name),
];

export interface Call {
  /** An address of the host. */
  readonly from: string;
  readonly helo: string;
  /** Of the envelope. */
  readonly sender: string;
  /** `demo` if left out. */
  readonly to?: string;
  /** The message, if it is to be sent as well. */
  readonly text?: string;
  /** Says EHLO before it is greeted. */
  readonly early?: boolean;
}

export const called = (host: ForeignHost, { identity }: Ours, from: string): Promise<Socket> =>
  host.dial({ host: from.includes(':') ? identity.addresses.v6 : identity.addresses.v4, port: 25, localAddress: from });

/** As `mail.NAME.example` does, for somebody of NAME.example. */
export const callOf = (name: string, addresses: Addresses, family: Family): Call => ({
  from: addresses[family],
  helo: `mail.${name}.example`,
  sender: `friend@${name}.example`,
});

/** The first answer that is no agreement, else the last: to RCPT, or to the end of `text`. */
export const brought = async (host: ForeignHost, server: Ours, { from, helo, sender, to = server.demo.user, text, early }: Call): Promise<Reply> => {
  const socket = await called(host, server, from);
  const hello = `EHLO ${helo}`;
  if (early) socket.write(`${hello}\r\n`);
  const { smtp, greeting } = await Smtp.open(socket);
  try {
    // What answers an early EHLO stands behind the first line of a greeting that has no last one.
    let answer = early || greeting.code !== 220 ? greeting : await smtp.command(hello);
    for (const line of [`MAIL FROM:<${sender}>`, `RCPT TO:<${to}>`]) if (answer.code === 250) answer = await smtp.command(line);
    return text === undefined || answer.code !== 250 ? answer : await smtp.data(text);
  } finally {
    smtp.close();
  }
};

export const said = ({ code, lines }: Reply): string => `${code} ${lines.join(' ')}`;

/** An ordinary message with the Message-ID `<ID>`. */
export const letter = (id: string, from: string, to: string): string =>
  [
    `From: Ada <${from}>`,
    `To: <${to}>`,
    `Message-ID: <${id}>`,
    dated(),
    'Subject: Thursday',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `Hello, shall we meet on Thursday at the usual place? (${id})`,
    '',
  ].join('\r\n');

/** The octets of the message in INBOX of `demo`; waits for it. */
export const inbox = async (server: Ours, id: string, ms = 60_000): Promise<string> => {
  const imap = await server.imap(server.demo);
  try {
    return await fetched(imap, 'INBOX', `<${id}>`, ms);
  } finally {
    await imap.logout();
  }
};
