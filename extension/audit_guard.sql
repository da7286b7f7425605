-- audit of the guard: what may be written, and what writing tells
--
-- The guards of protected tables are audit_weakness.sql's; here are hand-written tables,
-- privileges, keys, and what the guard itself depends on.

INSERT INTO sessmem.audit_check VALUES
	('guard.event_trigger', 'critical', 'The event triggers of sessmem are enabled always'),
	('guard.registry_trigger', 'critical', 'The triggers on tables of sessmem are enabled always'),
	('guard.truncate_granted', 'high', 'Nobody but its owner may truncate a table'),
	('guard.trigger_granted', 'high', 'Nobody but its owner may put triggers on a table'),
	('guard.references_granted', 'medium', 'Nobody but its owner may refer to a table'),
	('guard.maintain_granted', 'low', 'Nobody but its owner may lock or vacuum a table'),
	('guard.code_owner', 'high', 'Code that writing runs belongs to superusers or to the owner of the table'),
	('guard.code_search_path', 'high', 'SECURITY DEFINER functions of triggers have a search_path of their own'),
	('guard.instead_of_trigger', 'high', 'No INSTEAD OF trigger writes as somebody whom row security does not apply to'),
	('guard.nullable_policy_key', 'low', 'Columns that policies compare cannot be null'),
	('guard.rows_without_session', 'high', 'No row is without a session'),
	('guard.unique_key', 'medium', 'Unique keys contain the session key'),
	('guard.surrogate_key', 'low', 'Generated keys contain the session key'),
	('guard.foreign_key', 'medium', 'Foreign keys between protected tables contain the session key'),
	('guard.cascade', 'medium', 'Nobody deletes rows of others by way of a foreign key');

-- From the catalog: in a definition as text, a column's name may say ON DELETE.
CREATE FUNCTION sessmem.reference_options(reference oid, cascades boolean) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat(
		CASE c.confmatchtype WHEN 'f' THEN ' MATCH FULL' END,
		CASE WHEN $2 OR c.confupdtype = 'r' THEN CASE c.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE' WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' END END,
		CASE WHEN $2 OR c.confdeltype = 'r' THEN CASE c.confdeltype WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE' WHEN 'n' THEN ' ON DELETE SET NULL' WHEN 'd' THEN ' ON DELETE SET DEFAULT' END
			|| coalesce((SELECT format(' (%s)', string_agg(quote_ident(a.attname), ', ')) FROM pg_attribute AS a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.confdelsetcols)
				HAVING count(*) > 0), '') END,
		CASE WHEN c.condeferrable THEN ' DEFERRABLE' END, CASE WHEN c.condeferred THEN ' INITIALLY DEFERRED' END,
		-- since 18
		CASE WHEN to_jsonb(c) ->> 'conenforced' = 'false' THEN ' NOT ENFORCED' WHEN NOT c.convalidated THEN ' NOT VALID' END)
	FROM pg_constraint AS c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION sessmem.reference_options(oid, boolean) IS
	'Internal: what follows the columns in the definition of a foreign key, with or without what it does on UPDATE and DELETE.';

CREATE FUNCTION sessmem.audit_guard(OUT check_id text, OUT object text, OUT finding text, OUT evidence text, OUT fix text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH scope AS MATERIALIZED (
		SELECT * FROM sessmem.audited_table
	), key AS MATERIALIZED (
		-- all of them on a protected table, else any
		SELECT k.relation, array_agg(DISTINCT k.attnum) AS nums, min(quote_ident(k.attname)) AS one,
			string_agg(DISTINCT quote_ident(k.attname), ', ') AS names
		FROM sessmem.audited_key AS k GROUP BY k.relation
	), exempt AS MATERIALIZED (
		SELECT r.oid FROM pg_roles AS r WHERE r.rolsuper OR r.rolbypassrls
	), code AS MATERIALIZED (
		SELECT DISTINCT t.relation, t.name, t.owner, t.protected, x.what, x.detach, f.oid::regprocedure::text AS function, f.proowner,
			f.prosecdef AND NOT EXISTS (SELECT FROM unnest(f.proconfig) AS c WHERE c LIKE 'search_path=%') AS open
		FROM scope AS t CROSS JOIN LATERAL (
			SELECT 'a trigger', g.tgfoid, format('DROP TRIGGER %I ON %s;', g.tgname, t.name) FROM pg_trigger AS g WHERE g.tgrelid = t.relation AND NOT g.tgisinternal
			UNION ALL
			SELECT 'a default', d.refobjid, sessmem.drop_default(a.adrelid, a.adnum) FROM pg_attrdef AS a JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_proc'::regclass
			WHERE a.adrelid = t.relation
			UNION ALL
			SELECT 'a constraint', d.refobjid, format('ALTER TABLE %s DROP CONSTRAINT %I;', t.name, k.conname) FROM pg_constraint AS k JOIN pg_depend AS d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass
			WHERE k.conrelid = t.relation
		) AS x (what, function, detach) JOIN pg_proc AS f ON f.oid = x.function
	), granted AS MATERIALIZED (
		SELECT t.name, t.relation, x.privilege_type, x.attname, x.grantee, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS role
		FROM scope AS t CROSS JOIN LATERAL (
			SELECT a.privilege_type, NULL::name AS attname, a.grantee FROM aclexplode(t.acl) AS a
			UNION ALL
			SELECT a.privilege_type, c.attname, a.grantee FROM pg_attribute AS c CROSS JOIN LATERAL aclexplode(c.attacl) AS a
			WHERE c.attrelid = t.relation AND c.attacl IS NOT NULL
		) AS x
		WHERE x.grantee <> t.owner AND x.grantee NOT IN (SELECT oid FROM exempt)
	)

	-- ---------- what the guard depends on ----------

	SELECT 'guard.event_trigger', quote_ident(e.evtname), 'Commands that weaken a protected table are not refused, and new partitions are not protected.',
		format('evtenabled is %s', e.evtenabled), format('ALTER EVENT TRIGGER %I ENABLE ALWAYS;', e.evtname)
	FROM pg_event_trigger AS e WHERE e.evtname IN ('sessmem_after_ddl', 'sessmem_after_drop') AND e.evtenabled <> 'A'
	UNION ALL
	SELECT 'guard.registry_trigger', format('%s.%I', g.tgrelid::regclass, g.tgname), 'Other connections do not hear of changes, and go on with keys, sessions or protection as they were.',
		format('tgenabled is %s', g.tgenabled), format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', g.tgrelid::regclass, g.tgname)
	FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
	WHERE c.relnamespace = 'sessmem'::regnamespace AND NOT g.tgisinternal AND g.tgenabled <> 'A'

	-- ---------- privileges that look at no row ----------

	UNION ALL
	SELECT v.check_id, g.name, format(v.finding, g.role), format('%s%s for %s', g.privilege_type, ' (' || quote_ident(g.attname) || ')', g.role),
		format('REVOKE %s%s ON %s FROM %s CASCADE;', g.privilege_type, ' (' || quote_ident(g.attname) || ')', g.name, g.role)
	FROM granted AS g JOIN (VALUES
		('TRUNCATE', 'guard.truncate_granted', '%s can empty the table of every session: TRUNCATE looks at no policy.'),
		('TRIGGER', 'guard.trigger_granted', '%s can make a trigger that copies what every session writes.'),
		('REFERENCES', 'guard.references_granted', '%s can ask by a foreign key whether any session has a row.'),
		('MAINTAIN', 'guard.maintain_granted', '%s can lock everybody out of the table, and compute statistics of all rows.')
	) AS v (privilege, check_id, finding) ON v.privilege = g.privilege_type

	-- ---------- code that writing runs ----------

	UNION ALL
	SELECT 'guard.rule', t.name, 'A rule changes what statements do to the table, and what it does runs as the owner.', pg_get_ruledef(w.oid), format('DROP RULE %I ON %s;', w.rulename, t.name)
	FROM scope AS t JOIN pg_rewrite AS w ON w.ev_class = t.relation WHERE NOT t.protected
	UNION ALL
	-- of protected tables diagnose() tells
	SELECT 'guard.code_owner', c.name, format('Its owner can replace %s, which %s calls, by code that reads what every session writes.', c.function, c.what),
		format('%s belongs to %s', c.function, c.proowner::regrole), string_agg(DISTINCT c.detach, E'\n')
	FROM code AS c WHERE NOT c.protected AND c.proowner <> c.owner AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = c.proowner AND r.rolsuper)
	GROUP BY c.name, c.function, c.what, c.proowner
	UNION ALL
	SELECT DISTINCT 'guard.code_search_path', c.function, format('Whoever writes to %s decides what names mean in this function, which runs as %s.', min(c.name), c.proowner::regrole),
		'SECURITY DEFINER, no search_path in its SET clauses',
		format('ALTER FUNCTION %s SET search_path = pg_catalog, %s, pg_temp;', c.function, (SELECT f.pronamespace::regnamespace FROM pg_proc AS f WHERE f.oid = c.function::regprocedure))
	FROM code AS c WHERE c.open GROUP BY c.function, c.proowner
	UNION ALL
	SELECT DISTINCT 'guard.instead_of_trigger', f.oid::regprocedure::text, format('Writes through view %s go to %s as %s, whom row security does not apply to.', v.oid::regclass, t.name, f.proowner::regrole),
		format('trigger %I, SECURITY DEFINER of %s', g.tgname, f.proowner::regrole), format('ALTER FUNCTION %s SECURITY INVOKER;', f.oid::regprocedure)
	FROM scope AS t
		JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.relation AND d.classid = 'pg_rewrite'::regclass
		JOIN pg_rewrite AS w ON w.oid = d.objid JOIN pg_class AS v ON v.oid = w.ev_class AND v.relkind = 'v'
		JOIN pg_trigger AS g ON g.tgrelid = v.oid AND g.tgtype & 64 <> 0 JOIN pg_proc AS f ON f.oid = g.tgfoid
	WHERE f.prosecdef AND (f.proowner IN (SELECT oid FROM exempt) OR (f.proowner = t.owner AND NOT t.forced))

	-- ---------- keys ----------

	UNION ALL
	SELECT 'guard.nullable_policy_key', k.name, format('Rows without %I can be stored, which belong to nobody, and which a change of the policy may show to everybody.', k.attname),
		format('%I can be null', k.attname), format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', k.name, k.attname)
	FROM sessmem.audited_key AS k WHERE k.policy IS NOT NULL AND NOT k.attnotnull
	UNION ALL
	-- rows are counted only where a weakness lets such rows in, by a function of ours
	SELECT 'guard.rows_without_session', p.relation::text, 'Rows without a session belong to nobody, and stay when sessions are forgotten.',
		format('%s rows', n), format(E'DO %L;\nSELECT sessmem.protect(%L, %L, %L, %L);',
			format('BEGIN PERFORM sessmem.maintenance(''rows without a session''); UPDATE %s SET %s WHERE %s; END', p.relation, k.assign, k.missing), p.relation, p.session_column, p.user_column, p.tenant_column)
	FROM sessmem.protected_table AS p
		CROSS JOIN LATERAL (
			-- to a session that nobody has
			SELECT string_agg(format('%I = %s', a.attname, CASE WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype)
					THEN format('coalesce(nullif(%I, ''''), ''nobody'')', a.attname)
					WHEN a.atttypid = 'uuid'::regtype THEN format('coalesce(%I, pg_catalog.gen_random_uuid())', a.attname)
					ELSE format('coalesce(%I, -1)', a.attname) END), ', ') AS assign,
				string_agg(CASE WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype)
					THEN format('%I IS NULL OR %1$I = ''''', a.attname) ELSE format('%I IS NULL', a.attname) END, ' OR ') AS missing,
				bool_or(NOT a.attnotnull) OR NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = p.relation AND c.conname = 'sessmem_key_not_empty') AS open
			FROM pg_attribute AS a WHERE a.attrelid = p.relation AND a.attnum = ANY (p.attnums) AND a.attnum > 0 AND NOT a.attisdropped
		) AS k
		CROSS JOIN LATERAL sessmem.count_without_key(CASE WHEN k.open AND k.assign IS NOT NULL THEN p.relation END, p.attnums) AS n
	-- what an update runs must not be somebody else's: that goes first
	WHERE CASE WHEN n > 0 THEN NOT EXISTS (SELECT FROM sessmem.diagnose(ARRAY[p.relation::oid]) AS d
		WHERE d.weakness LIKE 'a partition key%' OR d.check_id IN ('guard.foreign_code', 'guard.rule')) END
	UNION ALL
	SELECT CASE WHEN i.generated THEN 'guard.surrogate_key' ELSE 'guard.unique_key' END, i.index, format('A duplicate key tells that another session has a row of this key in %s%s.', i.name,
			CASE WHEN i.generated THEN '' ELSE ', and keeps a session from having it' END),
		i.definition,
		-- expressions are somebody else's text, so such an index can only go
		CASE WHEN i.constraint_name IS NULL THEN concat_ws(E'\n', CASE WHEN i.plain THEN format('CREATE UNIQUE INDEX ON %s (%s)%s;', i.name, i.columns, i.nulls) END, format('DROP INDEX %s;', i.index))
			ELSE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s%s (%s);', i.name, i.constraint_name,
				CASE WHEN i.main THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, i.nulls, i.columns) END
	FROM (
		SELECT t.name, x.indexrelid::regclass::text AS index, pg_get_indexdef(x.indexrelid) AS definition, c.conname AS constraint_name, x.indisprimary AS main,
			x.indpred IS NULL AND x.indexprs IS NULL AS plain, CASE WHEN x.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' ELSE '' END AS nulls,
			(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY array_position(CASE WHEN t.protected THEN t.attnums ELSE k.nums END, a.attnum)) FROM pg_attribute AS a
				WHERE a.attrelid = x.indrelid AND a.attnum = ANY (CASE WHEN t.protected THEN k.nums ELSE k.nums[1:1] END) AND a.attnum <> ALL ((x.indkey::int2[])[0:x.indnkeyatts - 1]))
				|| ', ' || (SELECT string_agg(pg_get_indexdef(x.indexrelid, n, true), ', ' ORDER BY n) FROM generate_series(1, x.indnkeyatts) AS n) AS columns,
			x.indnkeyatts = 1 AND EXISTS (SELECT FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
				WHERE a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
					AND (a.attidentity <> '' OR a.atttypid = 'uuid'::regtype OR pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(')) AS generated
		FROM scope AS t JOIN key AS k ON k.relation = t.relation JOIN pg_index AS x ON x.indrelid = t.relation
			LEFT JOIN pg_constraint AS c ON c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u')
		WHERE x.indisunique AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = x.indexrelid)
			AND NOT CASE WHEN t.protected THEN k.nums <@ (x.indkey::int2[])[0:x.indnkeyatts - 1] ELSE k.nums && (x.indkey::int2[])[0:x.indnkeyatts - 1] END
	) AS i
	UNION ALL
	-- the commands see rows, so they are for maintenance; casts of others run in them
	SELECT 'guard.foreign_key', c.conrelid::regclass::text, format('Foreign key %I lets a row refer to one of another session, and tells whether that exists.', c.conname),
		pg_get_constraintdef(c.oid), format('DO %L;', format('BEGIN PERFORM sessmem.maintenance(''a foreign key with the session key'');%s ALTER TABLE %s DROP CONSTRAINT %I%s; END',
			CASE WHEN o.has_key OR NOT o.safe THEN '' ELSE format(' ALTER TABLE %s ADD UNIQUE (%s);', c.confrelid::regclass, o.parent) END,
			c.conrelid::regclass, c.conname,
			CASE WHEN o.safe THEN format(', ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES %s (%s)%s', c.conname, o.child, c.confrelid::regclass, o.parent, sessmem.reference_options(c.oid, true)) END))
	FROM pg_constraint AS c JOIN sessmem.protected_table AS child ON child.relation = c.conrelid JOIN sessmem.protected_table AS parent ON parent.relation = c.confrelid
		CROSS JOIN LATERAL (
			SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY n), string_agg(quote_ident(b.attname), ', ' ORDER BY n), bool_and(a.attnum IS NOT NULL),
				bool_and(a.atttypid = b.atttypid OR (a.atttypid < 16384 AND b.atttypid < 16384)),
				EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = c.confrelid AND x.indisunique AND x.indpred IS NULL
					AND (x.indkey::int2[])[0:x.indnkeyatts - 1] @> array_agg(b.attnum) AND (x.indkey::int2[])[0:x.indnkeyatts - 1] <@ array_agg(b.attnum))
			FROM (
				SELECT i - 10, child.attnums[i], parent.attnums[i] FROM generate_series(1, 3) AS i WHERE parent.attnums[i] <> 0 AND parent.attnums[i] <> ALL (c.confkey)
				UNION ALL SELECT i, c.conkey[i], c.confkey[i] FROM generate_subscripts(c.conkey, 1) AS i
			) AS pair (n, a, b)
				LEFT JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = pair.a AND pair.a <> 0
				JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = pair.b
		) AS o (child, parent, possible, safe, has_key)
	WHERE c.contype = 'f' AND c.conparentid = 0 AND o.possible AND NOT array_remove(parent.attnums, 0::int2) <@ c.confkey
	UNION ALL
	-- the guard refuses it on protected tables
	SELECT 'guard.cascade', t.name, format('Foreign key %I changes rows of every session when %s deletes or changes what they refer to in %s.', c.conname, x.role, p.oid::regclass),
		format('%s; %s for %s', pg_get_constraintdef(c.oid), string_agg(DISTINCT a.privilege_type, ', '), x.role),
		format('ALTER TABLE %s DROP CONSTRAINT %I%s;', t.name, c.conname,
			(SELECT format(', ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES %s (%s)%s', c.conname, string_agg(quote_ident(a.attname), ', ' ORDER BY i), p.oid::regclass,
					string_agg(quote_ident(b.attname), ', ' ORDER BY i), sessmem.reference_options(c.oid, false))
				FROM generate_subscripts(c.conkey, 1) AS i JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[i]
					JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[i]
				HAVING bool_and(a.atttypid = b.atttypid OR (a.atttypid < 16384 AND b.atttypid < 16384))))
	FROM scope AS t JOIN pg_constraint AS c ON c.conrelid = t.relation AND c.contype = 'f' AND c.conparentid = 0
		JOIN pg_class AS p ON p.oid = c.confrelid AND NOT p.relrowsecurity
		CROSS JOIN LATERAL aclexplode(p.relacl) AS a
		CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS x (role)
	WHERE NOT t.protected AND a.grantee <> p.relowner AND a.grantee NOT IN (SELECT oid FROM exempt)
		AND ((a.privilege_type = 'DELETE' AND c.confdeltype IN ('c', 'n', 'd')) OR (a.privilege_type = 'UPDATE' AND c.confupdtype IN ('c', 'n', 'd')))
	GROUP BY t.name, c.oid, c.conname, p.oid, x.role;
END
$$;
COMMENT ON FUNCTION sessmem.audit_guard() IS
	'Internal: the findings of audit() on what may be written, and what writing tells.';
