# Without shared_preload_libraries the library is loaded by the first use of
# sessmem in a connection.  Isolation is the same, and what a connection did
# before that counts for nothing.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = Fixture::start('lazy');
my $app = $Fixture::app;
my $a = Fixture::token($node, 'a');
my $b = Fixture::token($node, 'b');
my $list = 'SELECT content FROM notes ORDER BY id';
my $all = '{a1} {a2} {a3} SELECT 3';
my $c;

sub fresh { $c = Fixture::client($node, @_); return $c; }

is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'), '', 'nothing is preloaded');

# ---------- the core, each as the first statement of a connection ----------

is(fresh->query($list), 'SELECT 0; I', 'read without a session');
is(fresh->query('SELECT sessmem.status()'), '{none} SELECT 1; I', 'status()');
is(fresh->query('SELECT * FROM sessmem.recall(NULL::notes)'), 'SELECT 0; I', 'recall() without a session');
is(fresh->query("INSERT INTO notes (session_id, content) VALUES ('a', 'x')"), '42501; I', 'INSERT without a session');
is(fresh->query("INSERT INTO notes (content) VALUES ('x')"), '42501; I', 'INSERT without a key');
is(fresh->query("UPDATE notes SET content = 'x'"), 'UPDATE 0; I', 'UPDATE without a session');
is(fresh->query('DELETE FROM notes'), 'DELETE 0; I', 'DELETE without a session');
is(fresh->query('TRUNCATE notes'), '42501; I', 'TRUNCATE');
is($node->psql('postgres', 'TRUNCATE notes'), 3, 'TRUNCATE by a superuser');
is($node->psql('postgres', "INSERT INTO notes (session_id, content) VALUES ('a', 'x')"), 3, 'INSERT by a superuser');
is(fresh->query("BEGIN; SELECT sessmem.bind('$a'); $list; COMMIT; $list"), "BEGIN, {a} SELECT 1, $all, COMMIT, SELECT 0; I", 'bind()');
is(fresh->query("BEGIN; SELECT sessmem.bind('${a}x')"), 'BEGIN, 28000; E', 'bind() with a bad token');
is(fresh->query("SELECT content FROM sessmem.recall(NULL::notes, token => '$a')"), '{a3} {a2} {a1} SELECT 3; I', 'recall() with a token');
is($c->query($list), 'SELECT 0; I', 'leaves nothing');
is(fresh->query("SELECT sessmem.attach('$b')"), '{b} SELECT 1; I', 'attach()');
is($c->query($list), '{b1} {b2} SELECT 2; I', 'reads its rows');
is($c->query("INSERT INTO notes (content) VALUES ('x') RETURNING session_id; DELETE FROM notes WHERE content = 'x'"), '{b} INSERT 0 1, DELETE 1; I', 'writes its rows');
is($c->query("INSERT INTO notes (session_id, content) VALUES ('a', 'x')"), '42501; I', 'no others');
is($c->query("UPDATE notes SET session_id = 'a'"), '42501; I', 'and moves none');
is($c->query("SELECT sessmem.detach(); $list"), '{} SELECT 1, SELECT 0; I', 'detach()');

fresh->query("BEGIN; SELECT sessmem.bind('$a')");
$c->parse('', $list)->bind('p', '')->execute('p', 1)->sync;
$c->query('SELECT sessmem.unbind()');
is($c->execute('p', 1)->sync, '42501; E', 'a portal that outlives its session is refused');

# ---------- settings planted before the library is there ----------

my $sealed = 't|1|1|1|9223372036854775807|1:a|-1:|-1:|-1:|' . '0' x 64;

# Whatever was planted, there is no access, and a session still works.
sub harmless
{
	my ($how) = @_;
	is($c->query($list), 'SELECT 0; I', "$how: no rows");
	is($c->query("INSERT INTO notes (session_id, content) VALUES ('a', 'x')"), '42501; I', "$how: no writes");
	is($c->query(q{SELECT sessmem.session_id(), current_setting('sessmem.session_id')}), '{NULL,} SELECT 1; I', "$how: no answer");
	is($c->query("BEGIN; SELECT sessmem.bind('$b'); $list; COMMIT"), 'BEGIN, {b} SELECT 1, {b1} {b2} SELECT 2, COMMIT; I', "$how: bind() works");
	is($c->query($list), 'SELECT 0; I', "$how: and ends");
}

my @planted = (
	['sessmem.session_id', 'a'],
	['sessmem.context', 'x'],
	['sessmem.context', $sealed],
	['sessmem.context', 'a'],
	['sessmem.token', 'x'],
	['sessmem.token', '********'],
	['sessmem.anything', 'a']);

for my $planted (@planted)
{
	my ($name, $value) = @$planted;
	my $short = "$name = '" . substr($value, 0, 12) . "'";

	is(fresh->query("SET $name = '$value'"), 'SET; I', "SET $short is a setting like any other");
	harmless("SET $short");
	is(fresh->query("BEGIN; SET LOCAL $name = '$value'; $list; COMMIT"), 'BEGIN, SET, SELECT 0, COMMIT; I', "SET LOCAL $short: no rows");
	is(fresh->query("BEGIN; SET LOCAL $name = '$value'; SELECT sessmem.bind('$b'); $list; COMMIT"),
		'BEGIN, SET, {b} SELECT 1, {b1} {b2} SELECT 2, COMMIT; I', "SET LOCAL $short: bind() works");
	is(fresh->query("BEGIN; SAVEPOINT s; SET $name = '$value'; $list; ROLLBACK TO s; $list; COMMIT"),
		'BEGIN, SAVEPOINT, SET, SELECT 0, ROLLBACK, SELECT 0, COMMIT; I', "SET $short in a savepoint: no rows");
}
is(fresh->query("SET sessmem.token = '$a'"), 'SET; I', 'SET sessmem.token to a good token');
harmless('SET sessmem.token to a good token');

# The issuer of the plant is an administrator, or the role itself.
for my $planted (@planted[ 0 .. 3 ])
{
	my ($name, $value) = @$planted;
	for my $scope ("ROLE $app", 'DATABASE postgres', "ROLE $app IN DATABASE postgres")
	{
		my $short = "ALTER $scope SET $name = '" . substr($value, 0, 12) . "'";
		my ($rc, $out, $err) = $node->psql('postgres', "ALTER $scope SET $name = '$value'");
		if ($rc == 0)
		{
			fresh;
			harmless($short);
		}
		else
		{
			pass("$short: refused");
		}
		$node->safe_psql('postgres', "ALTER $scope RESET ALL");
	}
	for my $startup ([ $name => $value ], [ options => "-c $name=$value" ])
	{
		my $how = "startup packet, $startup->[0] = " . substr($startup->[1], 0, 30);
		fresh(@$startup);
		if ($c->{refused})
		{
			pass("$how: no connection");
		}
		else
		{
			harmless($how);
		}
	}
}
my $reply = fresh->query("ALTER ROLE $app SET sessmem.context = '$sealed'");
fresh;
harmless("ALTER ROLE by itself ($reply)");
$node->safe_psql('postgres', "ALTER ROLE $app RESET ALL");

is(fresh->query("SELECT sessmem.status(); SET sessmem.session_id = 'a'"), '{none} SELECT 1, 55P02; I', 'once it is loaded, sessmem.session_id cannot be set');
is($c->query("SET sessmem.token = '$a'"), '55P02; I', 'nor sessmem.token');
is($c->query("SET sessmem.anything = 'a'"), '42602; I', 'nor a name that does not exist');

# What the administrator decided cannot be undecided by being early.
$node->safe_psql('postgres', "ALTER ROLE $app SET sessmem.allow_attach = off");
fresh->query('SET sessmem.allow_attach = on');
is($c->query("SELECT sessmem.attach('$a')"), '42501; I', 'SET sessmem.allow_attach = on before the library is loaded does not count');
is($c->query("BEGIN; SELECT sessmem.bind('$a'); $list; COMMIT"), "BEGIN, {a} SELECT 1, $all, COMMIT; I", 'and bind() works');
for my $startup ([ 'sessmem.allow_attach' => 'on' ], [ options => '-c sessmem.allow_attach=on' ])
{
	fresh(@$startup);
	is($c->{refused} // $c->query("SELECT sessmem.attach('$a')"), '42501; I', "nor does it in the startup packet, $startup->[0]");
	fresh(@$startup, 'sessmem.token' => $a);
	is($c->{refused} // $c->query($list), '42501; I', 'where the token is refused, too');
}
$node->safe_psql('postgres', "ALTER ROLE $app RESET ALL");

my $other = $node->safe_psql('postgres', q{SET sessmem.audience = 'elsewhere'; SELECT sessmem.open_session('a', session_id => 'a')});
is(fresh->query("BEGIN; SELECT sessmem.bind('$other')"), 'BEGIN, 28000; E', 'a token for another audience is refused');
fresh->query("SET sessmem.audience = 'elsewhere'");
is($c->query("BEGIN; SELECT sessmem.bind('$other')"), 'BEGIN, 28000; E', 'also if the client named that audience before');
$c->query('ROLLBACK');
is($c->query("BEGIN; SELECT sessmem.bind('$a')"), 'BEGIN, {a} SELECT 1; T', 'and its own is still good');
$node->safe_psql('postgres', "ALTER ROLE $app SET sessmem.audience = 'elsewhere'");
is(fresh->query("BEGIN; SELECT sessmem.bind('$a')"), 'BEGIN, 28000; E', 'with an audience of its own the role accepts no token for the database');
fresh('sessmem.audience' => 'nowhere');
like($c->{refused} // $c->query("BEGIN; SELECT sessmem.bind('$a')"), qr/^(42501|BEGIN, 28000; E)$/, 'also if the client names a third one in the startup packet');
$node->safe_psql('postgres', "ALTER ROLE $app RESET ALL");

# ---------- a token in the startup packet ----------

for my $first ($list, 'SELECT sessmem.status()', "BEGIN; $list; ROLLBACK", 'SELECT 1/0', "SELECT sessmem.unbind()")
{
	fresh('sessmem.token' => $a);
	$c->query($first);
	is($c->query($list), "$all; I", "token in the startup packet: attached after $first");
	is($c->query('SELECT sessmem.status()'), '{bound} SELECT 1; I', 'and bound');
}
is(fresh('sessmem.token' => $a)->query($list), "$all; I", 'token in the startup packet: attached in the first statement');
is(fresh('sessmem.token' => $a)->query("INSERT INTO notes (content) VALUES ('x') RETURNING session_id; DELETE FROM notes WHERE content = 'x'"),
	'{a} INSERT 0 1, DELETE 1; I', 'also when that writes');
is($c->query('SELECT sessmem.detach()'), '{} SELECT 1; I', 'detach()');
is($c->query($list), 'SELECT 0; I', 'ends it');
for my $end ('SELECT sessmem.detach()', 'RESET ALL', 'DISCARD ALL')
{
	fresh('sessmem.token' => $a);
	$c->query($list);
	$c->query($end);
	is($c->query($list), 'SELECT 0; I', "$end ends the session of the startup packet");
}
for my $bad ('x', "${a}x")
{
	fresh('sessmem.token' => $bad);
	is($c->query($list), '28000; I', 'a bad token in the startup packet: no read');
	is($c->query("INSERT INTO notes (session_id, content) VALUES ('a', 'x')"), '28000; I', 'no write');
	is($c->query('SELECT sessmem.status()'), '28000; I', 'no status');
	is($c->query('SELECT 1'), '28000; I', 'nothing');
}
for my $look ('SHOW sessmem.token', q{SELECT current_setting('sessmem.token')}, q{SELECT setting, reset_val FROM pg_settings WHERE name ~ 'sessmem'}, 'SHOW ALL')
{
	fresh('sessmem.token' => $a);
	$c->query('SELECT sessmem.status()');
	unlike($c->query($look), qr/eyJ/, "no token in: $look");
}

# Until the library is loaded, any setting shows what the client sent; loaded with
# the connection it never does.
$node->safe_psql('postgres', "ALTER ROLE $app SET session_preload_libraries = 'sessmem'");
for my $look ('SHOW sessmem.token', q{SELECT current_setting('sessmem.token')}, q{SELECT setting, reset_val FROM pg_settings WHERE name ~ 'sessmem'}, 'SHOW ALL')
{
	unlike(fresh('sessmem.token' => $a)->query($look), qr/eyJ/, "session_preload_libraries: no token in the first statement: $look");
}
is(fresh('sessmem.token' => $a)->query($list), "$all; I", 'session_preload_libraries: attached');
is(fresh('sessmem.token' => "${a}x")->query('SELECT 1'), '28000; I', 'session_preload_libraries: a bad token is refused in the first statement');
is(fresh->query($list), 'SELECT 0; I', 'session_preload_libraries: no session without a token');
is(fresh->query("SET sessmem.session_id = 'a'"), '55P02; I', 'session_preload_libraries: nothing can be planted');
$node->safe_psql('postgres', "ALTER ROLE $app RESET ALL");

# ---------- parallel workers ----------

$node->safe_psql('postgres', <<SQL);
CREATE TABLE many (id int PRIMARY KEY, session_id text, content text);
INSERT INTO many SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, repeat('x', 200) FROM generate_series(1, 20000) AS n;
SELECT sessmem.protect('many');
GRANT SELECT ON many TO $app;
ANALYZE many;
SQL
my $force = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my @parallel = qw(parallel_setup_cost=0 parallel_tuple_cost=0 min_parallel_table_scan_size=0
  enable_indexscan=off enable_indexonlyscan=off enable_bitmapscan=off);
my $options = join(' ', map { "-c $_" } @parallel);
my $count = 'SELECT count(*), min(session_id), max(session_id) FROM many';
my $some = '{10000,a,a} SELECT 1';
my $none = '{0,NULL,NULL} SELECT 1';

$node->safe_psql('postgres', "ALTER ROLE $app SET sessmem.explain_analyze = on");
like(fresh(options => $options)->query("BEGIN; SELECT sessmem.bind('$a'); EXPLAIN (ANALYZE, COSTS OFF) $count"), qr/Workers Launched: [1-9]/, 'workers run');
is(fresh(options => $options)->query($count), "$none; I", 'workers without a session return nothing, in the first statement');
is($c->query("BEGIN; SELECT sessmem.bind('$a'); $count; COMMIT"), "BEGIN, {a} SELECT 1, $some, COMMIT; I", 'bound they return all of its rows');
is($c->query($count), "$none; I", 'after that none');
is($c->query("BEGIN; SELECT sessmem.bind('$a'); SAVEPOINT s; SELECT sessmem.unbind(); $count; ROLLBACK TO s; $count; COMMIT"),
	"BEGIN, {a} SELECT 1, SAVEPOINT, {} SELECT 1, $none, ROLLBACK, $some, COMMIT; I", 'they follow savepoints');
$c->query("SELECT sessmem.attach('$a')");
is($c->query($count), "$some; I", 'attached they return all of its rows');
is($c->query("SET sessmem.context = 'x'; $count"), "SET, $none; I", 'with a planted context none');
is(fresh(options => $options, 'sessmem.token' => $a)->query($count), "$some; I", 'token in the startup packet: all rows in the first statement');
is($c->query($count), "$some; I", 'and in the next');
for my $planted ("sessmem.session_id = 'a'", "sessmem.context = '$sealed'", "sessmem.token = '$a'")
{
	fresh(options => $options)->query("SET $planted");
	is($c->query($count), "$none; I", "none after SET " . substr($planted, 0, 30));
	is($c->query("BEGIN; SELECT sessmem.bind('$a'); $count; COMMIT"), "BEGIN, {a} SELECT 1, $some, COMMIT; I", 'and bind() works');
}

is(fresh(options => "-c $force=on")->query("SELECT sessmem.session_id()"), '{NULL} SELECT 1; I', "$force: the getter in a worker, without a session");
is($c->query("BEGIN; SELECT sessmem.bind('$a'); SELECT sessmem.session_id(), sessmem.user_id(), current_setting('sessmem.session_id'); $list; COMMIT"),
	"BEGIN, {a} SELECT 1, {a,a,a} SELECT 1, $all, COMMIT; I", "$force: and in one");
is($c->query("SELECT sessmem.session_id(), current_setting('sessmem.session_id')"), '{NULL,} SELECT 1; I', "$force: and after it");

done_testing();
