# On a hot standby, and in READ ONLY transactions, sessions can be read and nothing
# is written for them; what ends a session on the primary ends it on the standby.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use Fixture;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = Fixture::start('primary', "shared_preload_libraries = 'sessmem'", 'wal_level = replica', 'max_wal_senders = 5');
my $secret = 'known-secret-of-exactly-32-bytes';
$primary->safe_psql('postgres', qq{SELECT sessmem.import_key('{"kty": "oct", "kid": "known", "k": "${\ encode_base64url($secret) }"}')});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# A token of an issuer outside of the database, for user "x".
sub issue
{
	my ($session) = @_;
	my $signed = join('.', map { encode_base64url($_) } '{"alg":"HS256","kid":"known"}',
		qq({"sid":"$session","sub":"x","aud":"postgres","exp":4102444800}));
	return "$signed." . encode_base64url(hmac_sha256($signed, $secret));
}

sub on_primary
{
	my ($sql) = @_;
	my $answer = $primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby);
	return $answer;
}

# What the registry has of a session; nothing of it may change by reading.
sub recorded { my ($session) = @_; return on_primary("SELECT s FROM sessmem.session AS s WHERE session_id = '$session'"); }

my $list = 'SELECT content FROM notes ORDER BY id';
my $own = '{a1} {a2} {a3} SELECT 3';
my $a = Fixture::token($primary, 'a');
my $b = Fixture::token($primary, 'b');

# ---------- reading ----------

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');
is(on_primary(q{UPDATE sessmem.session SET last_used_at = last_used_at - interval '1 hour'; SELECT count(*) FROM sessmem.session}), 2, 'the last use of each session is long ago');
is(on_primary(q{SELECT sessmem.open_session('idle', session_id => 'idle', idle_timeout => '1 hour') <> ''}), 't', 'and one has an idle timeout');
my $issued = issue('a-new-one');
for my $where ([ 'the standby', $standby, 'BEGIN' ], [ 'a READ ONLY transaction', $primary, 'BEGIN READ ONLY' ])
{
	my ($what, $node, $begin) = @$where;
	my $c = Fixture::client($node);
	my $before = recorded('a');

	is($c->query($list), 'SELECT 0; I', "$what: nothing without a session");
	is($c->query("$begin; SELECT sessmem.bind('$a'); $list; SELECT sessmem.status(), sessmem.session_id(); COMMIT"),
		"BEGIN, {a} SELECT 1, $own, {bound,a} SELECT 1, COMMIT; I", "$what: bind()");
	is($c->query("$begin; SELECT sessmem.bind('$a'); SELECT content FROM sessmem.recall(NULL::notes, n => 2); COMMIT"),
		'BEGIN, {a} SELECT 1, {a3} {a2} SELECT 2, COMMIT; I', "$what: recall()");
	is($c->query("$begin; SELECT content FROM sessmem.recall(NULL::notes, token => '$b'); COMMIT"), 'BEGIN, {b2} {b1} SELECT 2, COMMIT; I', "$what: recall() with a token");
	is($c->query("$begin; SELECT sessmem.bind('$a'); SELECT session_id, state FROM sessmem.sessions; COMMIT"),
		'BEGIN, {a} SELECT 1, {a,active} SELECT 1, COMMIT; I', "$what: the session in the view");
	is($c->query("$begin; SELECT sessmem.bind('$a'); INSERT INTO notes (content) VALUES ('x')"), 'BEGIN, {a} SELECT 1, 25006; E', "$what: a write is refused");
	is($c->query('ROLLBACK'), 'ROLLBACK; I', "$what: and that is all");
	is($c->query("$begin; SELECT sessmem.bind('$issued'); $list; SELECT sessmem.status(); SELECT content FROM sessmem.recall(NULL::notes); COMMIT"),
		'BEGIN, {a-new-one} SELECT 1, SELECT 0, {bound} SELECT 1, SELECT 0, COMMIT; I', "$what: a session of another issuer");
	is(recorded('a-new-one'), '', "$what: it is not recorded");
	is(recorded('a'), $before, "$what: nor is the last use of one that is");
}
my $c = Fixture::client($standby);
is($c->query("SELECT sessmem.attach('$a')"), '{a} SELECT 1; I', 'the standby: attach()');
is($c->query($list), "$own; I", 'reads');
is($c->query('SELECT sessmem.detach()'), '{} SELECT 1; I', 'detach()');
$c = Fixture::client($standby, 'sessmem.token' => $b);
is($c->query($list), '{b1} {b2} SELECT 2; I', 'a token in the startup packet');

# In a transaction that may write, both are noted.
$c = Fixture::client($primary);
is($c->query("BEGIN; SELECT sessmem.bind('$issued'); INSERT INTO notes (content) VALUES ('x1'); COMMIT"), 'BEGIN, {a-new-one} SELECT 1, INSERT 0 1, COMMIT; I', 'the primary: another issuer\'s session writes');
my $before = recorded('a');
is($c->query("BEGIN; SELECT sessmem.bind('$a'); $list; COMMIT"), "BEGIN, {a} SELECT 1, $own, COMMIT; I", 'the primary: a session reads');
like(recorded('a-new-one'), qr/a-new-one/, 'the one is recorded');
isnt(recorded('a'), $before, 'and the other\'s last use');
is(Fixture::client($standby)->query("BEGIN; SELECT sessmem.bind('$issued'); $list; COMMIT"), 'BEGIN, {a-new-one} SELECT 1, {x1} SELECT 1, COMMIT; I', 'the standby has its rows');

# ---------- ending ----------

# On the standby: a connection that is attached, and a transaction that is open.
sub ends
{
	my ($what, $token, $sql, $status, $rows) = @_;
	my $attached = Fixture::client($standby);
	my $open = Fixture::client($standby);

	like($attached->query("SELECT sessmem.attach('$token'); $list"), qr/^\{\w+\} SELECT 1, \{.*\} SELECT \d+; I$/, "$what: attached, it reads");
	like($open->query("BEGIN; SELECT sessmem.bind('$token'); $list"), qr/^BEGIN, \{\w+\} SELECT 1, \{.*\} SELECT \d+; T$/, "$what: bound, it reads");
	$primary->safe_psql('postgres', $sql);
	is(Fixture::poll($attached, 'SELECT sessmem.status()', "{$status} SELECT 1; I"), "{$status} SELECT 1; I", "$what on the primary: the attached connection");
	is($attached->query($list), "$rows; I", "$what: what it reads now");
	is(Fixture::poll($open, 'SELECT sessmem.status()', "{$status} SELECT 1; T"), "{$status} SELECT 1; T", "$what on the primary: the open transaction");
	is($open->query("$list; COMMIT"), "$rows, COMMIT; I", "$what: what it reads now");
}

ends('close_session()', $a, q{SELECT sessmem.close_session('a')}, 'ended', $own);
ends('the end of its time', $a, q{UPDATE sessmem.session SET expires_at = statement_timestamp() WHERE session_id = 'a'}, 'expired', 'SELECT 0');
is(Fixture::client($standby)->query("SELECT sessmem.bind('$a')"), '28000; I', 'bind() is refused then');
ends('revoke_user()', $b, q{SELECT sessmem.revoke_user('b')}, 'revoked', 'SELECT 0');
is(Fixture::client($standby)->query("SELECT sessmem.bind('$b')"), '28000; I', 'bind() is refused then, too');
$b = Fixture::token($primary, 'b');
$primary->wait_for_catchup($standby);
ends('forget_session()', $b, q{SELECT sessmem.forget_session('b')}, 'revoked', 'SELECT 0');

done_testing();
