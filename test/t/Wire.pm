# Wire: a client that speaks the frontend/backend protocol itself, for what libpq
# does not do: pipelines of its own making, portals fetched in parts, any
# parameter in the startup packet.  Unix sockets and trust authentication only.
#
#	my $c = Wire->connect($node, user => 'app', 'sessmem.token' => $token);
#	is($c->query('SELECT 1'), '{1} SELECT 1; I');
#	is($c->parse('', 'SELECT $1::int')->bind('', '', 1)->execute('')->sync, '{1} SELECT 1; I');
#
# A reply is one string, in the order in which the server answered: each row in
# braces, columns separated by commas; the command tag, "suspended" or the
# SQLSTATE that ended it; after the last semicolon the state of the transaction
# (I idle, T in one, E in a failed one), or "closed".  All text of errors and
# notices is appended to $c->{said}.
package Wire;
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket qw(SOL_SOCKET SO_RCVTIMEO);

# connect($node, parameter => value...): a connection to the node, or, with
# socket => PATH, to what listens there.  Refused: see $c->{refused}.
sub connect
{
	my ($class, $node, %startup) = @_;
	my $path = delete $startup{socket} // $node->host . '/.s.PGSQL.' . $node->port;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect to $path: $!";
	my $self = bless { socket => $socket, out => '', said => '' }, $class;

	# a server that hangs is a failure, not a wait
	setsockopt($socket, SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', 180, 0)) or die $!;
	$startup{database} //= 'postgres';
	my $packet = pack('N', 196608) . join('', map { "$_\0" } %startup) . "\0";
	$self->{out} = pack('N', 4 + length $packet) . $packet;
	my $reply = $self->_exchange;
	$self->{refused} = $1 if $reply =~ /^(\w{5}); closed$/;
	die "unexpected reply to the startup packet: $reply" if !$self->{refused} && $reply ne '; I';
	return $self;
}

# Messages, queued until sync() or query().  A value of undef is NULL.
sub parse { my ($self, $name, $sql) = @_; return $self->_put('P', "$name\0$sql\0" . pack('n', 0)); }

sub bind
{
	my ($self, $portal, $statement, @values) = @_;
	return $self->_put('B',
		"$portal\0$statement\0" . pack('nn', 0, scalar @values)
		  . join('', map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @values)
		  . pack('n', 0));
}

sub execute { my ($self, $portal, $max_rows) = @_; return $self->_put('E', "$portal\0" . pack('N', $max_rows // 0)); }
sub describe { my ($self, $kind, $name) = @_; return $self->_put('D', "$kind$name\0"); }
sub close { my ($self, $kind, $name) = @_; return $self->_put('C', "$kind$name\0"); }

# run($sql, @values): the usual three, with the unnamed statement and portal.
sub run { my ($self, $sql, @values) = @_; return $self->parse('', $sql)->bind('', '', @values)->execute(''); }

# Ends a pipeline, sends all that is queued and returns the reply.
sub sync { my ($self) = @_; return $self->_put('S', '')->_exchange; }

# Sends a query of the simple protocol, of one or more statements.
sub query { my ($self, $sql) = @_; return $self->_put('Q', "$sql\0")->_exchange; }

# The same in two parts, for several connections at once.
sub send { my ($self, $sql) = @_; $self->_put('Q', "$sql\0")->_flush; return $self; }
sub reply { my ($self) = @_; return $self->_exchange; }

sub disconnect { my ($self) = @_; $self->_put('X', '')->_flush; $self->{socket}->close; return; }

sub _put
{
	my ($self, $type, $body) = @_;
	$self->{out} .= $type . pack('N', 4 + length $body) . $body;
	return $self;
}

sub _flush
{
	my ($self) = @_;
	while (length $self->{out})
	{
		my $n = syswrite($self->{socket}, $self->{out}) or die "cannot write: $!";
		substr($self->{out}, 0, $n) = '';
	}
	return;
}

# Reads so many bytes; undef at the end of the connection.
sub _read
{
	my ($self, $n) = @_;
	my $data = '';
	while (length $data < $n)
	{
		my $got = sysread($self->{socket}, $data, $n - length $data, length $data);
		die "no answer: $!" unless defined $got || $!{ECONNRESET};
		return undef unless $got;
	}
	return $data;
}

sub _exchange
{
	my ($self) = @_;
	my @said;
	my $rows = '';
	my $end = 'closed';

	local $SIG{PIPE} = 'IGNORE';
	$self->_flush;
	while (defined(my $head = $self->_read(5)))
	{
		my ($type, $length) = unpack('aN', $head);
		my $body = $self->_read($length - 4) // last;
		if ($type eq 'D')
		{
			my ($n, $rest) = unpack('na*', $body);
			my @values;
			for (1 .. $n)
			{
				(my $size, $rest) = unpack('Na*', $rest);
				push @values, $size == 0xffffffff ? 'NULL' : substr($rest, 0, $size, '');
			}
			$rows .= '{' . join(',', @values) . '} ';
		}
		elsif ($type =~ /[CsI]/)
		{
			push @said, $rows . ($type eq 'C' ? unpack('Z*', $body) : $type eq 's' ? 'suspended' : 'empty');
			$rows = '';
		}
		elsif ($type =~ /[EN]/)
		{
			my %field = map { substr($_, 0, 1) => substr($_, 1) } split /\0/, $body;
			$self->{said} .= join("\n", @field{ grep { defined $field{$_} } qw(C M D H W) }, '');
			next if $type eq 'N';
			push @said, $rows . $field{C};
			$rows = '';
		}
		elsif ($type eq 'Z')
		{
			$end = $body;
			last;
		}
	}
	return join('; ', join(', ', @said), $end);
}

1;
