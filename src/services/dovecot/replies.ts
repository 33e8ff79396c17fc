/**
 * Mail that Sieve sends (vacation, reject, redirect) goes to Postfix by SMTP (RFC 5321) on a Unix socket, through a program of ours, which is
 * called like sendmail(1) and says whose script speaks. A vacation reply has its From as the sender, so that Postfix can tell whether
 * it belongs to the account (the filter takes it off again); all else keeps its sender. Whatever Postfix refuses ends with a status that
 * is not 0: then Pigeonhole has the message wait in the queue or, where another action was done already, keeps it in INBOX.
 */
import { path } from '#base';
import type { Item, RenderInput } from '#model';
import type { Subject } from './vocabulary.ts';

const PROGRAM = path('/usr/local/lib/hauspost/sieve-sendmail');

export const replies: Subject = (_input, { variables: { login } }) => ({
  rows: [{ set: 'sendmail_path', to: { template: [`${PROGRAM} `, login] }, why: 'Besides the account it gets -i -f SENDER -- RECIPIENT.' }],
});

/** Less than the thirty seconds that Dovecot waits for it. */
const SECONDS = 25;

/** Perl, since every Debian has it. */
const program = ({ wiring: { sockets } }: RenderInput): string => `#!/usr/bin/perl
# ACCOUNT -i -f SENDER -- RECIPIENT: a message of its Sieve script on standard input, to Postfix.
use strict;
use warnings;
use IO::Socket::UNIX;

alarm ${SECONDS};
my ($account, undef, undef, $sender, undef, $recipient) = @ARGV;

sub refused { print STDERR "mail of the Sieve script of $account to <$recipient>: @_\\n"; exit 75 }

my $header = '';
while (defined(my $line = <STDIN>)) {
  $header .= $line;
  last if $line =~ /^\\r?\\n/;
}
(my $unfolded = $header) =~ s/\\r?\\n([ \\t])/$1/g;

# What is redirected says so at its top, whatever its writer put into it. Below Auto-Submitted a reply has what its script wrote (:mime).
my ($above) = $unfolded =~ /\\A(.*?)^Auto-Submitted:[ \\t]*auto-replied \\(vacation\\)/msi;
my $reply = $sender eq '<>' && defined $above && $above !~ /^(Received|X-Sieve-Redirected-From)[ \\t]*:/mi;
if ($reply) {
  my ($from) = $above =~ /^From:[ \\t]*(.*?)\\s*$/mi;
  $sender = defined $from && $from =~ /<([^<>]*)>$/ ? $1 : $from // '';
  refused('its From has no address') unless $sender =~ /^[^\\s<>]+$/;
}
$sender =~ s/^<(.*)>$/$1/;

my $postfix = IO::Socket::UNIX->new(Peer => $reply ? '${sockets['sieve-reply'].path}' : '${sockets['sieve-pass'].path}') or refused($!);
$postfix->autoflush(0);
sub ask {
  my ($wanted, $line) = @_;
  print $postfix "$line\\r\\n" if defined $line;
  $postfix->flush;
  my $answer;
  do { $answer = <$postfix> // refused('Postfix hung up') } while $answer =~ /^...-/;
  refused($answer =~ s/\\s+$//r) unless $answer =~ /^$wanted/;
}

# xtext, RFC 3461 section 4.
(my $login = $account) =~ s/([^!-*,-<>-~])/sprintf '+%02X', ord $1/ge;
ask(220);
ask(250, 'EHLO localhost');
ask(220, "XCLIENT NAME=localhost ADDR=127.0.0.1 LOGIN=$login");
ask(250, 'EHLO localhost');
ask(250, "MAIL FROM:<$sender>");
ask(250, "RCPT TO:<$recipient>");
ask(354, 'DATA');
sub text {
  my ($line) = @_;
  $line =~ s/\\r?\\n?$//;
  $line =~ s/^\\./../;
  print $postfix "$line\\r\\n";
}
text($_) for $header =~ /[^\\n]*\\n|[^\\n]+/g;
while (defined(my $line = <STDIN>)) { text($line) }
ask(250, '.');
print $postfix "QUIT\\r\\n";
`;

export const replyItems = (input: RenderInput): readonly Item[] => [
  { kind: 'file', path: PROGRAM, text: [program(input)], owner: 'root:root', mode: 0o755, wakes: [] },
];
