-- violations: what was refused, and what is counted
--
-- The library counts and keeps them in shared memory (src/violations.c, src/stat.c),
-- because everything else rolls back with the refusal.  save_violations() brings
-- them here.

CREATE TABLE sessmem.violation (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	first_at timestamptz NOT NULL,
	at timestamptz NOT NULL,
	kind text NOT NULL,
	relation text,
	role text,
	tenant_id text,
	user_id text,
	session_id text,
	application_name text,
	pid integer NOT NULL,
	message text NOT NULL,
	rule text,
	count bigint NOT NULL
);
CREATE INDEX violation_at ON sessmem.violation (at);
COMMENT ON TABLE sessmem.violation IS
	'Violations that save_violations() has saved. Those of one kind, by one session on one table, within a minute are one row. See the view sessmem.violations.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.violation', '');
SELECT pg_catalog.pg_extension_config_dump('sessmem.violation_id_seq', '');

CREATE FUNCTION sessmem.recorded_violations(
		OUT first_at timestamptz, OUT at timestamptz, OUT kind text, OUT relation text, OUT role text, OUT tenant_id text, OUT user_id text, OUT session_id text,
		OUT application_name text, OUT pid integer, OUT message text, OUT rule text, OUT count bigint)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
	AS 'MODULE_PATHNAME', 'sessmem_recorded_violations';
COMMENT ON FUNCTION sessmem.recorded_violations() IS
	'Violations in this database that are only in shared memory: the last 64 of each kind at most, until they are saved. None if the library is not preloaded. For administrators.';

CREATE FUNCTION sessmem.take_violations(
		OUT first_at timestamptz, OUT at timestamptz, OUT kind text, OUT relation text, OUT role text, OUT tenant_id text, OUT user_id text, OUT session_id text,
		OUT application_name text, OUT pid integer, OUT message text, OUT rule text, OUT count bigint)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
	AS 'MODULE_PATHNAME', 'sessmem_take_violations';
COMMENT ON FUNCTION sessmem.take_violations() IS
	'Internal: recorded_violations(), which shared memory forgets when the transaction commits; none while another transaction has taken them.';

CREATE VIEW sessmem.violations AS
	SELECT v.id, v.first_at, v.at, v.kind, v.relation, v.role, v.tenant_id, v.user_id, v.session_id, v.application_name, v.pid, v.message, v.rule, v.count
	FROM sessmem.violation AS v
	UNION ALL
	SELECT NULL, r.first_at, r.at, r.kind, r.relation, r.role, r.tenant_id, r.user_id, r.session_id, r.application_name, r.pid, r.message, r.rule, r.count
	FROM sessmem.recorded_violations() AS r;
COMMENT ON VIEW sessmem.violations IS
	'What sessmem refused, and reads without a session: saved ones, and, with no id, those that are still only in shared memory. role, tenant_id, user_id and session_id say who did it; at is the last of count. For administrators.';

CREATE FUNCTION sessmem.save_violations() RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	fresh record;
	saved bigint := 0;
	new_id bigint;
BEGIN
	FOR fresh IN
		SELECT t.kind, t.relation, t.role, t.tenant_id, t.user_id, t.session_id, sum(t.count)::bigint AS n, min(t.first_at) AS first_at, max(t.at) AS at,
			(array_agg(t.application_name ORDER BY t.at DESC))[1] AS application_name,
			(array_agg(t.pid ORDER BY t.at DESC))[1] AS pid,
			(array_agg(t.message ORDER BY t.at DESC))[1] AS message,
			(array_agg(t.rule ORDER BY t.at DESC))[1] AS rule
		FROM sessmem.take_violations() AS t
		GROUP BY t.kind, t.relation, t.role, t.tenant_id, t.user_id, t.session_id
		ORDER BY at
	LOOP
		-- a flood is one row a minute
		UPDATE sessmem.violation AS v
			SET at = fresh.at, count = v.count + fresh.n, application_name = fresh.application_name,
				pid = fresh.pid, message = fresh.message, rule = fresh.rule
			WHERE v.at > fresh.first_at - interval '1 minute' AND v.first_at > fresh.at - interval '1 minute' AND v.kind = fresh.kind
				AND (v.relation, v.role, v.tenant_id, v.user_id, v.session_id)
					IS NOT DISTINCT FROM (fresh.relation, fresh.role, fresh.tenant_id, fresh.user_id, fresh.session_id);
		IF NOT FOUND THEN
			INSERT INTO sessmem.violation (first_at, at, kind, relation, role, tenant_id, user_id, session_id, application_name, pid, message, rule, count)
				VALUES (fresh.first_at, fresh.at, fresh.kind, fresh.relation, fresh.role, fresh.tenant_id, fresh.user_id, fresh.session_id,
					fresh.application_name, fresh.pid, fresh.message, fresh.rule, fresh.n)
				RETURNING id INTO new_id;
			-- anybody may listen: nothing of whom it is about
			PERFORM pg_notify('sessmem_violation', json_build_object('id', new_id, 'kind', fresh.kind)::text);
		END IF;
		saved := saved + fresh.n;
	END LOOP;
	RETURN saved;
END
$$;
COMMENT ON FUNCTION sessmem.save_violations() IS
	'Moves violations from shared memory to sessmem.violation, and notifies channel sessmem_violation of each new row with {"id", "kind"}. Returns how many violations; 0, too, while another transaction is doing it. The worker calls it within a quarter of a second; without a worker, call it from pg_cron. For administrators.';

CREATE FUNCTION sessmem.violation_retention() RETURNS interval
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_violation_retention';
COMMENT ON FUNCTION sessmem.violation_retention() IS
	'Internal: the setting sessmem.violation_retention, NULL for ever.';

CREATE FUNCTION sessmem.stat_events(OUT relation oid, OUT event text, OUT count bigint, OUT stats_reset timestamptz) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
	AS 'MODULE_PATHNAME', 'sessmem_stat_events';
COMMENT ON FUNCTION sessmem.stat_events() IS
	'The counters of this database that are not zero; the view sessmem.stat shows them. For administrators.';

CREATE VIEW sessmem.stat AS
	SELECT s.relation::regclass AS relation, s.event, s.count, s.stats_reset FROM sessmem.stat_events() AS s;
COMMENT ON VIEW sessmem.stat IS
	'How often what happened in this database since stats_reset, by table (NULL: no table, or one of more than 3840): the kinds of violations, guarded_write (rows that the guard let pass), bind, attach, expiration (sessions that ran out while bound), dropped (violations that are counted, and not kept). Empty if the library is not preloaded; a restart resets it. For administrators.';

CREATE FUNCTION sessmem.stat_reset() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_stat_reset';
COMMENT ON FUNCTION sessmem.stat_reset() IS
	'Sets the counters of sessmem.stat in this database back to zero. For administrators.';

CREATE FUNCTION sessmem.refuse(kind text, relation oid, message text, rule text, hint text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_refuse_sql';
COMMENT ON FUNCTION sessmem.refuse(text, oid, text, text, text) IS
	'Internal: records a violation and raises 42501. relation is 0 if there is none.';
