# Findings of the audit whose gap is in the server: slots, publications, superusers,
# pg_hba.conf, poolers, keys that nobody has, and what is known of versions.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Fixture;

my $node = Fixture::start('audit_server', "shared_preload_libraries = 'sessmem'", 'wal_level = logical');
my $app = $Fixture::app;

# found($check): the objects that the audit names for it
sub found { return $node->safe_psql('postgres', "SELECT object FROM sessmem.audit() WHERE check_id = '$_[0]' ORDER BY 1"); }

# gone($check, $what): its fix, statement by statement as psql sends it, ends it
sub gone
{
	my ($check, $what) = @_;
	my $fix = $node->safe_psql('postgres', "SELECT string_agg(fix, E'\\n') FROM sessmem.audit() WHERE check_id = '$check'");

	$node->safe_psql('postgres', $fix);
	is(found($check), '', "$what, and its fix ends it");
}

is(found('leak.replication_slot'), '', 'no slot');
$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('outlet', 'pgoutput')");
is(found('leak.replication_slot'), 'outlet', 'a logical slot is found');
gone('leak.replication_slot', 'a logical slot');

$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
is(found('leak.publication'), 'everything', 'a publication of all tables is found');
$node->safe_psql('postgres', $node->safe_psql('postgres', "SELECT fix FROM sessmem.audit() WHERE check_id = 'leak.publication'"));
is($node->safe_psql('postgres', 'SELECT pubinsert FROM pg_publication'), 't', 'nobody who subscribes to it is cut off');
$node->safe_psql('postgres', 'DROP PUBLICATION everything');

# The role that executes a fix is not demoted by it.
$node->safe_psql('postgres', 'CREATE ROLE second SUPERUSER LOGIN');
my $demotion = $node->safe_psql('postgres', "SELECT fix FROM sessmem.audit() WHERE check_id = 'role.superuser'");
is($node->psql('postgres', $demotion, extra_params => [ '-U', 'second' ]), 3, 'a superuser does not demote itself');
is(found('role.superuser'), 'second', '... and still is one');
gone('role.superuser', 'another superuser');

is(found('role.trust'), '', 'no trust from elsewhere');
$node->append_conf('pg_hba.conf', 'host all all 10.0.0.0/8 trust');
is(found('role.trust'), 'server', 'trust from elsewhere is found');

is(found('operation.pooled_attach'), '', 'no pooler');
my $pooler = Fixture::client($node, application_name => 'pgbouncer');
is(found('operation.pooled_attach'), $app, 'a pooler whose clients may attach is found');
gone('operation.pooled_attach', 'a pooler whose clients may attach');

is(found('operation.no_worker'), '', 'nothing to sweep yet');
$node->safe_psql('postgres', "INSERT INTO sessmem.session (session_id, expires_at) VALUES ('lapsed', now() - interval '1 day')");
is(found('operation.no_worker'), 'database', 'sessions that nobody will sweep are found');
$node->safe_psql('postgres', $node->safe_psql('postgres', "SELECT fix FROM sessmem.audit() WHERE check_id = 'operation.no_worker'"));
$pooler->close if $pooler->can('close');
$node->restart;
is(found('operation.no_worker'), '', 'a worker, after a restart');

is(found('operation.no_key'), '', 'there is a key');
$node->safe_psql('postgres', 'SELECT sessmem.retire_key(kid) FROM sessmem.keys WHERE retired_at IS NULL');
is(found('operation.no_key'), 'database', 'sessions without a key are found');
gone('operation.no_key', 'sessions without a key');

SKIP: {
	skip 'event_triggers is of PostgreSQL 17', 2 if $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;
	$node->safe_psql('postgres', 'ALTER DATABASE postgres SET event_triggers = off');
	is(found('operation.event_triggers_off'), 'database', 'event triggers that are off are found');
	gone('operation.event_triggers_off', 'event triggers that are off');
}

is($node->safe_psql('postgres', "SELECT string_agg(cve, ' ' ORDER BY cve) FROM sessmem.audit_vulnerabilities(160009)"),
	'CVE-2025-8713 CVE-2026-2006 CVE-2026-6473', 'what an old server is open to');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sessmem.audit_vulnerabilities(180004)'), '0', 'a new one is not');

$node->stop;
done_testing();
