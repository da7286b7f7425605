-- policy: protect() and what it derives from the registry
--
-- These functions run as the extension's owner.  They read catalogs; whatever
-- opens somebody's table goes through as_owner() (src/policy.c says why).

CREATE FUNCTION sessmem.as_owner(relation regclass, command text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_as_owner';
COMMENT ON FUNCTION sessmem.as_owner(regclass, text) IS
	'Internal: executes a command as the owner of a table, in a security-restricted operation.';

CREATE FUNCTION sessmem.fire_pending() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_fire_pending';
COMMENT ON FUNCTION sessmem.fire_pending() IS
	'Internal: fires what triggers the transaction has deferred, as the role that will commit it.';

CREATE FUNCTION sessmem.count_without_key(relation regclass, attnums int2[]) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_count_without_key';
COMMENT ON FUNCTION sessmem.count_without_key(regclass, int2[]) IS
	'Internal: how many rows of one table have a null or empty key column.';

CREATE FUNCTION sessmem.has_rows(relation regclass) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_has_rows';
COMMENT ON FUNCTION sessmem.has_rows(regclass) IS
	'Internal: whether one table has rows.';

CREATE FUNCTION sessmem.key_columns(
		relation regclass, session_column name, user_column name, tenant_column name,
		OUT claim text, OUT name name, OUT type regtype, OUT getter text, OUT collation_ok boolean, OUT generated boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT k.claim, k.name, a.atttypid::regtype,
		-- in the column's own type, so that its index is used
		CASE WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype)
			THEN format('sessmem.%s()', k.claim)
			ELSE format('sessmem.%s(NULL::%s)', k.claim, a.atttypid::regtype) END,
		coalesce(c.collisdeterministic, true),
		a.attgenerated <> '' OR a.attidentity <> ''
	FROM (VALUES (1, 'session_id', $2), (2, 'user_id', $3), (3, 'tenant_id', $4)) AS k (i, claim, name)
	LEFT JOIN pg_attribute AS a
		ON a.attrelid = $1 AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
	LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
	WHERE k.name IS NOT NULL
	ORDER BY k.i
$$;
COMMENT ON FUNCTION sessmem.key_columns(regclass, name, name, name) IS
	'Internal: the mapped key columns, session first; type is NULL for one that does not exist.';

CREATE FUNCTION sessmem.key_predicate(
		relation regclass, session_column name, user_column name, tenant_column name)
	RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(format('%I OPERATOR(pg_catalog.=) %s', k.name, k.getter), ' AND ')
	FROM sessmem.key_columns($1, $2, $3, $4) AS k
$$;
COMMENT ON FUNCTION sessmem.key_predicate(regclass, name, name, name) IS
	'Internal: the condition that a row belongs to the session in force.';

CREATE FUNCTION sessmem.members(relation regclass, OUT member regclass)
	RETURNS SETOF regclass
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE tree (oid, level) AS (
		SELECT $1::oid, 0
		UNION ALL
		SELECT i.inhrelid, t.level + 1 FROM pg_inherits AS i JOIN tree AS t ON i.inhparent = t.oid
	)
	SELECT t.oid::regclass
	FROM (SELECT tree.oid, max(level) AS level FROM tree GROUP BY tree.oid) AS t
	ORDER BY t.level, t.oid
$$;
COMMENT ON FUNCTION sessmem.members(regclass) IS
	'Internal: a table and all its partitions and inheritance children, parents first.';

CREATE FUNCTION sessmem.check_some_column(session_column name, user_column name, tenant_column name) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF num_nonnulls(session_column, user_column, tenant_column) = 0 THEN
		RAISE EXCEPTION 'no key column is given'
			USING ERRCODE = '22023',
				HINT = 'Name at least one of session_column, user_column and tenant_column.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.check_some_column(name, name, name) IS
	'Internal: 22023 if no key column is given.';

-- Relations that cannot be protected, or not by these columns, with the reason.
CREATE FUNCTION sessmem.check_protectable(
		relation regclass, session_column name, user_column name, tenant_column name)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rel pg_class;
	parent regclass;
	child regclass;
	col record;
BEGIN
	SELECT * INTO rel FROM pg_class AS c WHERE c.oid = relation;
	IF rel.relkind NOT IN ('r', 'p') OR rel.relpersistence = 't'
		OR rel.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'sessmem'::regnamespace)
	THEN
		RAISE EXCEPTION 'cannot protect %', relation
			USING ERRCODE = 'wrong_object_type',
				DETAIL = 'Only ordinary and partitioned tables of your own can be protected.',
				HINT = 'Protect the tables that hold the rows; let views be security_invoker.';
	END IF;

	SELECT i.inhrelid::regclass, i.inhparent::regclass INTO child, parent
		FROM sessmem.members(relation) AS m JOIN pg_inherits AS i ON i.inhrelid = m.member
		WHERE NOT EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = i.inhparent)
			AND NOT EXISTS (SELECT FROM sessmem.members(relation) AS o WHERE o.member = i.inhparent)
		LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'cannot protect % alone', child
			USING ERRCODE = 'wrong_object_type',
				DETAIL = format('Its rows can be read through its parent %s.', parent),
				HINT = format('Protect the parent: SELECT sessmem.protect(%L).', parent);
	END IF;

	PERFORM sessmem.check_some_column(session_column, user_column, tenant_column);
	IF session_column = user_column OR session_column = tenant_column OR user_column = tenant_column THEN
		RAISE EXCEPTION 'one column cannot hold two claims' USING ERRCODE = '22023';
	END IF;

	FOR col IN SELECT * FROM sessmem.key_columns(relation, session_column, user_column, tenant_column) LOOP
		IF col.type IS NULL THEN
			RAISE EXCEPTION 'column "%" of table % does not exist', col.name, relation
				USING ERRCODE = 'undefined_column',
					HINT = format('Name the column that holds the %s, or add it.', replace(col.claim, '_', ' '));
		ELSIF col.type NOT IN ('text'::regtype, 'varchar'::regtype, 'uuid'::regtype, 'bigint'::regtype) THEN
			RAISE EXCEPTION 'column "%" of table % has type %, which cannot be a session key', col.name, relation, col.type
				USING ERRCODE = 'wrong_object_type',
					HINT = 'Use text, varchar, uuid or bigint.';
		ELSIF NOT col.collation_ok THEN
			RAISE EXCEPTION 'column "%" of table % has a nondeterministic collation', col.name, relation
				USING ERRCODE = 'wrong_object_type',
					DETAIL = 'Different ids could compare as equal.',
					HINT = 'Give the column a deterministic collation, such as "C".';
		ELSIF col.generated THEN
			RAISE EXCEPTION 'column "%" of table % is generated', col.name, relation
				USING ERRCODE = 'wrong_object_type',
					DETAIL = 'The session in force could not fill it in.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.check_protectable(regclass, name, name, name) IS
	'Internal: 42809, 42703 or 22023 if the table cannot be protected by these columns.';

-- Tables that know their session by an expression, by the beginning of a path, or by a
-- row of another table, get a key column, which the session in force fills in as in any
-- other table; so nothing of what isolates them is special.  What they had before need
-- only agree with it (42501 from a policy), or two sessions would meet in one unique key.
CREATE FUNCTION sessmem.key_sources(
		relation regclass, columns name[], keys text[], prefix_column name, separator text, parent name, add_columns boolean,
		OUT name name, OUT type regtype, OUT backfill text, OUT agreement text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fk pg_constraint;
	first boolean := true;
BEGIN
	IF parent IS NOT NULL THEN
		SELECT * INTO fk FROM pg_constraint AS c
			WHERE c.conrelid = relation AND c.contype = 'f' AND sessmem.column_number(relation, parent) = ANY (c.conkey) ORDER BY c.conname LIMIT 1;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'column "%" of table % has no foreign key', parent, relation
				USING ERRCODE = 'undefined_object',
					HINT = 'parent is the column that refers to the table whose rows say whose they are.';
		END IF;
		agreement := format('num_nulls(%s) > 0 OR (%1$s) IN (SELECT %s FROM %s AS p)',
			(SELECT string_agg(format('%I', a.attname), ', ' ORDER BY k.i) FROM unnest(fk.conkey) WITH ORDINALITY AS k (n, i)
				JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = k.n),
			(SELECT string_agg(format('p.%I', a.attname), ', ' ORDER BY k.i) FROM unnest(fk.confkey) WITH ORDINALITY AS k (n, i)
				JOIN pg_attribute AS a ON a.attrelid = fk.confrelid AND a.attnum = k.n),
			fk.confrelid::regclass);
		RETURN NEXT;
	END IF;
	FOR i IN 1 .. 3 LOOP
		name := columns[i];
		CONTINUE WHEN name IS NULL;
		type := 'text';
		backfill := NULL;
		agreement := NULL;
		IF keys[i] IS NOT NULL THEN
			backfill := format('UPDATE %s SET %I = nullif((%s)::text, '''')', relation, name, keys[i]);
			agreement := format('((%s)::text = %I::text) IS NOT FALSE', keys[i], name);
		ELSIF prefix_column IS NOT NULL AND first THEN
			backfill := format('UPDATE %s SET %I = nullif(split_part(%I::text, %L, 1), '''')', relation, name, prefix_column, separator);
			agreement := format('%I::text = %I::text OR starts_with(%1$I::text, %2$I::text || %L)', prefix_column, name, separator);
		ELSIF parent IS NOT NULL THEN
			-- while that is not protected, its owner sees its rows
			SELECT a.atttypid::regtype, format('UPDATE %s AS c SET %I = p.%2$I FROM %s AS p WHERE %s', relation, name, fk.confrelid::regclass,
				(SELECT string_agg(format('c.%I = p.%I', x.attname, y.attname), ' AND ') FROM unnest(fk.conkey, fk.confkey) AS k (m, n)
					JOIN pg_attribute AS x ON x.attrelid = relation AND x.attnum = k.m
					JOIN pg_attribute AS y ON y.attrelid = fk.confrelid AND y.attnum = k.n))
				INTO type, backfill
				FROM pg_attribute AS a WHERE a.attrelid = fk.confrelid AND a.attname = key_sources.name AND NOT a.attisdropped;
			type := coalesce(type, 'text');
		ELSE
			CONTINUE WHEN NOT add_columns;
		END IF;
		first := false;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.key_sources(regclass, name[], text[], name, text, name, boolean) IS
	'Internal: key columns that protect() is to keep, how they are filled for rows that are there, and what must agree with them. 42704: parent has no foreign key.';

CREATE FUNCTION sessmem.add_key_columns(
		relation regclass, columns name[], keys text[], prefix_column name, separator text, parent name, add_columns boolean)
	RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source record;
	agreement text;
BEGIN
	IF prefix_column IS NOT NULL AND coalesce(separator, '') = '' THEN
		RAISE EXCEPTION 'separator must not be empty' USING ERRCODE = '22023',
			DETAIL = 'The path of session ab would begin with session a.';
	END IF;
	FOR source IN SELECT * FROM sessmem.key_sources(relation, columns, keys, prefix_column, separator, parent, add_columns) LOOP
		agreement := concat_ws(' AND ', agreement, '(' || source.agreement || ')');
		CONTINUE WHEN source.name IS NULL OR sessmem.column_number(relation, source.name) <> 0;
		PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ADD COLUMN %I %s', relation, source.name, source.type));
		IF source.backfill IS NOT NULL AND EXISTS (SELECT FROM sessmem.members(relation) AS m WHERE sessmem.has_rows(m.member)) THEN
			PERFORM sessmem.as_owner(relation, source.backfill);
		END IF;
	END LOOP;
	RETURN format('sessmem.agrees(%s, %L::pg_catalog.regclass)', coalesce(nullif(agreement, ''), 'true'), relation);
END
$$;
COMMENT ON FUNCTION sessmem.add_key_columns(regclass, name[], text[], name, text, name, boolean) IS
	'Internal: adds the key columns that a table lacks and protect() is to keep; returns what must agree with them. 22023: no separator.';

CREATE FUNCTION sessmem.agreement_of(relation regclass) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_get_expr(q.polwithcheck, q.polrelid) FROM pg_policy AS q WHERE q.polrelid = $1 AND q.polname = 'sessmem_agreement'
$$;
COMMENT ON FUNCTION sessmem.agreement_of(regclass) IS
	'Internal: what the policy of a table says that must agree with its key; NULL if it has none.';

-- The guard's arguments are names, so it is made anew when a column is renamed.
CREATE FUNCTION sessmem.install_guard(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
BEGIN
	SELECT * INTO STRICT entry FROM sessmem.protected_table AS p WHERE p.relation = install_guard.relation;

	-- the owner makes the triggers, and may use their functions for nothing else
	EXECUTE format('GRANT EXECUTE ON FUNCTION sessmem.guard(), sessmem.guard_truncate() TO %s',
		(SELECT c.relowner::regrole FROM pg_class AS c WHERE c.oid = relation));

	-- a partitioned table has no rows, and would give its partitions another one
	IF (SELECT c.relkind <> 'p' FROM pg_class AS c WHERE c.oid = relation) THEN
		PERFORM sessmem.as_owner(relation, format('CREATE OR REPLACE TRIGGER zzz_sessmem_guard BEFORE INSERT OR UPDATE OR DELETE ON %s
			FOR EACH ROW EXECUTE FUNCTION sessmem.guard(%L, %L, %L)', relation,
			coalesce(entry.session_column, ''), coalesce(entry.user_column, ''), coalesce(entry.tenant_column, '')));
		PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zzz_sessmem_guard', relation));
	END IF;
	PERFORM sessmem.as_owner(relation, format('CREATE OR REPLACE TRIGGER zzz_sessmem_truncate BEFORE TRUNCATE ON %s
		FOR EACH STATEMENT EXECUTE FUNCTION sessmem.guard_truncate()', relation));
	PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zzz_sessmem_truncate', relation));
END
$$;
COMMENT ON FUNCTION sessmem.install_guard(regclass) IS
	'Internal: makes the guard of a registered table.';

-- TRUNCATE looks at no row, TRIGGER runs code on everybody's, REFERENCES tells
-- whether a row exists: none of them is for the users of a shared table.
CREATE FUNCTION sessmem.revoke_dangerous(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	acl record;
BEGIN
	FOR acl IN
		SELECT DISTINCT x.privilege_type, x.attname,
			CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS grantee
		FROM pg_class AS c
		CROSS JOIN LATERAL (
			SELECT e.privilege_type, NULL::name AS attname, e.grantee FROM aclexplode(c.relacl) AS e
			UNION ALL
			SELECT e.privilege_type, a.attname, e.grantee
			FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS e
			WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
		) AS x
		WHERE c.oid = relation AND x.grantee <> c.relowner
			AND x.privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')
	LOOP
		PERFORM sessmem.as_owner(relation, format('REVOKE %s%s ON %s FROM %s CASCADE', acl.privilege_type,
			CASE WHEN acl.attname IS NULL THEN '' ELSE format(' (%I)', acl.attname) END,
			relation, acl.grantee));
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.revoke_dangerous(regclass) IS
	'Internal: revokes TRUNCATE, TRIGGER and REFERENCES from all but the owner.';

-- Derives everything from the registry's row; may be called again to repair.
CREATE FUNCTION sessmem.apply_protection(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
	col record;
	predicate text;
	nonempty text;
	columns text;
	order_column text;
BEGIN
	SELECT * INTO STRICT entry FROM sessmem.protected_table AS p WHERE p.relation = apply_protection.relation;
	predicate := sessmem.key_predicate(relation, entry.session_column, entry.user_column, entry.tenant_column);

	FOR col IN SELECT * FROM sessmem.key_columns(relation, entry.session_column, entry.user_column, entry.tenant_column) LOOP
		columns := concat_ws(', ', columns, quote_ident(col.name));
		IF col.type IN ('text'::regtype, 'varchar'::regtype) THEN
			nonempty := concat_ws(' AND ', nonempty, format('%I OPERATOR(pg_catalog.<>) ''''', col.name));
		END IF;
		PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL, ALTER COLUMN %2$I SET DEFAULT %s',
			relation, col.name, col.getter));
	END LOOP;

	IF nonempty IS NOT NULL AND NOT EXISTS (SELECT FROM pg_constraint AS c
		WHERE c.conrelid = relation AND c.conname = 'sessmem_key_not_empty')
	THEN
		PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ADD CONSTRAINT sessmem_key_not_empty CHECK (%s)', relation, nonempty));
	END IF;

	PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation));
	-- The restrictive one is what a later permissive policy cannot widen; the
	-- permissive one is needed for any row to be seen, and where restrictive
	-- policies are not (Citus), it holds alone.
	PERFORM sessmem.as_owner(relation, format('DROP POLICY IF EXISTS sessmem_permissive ON %s', relation));
	PERFORM sessmem.as_owner(relation, format('DROP POLICY IF EXISTS sessmem_restrictive ON %s', relation));
	PERFORM sessmem.as_owner(relation, format('CREATE POLICY sessmem_permissive ON %s AS PERMISSIVE FOR ALL TO PUBLIC USING (%s) WITH CHECK (%2$s)', relation, predicate));
	PERFORM sessmem.as_owner(relation, format('CREATE POLICY sessmem_restrictive ON %s AS RESTRICTIVE FOR ALL TO PUBLIC USING (%s) WITH CHECK (%2$s)', relation, predicate));
	-- One that is as it was stays: its text, parsed anew, could be about other tables and columns of these names.
	IF entry.agreement IS DISTINCT FROM sessmem.agreement_of(relation) THEN
		PERFORM sessmem.as_owner(relation, format('DROP POLICY IF EXISTS sessmem_agreement ON %s', relation));
		PERFORM sessmem.as_owner(relation, format('CREATE POLICY sessmem_agreement ON %s AS RESTRICTIVE FOR ALL TO PUBLIC USING (true) WITH CHECK (%s)', relation, entry.agreement));
		-- as the server has it, so that a change is seen
		UPDATE sessmem.protected_table AS p
			SET agreement = sessmem.agreement_of(p.relation)
			WHERE p.relation = apply_protection.relation;
	END IF;

	PERFORM sessmem.install_guard(relation);
	PERFORM sessmem.revoke_dangerous(relation);

	-- a partition has its parent's
	IF NOT (SELECT c.relispartition FROM pg_class AS c WHERE c.oid = relation) AND NOT EXISTS (
		SELECT FROM pg_index AS i
			JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
		WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
			AND i.indkey[0] = sessmem.column_number(relation,
				coalesce(entry.session_column, entry.user_column, entry.tenant_column)))
	THEN
		-- with the column that recall() orders by, so that it reads just n rows
		SELECT quote_ident(a.attname) INTO order_column
		FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		WHERE i.indrelid = relation AND i.indisprimary
			AND a.attnum <> ALL (entry.attnums)
			AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype);
		EXECUTE format('CREATE INDEX ON %s (%s)', relation, concat_ws(', ', columns, order_column));
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.apply_protection(regclass) IS
	'Internal: derives policies, guard, defaults, constraints and index of one table from its row in the registry.';

-- Unique and foreign keys are checked against all rows, so whoever may insert can
-- ask whether a row exists, or refer to it.  The statistics of an expression in an
-- index are shown to its owner, so they are refused (access.c).
CREATE FUNCTION sessmem.oracles(relation regclass, OUT finding text, OUT better text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH key AS (
		SELECT array_agg(n ORDER BY i) AS nums,
			string_agg((SELECT quote_ident(a.attname) FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum = n), ', ' ORDER BY i) AS names
		FROM sessmem.protected_table AS p, unnest(p.attnums) WITH ORDINALITY AS u (n, i)
		WHERE p.relation = $1 AND n <> 0
	)
	SELECT format('unique index %I tells whether another session has a row of the same key', c.relname),
		format('%s (%s, %s)', CASE WHEN i.indisprimary THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, key.names,
			(SELECT string_agg(CASE WHEN k.n = 0 THEN '...' ELSE (SELECT quote_ident(a.attname) FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum = k.n) END, ', ' ORDER BY k.ord)
			FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (n, ord)
			WHERE k.ord <= i.indnkeyatts AND k.n <> ALL (key.nums)))
	FROM key, pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
	WHERE i.indrelid = $1 AND (i.indisunique OR i.indisexclusion)
		AND NOT key.nums <@ (i.indkey::int2[])[0:i.indnkeyatts - 1]
	UNION ALL
	SELECT format('pg_stats will be refused to everybody, because it has values of index %I on an expression', c.relname), 'an index on columns'
	FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
	WHERE i.indrelid = $1 AND i.indexprs IS NOT NULL
	UNION ALL
	SELECT format('foreign key %I of %s can refer to a row of another session', c.conname, c.conrelid::regclass),
		format('FOREIGN KEY (%s, ...) REFERENCES %s (%s, ...)', CASE WHEN c.conrelid = $1 THEN key.names ELSE 'its session key' END,
			c.confrelid::regclass, CASE WHEN c.confrelid = $1 THEN key.names ELSE 'its session key' END)
	FROM key, pg_constraint AS c
	WHERE c.contype = 'f' AND c.conparentid = 0
		AND ((c.confrelid = $1 AND NOT key.nums <@ c.confkey)
			OR (c.conrelid = $1 AND NOT key.nums <@ c.conkey
				AND EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = c.confrelid)))
	ORDER BY 1 DESC
$$;
COMMENT ON FUNCTION sessmem.oracles(regclass) IS
	'Internal: keys and indexes that tell of the rows of other sessions, and what would be better.';

CREATE FUNCTION sessmem.protect(
		relation regclass,
		session_column name DEFAULT 'session_id',
		user_column name DEFAULT NULL,
		tenant_column name DEFAULT NULL,
		strict boolean DEFAULT false,
		session_key text DEFAULT NULL,
		user_key text DEFAULT NULL,
		tenant_key text DEFAULT NULL,
		prefix_column name DEFAULT NULL,
		separator text DEFAULT '.',
		parent name DEFAULT NULL,
		add_columns boolean DEFAULT false
	) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
DECLARE
	entry sessmem.protected_table;
	fresh boolean;
	missing text;
	missing_count bigint;
	oracle record;
	weakness text;
	agrees text;
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION 'relation must not be null' USING ERRCODE = '22004';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation) THEN
		RAISE EXCEPTION 'relation % does not exist', relation USING ERRCODE = 'undefined_table';
	END IF;

	PERFORM sessmem.check_read_committed('protect a table', 'Rows and partitions that others add meanwhile would be overlooked.');

	IF add_columns OR num_nonnulls(session_key, user_key, tenant_key, prefix_column, parent) > 0 THEN
		agrees := sessmem.add_key_columns(relation, ARRAY[session_column, user_column, tenant_column], ARRAY[session_key, user_key, tenant_key],
			prefix_column, separator, parent, add_columns);
	END IF;

	-- What can be told without a lock, so that a mistake stops nobody.
	PERFORM sessmem.check_protectable(relation, session_column, user_column, tenant_column);

	-- Whoever opens a session from here on knows of the table, though it is not
	-- committed, and whoever does not has finished; before the lock, for he may need
	-- the table.
	INSERT INTO sessmem.protected_table (relation, session_column, user_column, tenant_column)
		VALUES (protect.relation, protect.session_column, protect.user_column, protect.tenant_column)
		ON CONFLICT ON CONSTRAINT protected_table_pkey DO NOTHING;
	fresh := FOUND;
	IF fresh AND session_column IS NOT NULL THEN
		PERFORM sessmem.await_openers();
		IF EXISTS (
			SELECT FROM sessmem.session AS a JOIN sessmem.session AS b ON b.session_id = a.session_id
			WHERE (a.user_id, a.tenant_id) IS DISTINCT FROM (b.user_id, b.tenant_id)
				AND NOT (user_column IS NOT NULL AND a.user_id IS DISTINCT FROM b.user_id)
				AND NOT (tenant_column IS NOT NULL AND a.tenant_id IS DISTINCT FROM b.tenant_id))
		THEN
			RAISE EXCEPTION 'the columns do not tell all sessions apart'
				USING ERRCODE = 'object_not_in_prerequisite_state',
					DETAIL = 'Several users or tenants have a session of the same id.',
					HINT = 'Name user_column and tenant_column, too, or let sessmem.forget_session() remove all but one of each id.';
		END IF;
	END IF;

	PERFORM sessmem.as_owner(relation, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation));
	PERFORM sessmem.check_protectable(relation, session_column, user_column, tenant_column);

	-- the columns may have changed before the lock
	IF fresh THEN
		DELETE FROM sessmem.protected_table AS p WHERE p.relation = protect.relation;
		INSERT INTO sessmem.protected_table (relation, session_column, user_column, tenant_column)
			VALUES (protect.relation, protect.session_column, protect.user_column, protect.tenant_column);
	END IF;
	SELECT * INTO entry FROM sessmem.protected_table AS p WHERE p.relation = protect.relation;
	IF FOUND AND (entry.session_column, entry.user_column, entry.tenant_column)
		IS DISTINCT FROM (session_column, user_column, tenant_column)
	THEN
		RAISE EXCEPTION 'table % is already protected by other columns', relation
			USING ERRCODE = 'duplicate_object',
				DETAIL = format('Session, user and tenant are %s, %s, %s; asked for are %s, %s, %s.',
					coalesce(quote_ident(entry.session_column), '-'),
					coalesce(quote_ident(entry.user_column), '-'),
					coalesce(quote_ident(entry.tenant_column), '-'),
					coalesce(quote_ident(session_column), '-'),
					coalesce(quote_ident(user_column), '-'),
					coalesce(quote_ident(tenant_column), '-')),
				HINT = format('Call sessmem.unprotect(%L) first.', relation);
	END IF;

	-- all of them first, because what follows wakes the event trigger for new ones
	INSERT INTO sessmem.protected_table (relation, session_column, user_column, tenant_column)
		SELECT m.member, protect.session_column, protect.user_column, protect.tenant_column
		FROM sessmem.members(relation) AS m
		ON CONFLICT ON CONSTRAINT protected_table_pkey DO NOTHING;
	-- a call that only repairs need not say it again, unless it is lost
	IF agrees IS NULL AND entry.agreement IS DISTINCT FROM sessmem.agreement_of(relation) THEN
		RAISE EXCEPTION 'the policy on what agrees with the key of table % is missing or changed', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Names that it was made of may be those of other tables and columns by now.',
				HINT = 'Call protect() with session_key, user_key, tenant_key, prefix_column, parent or add_columns, as at first.';
	ELSIF agrees IS NOT NULL THEN
		UPDATE sessmem.protected_table AS p SET agreement = agrees
			WHERE p.relation IN (SELECT m.member FROM sessmem.members(protect.relation) AS m);
	END IF;

	-- left by a protection that is gone, or not ours at all
	IF fresh THEN
		PERFORM sessmem.as_owner(relation, format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS sessmem_key_not_empty', relation));
	END IF;

	SELECT sum(sessmem.count_without_key(m.member, ARRAY[
			sessmem.column_number(m.member, session_column),
			sessmem.column_number(m.member, user_column),
			sessmem.column_number(m.member, tenant_column)]))
		INTO missing_count
		FROM sessmem.members(relation) AS m;
	IF missing_count > 0 THEN
		SELECT string_agg(CASE WHEN k.type IN ('text'::regtype, 'varchar'::regtype)
				THEN format('%I IS NULL OR %1$I = ''''', k.name) ELSE format('%I IS NULL', k.name) END, ' OR ')
			INTO missing
			FROM sessmem.key_columns(relation, session_column, user_column, tenant_column) AS k;
		RAISE EXCEPTION 'table % has % rows without a session key', relation, missing_count
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'They would belong to nobody.',
				HINT = format('Find them with SELECT * FROM %s WHERE %s; give each its key or delete it, then call protect() again.', relation, missing);
	END IF;

	PERFORM sessmem.apply_protection(m.member) FROM sessmem.members(relation) AS m;

	FOR oracle IN SELECT * FROM sessmem.oracles(relation) LOOP
		IF strict THEN
			RAISE EXCEPTION '%', oracle.finding
				USING ERRCODE = 'wrong_object_type',
					HINT = format('Better: %s.', oracle.better);
		END IF;
		RAISE WARNING '%', oracle.finding USING HINT = format('Better: %s.', oracle.better);
	END LOOP;
	FOR weakness IN
		SELECT DISTINCT format('table %s: %s', m.member, w)
		FROM sessmem.members(relation) AS m CROSS JOIN LATERAL sessmem.weaknesses(m.member) AS w
		ORDER BY 1
	LOOP
		RAISE WARNING '%', weakness USING HINT = 'It is accepted as it is. If it should not be, change it now.';
	END LOOP;
	PERFORM sessmem.accept_weaknesses(m.member) FROM sessmem.members(relation) AS m;
END
$$;
COMMENT ON FUNCTION sessmem.protect(regclass, name, name, name, boolean, text, text, text, name, text, name, boolean) IS
	'Protects a table, with its partitions and inheritance children: a row is seen and written only by the session whose id, user and tenant are in the columns given (text, varchar, uuid or bigint; pass session_column => NULL for a table scoped by user or tenant only). Sets row security for everyone, the owner included, the guard triggers, NOT NULL, a check against empty keys, defaults, and an index if there is none; revokes TRUNCATE, TRIGGER and REFERENCES. Warns of unique and foreign keys without the session key, which tell whether a row of another session exists; strict refuses them. Calling it again repairs. Key columns that the table does not have are added, and filled by the session in force, if session_key, user_key or tenant_key (an expression over the row, such as payload->>''run_id''), prefix_column with separator (a path that begins with the key) or parent (a column with a foreign key to a table whose rows say whose they are) is given; a row that does not agree with it is refused; or without any of that, if add_columns is true. 42809 or 42703: the table or a column is not suitable. 42704: parent has no foreign key. 55000: rows have no key. 42710: it is protected by other columns. 22023: no columns given. 0A000: not in REPEATABLE READ or SERIALIZABLE. For administrators.';

CREATE FUNCTION sessmem.unprotect(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
DECLARE
	entry sessmem.protected_table;
	parent regclass;
	child regclass;
	m record;
	col record;
BEGIN
	SELECT * INTO entry FROM sessmem.protected_table AS p WHERE p.relation = unprotect.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'table % is not protected', relation
			USING ERRCODE = 'undefined_object',
				HINT = 'SELECT * FROM sessmem.protected_table lists the protected tables.';
	END IF;
	SELECT i.inhrelid::regclass, i.inhparent::regclass INTO child, parent
		FROM sessmem.members(unprotect.relation) AS t JOIN pg_inherits AS i ON i.inhrelid = t.member
			JOIN sessmem.protected_table AS p ON p.relation = i.inhparent
		WHERE NOT EXISTS (SELECT FROM sessmem.members(unprotect.relation) AS o WHERE o.member = i.inhparent)
		LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'cannot unprotect % alone', child
			USING ERRCODE = 'wrong_object_type',
				DETAIL = format('It is part of the protected table %s.', parent);
	END IF;

	PERFORM sessmem.as_owner(relation, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation));
	DELETE FROM sessmem.protected_table AS p USING sessmem.members(unprotect.relation) AS s WHERE p.relation = s.member;
	FOR m IN SELECT * FROM sessmem.members(unprotect.relation) LOOP
		FOR col IN SELECT * FROM sessmem.key_columns(m.member, entry.session_column, entry.user_column, entry.tenant_column)
			WHERE type IS NOT NULL
		LOOP
			-- who does not know the column must be able to write without it
			PERFORM sessmem.as_owner(m.member, format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT%s', m.member, col.name,
				CASE WHEN entry.agreement IS NOT NULL THEN format(', ALTER COLUMN %I DROP NOT NULL', col.name) ELSE '' END));
		END LOOP;
		-- children inherit the constraint
		IF m.member = relation THEN
			PERFORM sessmem.as_owner(m.member, format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS sessmem_key_not_empty', m.member));
		END IF;
		PERFORM sessmem.as_owner(m.member, format('DROP TRIGGER IF EXISTS zzz_sessmem_guard ON %s', m.member));
		PERFORM sessmem.as_owner(m.member, format('DROP TRIGGER IF EXISTS zzz_sessmem_truncate ON %s', m.member));
		PERFORM sessmem.as_owner(m.member, format('DROP POLICY IF EXISTS sessmem_permissive ON %s', m.member));
		PERFORM sessmem.as_owner(m.member, format('DROP POLICY IF EXISTS sessmem_restrictive ON %s', m.member));
		PERFORM sessmem.as_owner(m.member, format('DROP POLICY IF EXISTS sessmem_agreement ON %s', m.member));
		-- policies of your own stay in force
		IF NOT EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = m.member) THEN
			PERFORM sessmem.as_owner(m.member, format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', m.member));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.unprotect(regclass) IS
	'Undoes protect(), except NOT NULL, the index, the revoked privileges and defaults that it replaced. Row security stays enabled if the table has policies of its own. 42704: the table is not protected. 42809: it is a partition or child of one that is. For administrators.';
