-- audit: every gap in how memory is isolated, with the SQL that closes it
--
-- One file and one function for each area (audit_AREA.sql); here is what they share,
-- and what puts them together.  They read catalogs.  Nothing that somebody else wrote
-- is ever executed: policies, views and functions are looked at as text.

CREATE TABLE sessmem.audit_check (
	check_id text PRIMARY KEY,
	severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
	title text NOT NULL
);
COMMENT ON TABLE sessmem.audit_check IS
	'What audit() checks, each as it should be. docs/audit.md explains them.';

-- In scope: who has row security, or policies, means to isolate rows.
CREATE VIEW sessmem.audited_table AS
	SELECT c.oid AS relation, c.oid::pg_catalog.regclass::text AS name, c.relkind AS kind, c.relowner AS owner,
		c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, c.relacl AS acl, p.relation IS NOT NULL AS protected, p.attnums
	FROM pg_catalog.pg_class AS c LEFT JOIN sessmem.protected_table AS p ON p.relation = c.oid
	WHERE c.relkind IN ('r', 'p')
		AND (p.relation IS NOT NULL OR (
			(c.relrowsecurity OR EXISTS (SELECT FROM pg_catalog.pg_policy AS q WHERE q.polrelid = c.oid))
			AND c.relnamespace NOT IN ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
				WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')));
COMMENT ON VIEW sessmem.audited_table IS
	'Internal: the tables whose policies and writes audit() looks at.';

-- Of protected tables they are looked at as a whole (storage.policy_added).
CREATE VIEW sessmem.audited_policy AS
	SELECT q.oid, q.polname AS policy, t.relation, t.name, t.owner, q.polcmd AS command, q.polpermissive AS permissive, q.polroles AS roles,
		e.qual, e.checked,
		ARRAY(SELECT m[1] FROM pg_catalog.regexp_matches(coalesce(e.qual, e.checked),
			'("(?:[^"]|"")*"|\m\w+)\)?(?:::\w+)? = \(*(?: ?SELECT )?\(*(?:CURRENT_USER|SESSION_USER|[\w".]+\()', 'g') AS m) AS compared,
		concat_ws(' ', 'USING (' || e.qual || ')', 'WITH CHECK (' || e.checked || ')') AS definition
	FROM sessmem.audited_table AS t JOIN pg_catalog.pg_policy AS q ON q.polrelid = t.relation
		CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(q.polqual, q.polrelid) AS qual,
			pg_catalog.pg_get_expr(q.polwithcheck, q.polrelid) AS checked) AS e
	WHERE NOT t.protected;
COMMENT ON VIEW sessmem.audited_policy IS
	'Internal: the hand-written policies that audit() looks at.';

-- Columns that rows are told apart by: of protected tables the key, else what a policy
-- compares with a setting, a role or the result of a function.
CREATE VIEW sessmem.audited_key AS
	SELECT t.relation, t.name, a.attnum, a.attname, a.atttypid::pg_catalog.regtype AS type, a.attnotnull, NULL::pg_catalog.oid AS policy
	FROM sessmem.audited_table AS t JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.relation AND a.attnum = ANY (t.attnums) AND a.attnum > 0
	UNION ALL
	SELECT p.relation, p.name, a.attnum, a.attname, a.atttypid::pg_catalog.regtype, a.attnotnull, p.oid
	FROM sessmem.audited_policy AS p
		JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
			AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = p.relation
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND NOT a.attisdropped
	WHERE p.permissive AND pg_catalog.quote_ident(a.attname) = ANY (p.compared);
COMMENT ON VIEW sessmem.audited_key IS
	'Internal: the columns that audit() takes for keys.';

-- Roles that grant_app() was called for.
CREATE VIEW sessmem.audited_app AS
	SELECT DISTINCT a.grantee AS role
	FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
		JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
	WHERE p.oid = 'sessmem.bind(pg_catalog.text)'::pg_catalog.regprocedure AND NOT r.rolsuper;
COMMENT ON VIEW sessmem.audited_app IS
	'Internal: the roles of applications.';

-- ---------- reading what others wrote ----------

CREATE FUNCTION sessmem.source_of(function oid) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- without comments, in which anything may be said
	RETURN (SELECT regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '--[^\n]*|/\*.*?\*/', '', 'g')
		FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
		WHERE p.oid = source_of.function AND l.lanname NOT IN ('c', 'internal'));
END
$$;
COMMENT ON FUNCTION sessmem.source_of(oid) IS
	'Internal: the source text of a function, NULL if there is none to read.';

CREATE FUNCTION sessmem.called_by(function oid) RETURNS name[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT coalesce(m[1], lower(m[2]))::name
		FROM regexp_matches(sessmem.source_of(function), '(?:"([^"]+)"|\m([A-Za-z_][\w$]*))\s*\(', 'g') AS m);
END
$$;
COMMENT ON FUNCTION sessmem.called_by(oid) IS
	'Internal: the names that a function seems to call.';

-- What is called by name is not known to the server, so every function of that name counts.
CREATE FUNCTION sessmem.policy_code(OUT policy oid, OUT function oid, OUT source text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE theirs AS MATERIALIZED (
		SELECT p.oid, p.proname FROM pg_proc AS p
		WHERE p.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend AS d
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	), direct AS (
		SELECT DISTINCT d.objid AS policy, CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END AS function
		FROM pg_depend AS d LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
		WHERE d.classid = 'pg_policy'::regclass AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
			AND d.objid IN (SELECT oid FROM sessmem.audited_policy)
	), call (policy, function, names) AS (
		SELECT direct.policy, t.oid, sessmem.called_by(t.oid) FROM direct JOIN theirs AS t ON t.oid = direct.function
		UNION
		SELECT call.policy, t.oid, sessmem.called_by(t.oid) FROM call JOIN theirs AS t ON t.proname = ANY (call.names)
	)
	SELECT call.policy, call.function, s FROM call CROSS JOIN LATERAL sessmem.source_of(call.function) AS s;
END
$$;
COMMENT ON FUNCTION sessmem.policy_code() IS
	'Internal: the functions that hand-written policies call, directly or by way of others.';

-- Settings that a text reads and that anybody may set: those with a name of their own
-- that no library defines, and what the server lets everybody set.
-- known: of each setting that the server lists, whether everybody may set it.
CREATE FUNCTION sessmem.forgeable_settings(source text, known jsonb) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF source !~* 'current_setting' THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT string_agg(DISTINCT lower(m[1]), ', ' ORDER BY lower(m[1]))
		FROM regexp_matches(source, 'current_setting\s*\(\s*''([^'']+)''', 'gi') AS m
		WHERE lower(m[1]) NOT LIKE 'sessmem.%' AND coalesce((known ->> lower(m[1]))::boolean, m[1] LIKE '%.%'));
END
$$;
COMMENT ON FUNCTION sessmem.forgeable_settings(text, jsonb) IS
	'Internal: the settings that a text reads and that anybody may set, NULL if there are none.';

-- What is wrong with a policy's expression, as text.
CREATE FUNCTION sessmem.policy_defects(expression text, OUT fails_open boolean, OUT shares_nulls boolean)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name constant text := '("(?:[^"]|"")*"|\m\w+)';
	-- what tells of the session: a setting, or a function without arguments
	source constant text := '(?:current_setting\(''[^'']*''::text(?:, (?:true|false))?\)|(?:[\w"]+\.)*[\w"]+\(\))';
	wrapped constant text := format('(?:\( SELECT %s AS [\w"]+\)|(?:NULLIF|COALESCE)\(%1$s, ''[^'']*''::text\)|%1$s)', source);
	context constant text := format('(?:\(%s\)::[\w ]+|%1$s)', wrapped);
	unset constant text := format('\(%s (?:IS NULL|= ''''::text)\)', context);
BEGIN
	-- these are long; without back references, which somebody could make take for ever
	fails_open := (strpos(expression, ' OR ') > 0 AND expression ~ (unset || ' OR | OR ' || unset))
		OR (strpos(expression, ' = COALESCE(') > 0 AND EXISTS (
			SELECT FROM regexp_matches(expression, format('%s = COALESCE\((%s), %1$s\)', name, context), 'g') AS m WHERE m[1] = m[3]));
	shares_nulls := strpos(expression, ' IS NULL)') > 0 AND strpos(expression, ' OR ') > 0 AND EXISTS (
		SELECT FROM (
			SELECT m[1] FROM regexp_matches(expression, format('\(%s IS NULL\)', name), 'g') AS m
			INTERSECT
			SELECT m[1] FROM regexp_matches(expression, format('%s\)?(?:::\w+)? = \(*%s', name, context), 'g') AS m
		) AS n (part)
		WHERE strpos(expression, format('(%s IS NULL) OR ', part)) > 0 OR strpos(expression, format(' OR (%s IS NULL)', part)) > 0);
END
$$;
COMMENT ON FUNCTION sessmem.policy_defects(text) IS
	'Internal: whether a policy lets everybody pass without a session, or shows rows without a key to everybody.';

-- An expression is understood if a part that must hold is `column = value`, and the
-- value mentions no column.  It is read as the server writes it, from the inside out,
-- and each part becomes a word; names that are not quoted have no capitals.
CREATE FUNCTION sessmem.understood(expression text) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name constant text := '[a-z_][a-z0-9_]*';
	type constant text := '(?:::[a-z]+(?: [a-z]+)*)?';
	argument constant text := format('(?:X_CONST|X_VALUE%s|true|false|[0-9]+)', type);
	call constant text := format('(?:%s\.)?(?:%1$s|NULLIF|COALESCE)\((?:%s(?:, %2$s)*)?\)', name, argument);
	wrapped constant text := format('\( SELECT X_VALUE%s AS %s\)|\(X_VALUE%1$s(?: (?:->|->>|#>>) X_CONST)?\)', type, name);
	compared constant text := format('(?<![\w.])\((?!true|false)(?:%s|\(%1$s\)::[a-z]+(?: [a-z]+)*) = X_VALUE%s\)', name, type);
	e text;
	before text;
	part text;
	start integer;
BEGIN
	IF EXISTS (SELECT FROM regexp_matches(expression, '("(?:[^"]|"")*")|''(?:[^'']|'''')*''', 'g') AS m WHERE m[1] LIKE '%''%') THEN
		RETURN false;
	END IF;
	e := regexp_replace(expression, 'E?''(?:[^'']|'''')*''' || type || format('|\mNULL%s', type), 'X_CONST', 'g');
	e := regexp_replace(e, '"(?:[^"]|"")*"', 'q', 'g');
	e := regexp_replace(e, '\m(CURRENT_USER|SESSION_USER)\M', 'X_VALUE', 'g');
	LOOP
		before := e;
		e := regexp_replace(regexp_replace(regexp_replace(e, compared, 'X_KEY', 'g'), call, 'X_VALUE', 'g'), wrapped, 'X_VALUE', 'g');
		CONTINUE WHEN e <> before;
		-- what is known of no other pair is known by its parts, unless it is of a call
		part := substring(e FROM '\([^()]*\)');
		EXIT WHEN part IS NULL;
		start := strpos(e, part);
		e := overlay(e PLACING CASE WHEN 'X_KEY' = ANY (string_to_array(btrim(part, '()'), ' AND ')) AND substr(e, start - 1, 1) !~ '\w' THEN 'X_KEY' ELSE 'X_OTHER' END
			FROM start FOR length(part));
	END LOOP;
	RETURN e = 'X_KEY';
END
$$;
COMMENT ON FUNCTION sessmem.understood(text) IS
	'Internal: whether rows pass a policy''s expression only if a column of theirs is what the session, or a setting, says.';

-- What takes the place of a policy that is a gap: never its own text, changed, as that
-- would be somebody else's, executed by a superuser.
CREATE FUNCTION sessmem.guessed_predicate(relation oid, compared text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((
		SELECT sessmem.key_predicate($1, CASE k.level WHEN 1 THEN a.attname END, CASE k.level WHEN 2 THEN a.attname END, CASE k.level WHEN 3 THEN a.attname END)
		FROM (VALUES
			(1, '^(session|thread|conversation|chat|run)_?id$|^sid$'),
			(2, '^(user|owner|customer|resource|author|entity)_?id$|^(owner|uid|created_by)$'),
			(3, '^(tenant|org|organi[sz]ation|account|workspace|team|company)_?id$|^(tenant|app_name)$')
		) AS k (level, pattern) JOIN pg_attribute AS a ON a.attname ~* k.pattern
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
			AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'uuid'::regtype, 'bigint'::regtype)
		ORDER BY quote_ident(a.attname) = ANY ($2) DESC, k.level, a.attnum LIMIT 1), 'false')
$$;
COMMENT ON FUNCTION sessmem.guessed_predicate(oid, text[]) IS
	'Internal: a condition that rows belong to the session in force, by the names of columns, those of a list first; false if none looks like a key.';

CREATE FUNCTION sessmem.close_policy(policy oid) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('ALTER POLICY %I ON %s', p.policy, p.name)
		|| CASE WHEN p.qual IS NULL THEN '' ELSE format(' USING (%s)', k) END
		|| CASE WHEN p.checked IS NULL THEN '' ELSE format(' WITH CHECK (%s)', k) END || ';'
	FROM sessmem.audited_policy AS p CROSS JOIN LATERAL sessmem.guessed_predicate(p.relation, p.compared) AS k
	WHERE p.oid = $1
$$;
COMMENT ON FUNCTION sessmem.close_policy(oid) IS
	'Internal: the command that puts the key in place of what a hand-written policy says.';

-- ---------- the report ----------

CREATE FUNCTION sessmem.audit(
		OUT check_id text, OUT severity text, OUT object text, OUT finding text, OUT evidence text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT c.check_id, c.severity, f.object, f.finding, f.evidence, f.fix
	FROM (
		SELECT * FROM sessmem.audit_weakness()
		UNION SELECT * FROM sessmem.audit_context()
		UNION SELECT * FROM sessmem.audit_storage()
		UNION SELECT * FROM sessmem.audit_guard()
		UNION SELECT * FROM sessmem.audit_leak()
		UNION SELECT * FROM sessmem.audit_role()
		UNION SELECT * FROM sessmem.audit_table()
		UNION SELECT * FROM sessmem.audit_operation()
	) AS f (check_id, object, finding, evidence, fix)
	JOIN sessmem.audit_check AS c ON c.check_id = f.check_id
	ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], c.severity), c.check_id, f.object, f.evidence;
END
$$;
COMMENT ON FUNCTION sessmem.audit() IS
	'Every gap in how memory is isolated in this database, the most serious first, with the catalog''s evidence and the SQL that closes it. Reads catalogs only; finds gaps in hand-written row security as well. What is checked is in sessmem.audit_check. For administrators.';

CREATE FUNCTION sessmem.assert_isolated(min_severity text DEFAULT 'high') RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	severities constant text[] := ARRAY['critical', 'high', 'medium', 'low'];
	least_one constant integer := array_position(severities, min_severity);
	findings text[];
BEGIN
	IF least_one IS NULL THEN
		RAISE EXCEPTION 'unknown severity "%"', min_severity
			USING ERRCODE = '22023',
				HINT = 'It is one of critical, high, medium and low.';
	END IF;
	SELECT array_agg(format('%s: %s', a.check_id, a.object) ORDER BY array_position(severities, a.severity), a.check_id, a.object) INTO findings
		FROM sessmem.audit() AS a WHERE array_position(severities, a.severity) <= least_one;
	IF findings IS NOT NULL THEN
		RAISE EXCEPTION '% of severity % or above', CASE cardinality(findings) WHEN 1 THEN '1 finding' ELSE format('%s findings', cardinality(findings)) END, min_severity
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = array_to_string(findings, E'\n'),
				HINT = 'SELECT * FROM sessmem.audit() explains them, and has the SQL that closes each.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.assert_isolated(text) IS
	'Raises 42501 if audit() has findings of this severity or a higher one (critical, high, medium, low), with the checks and objects in the detail: for CI and migrations. 22023: there is no such severity. For administrators.';
