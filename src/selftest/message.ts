/** Small messages with a Message-ID of their own (RFC 5322), lines ended by CRLF. */
import type { Target } from './target.ts';

export interface Message {
  readonly id: string;
  readonly source: string;
}

/** Gerhard's test pattern: every spam filter rejects it. In two pieces, so that this file may be mailed. */
const GTUBE = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'].join('');

export const message = (
  target: Target,
  from: string,
  to: string,
  extra: { readonly spam?: boolean; readonly headers?: readonly string[] } = {},
): Message => {
  const id = `<${target.token()}@${target.servername}>`;
  const lines = [
    `From: <${from}>`,
    `To: <${to}>`,
    `Date: ${target.now().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    'Subject: Hauspost self-test',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    ...(extra.headers ?? []),
    '',
    extra.spam === true ? GTUBE : 'This message was sent by `hauspost selftest` and is removed by it.',
    '',
  ];
  return { id, source: lines.join('\r\n') };
};
