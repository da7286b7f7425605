# The background worker sweeps what has lapsed, and nothing else, whatever happens
# to it or to the server; what cannot be deleted does not keep it from the rest.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

# The worker is there before the extension is; in "plain" there never is one.
my $node = Fixture::start('worker', "shared_preload_libraries = 'sessmem'", "sessmem.worker_databases = 'postgres, plain'",
	'sessmem.sweep_interval = 1s', 'sessmem.retention = 0', 'restart_after_crash = on', 'log_statement = none');
my $token = Fixture::token($node, 'a');
my $client = Fixture::client($node);
my $started = -s $node->logfile;
my $list = 'SELECT content FROM notes ORDER BY id';
my $own = '{a1} {a2} {a3} SELECT 3';

# A session of this id with so many rows, that expired so long ago.
sub lapsed
{
	my ($session, $ago, $rows, $more) = @_;
	$rows //= 2;
	$more //= '';
	Fixture::maintain($node, <<SQL);
SELECT sessmem.open_session('x', session_id => '$session') AS token \\gset
BEGIN;
SELECT sessmem.bind(:'token');
INSERT INTO notes (content) SELECT 'confidential-$session' FROM generate_series(1, $rows);
$more
UPDATE sessmem.session SET expires_at = statement_timestamp() - interval '$ago' WHERE session_id = '$session';
COMMIT;
SQL
}

sub gone
{
	my ($session, $what) = @_;
	local $ENV{PGOPTIONS} = $Fixture::maintenance;
	ok($node->poll_query_until('postgres', <<SQL), $what);
SELECT NOT EXISTS (SELECT FROM notes WHERE session_id = '$session') AND NOT EXISTS (SELECT FROM sessmem.session WHERE session_id = '$session')
SQL
}

sub rows { my ($session) = @_; return Fixture::maintain($node, "SELECT count(*) FROM notes WHERE session_id = '$session'"); }

sub configure
{
	my (%setting) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET sessmem.$_ = '$setting{$_}'") for sort keys %setting;
}

my $activity = "FROM pg_stat_activity WHERE backend_type = 'sessmem worker' AND datname = 'postgres'";
sub pid { return $node->safe_psql('postgres', "SELECT pid $activity"); }

# Lets go of the rows of session "held" while nobody has advisory lock 1.  In steps:
# a wait for the lock itself would be limited by the lock_timeout of sweep().
$node->safe_psql('postgres', <<'SQL');
CREATE DATABASE plain;
CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT count(*) FROM public.notes WHERE session_id = 'held') BETWEEN 1 AND 1500 THEN
		WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP
			PERFORM pg_sleep(0.05);
		END LOOP;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER hold_up BEFORE DELETE ON notes EXECUTE FUNCTION hold_up();
SQL

# ---------- what it does ----------

lapsed('s1', '1 second');
gone('s1', 'an expired session is swept');
$node->safe_psql('postgres', q{SELECT sessmem.open_session('x', session_id => 's2'); SELECT sessmem.close_session('s2')});
gone('s2', 'one that has ended, too');
is($client->query("BEGIN; SELECT sessmem.bind('$token'); $list; COMMIT"), "BEGIN, {a} SELECT 1, $own, COMMIT; I", 'a live one keeps its rows');
is(rows('b'), 2, 'and so do rows without a session in the registry');

# ---------- how it shows ----------

ok($node->poll_query_until('postgres', "SELECT string_agg(DISTINCT datname, ',' ORDER BY datname) FROM pg_stat_activity WHERE backend_type = 'sessmem worker'", 'plain,postgres'),
	'there is one for each database');
is($node->safe_psql('postgres', "SELECT application_name $activity"), 'sessmem worker', 'and has an application_name');

my $gate = Fixture::client($node);
$gate->query('SELECT pg_advisory_lock(1)');
lapsed('held', '1 second', 2500);
ok($node->poll_query_until('postgres', "SELECT state = 'active' AND query ~ '^sweeping: 1[0-9]{3} rows deleted\$' $activity"), 'pg_stat_activity tells how far it is');
is(rows('held'), 1500, 'it commits in between');
is($client->query("BEGIN; SELECT sessmem.bind('$token'); INSERT INTO notes (content) VALUES ('new'); DELETE FROM notes WHERE content = 'new'; COMMIT"),
	'BEGIN, {a} SELECT 1, INSERT 0 1, DELETE 1, COMMIT; I', 'a live session writes meanwhile');
$gate->query('SELECT pg_advisory_unlock(1)');
gone('held', 'and it comes to an end');
ok($node->poll_query_until('postgres', "SELECT state $activity", 'idle'), 'then it is idle');

# ---------- what cannot be deleted ----------

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.content = 'confidential-raising' THEN
		RAISE EXCEPTION 'I keep %', OLD.content;
	END IF;
	RETURN CASE WHEN OLD.content <> 'confidential-silent' THEN OLD END;
END $$;
CREATE TRIGGER keep BEFORE DELETE ON notes FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TABLE remarks (note bigint REFERENCES notes);
SQL
my $offset = -s $node->logfile;
lapsed($_, '1 hour') for 'raising', 'silent';
lapsed('referenced', '1 hour', 2, q{INSERT INTO remarks SELECT id FROM notes;});
lapsed('s3', '1 second');
gone('s3', 'sessions that cannot be deleted do not stop the others');
is(rows('raising'), 2, 'a trigger that raises keeps its rows');
is(rows('silent'), 2, 'and so does one that swallows the deletion');
is(rows('referenced'), 2, 'and a foreign key of a table that is not protected');
lapsed('s4', '1 second');
gone('s4', 'nor do they the next time');
my $log = substr(slurp_file($node->logfile), $offset);
like($log, qr/WARNING:  could not sweep a session: SQLSTATE P0001/, 'the log has a warning for the one');
like($log, qr/WARNING:  could not sweep a session: SQLSTATE 55000/, 'for the other');
like($log, qr/WARNING:  could not sweep a session: SQLSTATE 23503/, 'and for the third');
unlike($log, qr/confidential|I keep/, 'without anything of the rows');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sessmem.session WHERE sweep_failed_at IS NOT NULL'), 3, 'the registry shows which they are');
# an hour later
$node->safe_psql('postgres', q{DROP TRIGGER keep ON notes; DROP TABLE remarks; UPDATE sessmem.session SET sweep_failed_at = sweep_failed_at - interval '1 hour'});
gone($_, "when nothing keeps it any more, session \"$_\" is swept") for 'raising', 'silent', 'referenced';

unlike(substr(slurp_file($node->logfile), $started), qr/background worker "sessmem worker[^"]*" .*exited/, 'no worker has ended so far, in whichever database');

# ---------- settings ----------

configure(sweep_interval => '1d', retention => '1h');
$node->restart;
lapsed('s6', '10 minutes');
lapsed('s7', '2 hours');
configure(sweep_interval => '1s');
$node->reload;
gone('s7', 'retention has passed');
is(rows('s6'), 2, 'has not passed yet');
configure(retention => '0');
$node->reload;
gone('s6', 'retention follows a reload');
configure(sweep_interval => '1d');
$node->restart;
lapsed('s8', '1 second');
configure(sweep_interval => '1s');
$node->reload;
for my $session ('s8', 's9', 's10', 's11')
{
	lapsed($session, '1 second') if $session ne 's8';
	gone($session, "sweep_interval follows a reload: $session");
}

# ---------- what happens to it ----------

# Its process, and the one that takes its place.
sub replaced
{
	my ($what, $end) = @_;
	my $pid = pid();
	$end->($pid);
	ok($node->poll_query_until('postgres', "SELECT count(*) $activity AND pid <> $pid", '1'), "$what: there is a new one");
	lapsed('again', '1 second');
	gone('again', "$what: that sweeps");
}

$node->restart;
ok($node->poll_query_until('postgres', "SELECT count(*) $activity", '1'), 'it is there after a restart');
my $plain_pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'sessmem worker' AND datname = 'plain'");
lapsed('s12', '1 second');
gone('s12', 'and sweeps');
replaced('terminated', sub { my ($pid) = @_; $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") });
is($node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'sessmem worker' AND datname = 'plain'"), $plain_pid,
	'where there is no extension, the worker has stayed all the time');

# The server crashes in the middle of a sweep.
for my $how ('the process is killed', 'the server is stopped at once')
{
	$gate = Fixture::client($node);
	$gate->query('SELECT pg_advisory_lock(1)');
	lapsed('held', '1 second', 2500);
	ok($node->poll_query_until('postgres', "SELECT query ~ '^sweeping: 1[0-9]{3} rows deleted\$' $activity"), "$how in the middle of a sweep");
	if ($how =~ /killed/)
	{
		my $pid = pid();
		kill 'KILL', $pid;
		# connections break meanwhile, that of the question, too
		my $count = '';
		for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
		{
			eval { $node->psql('postgres', "SELECT count(*) $activity AND pid <> $pid", stdout => \$count) };
			last if defined $count && $count eq '1';
			usleep(100_000);
		}
		is($count, '1', 'it is there again');
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	gone('held', 'and goes on where it was');
	is(Fixture::client($node)->query("BEGIN; SELECT sessmem.bind('$token'); $list; COMMIT"), "BEGIN, {a} SELECT 1, $own, COMMIT; I", 'a live session has lost nothing');
	is(rows('b'), 2, 'nor have rows without a session in the registry');
}

done_testing();
