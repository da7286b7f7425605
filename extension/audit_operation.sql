-- audit_operation: whether what should run does, and sessmem is what was installed
--
-- Which connections have a context attached only they know; so the audit looks at
-- poolers that could hand one on, instead.

INSERT INTO sessmem.audit_check (check_id, severity, title) VALUES
	('operation.event_triggers_off', 'critical', 'Event triggers are not switched off'),
	('operation.foreign_object', 'high', 'There is nothing of others in schema sessmem'),
	('operation.no_key', 'medium', 'There is a key to verify tokens'),
	('operation.key_rotation', 'medium', 'The signing key is younger than 90 days'),
	('operation.old_key', 'medium', 'Keys that have a successor are retired within a year'),
	('operation.sweep_behind', 'medium', 'What has lapsed is swept'),
	('operation.sweep_failed', 'medium', 'No session resists the sweeper'),
	('operation.no_worker', 'low', 'A worker sweeps this database'),
	('operation.pooled_attach', 'medium', 'Behind a pooler contexts end with their transaction');

CREATE FUNCTION sessmem.audit_operation() RETURNS TABLE (check_id text, object text, finding text, evidence text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	apps CONSTANT oid[] := ARRAY(SELECT a.oid FROM sessmem.audit_apps() AS a);
BEGIN
	RETURN QUERY
	WITH live AS (
		SELECT k.kid, k.alg, k.created_at, lead(k.created_at) OVER (PARTITION BY k.alg = 'HS256' ORDER BY k.created_at, k.kid) AS successor
		FROM sessmem.keyring AS k WHERE k.purpose = 'token' AND k.retired_at IS NULL
	)
	-- since PostgreSQL 17
	SELECT 'operation.event_triggers_off', CASE WHEN s.setrole <> 0 THEN s.setrole::regrole::text ELSE 'database' END,
		'DDL may weaken what is protected, and new partitions and tables are not protected.', format('event_triggers = %s', o.option_value),
		format('ALTER %s%s RESET event_triggers;',
			CASE WHEN s.setrole <> 0 THEN format('ROLE %s', s.setrole::regrole) WHEN s.setdatabase = 0 THEN 'ROLE ALL' ELSE format('DATABASE %I', current_database()) END,
			CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) END)
	FROM pg_db_role_setting AS s CROSS JOIN LATERAL pg_options_to_table(s.setconfig) AS o
	WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
		AND o.option_name = 'event_triggers' AND NOT o.option_value::boolean

	UNION ALL
	SELECT 'operation.foreign_object', p.oid::regprocedure::text, 'It is not sessmem''s, and what calls sessmem may call it instead.', 'no member of the extension',
		-- where nobody's search_path finds it
		format(E'CREATE SCHEMA IF NOT EXISTS sessmem_moved;\nALTER ROUTINE %s SET SCHEMA sessmem_moved;', p.oid::regprocedure)
	FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')

	UNION ALL
	SELECT 'operation.no_key', 'database', 'No token can be verified: nobody can bind.', 'no live key in sessmem.keys', 'SELECT sessmem.create_key();'
	WHERE NOT EXISTS (SELECT FROM live) AND EXISTS (SELECT FROM sessmem.session)
	UNION ALL
	SELECT 'operation.key_rotation', quote_ident(k.kid), 'Whoever has got hold of it signs tokens for as long as it lives.',
		format('%s, older than 90 days, no successor', k.alg), 'SELECT sessmem.create_key();'
	FROM live AS k WHERE k.alg = 'HS256' AND k.successor IS NULL AND k.created_at < now() - interval '90 days'
	UNION ALL
	SELECT 'operation.old_key', quote_ident(k.kid), 'It has a successor, and still verifies tokens.',
		format('%s, older than a year', k.alg), format('SELECT sessmem.retire_key(%L);', k.kid)
	FROM live AS k WHERE k.successor < now() - interval '30 days' AND k.created_at < now() - interval '1 year'

	-- by the index on lapses_at
	UNION ALL
	SELECT 'operation.sweep_behind', 'sessmem.session', 'Rows are kept longer than sessmem.retention says.',
		format('%s sessions lapsed more than sessmem.retention and an hour ago', count(*)), E'-- until it returns nothing\nSELECT * FROM sessmem.sweep();'
	FROM sessmem.session AS s WHERE s.lapses_at < now() - sessmem.retention() - interval '1 hour' AND s.sweep_failed_at IS NULL
	HAVING count(*) > 0
	UNION ALL
	SELECT 'operation.sweep_failed', 'sessmem.session', 'A trigger or foreign key keeps rows of sessions that should be gone; the server''s log has the SQLSTATE.',
		format('%s sessions with sweep_failed_at', count(*)),
		E'UPDATE sessmem.session SET sweep_failed_at = NULL WHERE sweep_failed_at IS NOT NULL;\nSELECT * FROM sessmem.sweep();'
	FROM sessmem.session AS s WHERE s.sweep_failed_at IS NOT NULL AND s.lapses_at <= now() - sessmem.retention()
	HAVING count(*) > 0
	UNION ALL
	SELECT 'operation.no_worker', 'database', 'Sessions have lapsed and will not be swept, unless somebody calls sweep_all().',
		format('sessmem.worker_databases = %L', current_setting('sessmem.worker_databases', true)),
		format('ALTER SYSTEM SET sessmem.worker_databases = %L; -- then restart the server',
			concat_ws(', ', nullif(current_setting('sessmem.worker_databases', true), ''), current_database()))
	-- what should be gone already is another finding
	WHERE EXISTS (SELECT FROM sessmem.session AS s WHERE s.lapses_at BETWEEN now() - sessmem.retention() AND now())
		AND current_database() NOT IN (SELECT btrim(w, ' "') FROM string_to_table(coalesce(current_setting('sessmem.worker_databases', true), ''), ',') AS w)
		-- it may be pg_cron that does it
		AND to_regclass('cron.job') IS NULL

	-- a context attached to a pooled connection is the next client's
	UNION ALL
	SELECT DISTINCT 'operation.pooled_attach', a.usesysid::regrole::text, 'What one client of the pooler attaches, the next one on that connection has.',
		format('connections of %s, sessmem.allow_attach is on', quote_ident(lower(a.application_name))),
		format('ALTER ROLE %s SET sessmem.allow_attach = off;', a.usesysid::regrole)
	FROM pg_stat_activity AS a
	WHERE a.datname = current_database() AND a.usesysid = ANY (apps)
		AND a.application_name ~* '^(pgbouncer|pgcat|odyssey|supavisor|pgpool|pgdog)' AND sessmem.audit_setting(a.usesysid, 'sessmem.allow_attach')::boolean;
END
$$;
COMMENT ON FUNCTION sessmem.audit_operation() IS
	'Internal: findings of the audit on operation and on sessmem''s own state.';
