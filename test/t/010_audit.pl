# What audit() finds where a server is configured badly, that its fixes help, and that
# nothing is found in a restored database that was not there in the dumped one.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Utils;
use Test::More;

# The test cluster logs all statements.
my $node = Fixture::start('audit', 'log_statement = ddl', 'log_min_duration_statement = 1000',
	'log_parameter_max_length_on_error = -1', 'debug_print_plan = on', 'sessmem.explain_analyze = on');
$node->safe_psql('postgres', <<SQL);
ALTER ROLE $Fixture::app SET track_activities = off;
CREATE TABLE lazy (session_id text NOT NULL);
CREATE INDEX ON lazy (session_id);
ALTER TABLE lazy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON lazy USING (session_id = current_setting('sessmem.session_id', true));
SQL

# area.name, object; of the areas that this file is about
sub found
{
	return $node->safe_psql('postgres', q{SELECT check_id, object, count(*) FROM sessmem.audit()
		WHERE check_id ~ '^(context|storage|guard)' AND check_id <> 'guard.surrogate_key' GROUP BY 1, 2 ORDER BY 1, 2});
}

is(found(), join("\n", 'context.explain_analyze|server|1', 'context.not_preloaded|server|1', 'context.parameters_logged|server|1',
	'context.placeholder|public.lazy|1', 'context.statements_logged|server|2', 'context.trees_logged|server|1'), 'each is found');
unlike($node->safe_psql('postgres', 'SELECT * FROM sessmem.audit()'), qr/a1|b2/, 'no row is in the report');
is($node->psql('postgres', "SELECT sessmem.assert_isolated('high')"), 3, 'the assertion fails');

# as somebody would paste them
$node->safe_psql('postgres', $_)
  for $node->safe_psql('postgres', q{SELECT string_agg(fix, E'\n') FROM sessmem.audit() WHERE check_id ~ '^context'});
$node->restart;
is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'), 'sessmem', 'the library is preloaded');
is(found(), '', 'nothing is found after the fixes');

# ---------- the page that explains it ----------

my @explained = map { slurp_file($_) =~ /^### (\S+\.\S+)$/mg } glob('docs/audit*.md');
is(join("\n", sort @explained), $node->safe_psql('postgres', 'SELECT check_id FROM sessmem.audit_check ORDER BY check_id COLLATE "C"'),
	'docs/audit.md explains each check, once');

# ---------- dump and restore ----------

my $dump = PostgreSQL::Test::Utils::tempdir . '/dump.sql';
{
	local $ENV{PGOPTIONS} = $Fixture::maintenance;
	$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restored');
}
is($node->safe_psql('restored', q{SELECT check_id, object FROM sessmem.audit() WHERE check_id ~ '^(context|storage|guard)' AND check_id <> 'guard.surrogate_key'}), '',
	'a restored database has no gap that the dumped one had not');

$node->stop;
done_testing();
