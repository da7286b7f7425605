-- audit of storage: what policies show, and to whom
--
-- Protected tables are audit_weakness.sql's; here are hand-written policies, and the
-- registry.

INSERT INTO sessmem.audit_check VALUES
	('storage.policies_not_enabled', 'critical', 'Tables that have policies have row security enabled'),
	('storage.policy_true', 'critical', 'No policy shows every row to everybody'),
	('storage.policy_true_for_role', 'medium', 'No policy shows every row to a role'),
	('storage.check_true', 'high', 'Policies check whose rows are written'),
	('storage.check_weaker', 'medium', 'Policies check writes by the columns they restrict reads by'),
	('storage.null_key_shared', 'high', 'Policies do not show rows without a key to everybody'),
	('storage.policy_not_understood', 'medium', 'Policies show no rows but those of a key'),
	('storage.no_policy', 'low', 'Tables with row security have a policy that lets somebody pass'),
	('storage.command_ignored', 'low', 'Tables whose rows can be read have policies for the commands that are granted'),
	('storage.immutable_context', 'critical', 'Functions of policies that tell whose rows to show are not IMMUTABLE'),
	('storage.parallel_safe', 'medium', 'Functions of policies that write are not PARALLEL SAFE'),
	('storage.volatile_function', 'low', 'Functions of policies that only read are not VOLATILE'),
	('storage.function_owner', 'high', 'Functions of policies belong to superusers or to the owner of the table'),
	('storage.definer_search_path', 'critical', 'SECURITY DEFINER functions of policies have a search_path of their own'),
	('storage.mutable_search_path', 'high', 'Functions of policies find the same objects whatever search_path is'),
	('storage.child_unprotected', 'high', 'Partitions and children of tables with row security have it, too'),
	('storage.key_not_indexed', 'low', 'An index leads with the column that policies compare'),
	('storage.unchecked', 'high', 'Protected tables are checked at every command'),
	('storage.auto_protection_missed', 'high', 'Tables that auto_protect() is about are protected'),
	('storage.orphaned_entry', 'high', 'What the registry names exists');

CREATE FUNCTION sessmem.audit_storage(OUT check_id text, OUT object text, OUT finding text, OUT evidence text, OUT fix text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH scope AS MATERIALIZED (
		SELECT * FROM sessmem.audited_table
	), policy AS MATERIALIZED (
		SELECT p.*, q.shares_nulls, q.fails_open, 0 = ANY (p.roles) AS everybody,
			-- roles that row security does not apply to have no need of it
			ARRAY(SELECT r.rolname FROM pg_roles AS r WHERE r.oid = ANY (p.roles) AND NOT r.rolsuper AND NOT r.rolbypassrls) AS others
		FROM sessmem.audited_policy AS p CROSS JOIN LATERAL sessmem.policy_defects(p.qual) AS q
	), meaning AS MATERIALIZED (
		-- many tables have the same policy
		SELECT e.text, sessmem.understood(e.text) AS understood
		FROM (SELECT p.qual FROM policy AS p UNION SELECT p.checked FROM policy AS p) AS e (text)
	), restricted AS MATERIALIZED (
		-- whatever permissive policies say
		SELECT p.relation, bool_or(m.understood AND (p.checked IS NULL OR w.understood)) AS writes
		FROM policy AS p JOIN meaning AS m ON m.text = p.qual LEFT JOIN meaning AS w ON w.text = p.checked
		WHERE NOT p.permissive AND p.command = '*' AND p.everybody AND m.understood
		GROUP BY p.relation
	), code AS MATERIALIZED (
		SELECT f.oid, f.oid::regprocedure::text AS name, f.proowner AS owner, f.provolatile AS volatility, f.proparallel AS parallel,
			f.prosecdef AS definer, f.proconfig AS config, f.pronargs AS arguments, f.prosqlbody IS NOT NULL AS resolved, f.prokind AS kind,
			f.pronamespace::regnamespace::text AS schema, l.lanname AS language, c.source, c.owners, c.policies, c.policy,
			coalesce(c.source ~* '\m(insert\s+into|update|delete\s+from|merge\s+into|set_config|nextval|setval)\M', false) AS writes,
			-- what depends on who asks; of C nobody can tell, but what takes nothing tells that
			CASE WHEN c.source IS NULL THEN f.pronargs = 0
				ELSE c.source ~* '\m(current_setting|current_user|session_user|current_role|user|from)\M|sessmem\.(session|user|tenant)_id' END AS contextual
		FROM (
			SELECT c.function, c.source, array_agg(DISTINCT p.owner) AS owners, array_agg(DISTINCT p.oid) AS policies, min(format('%I of %s', p.policy, p.name)) AS policy
			FROM sessmem.policy_code() AS c JOIN policy AS p ON p.oid = c.policy
			GROUP BY c.function, c.source
		) AS c JOIN pg_proc AS f ON f.oid = c.function JOIN pg_language AS l ON l.oid = f.prolang
	), key AS MATERIALIZED (
		SELECT k.relation, k.name, k.attnum, k.attname, k.type, k.policy FROM sessmem.audited_key AS k
	)

	-- ---------- tables ----------

	SELECT 'storage.policies_not_enabled', t.name, 'The table has policies, and nobody applies them: row security is off.',
		format('%s policies, relrowsecurity is false', (SELECT count(*) FROM pg_policy AS q WHERE q.polrelid = t.relation)),
		format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', t.name)
	FROM scope AS t WHERE NOT t.enabled AND NOT t.protected
	UNION ALL
	-- on superusers FORCE has no effect
	SELECT 'storage.not_forced', t.name, format('Row security does not apply to the owner, %s, who reads and writes every row.', t.owner::regrole),
		'relforcerowsecurity is false', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY;', t.name)
	FROM scope AS t JOIN pg_roles AS r ON r.oid = t.owner
	WHERE t.enabled AND NOT t.forced AND NOT t.protected AND NOT r.rolsuper AND NOT r.rolbypassrls
	UNION ALL
	-- a part is closed to direct access by having none
	SELECT 'storage.no_policy', t.name, 'No policy lets anybody see or write a row; the application may end up with a role that row security does not apply to.',
		format('%s restrictive policies', (SELECT count(*) FROM pg_policy AS q WHERE q.polrelid = t.relation)),
		format('CREATE POLICY %I ON %s USING (%s);', CASE k WHEN 'false' THEN 'nobody' ELSE 'own_rows' END, t.name, k)
	FROM scope AS t CROSS JOIN LATERAL sessmem.guessed_predicate(t.relation) AS k
	WHERE t.enabled AND NOT t.protected AND NOT EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = t.relation AND q.polpermissive)
		AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = t.relation)
	UNION ALL
	SELECT 'storage.command_ignored', t.name, format('%s is granted, and no policy lets any row pass: UPDATE and DELETE do nothing, without a word.', a.privilege_type),
		format('%s for %s', a.privilege_type, string_agg(DISTINCT x.role, ', ')),
		string_agg(DISTINCT format('REVOKE %s ON %s FROM %s;', a.privilege_type, t.name, x.role), E'\n')
	FROM scope AS t CROSS JOIN LATERAL aclexplode(t.acl) AS a
		CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS x (role)
	WHERE t.enabled AND NOT t.protected AND a.privilege_type IN ('UPDATE', 'DELETE') AND a.grantee <> t.owner
		AND EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = t.relation AND q.polpermissive AND q.polcmd = 'r')
		AND NOT EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = t.relation AND q.polpermissive
			AND q.polcmd IN ('*', CASE a.privilege_type WHEN 'UPDATE' THEN 'w' ELSE 'd' END))
		AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.grantee AND (r.rolsuper OR r.rolbypassrls))
	GROUP BY t.name, a.privilege_type
	UNION ALL
	-- whoever may name the part itself passes by its parent's policies
	SELECT 'storage.child_unprotected', c.oid::regclass::text, format('Reading this part of %s directly passes by its policies.', t.name),
		format('relrowsecurity is false, and %s may read it', coalesce(g.role, c.relowner::regrole::text)),
		format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', c.oid::regclass)
	FROM scope AS t JOIN pg_inherits AS i ON i.inhparent = t.relation JOIN pg_class AS c ON c.oid = i.inhrelid
		LEFT JOIN LATERAL (
			SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role FROM aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
			WHERE a.grantee <> c.relowner AND r.rolsuper IS NOT TRUE AND r.rolbypassrls IS NOT TRUE ORDER BY 1 LIMIT 1
		) AS g ON true
	WHERE t.enabled AND NOT t.protected AND NOT c.relrowsecurity AND c.relkind IN ('r', 'p')
		AND (g.role IS NOT NULL OR (t.forced AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = c.relowner AND (r.rolsuper OR r.rolbypassrls))))
	UNION ALL
	SELECT 'storage.parent_unprotected', p.oid::regclass::text, format('Reading this parent of %s passes by its policies.', t.name),
		'relrowsecurity of the parent is false',
		-- the part's policies are somebody else's text
		format(E'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', p.oid::regclass)
			|| CASE WHEN EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = p.oid) THEN ''
				ELSE format(E'\nCREATE POLICY own_rows ON %s USING (%s);', p.oid::regclass, sessmem.guessed_predicate(p.oid)) END
	FROM scope AS t JOIN pg_inherits AS i ON i.inhrelid = t.relation JOIN pg_class AS p ON p.oid = i.inhparent AND p.relkind IN ('r', 'p')
	WHERE t.enabled AND NOT t.protected AND NOT p.relrowsecurity
		AND EXISTS (SELECT FROM policy AS q WHERE q.relation = t.relation)

	-- ---------- policies ----------

	UNION ALL
	SELECT CASE WHEN p.everybody THEN 'storage.policy_true' ELSE 'storage.policy_true_for_role' END, p.name,
		format('Policy %I shows every row to %s.', p.policy, CASE WHEN p.everybody THEN 'everybody' ELSE array_to_string(p.others, ', ') END),
		p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE p.permissive AND p.qual = 'true' AND (p.everybody OR p.others <> '{}')
		AND NOT EXISTS (SELECT FROM restricted AS r WHERE r.relation = p.relation)
	UNION ALL
	-- without WITH CHECK, USING is the check
	SELECT 'storage.check_true', p.name, format('Policy %I lets rows be written into every other session.', p.policy), p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE p.permissive AND p.checked = 'true' AND p.qual IS DISTINCT FROM 'true' AND (p.everybody OR p.others <> '{}')
		AND NOT EXISTS (SELECT FROM restricted AS r WHERE r.relation = p.relation AND r.writes)
	UNION ALL
	SELECT 'storage.check_weaker', p.name, format('Policy %I restricts reads by %s, and checks nothing of it in what is written.', p.policy, string_agg(DISTINCT k.attname, ', ')),
		p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p JOIN key AS k ON k.policy = p.oid
	WHERE p.permissive AND p.qual IS NOT NULL AND p.checked NOT IN ('true', 'false')
		AND strpos(p.checked, quote_ident(k.attname)) = 0
	GROUP BY p.oid, p.name, p.policy, p.definition
	UNION ALL
	-- what the other checks find is theirs
	SELECT 'storage.policy_not_understood', p.name, format('Policy %I may let rows of other sessions pass: it does not say, as a condition that must hold, that a column is what the session says.', p.policy),
		p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p LEFT JOIN meaning AS m ON m.text = p.qual LEFT JOIN meaning AS w ON w.text = p.checked
	WHERE p.permissive AND (p.everybody OR p.others <> '{}')
		AND ((NOT m.understood AND p.qual NOT IN ('true', 'false') AND NOT p.fails_open AND NOT p.shares_nulls AND NOT EXISTS (SELECT FROM restricted AS r WHERE r.relation = p.relation))
			OR (NOT w.understood AND p.checked NOT IN ('true', 'false') AND p.checked IS DISTINCT FROM p.qual AND NOT EXISTS (SELECT FROM restricted AS r WHERE r.relation = p.relation AND r.writes)
				AND NOT EXISTS (SELECT FROM key AS k WHERE k.policy = p.oid AND strpos(p.checked, quote_ident(k.attname)) = 0 AND p.qual IS NOT NULL)))
	UNION ALL
	SELECT 'storage.null_key_shared', p.name, format('Policy %I shows rows without a key to everybody, so forgetting the key publishes.', p.policy), p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE p.permissive AND p.shares_nulls
	UNION ALL
	SELECT 'storage.key_not_indexed', t.name, 'No index leads with the column that rows are told apart by, so every query reads everybody''s rows.',
		format('no index on %s', string_agg(DISTINCT quote_ident(k.attname), ', ')), format('CREATE INDEX ON %s (%s);', t.name, min(quote_ident(k.attname)))
	FROM scope AS t JOIN sessmem.audited_key AS k ON k.relation = t.relation
	WHERE NOT EXISTS (SELECT FROM pg_index AS i JOIN sessmem.audited_key AS o ON o.relation = i.indrelid AND o.attnum = i.indkey[0]
			WHERE i.indrelid = t.relation AND i.indisvalid AND i.indpred IS NULL)
	GROUP BY t.relation, t.name

	-- ---------- what policies call ----------

	UNION ALL
	SELECT 'storage.immutable_context', c.name, format('It is IMMUTABLE, so a cached plan of policy %s goes on answering for the session before.', c.policy),
		format('IMMUTABLE, language %s', c.language), format('ALTER FUNCTION %s STABLE;', c.name)
	FROM code AS c WHERE c.volatility = 'i' AND c.contextual AND c.kind = 'f'
	UNION ALL
	SELECT 'storage.parallel_safe', c.name, format('It writes, and policy %s may call it in a parallel worker, where that fails or is lost.', c.policy),
		'PARALLEL SAFE', format('ALTER FUNCTION %s PARALLEL UNSAFE;', c.name)
	FROM code AS c WHERE c.parallel = 's' AND c.writes AND c.kind = 'f'
	UNION ALL
	SELECT 'storage.volatile_function', c.name, format('It is VOLATILE, so policy %s calls it for every row of everybody, and uses no index.', c.policy),
		'VOLATILE', format('ALTER FUNCTION %s STABLE;', c.name)
	FROM code AS c WHERE c.volatility = 'v' AND c.source IS NOT NULL AND NOT c.writes AND c.kind = 'f'
		AND c.source !~* '\m(random|clock_timestamp|gen_random_uuid|timeofday|pg_sleep|execute|perform|raise|call)\M'
	UNION ALL
	-- the owner of the table can change the policy as well
	SELECT 'storage.function_owner', c.name, format('Its owner, %s, can replace it, and with it whose rows policy %s shows.', c.owner::regrole, c.policy),
		format('owner %s', c.owner::regrole), (SELECT string_agg(sessmem.close_policy(p), E'\n') FROM unnest(c.policies) AS p)
	FROM code AS c WHERE c.owners <> ARRAY[c.owner] AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = c.owner AND r.rolsuper)
	UNION ALL
	-- BEGIN ATOMIC has looked its names up already
	SELECT CASE WHEN c.definer THEN 'storage.definer_search_path' ELSE 'storage.mutable_search_path' END, c.name,
		format('What its names mean is up to the search_path of whoever asks%s: a table, function or operator of his own decides whose rows policy %s shows.',
			CASE WHEN c.definer THEN ', and is run as its owner' ELSE '' END, c.policy),
		'no search_path in its SET clauses', format('ALTER FUNCTION %s SET search_path = pg_catalog, %s, pg_temp;', c.name, c.schema)
	FROM code AS c WHERE c.source IS NOT NULL AND NOT c.resolved AND c.kind = 'f' AND c.language IN ('sql', 'plpgsql')
		AND NOT EXISTS (SELECT FROM unnest(c.config) AS s WHERE s LIKE 'search_path=%')

	-- ---------- the registry ----------

	UNION ALL
	SELECT 'storage.unchecked', p.relation::text, 'Nobody has looked at the table since the dump was restored, so commands that weaken it are not refused.',
		'checked is false', format('SELECT sessmem.protect(%L, %L, %L, %L);', p.relation, p.session_column, p.user_column, p.tenant_column)
	FROM sessmem.protected_table AS p JOIN scope AS t ON t.relation = p.relation WHERE NOT p.checked
	UNION ALL
	SELECT 'storage.auto_protection_missed', u.relation::text, 'The table is one that auto_protect() is about, and it is not protected.',
		'it fits a row of sessmem.auto_protection', format('SELECT sessmem.protect(%L, %L, %L, %L);', u.relation, u.session_column, u.user_column, u.tenant_column)
	FROM sessmem.unprotected() AS u
	UNION ALL
	SELECT 'storage.orphaned_entry', p.name, 'The table is gone and still registered: nothing can be swept or erased, and another table could get its place.', format('no relation has oid %s', p.relation::oid),
		format('DELETE FROM sessmem.protected_table WHERE relation = %s;', p.relation::oid)
	FROM sessmem.protected_table AS p WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p.relation);
END
$$;
COMMENT ON FUNCTION sessmem.audit_storage() IS
	'Internal: the findings of audit() on hand-written policies, and on the registry.';
