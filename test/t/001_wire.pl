# What only a client that speaks the protocol itself can do: pipelines,
# statements and portals by name, portals fetched in parts, several statements in
# one query, a token in the startup packet.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = Fixture::start('wire', "shared_preload_libraries = 'sessmem'", 'max_prepared_transactions = 2');
my $a = Fixture::token($node, 'a');
my $b = Fixture::token($node, 'b');
my $list = 'SELECT content FROM notes ORDER BY id';
my $c;

sub fresh
{
	$c->disconnect if $c;
	$c = Fixture::client($node, @_);
	return $c;
}

# ---------- pipelines ----------

fresh;
is( $c->run('BEGIN')->run('SELECT sessmem.bind($1)', $a)
	  ->run('INSERT INTO notes (content) VALUES ($1) RETURNING session_id', 'a4')
	  ->run($list)->run('COMMIT')->sync,
	'BEGIN, {a} SELECT 1, {a} INSERT 0 1, {a1} {a2} {a3} {a4} SELECT 4, COMMIT; I',
	'pipeline in BEGIN and COMMIT: writes and reads its own rows');
is( $c->run($list)->run('SELECT sessmem.status()')->sync,
	'SELECT 0, {none} SELECT 1; I',
	'the next pipeline has no session');

is( $c->run('SELECT sessmem.bind($1)', $b)->run('INSERT INTO notes (content) VALUES ($1)', 'b3')->run($list)->sync,
	'{b} SELECT 1, INSERT 0 1, {b1} {b2} {b3} SELECT 3; I',
	'pipeline without BEGIN: one transaction up to Sync');
is($c->run($list)->sync, 'SELECT 0; I', 'Sync ended its session');

my $two = $c->run('SELECT sessmem.bind($1)', $b)->run($list)->_put('S', '')->run($list);
is($two->sync, '{b} SELECT 1, {b1} {b2} {b3} SELECT 3; I', 'two pipelines sent at once: the first is bound');
is($c->reply, 'SELECT 0; I', 'the second is not');

is( $c->run('BEGIN')->run('SELECT sessmem.bind($1)', $a)->run('DELETE FROM notes WHERE content = $1', 'a4')
	  ->run('SELECT 1/0')->run($list)->run('COMMIT')->sync,
	'BEGIN, {a} SELECT 1, DELETE 1, 22012; E',
	'an error in the middle of a pipeline: nothing after it runs');
is($c->run($list)->sync, '25P02; E', 'the failed transaction reads nothing');
is($c->run('ROLLBACK')->run($list)->sync, 'ROLLBACK, SELECT 0; I', 'after its rollback there is no session');
is( $c->run('SELECT sessmem.bind($1)', $a)->run($list)->sync,
	'{a} SELECT 1, {a1} {a2} {a3} {a4} SELECT 4; I',
	'what it did is undone');

is( $c->run('BEGIN')->run('SELECT sessmem.bind($1)', "${a}x")->run($list)->run('COMMIT')->sync,
	'BEGIN, 28000; E',
	'a refused token stops its pipeline');
is($c->query('ROLLBACK'), 'ROLLBACK; I', 'and its transaction');
is( $c->run('BEGIN')->run('SELECT sessmem.bind($1)', $a)->run('SELECT sessmem.bind($1)', $b)->run($list)->sync,
	'BEGIN, {a} SELECT 1, 42501; E',
	'a second session in one transaction is refused');
is($c->query('ROLLBACK'), 'ROLLBACK; I', 'and the transaction fails');

# ---------- statements by name ----------

for my $mode (qw(auto force_generic_plan force_custom_plan))
{
	fresh;
	$c->query("SET plan_cache_mode = $mode");
	$c->parse('list', $list)->parse('add', 'INSERT INTO notes (content) VALUES ($1) RETURNING session_id')
	  ->parse('who', q{SELECT sessmem.session_id(), current_setting('sessmem.session_id')})
	  ->parse('bind', 'SELECT sessmem.bind($1)')->sync;
	for my $round (1 .. 7)    # a generic plan is used from the sixth execution on
	{
		for my $s (['a', $a, '{a1} {a2} {a3} {a4} {x} SELECT 5'], ['b', $b, '{b1} {b2} {b3} {x} SELECT 4'])
		{
			my ($session, $token, $rows) = @$s;
			my $reply = $c->run('BEGIN')->bind('', 'bind', $token)->execute('')->bind('', 'add', 'x')->execute('')
			  ->bind('', 'list')->execute('')->bind('', 'who')->execute('')->run('ROLLBACK')->sync;
			my $expected = "BEGIN, {$session} SELECT 1, {$session} INSERT 0 1, $rows, {$session,$session} SELECT 1, ROLLBACK; I";
			is($reply, $expected, "$mode: statements by name serve session $session") if $round == 7 || $reply ne $expected;
		}
	}
	is( $c->bind('', 'list')->execute('')->bind('', 'who')->execute('')->sync,
		'SELECT 0, {NULL,} SELECT 1; I',
		"$mode: without a session they answer nothing");
	is($c->bind('', 'add', 'x')->execute('')->sync, '42501; I', "$mode: and write nothing");
}

# A driver executes its statements by name: SQL must not put another there.
for my $away ('DEALLOCATE login', 'DEALLOCATE ALL', 'DISCARD ALL')
{
	fresh;
	$c->parse('login', 'SELECT sessmem.bind($1)')->sync;
	$c->query($away);
	is($c->query("PREPARE login(text) AS SELECT 'stolen'"), '42501; I', "$away: another cannot take its name");
	is($c->query('PREPARE other AS SELECT 1; EXECUTE other; DEALLOCATE other'), 'PREPARE, {1} SELECT 1, DEALLOCATE; I', "$away: any other name is free");
	unlike($c->run('BEGIN')->bind('', 'login', $b)->execute('')->run('ROLLBACK')->sync, qr/stolen/, "$away: and the driver does not run it");
	$c->query('ROLLBACK');
	$c->parse('again', 'SELECT sessmem.bind($1)')->sync;
	is($c->run('BEGIN')->bind('', 'again', $b)->execute('')->run('ROLLBACK')->sync, 'BEGIN, {b} SELECT 1, ROLLBACK; I', "$away: the driver can prepare anew");
}
fresh;
$c->parse("many$_", 'SELECT 1')->sync, $c->query("DEALLOCATE many$_") for 1 .. 256;
is($c->query('PREPARE other AS SELECT 1'), '42501; I', 'past so many names it is all of them');
fresh;
is($c->query('PREPARE mine AS SELECT 1; DEALLOCATE mine; PREPARE mine AS SELECT 2; DEALLOCATE ALL; PREPARE mine AS SELECT 3; EXECUTE mine'),
	'PREPARE, DEALLOCATE, PREPARE, DEALLOCATE ALL, PREPARE, {3} SELECT 1; I', 'statements made in SQL come and go');

# ---------- portals fetched in parts ----------

# Each plan keeps rows in another place: an index scan reads on, a sort, a
# materialised CTE and recall() have read all.  RETURNING and utility statements
# have run to their end before the first row is sent: what the portal gives out
# after that is their answer, to whoever asked, until his transaction ends.
$node->safe_psql('postgres', <<SQL);
CREATE INDEX notes_content ON notes (session_id, content);
CREATE FUNCTION listed() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT content FROM public.notes ORDER BY id';
CREATE VIEW listing WITH (security_invoker) AS SELECT * FROM notes;
GRANT SELECT ON listing TO $Fixture::app;
SQL
my %portal = (
	'scan' => 'SELECT content FROM notes',
	'sort' => $list,
	'aggregate' => 'SELECT content FROM notes GROUP BY content ORDER BY 1',
	'CTE' => 'WITH n AS MATERIALIZED (SELECT * FROM notes ORDER BY id) SELECT content FROM n',
	'function' => 'SELECT * FROM listed()',
	'view' => 'SELECT content FROM listing ORDER BY id',
	'recall()' => q{SELECT content FROM sessmem.recall(NULL::notes, order_by => 'id') ORDER BY id},
	'RETURNING (stored)' => 'UPDATE notes SET content = content RETURNING content',
	'EXECUTE (stored)' => 'EXECUTE list',
);
my $stored = qr/^\{a\d\} suspended; T$/;
sub refused_or_stored { return $_[0] =~ /stored/ ? $stored : qr/^42501; E$/ }
my @a = map { "a$_" } 1 .. 4;

# Begins a portal and fetches its first row.
sub begin_portal
{
	my ($kind, $into) = @_;
	if ($kind =~ /EXECUTE/)
	{
		# only without a session, and kept where it used the connection last
		$c->query("BEGIN; $into; COMMIT");
		$c->query("BEGIN; SELECT sessmem.unbind(); PREPARE list AS $list");
	}
	else
	{
		$c->query("BEGIN");
	}
	$c->query($into);
	return $c->parse('', $portal{$kind})->bind('p', '')->execute('p', 1)->sync;
}

for my $kind (sort keys %portal)
{
	my $resume = sub { return $c->execute('p', $_[0])->sync };

	fresh;
	like(begin_portal($kind, "SELECT sessmem.bind('$a')"), qr/^\{a\d\} suspended; T$/, "portal of $kind: the first row");
	like($resume->(1), qr/^\{a\d\} suspended; T$/, "portal of $kind: resumed in its session");
	like($resume->(0), qr/^\{a\d\} \{a\d\} [A-Z]+ \d; T$/, "portal of $kind: to its end");

	fresh;
	begin_portal($kind, "SELECT sessmem.bind('$a')");
	$c->query('SELECT sessmem.unbind()');
	like($resume->(1), refused_or_stored($kind), "portal of $kind: refused, or stored, after unbind()");

	fresh;
	begin_portal($kind, "SELECT sessmem.attach('$a')");
	$c->query('SELECT sessmem.detach()');
	like($resume->(1), refused_or_stored($kind), "portal of $kind: refused, or stored, after detach()");

	fresh;
	begin_portal($kind, "SELECT sessmem.bind('$a')");
	$c->query("SET LOCAL sessmem.context = 'x'");
	like($resume->(1), refused_or_stored($kind), "portal of $kind: refused, or stored, after the context is overwritten");

	fresh;
	begin_portal($kind, "SELECT sessmem.bind('$a')");
	$c->query('RESET ALL');
	like($resume->(1), refused_or_stored($kind), "portal of $kind: refused, or stored, after RESET ALL");

	fresh;
	begin_portal($kind, "SELECT sessmem.bind('$a')");
	$c->query('COMMIT');
	is($resume->(1), '34000; I', "portal of $kind: gone after COMMIT");

	fresh;
	begin_portal($kind, "SELECT sessmem.bind('$a')");
	$c->query("COMMIT; BEGIN");
	$c->query("SELECT sessmem.bind('$b')");
	is($resume->(1), '34000; E', "portal of $kind: gone in the next session's transaction");
}

# One expiry for all kinds.
my %suspended;
my $short = Fixture::token($node, 'a', '2 seconds');
for my $kind (sort keys %portal)
{
	$c = Fixture::client($node);
	begin_portal($kind, "SELECT sessmem.bind('$short')");
	$suspended{$kind} = $c;
}
for my $kind (sort keys %portal)
{
	$c = $suspended{$kind};
	is(Fixture::poll($c, 'SELECT sessmem.status()', '{expired} SELECT 1; T'), '{expired} SELECT 1; T', "portal of $kind: its token expires");
	like($c->execute('p', 1)->sync, refused_or_stored($kind), "portal of $kind: refused, or stored, after expiry");
	is($c->query('ROLLBACK'), 'ROLLBACK; I', 'the connection goes on');
}
is($c->query("SELECT sessmem.bind('$short')"), '28000; I', 'the expired token does not');

fresh;
is( $c->run('SELECT sessmem.bind($1)', $a)->parse('', $list)->bind('p', '')->execute('p', 1)->execute('p', 1)->sync,
	'{a} SELECT 1, {a1} suspended, {a2} suspended; I',
	'portal in a pipeline without BEGIN: resumed before Sync');
is($c->execute('p', 1)->sync, '34000; I', 'and gone after it');

fresh;
$c->query('BEGIN; SAVEPOINT s');
$c->query("SELECT sessmem.bind('$a')");
is($c->parse('', $list)->bind('p', '')->execute('p', 1)->sync, '{a1} suspended; T', 'portal in a savepoint');
is($c->query('ROLLBACK TO s'), 'ROLLBACK; T', 'ROLLBACK TO, before the bind');
is($c->execute('p', 1)->sync, '34000; E', 'took the portal with it');

fresh;
$c->query("BEGIN; SELECT sessmem.bind('$a')");
$c->parse('', $list)->bind('p', '')->execute('p', 1)->sync;
$c->query('SAVEPOINT s; SELECT sessmem.unbind(); ROLLBACK TO s');
is($c->execute('p', 1)->sync, '{a2} suspended; T', 'an unbind() that is rolled back leaves the portal to its session');

# Describe plans nothing and runs nothing.
fresh;
$c->query('BEGIN');
is($c->parse('s', $list)->describe('S', 's')->bind('p', 's')->describe('P', 'p')->sync, '; T', 'portal bound to its plan without a session');
$c->query("SELECT sessmem.bind('$a')");
like($c->execute('p', 0)->sync, qr/^(\{a\d\} ){0,4}SELECT \d; T$/, 'executed in a session it has rows of no other');

# ---------- several statements in one query ----------

# All of them start at the same time, which tells no two transactions apart.
fresh;
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); COMMIT; $list"),
	'BEGIN, {a} SELECT 1, COMMIT, SELECT 0; I',
	'the transaction after COMMIT in the same query has no session');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); COMMIT; BEGIN; $list; SELECT sessmem.status(); COMMIT"),
	'BEGIN, {a} SELECT 1, COMMIT, BEGIN, SELECT 0, {none} SELECT 1, COMMIT; I',
	'nor has one with BEGIN');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); COMMIT AND CHAIN; $list; COMMIT"),
	'BEGIN, {a} SELECT 1, COMMIT, SELECT 0, COMMIT; I',
	'nor has the one of COMMIT AND CHAIN');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); ROLLBACK AND CHAIN; $list; COMMIT"),
	'BEGIN, {a} SELECT 1, ROLLBACK, SELECT 0, COMMIT; I',
	'nor has the one of ROLLBACK AND CHAIN');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); COMMIT AND CHAIN; SELECT sessmem.bind('$b'); $list; COMMIT"),
	'BEGIN, {a} SELECT 1, COMMIT, {b} SELECT 1, {b1} {b2} {b3} SELECT 3, COMMIT; I',
	'the chained transaction can have another session');
is( $c->query("SELECT sessmem.bind('$a'); SELECT count(*) FROM notes; COMMIT; SELECT count(*) FROM notes"),
	'{a} SELECT 1, {4} SELECT 1, COMMIT, {0} SELECT 1; I',
	'a query without BEGIN is one transaction, up to its COMMIT');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); SELECT set_config('sessmem.context', current_setting('sessmem.context'), false); COMMIT; $list"),
	'BEGIN, {a} SELECT 1, {********} SELECT 1, COMMIT, SELECT 0; I',
	'the context cannot be read to be set again');
is( $c->query("BEGIN; SELECT sessmem.bind('$a'); INSERT INTO notes (content) VALUES ('x'); PREPARE TRANSACTION 'x'"),
	'BEGIN, {a} SELECT 1, INSERT 0 1, 42501; I',
	'PREPARE TRANSACTION in a session is refused');
is($c->query("SELECT count(*) FROM pg_prepared_xacts"), '{0} SELECT 1; I', 'and nothing is left prepared');

# ---------- a token in the startup packet ----------

fresh('sessmem.token' => $a);
is($c->query("BEGIN; SELECT sessmem.unbind(); $list; COMMIT; SELECT sessmem.status()"), 'BEGIN, {} SELECT 1, SELECT 0, COMMIT, {bound} SELECT 1; I',
	'unbind() before the token of the startup packet was needed: not in this transaction');
fresh('sessmem.token' => $a);
is($c->query('SELECT sessmem.status()'), '{bound} SELECT 1; I', 'token in the startup packet: attached');
is($c->query($list), '{a1} {a2} {a3} {a4} SELECT 4; I', 'reads its rows');
is($c->query("INSERT INTO notes (content) VALUES ('x') RETURNING session_id"), '{a} INSERT 0 1; I', 'writes its rows');
is($c->query("DELETE FROM notes WHERE content = 'x'"), 'DELETE 1; I', 'and deletes them');
is($c->query("INSERT INTO notes (session_id, content) VALUES ('b', 'x')"), '42501; I', 'and no others');

for my $first ($list, 'SELECT 1/0', "DELETE FROM notes WHERE content = 'a4'", 'SELECT sessmem.status()')
{
	fresh('sessmem.token' => $a);
	$c->query('BEGIN');
	$c->query($first);
	$c->query('ROLLBACK');
	is($c->query($list), '{a1} {a2} {a3} {a4} SELECT 4; I', "attached after the first transaction is rolled back: $first");
	is($c->query("SELECT sessmem.unbind()"), '{} SELECT 1; I', 'unbind()');
	is($c->query('SELECT sessmem.status()'), '{bound} SELECT 1; I', 'is for its transaction only');
}

# Another session replaces it, for good, and leaves it nothing.
for my $end ('COMMIT', 'ROLLBACK')
{
	fresh('sessmem.token' => $a);
	$c->query("BEGIN; SELECT sessmem.bind('$b'); CREATE FUNCTION pg_temp.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'; $end");
	is($c->query('SELECT sessmem.status()'), '{none} SELECT 1; I', "replaced by bind(), $end: the session of the startup packet does not come back");
	is($c->query($list), 'SELECT 0; I', 'and reads nothing');
}

for my $end ('SELECT sessmem.detach()', 'RESET ALL', 'DISCARD ALL')
{
	for my $after (undef, $list)    # as the first statement, and after another
	{
		my $when = $after ? 'later' : 'as the first statement';
		fresh('sessmem.token' => $a);
		$c->query($after) if $after;
		unlike($c->query($end), qr/\d{5}/, "$end $when");
		is($c->query("$list; SELECT sessmem.status()"), 'SELECT 0, {none} SELECT 1; I', 'ends the session');
		is($c->query($list), 'SELECT 0; I', 'for good');
		is($c->query("SELECT sessmem.attach('$b')"), '{b} SELECT 1; I', 'another session can be attached');
		is($c->query($list), '{b1} {b2} {b3} SELECT 3; I', 'and has its own rows');
	}
}
for my $end ('SELECT sessmem.detach()', 'RESET ALL')
{
	for my $after (undef, $list)
	{
		fresh('sessmem.token' => $a);
		$c->query($after) if $after;
		$c->query("BEGIN; $end");
		is($c->query($list), 'SELECT 0; T', "$end in a transaction ends the session");
		$c->query('ROLLBACK');
		is( $c->query($list),
			$end eq 'RESET ALL' && !$after ? 'SELECT 0; I' : '{a1} {a2} {a3} {a4} SELECT 4; I',
			'and its rollback brings it back' . ($end eq 'RESET ALL' && !$after ? ', but not before it began' : ''));
	}
}

fresh('sessmem.token' => $a);
for my $try ('SELECT sessmem.attach($1)', 'SELECT sessmem.bind($1)')
{
	is($c->run('BEGIN')->run($list)->run($try, $b)->sync, 'BEGIN, {a1} {a2} {a3} {a4} SELECT 4, 42501; E', "$try of another session in the same transaction is refused");
	$c->query('ROLLBACK');
}
$c->query($list);
is($c->query("SELECT sessmem.attach('$b')"), '{b} SELECT 1; I', 'attach() in a later one changes session');
is($c->query($list), '{b1} {b2} {b3} SELECT 3; I', 'to that of its token');

# The token is a credential: what runs in the session does not get it.
fresh('sessmem.token' => $a);
for my $look (
	'SHOW sessmem.token',
	q{SELECT current_setting('sessmem.token')},
	'SHOW ALL',
	'SELECT * FROM pg_settings',
	'SELECT * FROM pg_stat_activity',
	q{SELECT setting, reset_val, boot_val FROM pg_settings WHERE name ~ 'sessmem'},
	q{SELECT current_setting('sessmem.context')},
	q{SELECT set_config('sessmem.context', current_setting('sessmem.context'), false)})
{
	my $reply = $c->query($look);
	unlike($reply, qr/\d{5};|\Q$a\E/, "no token in: $look");
	unlike($reply, qr/eyJ|\|\d+:a\|/, "and no sealed context in: $look");
}

for my $bad (['not a token', 'x'], ['a token with another signature', "${a}x"], ['an expired token', $short])
{
	my ($what, $token) = @$bad;
	my $said = '';
	fresh('sessmem.token' => $token);
	for my $query ('SELECT 1', $list, 'SELECT 1', "INSERT INTO notes (session_id, content) VALUES ('a', 'x')",
		'VALUES (1)', 'COPY (SELECT 1) TO STDOUT', 'SELECT sessmem.status()', 'DO $$BEGIN PERFORM 1; END$$',
		'EXPLAIN ANALYZE SELECT 1', 'SHOW sessmem.session_id')
	{
		is($c->query($query), '28000; I', "$what in the startup packet: 28000 for $query");
	}
	is($c->query("BEGIN; $list; COMMIT"), 'BEGIN, 28000; E', "$what in the startup packet: 28000 in a transaction");
	unlike($c->{said}, qr/\Q$token\E/, 'no message has the token') if $token ne 'x';
}

$node->safe_psql('postgres', "ALTER ROLE $Fixture::app SET sessmem.allow_attach = off");
fresh('sessmem.token' => $a);
is($c->query($list), '42501; I', 'sessmem.allow_attach = off: the token in the startup packet is refused');
is($c->query("BEGIN; $list"), 'BEGIN, 42501; E', 'in every statement');
fresh;
is($c->query("SELECT sessmem.attach('$a')"), '42501; I', 'and attach() is, too');
is($c->query("BEGIN; SELECT sessmem.bind('$a'); $list; COMMIT"), 'BEGIN, {a} SELECT 1, {a1} {a2} {a3} {a4} SELECT 4, COMMIT; I', 'bind() is not');
ok(Fixture::client($node, 'sessmem.allow_attach' => 'on')->{refused}, 'the startup packet cannot switch it on');
is($c->query('SET sessmem.allow_attach = on'), '42501; I', 'the application cannot switch it on');
$node->safe_psql('postgres', "ALTER ROLE $Fixture::app RESET sessmem.allow_attach");

fresh('sessmem.token' => $a);
is($c->query($list), '{a1} {a2} {a3} {a4} SELECT 4; I', 'attached while it was allowed');
$node->safe_psql('postgres', 'ALTER SYSTEM SET sessmem.allow_attach = off; SELECT pg_reload_conf()');
is(Fixture::poll($c, $list, 'SELECT 0; I'), 'SELECT 0; I', 'switched off for all: no more');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET sessmem.allow_attach; SELECT pg_reload_conf()');

like(Fixture::client($node, 'sessmem.context' => 'x')->{refused}, qr/^\d{5}$/, 'sessmem.context in the startup packet: no connection');
like(Fixture::client($node, options => '-c sessmem.context=x')->{refused}, qr/^\d{5}$/, 'nor in its options');
like(Fixture::client($node, 'sessmem.session_id' => 'a')->{refused}, qr/^\w{5}$/, 'nor sessmem.session_id');

# ---------- parallel workers ----------

$node->safe_psql('postgres', <<SQL);
CREATE TABLE many (id int PRIMARY KEY, session_id text, content text);
INSERT INTO many SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, repeat('x', 200) FROM generate_series(1, 20000) AS n;
SELECT sessmem.protect('many');
GRANT SELECT ON many TO $Fixture::app;
ANALYZE many;
SQL
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
  . ' SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off';
my $count = 'SELECT count(*), min(session_id), max(session_id) FROM many';

$node->safe_psql('postgres', "ALTER ROLE $Fixture::app SET sessmem.explain_analyze = on");
fresh('sessmem.token' => $a);
$c->query($parallel);
like($c->query("EXPLAIN (ANALYZE, COSTS OFF) $count"), qr/Workers Launched: [1-9]/, 'workers run');
is($c->query($count), '{10000,a,a} SELECT 1; I', 'token in the startup packet: workers return all of its rows');
$c->query('BEGIN');
is($c->query($count), '{10000,a,a} SELECT 1; T', 'in a transaction');
$c->query('COMMIT');
$c->query('SELECT sessmem.detach()');
is($c->query($count), '{0,NULL,NULL} SELECT 1; I', 'after detach() none');

fresh('sessmem.token' => $a, options =>
	  join(' ', map { "-c $_" } qw(parallel_setup_cost=0 parallel_tuple_cost=0 min_parallel_table_scan_size=0 enable_indexscan=off enable_bitmapscan=off)));
is($c->query($count), '{10000,a,a} SELECT 1; I', 'also in the first statement of the connection');

fresh('sessmem.token' => "${a}x");
$c->query($parallel);
is($c->query($count), '28000; I', 'and a bad token is refused before workers start');

done_testing();
