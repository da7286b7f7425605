# A token that is refused does not appear in the server's log, however it was
# passed: the log is read by people who must not act in its session.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;

my $app = $Fixture::app;
my $node = Fixture::start('logging', "shared_preload_libraries = 'sessmem'", 'log_statement = none', 'log_min_error_statement = error',
	'log_min_messages = debug1', 'log_error_verbosity = verbose', 'log_parameter_max_length_on_error = -1', 'log_connections = on', 'log_disconnections = on', 'sessmem.violation_log_limit = -1');
$node->safe_psql('postgres', <<SQL);
CREATE FUNCTION by_format(token text) RETURNS text LANGUAGE plpgsql AS
	'BEGIN EXECUTE format(\$\$SELECT sessmem.bind(%L)\$\$, token); RETURN ''done''; END';
CREATE FUNCTION with_set(token text) RETURNS text LANGUAGE sql SET work_mem = '1MB' AS 'SELECT sessmem.bind(token)';
SQL

my $good = Fixture::token($node, 'a');
my $another = Fixture::token($node, 'b');
my %token = (
	'a bad signature' => "${good}x",
	'another audience' => $node->safe_psql('postgres', q{SET sessmem.audience = 'elsewhere'; SELECT sessmem.open_session('a', session_id => 'a')}),
	'a key that is not known' => do { (my $t = $good) =~ s/^[^.]+/eyJhbGciOiJIUzI1NiIsImtpZCI6Im5vbmUifQ/; $t },
	'nothing of a token' => 'no-token-at-all-' . 'x' x 20,
	'too many parts' => "$good.$good",
	'too many bytes' => $good . 'A' x 8192,
);
my %way = (
	'bind()' => sub { return $_[0]->query("SELECT sessmem.bind('$_[1]')") },
	'bind() in a transaction' => sub { return $_[0]->query("BEGIN; SELECT sessmem.bind('$_[1]'); COMMIT") },
	'attach()' => sub { return $_[0]->query("SELECT sessmem.attach('$_[1]')") },
	'recall()' => sub { return $_[0]->query("SELECT * FROM sessmem.recall(NULL::notes, token => '$_[1]')") },
	'a parameter' => sub { return $_[0]->run('SELECT sessmem.bind($1)', $_[1])->sync },
	'a literal in Parse' => sub { return $_[0]->run("SELECT sessmem.attach('$_[1]')")->sync },
	'EXECUTE' => sub { $_[0]->query('PREPARE b(text) AS SELECT sessmem.bind($1)'); return $_[0]->query("EXECUTE b('$_[1]')") },
	'DO' => sub { return $_[0]->query("DO \$\$ BEGIN PERFORM sessmem.bind('$_[1]'); END \$\$") },
	'dynamic SQL' => sub { return $_[0]->query("SELECT by_format('$_[1]')") },
	'the startup packet' => sub { return Fixture::client($node, 'sessmem.token' => $_[1])->query('SELECT 1') },
);

# What is refused, in the log since $offset, and nowhere the token or most of it.
sub silent
{
	my ($what, $token, $offset) = @_;
	my $log = substr(slurp_file($node->logfile), $offset);
	# the signature, and what of the claims no other token of the file has
	my @parts = grep { length $_ >= 20 } map { substr($_, 0, 200) } split /\./, $token;
	my ($found) = grep { index($log, $_) >= 0 } @parts;
	ok(@parts && !defined $found, "$what: the token is not in the log") or diag($log =~ /^(.*\Q$found\E.*)$/m ? substr($1, 0, 400) : '');
}

Fixture::client($node)->query("SELECT 1/0 AS marker_of_a_statement");
$node->psql('postgres', "SELECT sessmem.bind(1, 'marker_of_another')");
like(slurp_file($node->logfile), qr/marker_of_a_statement.*marker_of_another/s, 'statements that fail are logged');

for my $what (sort keys %token)
{
	for my $way (sort keys %way)
	{
		next if $way eq 'the startup packet' && $what eq 'too many bytes';    # the packet would be
		my $offset = -s $node->logfile;
		like($way{$way}->(Fixture::client($node), $token{$what}), qr/28000; [IE]$/, "$what, by $way: refused");
		like(substr(slurp_file($node->logfile), $offset), qr/ERROR:  28000: session token refused/, "$what, by $way: the refusal is logged");
		silent("$what, by $way", $token{$what}, $offset);
	}
}

# An expired token is a good one to whoever's clock is behind.
my $short = Fixture::token($node, 'a', '1 second');
my $poller = Fixture::client($node);
$poller->query("SELECT sessmem.attach('$short')");
is(Fixture::poll($poller, 'SELECT sessmem.status()', '{expired} SELECT 1; I'), '{expired} SELECT 1; I', 'a token expires');
for my $way (sort keys %way)
{
	my $offset = -s $node->logfile;
	like($way{$way}->(Fixture::client($node), $short), qr/28000; [IE]$/, "an expired token, by $way: refused");
	silent("an expired token, by $way", $short, $offset);
}

# Good tokens, refused for another reason.
my %other = (
	'a second session in the transaction' => sub { my $c = shift; $c->query("BEGIN; SELECT sessmem.bind('$good')"); return $c->query("SELECT sessmem.bind('$another')") },
	'a second session, as a parameter' => sub { my $c = shift; $c->query("BEGIN; SELECT sessmem.bind('$good')"); return $c->run('SELECT sessmem.bind($1)', $another)->sync },
	'recall() of a second session' => sub { my $c = shift; $c->query("BEGIN; SELECT sessmem.bind('$good')"); return $c->query("SELECT * FROM sessmem.recall(NULL::notes, token => '$another')") },
	'bind() in a transaction that an attached session has used' => sub { my $c = shift; $c->query("SELECT sessmem.attach('$good')"); $c->query('BEGIN; SELECT * FROM notes'); return $c->query("SELECT sessmem.bind('$another')") },
	'a function with a SET clause' => sub { my $c = shift; return $c->query("SELECT with_set('$another')") },
	'attach() where it is switched off' => sub {
		$node->safe_psql('postgres', "ALTER ROLE $app SET sessmem.allow_attach = off");
		my $reply = Fixture::client($node)->query("SELECT sessmem.attach('$another')");
		$node->safe_psql('postgres', "ALTER ROLE $app RESET ALL");
		return $reply;
	},
);
for my $what (sort keys %other)
{
	my $offset = -s $node->logfile;
	like($other{$what}->(Fixture::client($node)), qr/42501; [IE]$/, "a good token in $what: refused");
	silent("a good token in $what", $another, $offset);
}

# Settings that carry credentials.
my $offset = -s $node->logfile;
ok(Fixture::client($node, 'sessmem.context' => $good)->{refused}, 'a token as sessmem.context in the startup packet: no connection');
silent('a token as sessmem.context', $good, $offset);

# A character that the database does not have: refused as any token is, and not quoted.
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('latin', 'CREATE EXTENSION sessmem');
my ($rc, undef, $refusal) = $node->psql('latin', q{SELECT sessmem.bind(translate(encode(convert_to('{"alg":"HS256","kid":"\\u4e2d"}', 'UTF8'), 'base64'), E'+/=\n', '-_') || '.e30.eA')});
like($refusal, qr/ERROR:  session token refused/, 'an escape that the encoding lacks: refused');
unlike($refusal, qr/4e2d|22P05/, 'and not quoted');

# Maintenance, once for each transaction that used it, whether it commits or not.
sub maintained
{
	my ($sql, %options) = @_;
	my $from = -s $node->logfile;
	$node->psql('postgres', $sql, %options);
	my $log = substr(slurp_file($node->logfile), $from);
	my @lines = $log =~ /LOG:  00000: maintenance of protected tables by role "[^"]+"\n[^\n]*DETAIL:  Reason: ([^\n]+)/g;
	return join(', ', @lines);
}
is(maintained("BEGIN; SELECT sessmem.maintenance('look'); SELECT * FROM notes; DELETE FROM notes; ROLLBACK"), 'look', 'maintenance that rolled back is in the log, once');
is(maintained("SET sessmem.maintenance = 'two'; SELECT * FROM notes; COPY notes TO stdout"), 'two, two', 'each transaction is');
is(maintained("SET sessmem.maintenance = 'none'; SELECT 1"), '', 'one that did not need it is not');
is(maintained("SET sessmem.maintenance = 'ddl'; ALTER TABLE notes ADD COLUMN more int"), '', 'nor one whose command was not refused');
is(maintained("SET sessmem.maintenance = 'ddl'; ALTER TABLE notes NO FORCE ROW LEVEL SECURITY"), 'ddl', 'one that weakened a table is');

done_testing();
