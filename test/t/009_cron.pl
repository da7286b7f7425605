# Where the library is not preloaded there is no worker: pg_cron calls sweep_all(),
# as a role that is no superuser, over a connection or in a worker of its own.
use strict;
use warnings;
use Fixture;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $library = PostgreSQL::Test::Cluster->new('probe')->config_data('--pkglibdir') . '/pg_cron.so';
plan skip_all => 'pg_cron is not installed' unless -e $library;

# Both at the same time: an old pg_cron knows whole minutes only.
my %node;
for my $how ('connection', 'worker')
{
	my $node = $node{$how} = Fixture::start($how, "shared_preload_libraries = 'pg_cron'", "cron.database_name = 'postgres'",
		'cron.use_background_workers = ' . ($how eq 'worker' ? 'on' : 'off'),
		"sessmem.worker_databases = 'postgres'", 'sessmem.sweep_interval = 1', 'sessmem.retention = 60');
	$node->append_conf('postgresql.conf', "cron.host = '${\ $node->host }'");
	$node->restart;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_cron;
CREATE ROLE regress_sessmem_admin LOGIN;
SELECT sessmem.grant_admin('regress_sessmem_admin');
GRANT USAGE ON SCHEMA cron TO regress_sessmem_admin;
SELECT sessmem.open_session(s, session_id => s) FROM unnest(ARRAY['a', 'b', 'c']) AS s;
-- longer ago than the retention, and not
UPDATE sessmem.session SET expires_at = statement_timestamp() - interval '1 hour' WHERE session_id = 'b';
UPDATE sessmem.session SET expires_at = statement_timestamp() + interval '1 hour' WHERE session_id = 'c';
SQL
	is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'), 'pg_cron', "$how: sessmem is not preloaded");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM sessmem.session WHERE session_id = 'b'}), 1, 'so nothing has been swept');
	my $interval = $node->safe_psql('postgres', q{
		SELECT CASE WHEN string_to_array(substring(extversion, '^[0-9]+[.][0-9]+'), '.')::int[] >= '{1,5}' THEN '1 seconds' ELSE '* * * * *' END FROM pg_extension WHERE extname = 'pg_cron'});
	like($node->safe_psql('postgres', "SELECT cron.schedule('sweep', '$interval', 'CALL sessmem.sweep_all(1)')", extra_params => [ '-U', 'regress_sessmem_admin' ]),
		qr/^\d+$/, 'an administrator schedules sweep_all()');
}
for my $how ('connection', 'worker')
{
	my $node = $node{$how};
	ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}), "$how: a run succeeds")
		or diag($node->safe_psql('postgres', 'SELECT * FROM cron.job_run_details'));
	is($node->safe_psql('postgres', q{SELECT string_agg(session_id, ',' ORDER BY session_id) FROM sessmem.session}), 'a,c', 'a session that has lapsed is swept');
	is($node->safe_psql('postgres', q{SELECT string_agg(content, ',' ORDER BY id) FROM notes}), 'a1,a2,a3', 'with its rows, and no others');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), 0, 'no run failed');
	unlike(slurp_file($node->logfile), qr/sessmem worker/, 'there was no other worker');
}

done_testing();
