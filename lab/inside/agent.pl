# Runs programs in a room or machine for the test process outside (lab/agent.ts), one process of a few MB that stays: to fork a Node and to go through
# nsenter(1), setpriv(1) and env(1) takes several times what most programs take themselves. perl-base is on every Debian.
#
# On standard input, frames of three numbers (32 bits, big-endian: identifier, kind, length) and content:
#   run   directory, input, number of arguments, arguments, NAME=value ..., each with its length before it
#   kill  nothing: SIGKILL to the program, and what it has started may keep its output
# On standard output the same, in any order: what the program says on its standard output and error, and in the end its status, once it has ended and
# everybody who holds its output has. Ends at the end of standard input; the kernel then kills what it has started.
use strict;
use POSIX ();

use constant { RUN => 0, KILL => 1, OUT => 1, ERR => 2, END => 3 };
use constant PIECE => 65536;
# prctl(2), by architecture.
use constant PRCTL => (POSIX::uname())[4] eq 'aarch64' ? 167 : 157;
use constant { PR_SET_PDEATHSIG => 1, SIGKILL => 9 };

$0 = 'lab-agent';
binmode STDIN;
binmode STDOUT;
$SIG{PIPE} = 'IGNORE';
# A process closes what it holds before it has ended: the end wakes select(2), too.
pipe my $woken, my $waking or die "pipe: $!";
fcntl $_, POSIX::F_SETFL(), POSIX::O_NONBLOCK() for $woken, $waking;
$SIG{CHLD} = sub { local $!; syswrite $waking, 'x' };

# By identifier: pid, status, and the pipes that are still open: out, err, in with the rest of the input.
my %running;
my $received = '';

sub answer {
  my ($id, $kind, $content) = @_;
  my $frame = pack('NNN', $id, $kind, length $content) . $content;
  while (length $frame) {
    my $sent = syswrite STDOUT, $frame;
    if (defined $sent) { substr $frame, 0, $sent, '' }
    elsif (!$!{EINTR}) { POSIX::_exit(1) }
  }
}

sub become {
  my ($directory, $environment, @argv) = @_;
  syscall PRCTL, PR_SET_PDEATHSIG, SIGKILL;
  $SIG{PIPE} = $SIG{CHLD} = 'DEFAULT';
  %ENV = map { split /=/, $_, 2 } @$environment;
  exec { $argv[0] } @argv if chdir $directory;
  # As env(1) has it.
  my $status = $!{ENOENT} ? 127 : 126;
  syswrite STDERR, "$argv[0]: $!\n";
  POSIX::_exit($status);
}

sub begin {
  my ($id, $request) = @_;
  my ($directory, $input, $count, @words) = unpack '(N/a*)*', $request;
  my @argv = splice @words, 0, $count;
  pipe my $in, my $to or die "pipe: $!";
  pipe my $from, my $out or die "pipe: $!";
  pipe my $complaints, my $err or die "pipe: $!";
  my $pid = fork // die "fork: $!";
  if ($pid == 0) {
    POSIX::dup2(fileno $in, 0);
    POSIX::dup2(fileno $out, 1);
    POSIX::dup2(fileno $err, 2);
    become($directory, \@words, @argv);
  }
  my %one = (pid => $pid, out => $from, err => $complaints);
  if (length $input) {
    # A program that reads slowly holds up no other.
    fcntl $to, POSIX::F_SETFL(), POSIX::O_NONBLOCK();
    @one{qw(in input)} = ($to, $input);
  }
  $running{$id} = \%one;
}

sub hear {
  my $octets = sysread STDIN, $received, PIECE, length $received;
  return if !defined $octets && $!{EINTR};
  POSIX::_exit(0) if !$octets;
  while (length $received >= 12) {
    my ($id, $kind, $length) = unpack 'NNN', $received;
    last if length $received < 12 + $length;
    my $content = substr $received, 12, $length;
    substr $received, 0, 12 + $length, '';
    if ($kind == RUN) { begin($id, $content) }
    elsif (my $one = $running{$id}) {
      kill 'KILL', $one->{pid} if !defined $one->{status};
      delete @$one{qw(out err in)};
    }
  }
}

sub feed {
  my ($one) = @_;
  my $taken = syswrite $one->{in}, $one->{input}, PIECE, $one->{fed} // 0;
  return if !defined $taken && ($!{EAGAIN} || $!{EINTR});
  # It need not read what it is given; its status says what that means.
  $one->{fed} += $taken // length $one->{input};
  delete @$one{qw(in input)} if $one->{fed} >= length $one->{input};
}

sub pass_on {
  my ($id, $one, $name, $kind) = @_;
  my $octets = sysread $one->{$name}, my $said, PIECE;
  return if !defined $octets && $!{EINTR};
  if ($octets) { answer($id, $kind, $said) }
  else { delete $one->{$name} }
}

sub bury {
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    $_->{pid} == $pid and $_->{status} = $status for values %running;
  }
  for my $id (keys %running) {
    my $one = $running{$id};
    next if !defined $one->{status} || $one->{out} || $one->{err};
    delete $running{$id};
    answer($id, END, pack 'N', $one->{status});
  }
}

while (1) {
  my ($readable, $writable) = ('', '');
  my $closed = 0;
  vec($readable, $_, 1) = 1 for 0, fileno $woken;
  for my $one (values %running) {
    $one->{$_} and vec($readable, fileno $one->{$_}, 1) = 1 for qw(out err);
    vec($writable, fileno $one->{in}, 1) = 1 if $one->{in};
    $closed = 1 if !$one->{out} && !$one->{err};
  }
  # Perl may take a signal at the beginning of a call and tell of it at its end.
  if (select($readable, $writable, undef, $closed ? 0.02 : undef) > 0) {
    sysread $woken, my $times, PIECE if vec $readable, fileno $woken, 1;
    for my $id (keys %running) {
      my $one = $running{$id};
      feed($one) if $one->{in} && vec $writable, fileno $one->{in}, 1;
      pass_on($id, $one, 'out', OUT) if $one->{out} && vec $readable, fileno $one->{out}, 1;
      pass_on($id, $one, 'err', ERR) if $one->{err} && vec $readable, fileno $one->{err}, 1;
    }
    hear() if vec $readable, 0, 1;
  }
  bury();
}
