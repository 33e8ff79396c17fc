/**
 * What others make of DKIM signatures: four verifiers that share no code with each other or with Rspamd, with keys from DNS as the foreign hosts see it:
 * Exim's own, mailauth, dkimpy and Mail::DKIM.
 */
import { signatures } from '../dkim.ts';
import { succeeded } from '../process.ts';
import type { EximServer } from './exim.ts';

const DKIMPY = `
import sys, dkim
data = sys.stdin.buffer.read()
for n in range(sum(name.lower() == b'dkim-signature' for name, _ in dkim.DKIM(data).headers)):
    each = dkim.DKIM(data)
    try: good = each.verify(idx=n)
    except dkim.DKIMException: good = False
    print(each.domain.decode(), 'pass' if good else 'fail')`;
/** Of Debian 12 it does not know Ed25519 (1.20230212): it stands for all those who look at RSA alone. */
const MAIL_DKIM = `use Mail::DKIM::Verifier; my $v = Mail::DKIM::Verifier->new; while (<STDIN>) { s/\\015?\\012$/\\015\\012/; $v->PRINT($_) }
$v->CLOSE; print join(' ', $_->domain, $_->result eq 'pass' ? 'pass' : 'fail'), "\\n" for grep { $_->algorithm =~ /^rsa/ } $v->signatures`;

/** What the resolver of the foreign hosts answers. */
const textRecords =
  ({ host }: EximServer) =>
  async (name: string): Promise<string[][]> => {
    const { stdout } = await host.must(['kdig', '+short', name, 'TXT']);
    const strings = (line: string): string[] => [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [strings(line)]));
  };

/** By Exim's log of the message that it wrote down as `text`; a line of its own says why headers do not fit. */
export const byExim = async ({ log }: EximServer, text: string): Promise<readonly string[]> => {
  const id = /\bid (\w{6}-\w+-\w+)/.exec(text)?.[1] ?? 'none';
  const lines = (await log()).split('\n').filter((line) => line.includes(` ${id} DKIM: d=`));
  return lines.map((line) => `${/ d=(\S+)/.exec(line)?.[1]} ${line.endsWith('[verification succeeded]') ? 'pass' : 'fail'}`);
};

/** Domain and result of each signature, by verifier. */
export type Verdicts = Readonly<Record<string, readonly string[]>>;

/** Of a message as Exim wrote it down. */
export const verdicts = async (there: EximServer, text: string): Promise<Verdicts> => {
  const input = text.replace(/\r?\n/g, '\r\n');
  const asked = async (...argv: readonly [string, ...string[]]): Promise<readonly string[]> => {
    const { stdout } = succeeded(argv, await there.host.room.run(argv, { input: Buffer.from(input, 'latin1') }));
    return stdout.split('\n').filter((line) => line !== '');
  };
  const mailauth = await signatures(input, textRecords(there));
  return {
    exim: await byExim(there, text),
    mailauth: mailauth.map((line) =>
      line
        .split(' ')
        .slice(0, 2)
        .join(' ')
        .replace(/ (?!pass).*/, ' fail'),
    ),
    dkimpy: await asked('python3', '-c', DKIMPY),
    mailDkim: await asked('perl', '-e', MAIL_DKIM),
  };
};

/** All of them say so of RSA, and those that know Ed25519 of that as well. */
export const unanimous = (verdict: string): Verdicts => ({
  exim: [verdict, verdict],
  mailauth: [verdict, verdict],
  dkimpy: [verdict, verdict],
  mailDkim: [verdict],
});
