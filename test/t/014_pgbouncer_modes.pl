# What each way into a session does in each mode of PgBouncer, for whoever calls, and
# for whoever gets the server connection next.  The table of docs/clients/pgbouncer.md
# is what is measured here.
use strict;
use warnings;
use Fixture;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $pgbouncer = $ENV{PGBOUNCER} // (grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;
my ($version) = `$pgbouncer --version` =~ /PgBouncer 1\.(\d+)/;

my $app = $Fixture::app;
my $node = Fixture::start('modes', "shared_preload_libraries = 'sessmem'");
my $token = Fixture::token($node, 'a');
my $other = Fixture::token($node, 'b');
my $pooler;
my $socket;

# Starts a pooler of its own, with the given server connections.
sub pool
{
	my ($mode, $size, @lines) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short;
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	$pooler->kill_kill(grace => 5) if $pooler;
	append_to_file("$dir/users", qq("$app" ""\n));
	append_to_file("$dir/pgbouncer.ini", join("\n",
		'[databases]', "postgres = host=${\ $node->host } port=${\ $node->port } pool_size=$size",
		'[pgbouncer]', 'listen_addr =', "listen_port = $port", "unix_socket_dir = $dir", 'auth_type = trust', "auth_file = $dir/users",
		"pidfile = $dir/pid", "pool_mode = $mode", @lines, ''));
	$pooler = IPC::Run::start([ $pgbouncer, "$dir/pgbouncer.ini" ], '<', \undef, '>', "$dir/log", '2>&1');
	$socket = "$dir/.s.PGSQL.$port";
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if eval { client()->query('SELECT 1') };
		Time::HiRes::usleep(100_000);
	}
	BAIL_OUT(slurp_file("$dir/log"));
}

END
{
	my $status = $?;
	$pooler->kill_kill(grace => 5) if $pooler;
	$? = $status;
}

sub client { return Wire->connect(undef, socket => $socket, user => $app, @_); }

# The ways, each with what the caller reads: a count of session a's three rows, or an SQLSTATE.
my $count = 'SELECT count(*) FROM notes';
my $way = {
	'`BEGIN`, `bind($1)`, query, `COMMIT`' => sub {
		my $c = shift;
		my $begun = $c->query('BEGIN');
		return $begun if $begun ne 'BEGIN; T';
		$c->run('SELECT sessmem.bind($1)', $token)->sync;
		my $read = $c->query($count);
		$c->query('COMMIT');
		return $read;
	},
	'`bind($1)`, query, in autocommit' => sub {
		my $c = shift;
		$c->run('SELECT sessmem.bind($1)', $token)->sync;
		return $c->query($count);
	},
	'`bind($1)`, query, in one pipeline' => sub {
		my $c = shift;
		return $c->run('SELECT sessmem.bind($1)', $token)->run($count)->sync;
	},
	'`attach($1)`, query' => sub {
		my $c = shift;
		my $attached = $c->run('SELECT sessmem.attach($1)', $token)->sync;
		return $attached if $attached =~ /^\w{5}; /;
		return $c->query($count);
	},
	'`recall(..., token => $1)`' => sub {
		my $c = shift;
		return $c->run('SELECT count(*) FROM sessmem.recall(NULL::notes, token => $1)', $token)->sync;
	},
	'`sessmem.token` in the startup packet' => sub {
		my $c = eval { client('sessmem.token' => $token) } // return 'no answer';
		return $c->{refused} ? "$c->{refused}; closed" : $c->query($count);
	},
	'a prepared statement in both of two transactions' => sub {
		my $c = shift;
		my $second = client();
		my $read = '';
		# the same name for two statements, as drivers have it
		$second->parse('s', 'SELECT 42')->sync;
		$c->parse('s', $count)->sync;
		for (1, 2)
		{
			$read = $c->query('BEGIN') . $c->run('SELECT sessmem.bind($1)', $token)->sync . $c->bind('', 's')->execute('')->sync;
			$c->query('COMMIT');
			$second->bind('', 's')->execute('')->sync;
		}
		$second->disconnect;
		return $read;
	},
};
my ($bind, $autocommit, $pipeline, $attach, $recall, $startup, $prepared) = map { my $start = $_; (grep { index($_, $start) == 0 } sort keys %$way)[0] }
	'`BEGIN`', '`bind($1)`, query, in a', '`bind($1)`, query, in o', '`attach', '`recall', '`sessmem', 'a prepared';

# What a reply says of the rows that were read.
sub rows
{
	my ($reply) = @_;
	return 'its rows' if $reply =~ /\{3\} SELECT 1; \w$/;
	return 'nothing' if $reply =~ /\{0\} SELECT 1; \w$/;
	return "another's answer" if $reply =~ /\{42\} SELECT 1; \w$/;
	return 'an error' if $reply =~ /\w{5}; (I|T|E|closed)$/;
	return $reply;
}

my $reads = { 'its rows|nothing' => 'right', 'nothing|nothing' => 'no session', 'an error|nothing' => 'refused', 'its rows|its rows' => '**leaks**', "another's answer|nothing" => '**wrong**' };
my @table;

# measure($mode, $with, $way...): a line of the table for each way.
sub measure
{
	my ($mode, $with, @ways) = @_;
	for my $name (@ways)
	{
		my $first = client();
		my $pid = $first->query('SELECT pg_backend_pid()');
		my $own = rows($way->{$name}->($first));

		# in session mode the next client has to wait for its end
		if ($mode eq 'session')
		{
			$first->disconnect;
		}
		my $next = client();
		my ($next_pid, $foreign) = ($next->query('SELECT pg_backend_pid()'), rows($next->query($count)));

		is($next_pid, $pid, "$mode, $with, $name: one server connection") unless $own eq 'an error';
		push @table, sprintf('| %s | %s | %s | %s | %s | %s |', $mode, $with, $name, $own, $foreign, $reads->{"$own|$foreign"} // '?') =~ s/\|  \|/| |/r;
		$next->query('SELECT sessmem.detach()');
		$next->disconnect;
		# (who begins a transaction in statement mode is thrown out)
		eval { local $SIG{PIPE} = 'IGNORE'; $first->disconnect } if $mode ne 'session';
	}
	return;
}

pool('session', 1);
measure('session', '', $bind, $attach, $recall, $startup);
pool('session', 1, 'server_reset_query =');
measure('session', '`server_reset_query` empty', $bind, $attach, $recall);
pool('transaction', 1, $version >= 21 ? 'max_prepared_statements = 100' : ());
measure('transaction', '', $bind, $autocommit, $pipeline, $attach, $recall, $startup);
measure('transaction', $version >= 21 ? '`max_prepared_statements = 100`' : 'PgBouncer before 1.21', $prepared);
pool('transaction', 1, 'server_reset_query_always = 1');
measure('transaction', '`server_reset_query_always = 1`', $attach);
pool('statement', 1);
measure('statement', '', $bind, $autocommit, $pipeline, $attach, $recall, $startup);
$node->safe_psql('postgres', "ALTER ROLE $app SET sessmem.allow_attach = off");
for my $mode ('transaction', 'statement')
{
	pool($mode, 1);
	measure($mode, '`sessmem.allow_attach = off`', $attach);
}

my @documented = grep { /^\| (session|transaction|statement) / } split /\n/, slurp_file('docs/clients/pgbouncer.md');
@documented = grep { $version >= 21 ? !/before 1\.21/ : !/max_prepared_statements/ } @documented;
is(join("\n", sort @table), join("\n", sort @documented), 'the table of docs/clients/pgbouncer.md');

# ---------- many clients at a time, statement by statement ----------

pool('statement', 3);
my $c = client();
is($c->run('SELECT sessmem.bind($1)', $token)->run('INSERT INTO notes (content) VALUES ($1) RETURNING session_id', 'by the way')->sync,
	'{a} SELECT 1, {a} INSERT 0 1; I', 'statement mode: a write in one pipeline with bind() is of that session');
is($c->query("INSERT INTO notes (content) VALUES ('x')"), '42501; I', 'and refused without');
my @clients = map { [ client(), $_ % 2 ? ($token, '{a,4}') : ($other, '{b,2}') ] } 1 .. 12;
my ($right, $wrong, $lost) = (0, 0, 0);
for (1 .. 50)
{
	$_->[0]->send("SELECT min(session_id), count(*) FROM sessmem.recall(NULL::notes, token => '$_->[1]')") for @clients;
	for (@clients)
	{
		my $reply = $_->[0]->reply;
		if ($reply eq "$_->[2] SELECT 1; I") { $right++ } elsif ($reply =~ /\{/) { $wrong++ } else { $lost++ }
	}
}
is("$right $wrong $lost", '600 0 0', 'recall() with tokens, 12 clients over three server connections: all own rows, none foreign');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = '$app'"), '<=', 3, 'all of it over three server connections');

$node->stop;
done_testing();
