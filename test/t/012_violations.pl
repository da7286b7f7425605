# What is refused leaves a trace although it rolls back: a flood costs no memory and
# fills no log, the counters are exact, the worker saves and announces, and neither
# a row nor a token is anywhere in it.  Without preloading there is the log.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = Fixture::start('violations', "shared_preload_libraries = 'sessmem'", "sessmem.worker_databases = 'postgres'", 'restart_after_crash = on',
	'log_min_error_statement = error', 'log_statement = none', 'log_connections = off', 'log_disconnections = off');
my $a = Fixture::token($node, 'a');
my $b = Fixture::token($node, 'b');
my $app = $Fixture::app;
my $client = Fixture::client($node);

sub log_since { my ($offset) = @_; return substr(slurp_file($node->logfile), $offset); }
sub value { my ($sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }
sub counted { my ($event, $db) = @_; return value("SELECT coalesce(sum(count), 0) FROM sessmem.stat WHERE event = '$event'", $db); }
sub saved { my ($kind) = @_; return value("SELECT coalesce(sum(count), 0) FROM sessmem.violation WHERE kind = '$kind'"); }

# Resident memory of a backend that is not shared, in kB.
sub private_memory
{
	my ($pid) = @_;
	my ($all, $shared) = slurp_file("/proc/$pid/status") =~ /VmRSS:\s+(\d+).*RssShmem:\s+(\d+)/s;
	return $all - $shared;
}

# ---------- one ----------

my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN sessmem_violation');
my $offset = -s $node->logfile;
is($client->query("BEGIN; SELECT sessmem.bind('$a'); INSERT INTO notes (session_id, content) VALUES ('b', 'confidential')"), 'BEGIN, {a} SELECT 1, 42501; E', 'a write is refused');
$client->query('ROLLBACK');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM sessmem.violation WHERE kind = 'foreign_write' AND session_id = 'a' AND role = '$app' AND relation = 'public.notes'"),
	'the worker saves it');
my $log = log_since($offset);
my ($json) = $log =~ /LOG:  sessmem violation: foreign_write\n[^\n]*DETAIL:  (\{[^\n]*\})\n/;
is(value("SELECT concat(j->>'relation', j->>'session', j->>'user') FROM (SELECT \$json\$$json\$json\$::json) AS x (j)"), 'public.notesaa', 'the log has a line whose detail is JSON');
like($log, qr/sessmem violation: foreign_write.*ERROR:  cannot insert into protected table "notes"/s, 'before the error');
unlike($log, qr/STATEMENT|confidential|\Q$a\E/, 'without the statement');
my $id = value("SELECT id FROM sessmem.violation WHERE kind = 'foreign_write'");
like($listener->query_safe('SELECT 1'), qr/"sessmem_violation" with payload "\{"id" : $id, "kind" : "foreign_write"\}"/, 'it is announced');
$listener->quit;

# Nothing of a row or a token where it is kept.
$client->query("SELECT sessmem.bind('${a}x')");
$client->query("INSERT INTO notes (content) VALUES ('confidential')");
# nor of a statement that fails for another reason, or of a setting that is not one
$client->query("SELECT sessmem.bind('$a'), 1/0");
$client->query("SET sessmem.token = '$a'");
ok($node->poll_query_until('postgres', "SELECT count(*) = 3 FROM sessmem.violation"), 'more are saved');
unlike(value('SELECT string_agg(v::text, chr(10)) FROM sessmem.violations AS v') . log_since($offset), qr/confidential|\Q$a\E/, 'none has a row or a token');

# ---------- a flood ----------

value('SELECT sessmem.stat_reset()');
$offset = -s $node->logfile;
my @flood = map { Fixture::client($node) } 1 .. 4;
my @pid = map { $_->query('SELECT pg_backend_pid()') =~ /(\d+)/ } @flood;
my $rounds = <<'SQL';
DO $$
BEGIN
	FOR i IN 1 .. 12500 LOOP
		BEGIN
			INSERT INTO notes (session_id, content) VALUES ('b', 'confidential');
		EXCEPTION WHEN insufficient_privilege THEN
			NULL;
		END;
	END LOOP;
END $$
SQL
$_->query('DO $$ BEGIN FOR i IN 1 .. 100 LOOP BEGIN INSERT INTO notes (content) VALUES (1); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$') for @flood;
my @before = map { private_memory($_) } @pid;
for my $round (1, 2)
{
	$_->send($rounds) for @flood;
	is($_->reply, 'DO; I', "flood $round") for @flood;
}
my @after = map { private_memory($_) } @pid;
cmp_ok($after[$_] - $before[$_], '<', 2048, 'no memory in a backend') for 0 .. $#pid;
is(counted('untagged_write'), 100400, 'each refusal is counted');
# and one whose errors reach the client
is(scalar(grep { $_ ne '42501; I' } map { $client->query("INSERT INTO notes (content) VALUES ('confidential')") } 1 .. 1000), 0, 'a thousand more');
is(counted('untagged_write'), 101400, 'are counted');
$log = log_since($offset);
cmp_ok(scalar(() = $log =~ /^/mg), '<', 500, 'the log is short');
my $told = () = $log =~ /sessmem violation: untagged_write/g;
$told += $_ for $log =~ /"suppressed": (\d+)/g;
cmp_ok($told, '<=', 101400, 'and says how many lines it lacks');
ok($node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM sessmem.recorded_violations())'), 'the worker saves what there is');
is(saved('untagged_write') - 1 + counted('dropped'), 101400, 'what is saved and what was dropped is all there was');
cmp_ok(value(q{SELECT count(*) FROM sessmem.violation WHERE kind = 'untagged_write'}), '<', 20, 'in few rows');
is(value(q{SELECT count(*) FROM sessmem.violation WHERE kind = 'foreign_write'}), 1, 'the one before it is still there');
$_->disconnect for @flood;

# Whoever is in the way of the worker is not in the way of those who are refused.
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE sessmem.violation');
is($client->query("INSERT INTO notes (content) VALUES ('x')"), '42501; I', 'a refusal waits for nobody');
$holder->query_safe('COMMIT');
$holder->quit;

# ---------- without a session ----------

value('CREATE ROLE stranger LOGIN');
value("CREATE FUNCTION reads() RETURNS bigint LANGUAGE sql PARALLEL SAFE AS 'SELECT count(*) FROM public.notes'");

value('SELECT sessmem.stat_reset()');
$client->query('SELECT content FROM notes') for 1 .. 3;
$client->query("BEGIN; SELECT sessmem.bind('$a'); SELECT content FROM notes WHERE false; COMMIT");
my $stranger = Wire->connect($node, user => 'stranger');
is($stranger->query('SELECT content FROM notes'), '42501; I', 'a role that may not read');
is(counted('unscoped_read'), 3, 'reads without a session are counted, those that find nothing are not');
is($client->query("SET sessmem.unscoped_reads = 'error'; SELECT content FROM notes"), 'SET, 42501; I', 'or refused');
$client->query('RESET sessmem.unscoped_reads');
value('ALTER DATABASE postgres SET max_parallel_workers_per_gather = 2');
my $parallel = Fixture::client($node);
value('SELECT sessmem.stat_reset()');
$parallel->query(q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET force_parallel_mode = on; SELECT count(*) FROM notes});
$parallel->query(q{SET debug_parallel_query = on; SELECT count(*) FROM notes}) if value('SHOW server_version_num') >= 160000;
$parallel->query(q{SELECT count(*) FROM notes}) if value('SHOW server_version_num') < 160000;
is(counted('unscoped_read'), 1 + (value('SHOW server_version_num') < 160000), 'workers do not count again');
value('SELECT sessmem.stat_reset()');
is($parallel->query(q{SET sessmem.unscoped_reads = 'error'; SELECT reads()}), 'SET, 42501; I', 'but what they read by themselves');
is(counted('unscoped_read'), 1, 'they count');
$parallel->disconnect;

# ---------- other databases ----------

value(q{CREATE DATABASE other});
value('CREATE EXTENSION sessmem; SELECT sessmem.create_key()', 'other');
$node->psql('other', 'SELECT sessmem.bind(NULL)');
is(counted('forged_token', 'other'), 1, 'each database has counters of its own');
is(value('SELECT kind || (id IS NULL)::text FROM sessmem.violations', 'other'), 'forged_tokentrue', 'and violations; without a worker they stay in shared memory');
is(value(q{SELECT count(*) FROM sessmem.violations WHERE message = 'session token refused' AND rule = 'The token is null.'}), 0, 'that others do not see');
value('SELECT sessmem.stat_reset()');
is(counted('forged_token', 'other'), 1, 'or reset');
$node->psql('other', 'SELECT sessmem.bind(NULL)') for 1 .. 100;
$node->psql('other', 'SELECT sessmem.bind(NULL); ' x 1000, on_error_stop => 0);
is(value('SELECT count(*) FROM sessmem.violations', 'other'), 1, 'what somebody does again and again, on many connections, is one of them');
is(value('SELECT sum(count) FROM sessmem.violations', 'other'), 1101, 'with its count');
is(counted('dropped', 'other'), 0, 'and drops nothing');
is(value('SELECT sessmem.save_violations()', 'other'), 1101, 'pg_cron can save them');
is(value('SELECT count(*) FROM sessmem.recorded_violations()', 'other'), 0, 'and then they are');

# ---------- the end of a worker, a backend, the server ----------

sub refused { return $client->query("BEGIN; SELECT sessmem.bind('$a'); SELECT sessmem.bind('$b')"), $client->query('ROLLBACK'); }
refused();
ok($node->poll_query_until('postgres', "SELECT sum(count) = 1 FROM sessmem.violation WHERE kind = 'second_bind'"), 'saved');
value("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'sessmem worker'");
refused();
is(value("SELECT sum(count) FROM sessmem.violations WHERE kind = 'second_bind'"), 2, 'while the worker is away, shared memory has them');
$node->poll_query_until('postgres', "SELECT sum(count) = 2 FROM sessmem.violation WHERE kind = 'second_bind'");
is(saved('second_bind'), 2, 'when it is back, it saves them');
refused();
$node->stop('fast');
$node->start;
is(saved('second_bind'), 3, 'the end of the server loses none');
is(counted('second_bind'), 0, 'but the counters');
$client = Fixture::client($node);
refused();
ok($node->poll_query_until('postgres', "SELECT sum(count) = 4 FROM sessmem.violation WHERE kind = 'second_bind'"), 'and it goes on');
my $victim = $node->background_psql('postgres');
kill KILL => $victim->query_safe('SELECT pg_backend_pid()');
$node->poll_query_until('postgres', 'SELECT 1', '1');
usleep(100_000) until $node->psql('postgres', 'SELECT 1') == 0;
is(saved('second_bind'), 4, 'the crash of a backend loses nothing that was saved');
$client = Fixture::client($node);
refused();
ok($node->poll_query_until('postgres', "SELECT sum(count) = 5 FROM sessmem.violation WHERE kind = 'second_bind'"), 'and it goes on after that');
eval { $victim->quit };

# A dump has them.
is(scalar(() = `pg_dump -h @{[$node->host]} -p @{[$node->port]} -t sessmem.violation postgres` =~ /second_bind/g) > 0, 1, 'pg_dump saves them');
$node->stop;

# ---------- without preloading ----------

my $plain = Fixture::start('violations_plain', 'log_statement = none', 'log_min_error_statement = error');
$a = Fixture::token($plain, 'a');
$client = Fixture::client($plain);
$offset = -s $plain->logfile;
$client->query("INSERT INTO notes (content) VALUES ('confidential')") for 1 .. 100;
$log = substr(slurp_file($plain->logfile), $offset);
is(scalar(() = $log =~ /LOG:  sessmem violation: untagged_write/g), 10, 'not preloaded: the log has it, ten times in a minute');
is(scalar(() = $log =~ /ERROR:  cannot insert/g), 10, 'with the error');
unlike($log, qr/confidential/, 'without the row');
is($plain->safe_psql('postgres', 'SELECT count(*) FROM sessmem.violations'), 0, 'and nothing else');
is($plain->safe_psql('postgres', 'SELECT count(*) FROM sessmem.stat'), 0, 'no counters');
is($plain->safe_psql('postgres', 'SELECT sessmem.save_violations()'), 0, 'nothing to save');
$plain->stop;

done_testing();
