-- worker: sweeping what has lapsed
--
-- src/worker.c calls sweep() in a loop; so does sweep_all(), for pg_cron.

CREATE FUNCTION sessmem.retention() RETURNS interval
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_retention';
COMMENT ON FUNCTION sessmem.retention() IS
	'Internal: the setting sessmem.retention, NULL for ever.';

CREATE FUNCTION sessmem.sweep(batch integer DEFAULT 1000)
	RETURNS TABLE (relation regclass, deleted bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '100ms'
	SET cursor_tuple_fraction = '0'		-- by the index: a sort of all that has lapsed would be for a few of them
AS $$
DECLARE
	due timestamptz := statement_timestamp() - sessmem.retention();
	entries sessmem.protected_table[] := ARRAY(SELECT p FROM sessmem.deletion_order() AS p WHERE p.session_column IS NOT NULL);
	predicates text[] := ARRAY(SELECT sessmem.key_predicate(e.relation, e.session_column, e.user_column, e.tenant_column)
		FROM unnest(entries) WITH ORDINALITY AS e ORDER BY e.ordinality);
	counts bigint[] := array_fill(0::bigint, ARRAY[cardinality(entries)]);
	mine bigint[];
	sessions bigint := 0;
	waits integer := 0;
	failures integer := 0;
	total bigint := 0;
	n bigint;
	lapsed CURSOR FOR SELECT * FROM sessmem.session AS c
		WHERE c.lapses_at <= due
			AND (c.sweep_failed_at IS NULL OR c.sweep_failed_at < statement_timestamp() - interval '1 hour')
		ORDER BY c.lapses_at;
BEGIN
	IF batch IS NULL OR batch < 1 THEN
		RAISE EXCEPTION 'batch must be positive' USING ERRCODE = '22023';
	END IF;
	PERFORM sessmem.check_read_committed('sweep');

	-- as_session() cannot defer a trigger to a time when it is no longer the owner
	PERFORM sessmem.fire_pending();

	FOR s IN lapsed LOOP
		-- each session is a subtransaction, and a snapshot has room for 64
		EXIT WHEN total >= batch OR sessions >= 50 OR waits >= 3 OR failures >= 50;
		-- somebody is committing what he wrote before it lapsed
		CONTINUE WHEN NOT sessmem.hold(s.session_id, s.user_id, s.tenant_id, 'session', true, false);
		BEGIN
			-- Here, and not in the loop's query: a row that a transaction locks and its
			-- subtransaction deletes gets a multixact, and then every scan reads it until VACUUM.
			SELECT * INTO s FROM sessmem.session AS c
				WHERE c.session_id = s.session_id AND c.user_id IS NOT DISTINCT FROM s.user_id
					AND c.tenant_id IS NOT DISTINCT FROM s.tenant_id AND c.lapses_at <= due
				FOR UPDATE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND;
			mine := counts;
			n := 0;
			FOR i IN 1 .. cardinality(entries) LOOP
				EXIT WHEN total + n >= batch;
				mine[i] := mine[i] + sessmem.erase(entries[i], predicates[i], s.session_id, s.user_id, s.tenant_id, batch - total - n);
				n := n + mine[i] - counts[i];
			END LOOP;
			IF total + n < batch THEN
				-- a token of it may still be good
				IF s.expires_at IS NULL OR s.expires_at > statement_timestamp() THEN
					PERFORM sessmem.revoke(s.session_id, s.user_id, s.tenant_id, 'session', s.expires_at);
				END IF;
				DELETE FROM sessmem.session AS c WHERE c.session_id = s.session_id
					AND c.user_id IS NOT DISTINCT FROM s.user_id AND c.tenant_id IS NOT DISTINCT FROM s.tenant_id;
				sessions := sessions + 1;
				n := n + 1;
			END IF;
			counts := mine;
			total := total + n;
		EXCEPTION WHEN OTHERS THEN
			-- one that cannot go must not keep the others
			failures := failures + 1;
			waits := waits + (SQLSTATE = '55P03')::int;
			UPDATE sessmem.session AS c SET sweep_failed_at = statement_timestamp()
				WHERE c.ctid = (SELECT f.ctid FROM sessmem.session AS f WHERE f.session_id = s.session_id
					AND f.user_id IS NOT DISTINCT FROM s.user_id AND f.tenant_id IS NOT DISTINCT FROM s.tenant_id
					FOR UPDATE SKIP LOCKED);
			RAISE WARNING 'could not sweep a session: SQLSTATE %', SQLSTATE
				USING HINT = 'sessmem.session shows it (sweep_failed_at); sessmem.forget_session() tells more.';
		END;
	END LOOP;
	DELETE FROM sessmem.violation AS v WHERE v.at <= statement_timestamp() - sessmem.violation_retention();
	-- a DELETE of nothing would be announced, too
	IF EXISTS (SELECT FROM sessmem.revocation AS r WHERE r.expires_at <= statement_timestamp()) THEN
		DELETE FROM sessmem.revocation AS r WHERE r.expires_at <= statement_timestamp();
	END IF;

	FOR i IN 1 .. cardinality(entries) LOOP
		CONTINUE WHEN counts[i] = 0;
		relation := (entries[i]).relation;
		deleted := counts[i];
		RETURN NEXT;
	END LOOP;
	IF sessions > 0 THEN
		relation := 'sessmem.session';
		deleted := sessions;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.sweep(integer) IS
	'Deletes sessions that ended or expired longer than sessmem.retention ago, with their rows in protected tables: about batch rows, in one transaction, waiting for nobody longer than a moment. Returns how many rows of each table; nothing when there is nothing left to do. A session that cannot be deleted is left with a warning, and tried again after an hour. 22023: batch is not positive. 0A000: not in READ COMMITTED. For administrators; the worker calls it, or pg_cron through sweep_all().';

CREATE PROCEDURE sessmem.sweep_all(batch integer DEFAULT 1000)
	LANGUAGE plpgsql
AS $$
BEGIN
	WHILE EXISTS (SELECT FROM sessmem.sweep(batch)) LOOP
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE sessmem.sweep_all(integer) IS
	'Calls sweep() until nothing is left, each in a transaction of its own. For pg_cron, where the library is not preloaded. For administrators.';
