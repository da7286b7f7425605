-- ddl: what DDL must leave as it is
--
-- Not the command is looked at but the state that it leaves behind, of every
-- protected table that it touched; so it does not matter how it was spelled, or by
-- whom.  In maintenance the new state is accepted, and is the one that must stay.

CREATE FUNCTION sessmem.deriving(relation regclass) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_deriving';
COMMENT ON FUNCTION sessmem.deriving(regclass) IS
	'Internal: whether a command of as_owner() is under way on a table, which is in between two states.';

CREATE FUNCTION sessmem.has_policy(relation regclass, permissive boolean) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_has_policy';
COMMENT ON FUNCTION sessmem.has_policy(regclass, boolean) IS
	'Internal: whether a protected table has the policy that protect() made, unchanged.';

-- Views and materialised views over tables, and over those.
CREATE FUNCTION sessmem.readers(relations oid[], OUT relation oid, OUT oid oid, OUT direct boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE reader (relation, oid, direct) AS (
		SELECT r, r, NULL::boolean FROM unnest(relations) AS r
		UNION
		SELECT r.relation, w.ev_class, r.direct IS NULL FROM reader AS r
			JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
				AND d.classid = 'pg_rewrite'::regclass
			JOIN pg_rewrite AS w ON w.oid = d.objid AND w.ev_class <> r.oid
	)
	SELECT r.relation, r.oid, bool_or(r.direct) FROM reader AS r WHERE r.oid <> r.relation GROUP BY r.relation, r.oid;
END
$$;
COMMENT ON FUNCTION sessmem.readers(oid[]) IS
	'Internal: the views and materialised views that read tables, directly or by way of others.';

-- Tables whose code runs when somebody writes this one: what refers to it, and to
-- that, because a cascade fires triggers (below); what those refer to, because the
-- server plans queries over it.
CREATE FUNCTION sessmem.tied(relations oid[], OUT relation oid, OUT oid oid, OUT below boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE tie (relation, oid, below) AS (
		SELECT r, r, true FROM unnest(relations) AS r
		UNION
		SELECT t.relation, CASE k.confrelid WHEN t.oid THEN k.conrelid ELSE k.confrelid END, k.confrelid = t.oid
		FROM tie AS t JOIN pg_constraint AS k ON k.contype = 'f' AND t.oid IN (k.conrelid, k.confrelid)
		WHERE t.below
	)
	SELECT t.relation, t.oid, bool_or(t.below) FROM tie AS t GROUP BY t.relation, t.oid;
END
$$;
COMMENT ON FUNCTION sessmem.tied(oid[]) IS
	'Internal: tables and those that foreign keys tie to them; below: a cascade may reach it.';

CREATE FUNCTION sessmem.is_tied(relation oid) RETURNS boolean
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM sessmem.tied(ARRAY(SELECT p.relation::oid FROM sessmem.protected_table AS p)) AS t WHERE t.oid = is_tied.relation);
END
$$;
COMMENT ON FUNCTION sessmem.is_tied(oid) IS
	'Internal: whether foreign keys tie a table to a protected one.';

CREATE FUNCTION sessmem.drop_default(relation oid, attnum int2) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP %s;', $1::regclass, a.attname, CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)
	FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum = $2
$$;
COMMENT ON FUNCTION sessmem.drop_default(oid, int2) IS
	'Internal: the command that takes a column''s default away, or what generates it; values stay.';

-- What can be wrong with protected tables: the text that tells, the check of audit()
-- that it is (NULL: none, as there is no command that could end it, or another area
-- tells), and what ends it (NULL: protect(), called again).
CREATE FUNCTION sessmem.diagnose(relations oid[], OUT relation regclass, OUT weakness text, OUT check_id text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH tie AS MATERIALIZED (
		SELECT * FROM sessmem.tied(relations)
	), reader AS MATERIALIZED (
		SELECT * FROM sessmem.readers(relations)
	), reference AS MATERIALIZED (
		-- no index finds them
		SELECT k.confrelid, k.conrelid, k.conname FROM pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = ANY (relations)
	)
	SELECT p.relation, found.* FROM sessmem.protected_table AS p JOIN pg_class AS c ON c.oid = p.relation
	CROSS JOIN LATERAL (
		SELECT 'row security is not enabled', 'storage.not_enabled', NULL WHERE NOT c.relrowsecurity
		UNION ALL
		SELECT 'row security is not forced on its owner', 'storage.not_forced', NULL WHERE NOT c.relforcerowsecurity
		UNION ALL
		SELECT 'its permissive policy is missing or changed', 'storage.policy_changed', NULL WHERE NOT sessmem.has_policy(p.relation, true)
		UNION ALL
		SELECT 'its restrictive policy is missing or changed', 'storage.policy_changed', NULL WHERE NOT sessmem.has_policy(p.relation, false)
		UNION ALL
		SELECT format('policy %I is not of sessmem''s making: USING (%s) WITH CHECK (%s)', q.polname,
			pg_get_expr(q.polqual, q.polrelid), pg_get_expr(q.polwithcheck, q.polrelid)),
			-- without a restrictive one more could be seen
			CASE WHEN q.polpermissive THEN 'storage.policy_added' END, format('DROP POLICY %I ON %s;', q.polname, p.relation)
		FROM pg_policy AS q
		WHERE q.polrelid = p.relation AND q.polname NOT IN ('sessmem_permissive', 'sessmem_restrictive')
			AND (q.polname <> 'sessmem_agreement' OR p.agreement IS NULL)
		UNION ALL
		SELECT 'its policy on what agrees with the key is missing or changed', 'storage.policy_changed', NULL
		WHERE p.agreement IS NOT NULL AND NOT EXISTS (SELECT FROM pg_policy AS q
			WHERE q.polrelid = p.relation AND q.polname = 'sessmem_agreement' AND NOT q.polpermissive AND q.polcmd = '*' AND q.polroles = '{0}'
				AND pg_get_expr(q.polqual, q.polrelid) = 'true' AND pg_get_expr(q.polwithcheck, q.polrelid) = p.agreement)
		UNION ALL
		SELECT 'its guard is missing, disabled or changed',
			coalesce((SELECT CASE t.tgenabled WHEN 'D' THEN 'guard.disabled' WHEN 'A' THEN 'guard.changed' ELSE 'guard.origin_only' END
				FROM pg_trigger AS t
				WHERE t.tgrelid = p.relation AND t.tgname = 'zzz_sessmem_guard' AND t.tgfoid = 'sessmem.guard()'::regprocedure),
				'guard.missing'), NULL
		WHERE c.relkind <> 'p' AND NOT EXISTS (SELECT FROM pg_trigger AS t
			WHERE t.tgrelid = p.relation AND t.tgname = 'zzz_sessmem_guard' AND t.tgfoid = 'sessmem.guard()'::regprocedure
				AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''
				AND t.tgtype = 1 | 2 | 4 | 8 | 16	-- BEFORE INSERT OR DELETE OR UPDATE, FOR EACH ROW
				AND t.tgargs = (SELECT string_agg(convert_to(coalesce(k, ''), getdatabaseencoding()) || '\x00'::bytea, '' ORDER BY i)
					FROM unnest(ARRAY[p.session_column, p.user_column, p.tenant_column]) WITH ORDINALITY AS u (k, i)))
		UNION ALL
		SELECT 'its guard against TRUNCATE is missing, disabled or changed', 'guard.truncate_unguarded', NULL
		WHERE NOT EXISTS (SELECT FROM pg_trigger AS t
			WHERE t.tgrelid = p.relation AND t.tgname = 'zzz_sessmem_truncate' AND t.tgfoid = 'sessmem.guard_truncate()'::regprocedure
				AND t.tgenabled = 'A' AND t.tgqual IS NULL
				AND t.tgtype = 2 | 32)	-- BEFORE TRUNCATE
		UNION ALL
		SELECT format('trigger %I fires after the guard, and may change the key', t.tgname), 'guard.trigger_after',
			format('ALTER TRIGGER %I ON %s RENAME TO %I;', t.tgname, p.relation, left('aaa_' || t.tgname, 63))
		FROM pg_trigger AS t
		WHERE t.tgrelid = p.relation AND t.tgname > 'zzz_sessmem_guard'
			AND t.tgtype & 3 = 3 AND t.tgtype & (4 | 16) <> 0	-- BEFORE INSERT OR UPDATE, FOR EACH ROW
		UNION ALL
		-- the code goes from the table; to own it would be to run it
		SELECT format('%s runs %s of %s',
			x.what || CASE WHEN y.oid <> p.relation THEN format(' of table %s', y.oid::regclass) ELSE '' END,
			f.oid::regprocedure, f.proowner::regrole),
			CASE WHEN bool_and(x.detach IS NOT NULL) THEN 'guard.foreign_code' END, string_agg(DISTINCT x.detach, E'\n')
		FROM tie AS y
		CROSS JOIN LATERAL (
			SELECT 'a partition key', 'pg_class'::regclass, y.oid, NULL
			UNION ALL SELECT 'its policy', 'pg_policy'::regclass, q.oid, NULL FROM pg_policy AS q WHERE q.polrelid = y.oid AND q.polname = 'sessmem_agreement'
			UNION ALL SELECT 'an index', 'pg_class'::regclass, i.indexrelid, coalesce(
					(SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', y.oid::regclass, k.conname) FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = y.oid AND k.contype <> 'f'),
					format('DROP INDEX %s;', i.indexrelid::regclass))
				FROM pg_index AS i WHERE i.indrelid = y.oid
			UNION ALL SELECT 'statistics', 'pg_statistic_ext'::regclass, e.oid, format('DROP STATISTICS %s.%I;', e.stxnamespace::regnamespace, e.stxname)
				FROM pg_statistic_ext AS e WHERE e.stxrelid = y.oid
			UNION ALL SELECT 'a constraint', 'pg_constraint'::regclass, k.oid, format('ALTER TABLE %s DROP CONSTRAINT %I;', y.oid::regclass, k.conname)
				FROM pg_constraint AS k WHERE k.conrelid = y.oid AND y.below
			UNION ALL SELECT 'a default', 'pg_attrdef'::regclass, a.oid, sessmem.drop_default(a.adrelid, a.adnum)
				FROM pg_attrdef AS a WHERE a.adrelid = y.oid AND y.below
			UNION ALL SELECT 'a trigger', 'pg_trigger'::regclass, t.oid, format('DROP TRIGGER %I ON %s;', t.tgname, y.oid::regclass)
				FROM pg_trigger AS t WHERE t.tgrelid = y.oid AND NOT t.tgisinternal AND y.below
		) AS x (what, classid, objid, detach)
		JOIN pg_depend AS d ON d.classid = x.classid AND d.objid = x.objid
		LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
		JOIN pg_proc AS f ON f.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END
		WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = f.proowner AND r.rolsuper)
			AND y.relation = p.relation
			-- a protected one has its own
			AND (y.oid = p.relation OR NOT EXISTS (SELECT FROM sessmem.protected_table AS q WHERE q.relation = y.oid))
		GROUP BY x.what, y.oid, f.oid
		UNION ALL
		SELECT 'it is not permanent: a crash empties it', 'storage.unlogged', format('ALTER TABLE %s SET LOGGED;', p.relation) WHERE c.relpersistence <> 'p'
		UNION ALL
		SELECT format('a rule changes what statements do: %s', pg_get_ruledef(w.oid)), 'guard.rule',
			format('DROP RULE %I ON %s;', w.rulename, y.oid::regclass)
		FROM tie AS y JOIN pg_rewrite AS w ON w.ev_class = y.oid
		WHERE y.relation = p.relation AND y.below AND (y.oid = p.relation OR NOT EXISTS (SELECT FROM sessmem.protected_table AS q WHERE q.relation = y.oid))
		UNION ALL
		SELECT format('foreign key %I of table %s, which belongs to %s, tells whether a row exists',
			k.conname, k.conrelid::regclass, o.relowner::regrole),
			'guard.foreign_key_owner', format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname)
		FROM reference AS k JOIN pg_class AS o ON o.oid = k.conrelid
		WHERE k.confrelid = p.relation AND o.relowner <> c.relowner
			AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = o.relowner AND r.rolsuper)
		UNION ALL
		SELECT format('its parent %s is not protected, or by other columns', i.inhparent::regclass), 'storage.parent_unprotected',
			format('SELECT sessmem.protect(%L, %L, %L, %L);', i.inhparent::regclass, p.session_column, p.user_column, p.tenant_column)
		FROM pg_inherits AS i
		WHERE i.inhrelid = p.relation
			AND NOT EXISTS (SELECT FROM sessmem.protected_table AS q WHERE q.relation = i.inhparent
				AND (q.session_column, q.user_column, q.tenant_column) IS NOT DISTINCT FROM (p.session_column, p.user_column, p.tenant_column))
		UNION ALL
		SELECT format('key column %s is gone or can be null', CASE WHEN a.attisdropped THEN n::text ELSE quote_ident(a.attname) END), 'guard.nullable_key', NULL
		FROM unnest(p.attnums) AS n LEFT JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attnum = n
		WHERE n <> 0 AND (a.attnotnull AND NOT a.attisdropped) IS NOT TRUE
		UNION ALL
		SELECT 'it accepts empty keys', 'guard.empty_key', NULL
		WHERE EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p.relation AND a.attnum = ANY (p.attnums)
				AND a.atttypid IN ('text'::regtype, 'varchar'::regtype))
			AND NOT EXISTS (SELECT FROM pg_constraint AS k
				WHERE k.conrelid = p.relation AND k.conname = 'sessmem_key_not_empty' AND k.contype = 'c')
		UNION ALL
		SELECT format('its owner was %s and is %s', coalesce(r.rolname, p.owner::text), c.relowner::regrole), 'storage.owner_changed', NULL
		FROM (VALUES (1)) AS one LEFT JOIN pg_roles AS r ON r.oid = p.owner WHERE c.relowner <> p.owner
		UNION ALL
		SELECT format('its name was %s and is %s', p.name, n), 'storage.renamed', NULL
		FROM sessmem.qualified_name(p.relation) AS n WHERE p.name <> n
		UNION ALL
		SELECT format('view %s reads it as %s, which row security does not apply to', v.oid::regclass, v.relowner::regrole),
			NULL, NULL	-- of these, and of copies, audit_leak() tells
		FROM reader AS o JOIN pg_class AS v ON v.oid = o.oid JOIN pg_roles AS r ON r.oid = v.relowner
		WHERE o.relation = p.relation AND (r.rolsuper OR r.rolbypassrls) AND v.relkind = 'v' AND o.direct AND NOT EXISTS (
			SELECT FROM pg_options_to_table(v.reloptions) AS x
			WHERE x.option_name = 'security_invoker' AND x.option_value::boolean)
		UNION ALL
		SELECT format('materialised view %s keeps a copy of rows', v.oid::regclass),
			NULL, NULL
		FROM reader AS o JOIN pg_class AS v ON v.oid = o.oid
		WHERE o.relation = p.relation AND v.relkind = 'm'
	) AS found (w, c, f)
	WHERE p.relation = ANY (relations)
	ORDER BY found.w COLLATE "C";
END
$$;
COMMENT ON FUNCTION sessmem.diagnose(oid[]) IS
	'Internal: what of protected tables is not as protect() left it, or lets others past it; the check of audit() that it is; and what ends it, unless it is protect().';

CREATE FUNCTION sessmem.weaknesses(relation regclass) RETURNS SETOF text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT d.weakness FROM sessmem.diagnose(ARRAY[$1::oid]) AS d
$$;
COMMENT ON FUNCTION sessmem.weaknesses(regclass) IS
	'Internal: what is not as protect() left it, or lets others past it.';

CREATE FUNCTION sessmem.accept_weaknesses(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE sessmem.protected_table AS p
		SET owner = c.relowner, name = sessmem.qualified_name(c.oid), checked = true
		FROM pg_class AS c WHERE c.oid = p.relation AND p.relation = accept_weaknesses.relation;
	UPDATE sessmem.protected_table AS p
		SET accepted = ARRAY(SELECT sessmem.weaknesses(p.relation))
		WHERE p.relation = accept_weaknesses.relation;
END
$$;
COMMENT ON FUNCTION sessmem.accept_weaknesses(regclass) IS
	'Internal: takes the state of a protected table for the one that must stay.';

CREATE FUNCTION sessmem.check_table(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
	found text[];
	fresh text[];
BEGIN
	SELECT * INTO STRICT entry FROM sessmem.protected_table AS p WHERE p.relation = check_table.relation;
	found := ARRAY(SELECT sessmem.weaknesses(relation));
	fresh := ARRAY(SELECT w FROM unnest(found) AS w WHERE w <> ALL (entry.accepted));
	IF fresh <> '{}' AND entry.checked AND NOT sessmem.in_maintenance() THEN
		PERFORM sessmem.refuse('weakening_ddl', relation,
			format('cannot weaken the protection of table %s', entry.name),
			format('Afterwards %s.', array_to_string(fresh, '; ')),
			format('An administrator can do it after SELECT sessmem.maintenance(''why''), or end the protection with SELECT sessmem.unprotect(%L).', entry.name));
	END IF;
	IF (fresh <> '{}') = entry.checked THEN
		PERFORM sessmem.accept_weaknesses(relation);
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.check_table(regclass) IS
	'Internal: 42501 if a protected table has weaknesses that nobody accepted.';

-- Called for REASSIGN OWNED, which no event trigger sees.
CREATE FUNCTION sessmem.check_all() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM sessmem.check_table(p.relation) FROM sessmem.protected_table AS p ORDER BY p.name;
END
$$;
COMMENT ON FUNCTION sessmem.check_all() IS
	'Internal: check_table() for every protected table.';

-- ---------- following DDL ----------

CREATE FUNCTION sessmem.follow(touched oid[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fresh record;
	weak text[];
BEGIN
	-- key columns that have another name now
	FOR fresh IN
		SELECT p.relation, n.session_column, n.user_column, n.tenant_column
		FROM sessmem.protected_table AS p
		CROSS JOIN LATERAL (
			SELECT min(a.attname) FILTER (WHERE a.attnum = p.attnums[1]) AS session_column,
				min(a.attname) FILTER (WHERE a.attnum = p.attnums[2]) AS user_column,
				min(a.attname) FILTER (WHERE a.attnum = p.attnums[3]) AS tenant_column,
				count(*) AS n
			FROM pg_attribute AS a
			WHERE a.attrelid = p.relation AND a.attnum = ANY (p.attnums) AND NOT a.attisdropped
		) AS n
		WHERE p.relation = ANY (touched) AND n.n = num_nonnulls(p.session_column, p.user_column, p.tenant_column)
			AND (n.session_column, n.user_column, n.tenant_column)
				IS DISTINCT FROM (p.session_column::text, p.user_column::text, p.tenant_column::text)
	LOOP
		UPDATE sessmem.protected_table AS p
			SET session_column = fresh.session_column, user_column = fresh.user_column, tenant_column = fresh.tenant_column
			WHERE p.relation = fresh.relation;
		PERFORM sessmem.install_guard(fresh.relation);
	END LOOP;

	-- partitions and children that are new, and what is below them
	FOR fresh IN
		INSERT INTO sessmem.protected_table (relation, session_column, user_column, tenant_column, agreement)
			SELECT DISTINCT m.member, p.session_column, p.user_column, p.tenant_column, sessmem.agreement_of(p.relation)
			FROM sessmem.protected_table AS p
			JOIN pg_inherits AS i ON i.inhparent = p.relation
			CROSS JOIN LATERAL sessmem.members(i.inhrelid) AS m
			WHERE (i.inhrelid = ANY (touched) OR i.inhparent = ANY (touched))
				AND NOT EXISTS (SELECT FROM sessmem.protected_table AS q WHERE q.relation = i.inhrelid)
		ON CONFLICT ON CONSTRAINT protected_table_pkey DO NOTHING
		RETURNING relation
	LOOP
		PERFORM sessmem.check_protectable(p.relation, p.session_column, p.user_column, p.tenant_column)
			FROM sessmem.protected_table AS p WHERE p.relation = fresh.relation;
		IF sessmem.has_rows(fresh.relation) AND NOT sessmem.in_maintenance() THEN
			PERFORM sessmem.refuse('weakening_ddl', fresh.relation,
				format('cannot add table %s to a protected one, because it has rows', fresh.relation::regclass),
				'Nobody has checked whose they are.',
				'Add it empty, or let an administrator do it after SELECT sessmem.maintenance(''why'').');
		END IF;
		PERFORM sessmem.apply_protection(fresh.relation);
		weak := ARRAY(
			SELECT sessmem.weaknesses(fresh.relation)
			EXCEPT
			SELECT unnest(p.accepted) FROM sessmem.protected_table AS p JOIN pg_inherits AS i ON i.inhparent = p.relation
			WHERE i.inhrelid = fresh.relation);
		IF weak <> '{}' AND NOT sessmem.in_maintenance() THEN
			PERFORM sessmem.refuse('weakening_ddl', fresh.relation,
				format('cannot add table %s to a protected one', fresh.relation::regclass),
				format('It has weaknesses: %s.', array_to_string(weak, '; ')),
				'An administrator can do it after SELECT sessmem.maintenance(''why'').');
		END IF;
		PERFORM sessmem.accept_weaknesses(fresh.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.follow(oid[]) IS
	'Internal: follows renamed key columns, and protects new partitions and children.';

-- Tables for which there is a rule, and which are not protected yet.
CREATE FUNCTION sessmem.unprotected(touched oid[] DEFAULT NULL) RETURNS SETOF sessmem.protected_table
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (c.oid) c.oid::regclass, r.session_column, r.user_column, r.tenant_column,
		NULL::int2[], NULL::oid, NULL::text, NULL::text[], NULL::boolean, NULL::text
	FROM sessmem.auto_protection AS r
		JOIN pg_namespace AS n ON n.nspname = r.schema
		JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname LIKE r.pattern
	WHERE (touched IS NULL OR c.oid = ANY (touched))
		AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
		AND NOT EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = c.oid)
		AND NOT EXISTS (SELECT FROM sessmem.key_columns(c.oid, r.session_column, r.user_column, r.tenant_column) AS k WHERE k.type IS NULL)
	-- the closest
	ORDER BY c.oid, length(r.pattern) DESC, r.pattern;
END
$$;
COMMENT ON FUNCTION sessmem.unprotected(oid[]) IS
	'Internal: tables that auto_protect() is about and that are not protected, of those given or of all.';

CREATE FUNCTION sessmem.auto_protect(
		schema name,
		pattern text DEFAULT '%',
		session_column name DEFAULT 'session_id',
		user_column name DEFAULT NULL,
		tenant_column name DEFAULT NULL,
		enabled boolean DEFAULT true
	) RETURNS SETOF regclass
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
DECLARE
	found sessmem.protected_table;
BEGIN
	IF num_nulls(schema, pattern, enabled) > 0 THEN
		RAISE EXCEPTION 'schema, pattern and enabled must not be null' USING ERRCODE = '22004';
	END IF;
	PERFORM sessmem.check_some_column(session_column, user_column, tenant_column);
	DELETE FROM sessmem.auto_protection AS r
		WHERE r.schema = auto_protect.schema AND r.pattern = auto_protect.pattern;
	IF enabled THEN
		INSERT INTO sessmem.auto_protection VALUES (schema, pattern, session_column, user_column, tenant_column);
	END IF;
	FOR found IN SELECT * FROM sessmem.unprotected() LOOP
		PERFORM sessmem.protect(found.relation, found.session_column, found.user_column, found.tenant_column);
		RETURN NEXT found.relation;
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.auto_protect(name, text, name, name, name, boolean) IS
	'Protects every table of a schema whose name is LIKE pattern and that has these columns: those that exist, which it returns, and those that anybody creates later, at once. A table that several patterns fit goes by the longest. enabled => false takes the rule back; what is protected stays so. 22004, 22023, and all errors of protect(), which then stop the command that creates the table. For administrators.';

CREATE FUNCTION sessmem.after_ddl() RETURNS event_trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
DECLARE
	touched oid[];
BEGIN
	touched := ARRAY(
		SELECT CASE d.classid
			WHEN 'pg_class'::regclass THEN d.objid
			WHEN 'pg_policy'::regclass THEN (SELECT q.polrelid FROM pg_policy AS q WHERE q.oid = d.objid)
			WHEN 'pg_trigger'::regclass THEN (SELECT t.tgrelid FROM pg_trigger AS t WHERE t.oid = d.objid)
			WHEN 'pg_rewrite'::regclass THEN (SELECT w.ev_class FROM pg_rewrite AS w WHERE w.oid = d.objid) END
		FROM pg_event_trigger_ddl_commands() AS d
		UNION
		SELECT c.oid FROM pg_event_trigger_ddl_commands() AS d JOIN pg_class AS c ON c.relnamespace = d.objid
		WHERE d.classid = 'pg_namespace'::regclass);
	-- with what is below them, what their foreign keys refer to, and what views read
	touched := ARRAY(
		WITH RECURSIVE part (oid) AS (
			SELECT unnest(touched)
			UNION
			SELECT i.inhrelid FROM pg_inherits AS i JOIN part ON part.oid = i.inhparent
		), read (oid) AS (
			SELECT c.oid FROM pg_class AS c WHERE c.oid = ANY (touched) AND c.relkind IN ('v', 'm')
			UNION
			SELECT d.refobjid FROM read
				JOIN pg_rewrite AS w ON w.ev_class = read.oid
				JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
		), above (oid) AS (
			SELECT part.oid FROM part
			UNION
			SELECT k.confrelid FROM above AS a JOIN pg_constraint AS k ON k.conrelid = a.oid AND k.contype = 'f'
		)
		SELECT oid FROM above UNION SELECT oid FROM read);

	PERFORM sessmem.follow(touched);
	PERFORM sessmem.protect(u.relation, u.session_column, u.user_column, u.tenant_column)
		FROM sessmem.unprotected(touched) AS u WHERE NOT sessmem.deriving(u.relation);
	PERFORM sessmem.check_table(p.relation)
		FROM sessmem.protected_table AS p
		WHERE p.relation = ANY (touched) AND NOT sessmem.deriving(p.relation)
		ORDER BY p.name;
END
$$;
COMMENT ON FUNCTION sessmem.after_ddl() IS
	'Event trigger: protects new partitions and children, and tables that auto_protect() is about, and refuses (42501) what weakens a protected table.';

CREATE FUNCTION sessmem.after_drop() RETURNS event_trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
DECLARE
	dropped record;
BEGIN
	FOR dropped IN
		WITH gone AS (
			DELETE FROM sessmem.protected_table AS p
				USING pg_event_trigger_dropped_objects() AS d
				WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND p.relation = d.objid
				RETURNING p.relation::oid, p.name
		)
		SELECT * FROM gone ORDER BY gone.name
	LOOP
		IF NOT sessmem.in_maintenance() THEN
			PERFORM sessmem.refuse('weakening_ddl', dropped.relation,
				format('cannot drop protected table %s', dropped.name),
				'It has the rows of every session, and what takes its place would not be protected.',
				format('An administrator can do it after SELECT sessmem.maintenance(''why''), or end the protection with SELECT sessmem.unprotect(%L).', dropped.name));
		END IF;
	END LOOP;
	PERFORM sessmem.check_table(p.relation)
		FROM sessmem.protected_table AS p
		WHERE NOT sessmem.deriving(p.relation) AND p.relation IN (
			SELECT to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]))
			FROM pg_event_trigger_dropped_objects() AS d
			WHERE cardinality(d.address_names) >= 2)
		ORDER BY p.name;
END
$$;
COMMENT ON FUNCTION sessmem.after_drop() IS
	'Event trigger: refuses (42501) to drop a protected table, or what protects it.';

CREATE EVENT TRIGGER sessmem_after_ddl ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'ALTER FOREIGN TABLE',
		'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER INDEX', 'ALTER SEQUENCE', 'ALTER TYPE',
		'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE RULE', 'ALTER RULE')
	EXECUTE FUNCTION sessmem.after_ddl();
ALTER EVENT TRIGGER sessmem_after_ddl ENABLE ALWAYS;
CREATE EVENT TRIGGER sessmem_after_drop ON sql_drop
	EXECUTE FUNCTION sessmem.after_drop();
ALTER EVENT TRIGGER sessmem_after_drop ENABLE ALWAYS;
