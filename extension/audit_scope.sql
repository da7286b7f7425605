-- audit_scope: what the areas of the audit look at
--
-- Catalogue facts that several areas ask for.  Nothing here executes what a user
-- wrote: the source of a function is read as text.

CREATE FUNCTION sessmem.audit_scope() RETURNS TABLE (oid oid, owner oid, forced boolean, protected boolean)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.oid, c.relowner, c.relforcerowsecurity, p.relation IS NOT NULL
	FROM pg_class AS c LEFT JOIN sessmem.protected_table AS p ON p.relation = c.oid
	WHERE c.relkind IN ('r', 'p') AND (c.relrowsecurity OR p.relation IS NOT NULL)
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION sessmem.audit_scope() IS
	'Internal: tables that are protected or have row security.';

-- Whoever may bind; before anybody may, whoever may read or write tables with row
-- security.  With a role that cannot log in, those that act by it.
CREATE FUNCTION sessmem.audit_apps() RETURNS TABLE (oid oid)
	LANGUAGE sql STABLE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE binder AS (
		SELECT a.grantee FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
		WHERE p.oid IN ('sessmem.bind(text)'::regprocedure, 'sessmem.attach(text)'::regprocedure) AND a.grantee NOT IN (0, p.proowner)
	), direct AS (
		SELECT b.grantee FROM binder AS b
		UNION
		SELECT a.grantee FROM sessmem.audit_scope() AS s JOIN pg_class AS c ON c.oid = s.oid CROSS JOIN LATERAL aclexplode(c.relacl) AS a
		WHERE NOT EXISTS (SELECT FROM binder) AND a.grantee NOT IN (0, c.relowner)
			AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
	), app (oid) AS (
		SELECT d.grantee FROM direct AS d
		UNION
		SELECT m.member FROM app JOIN pg_roles AS g ON g.oid = app.oid AND NOT g.rolcanlogin
			JOIN pg_auth_members AS m ON m.roleid = g.oid
	)
	SELECT r.oid FROM app JOIN pg_roles AS r ON r.oid = app.oid WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'
$$;
COMMENT ON FUNCTION sessmem.audit_apps() IS
	'Internal: the roles of applications.';

CREATE FUNCTION sessmem.audit_grantees(acl aclitem[], owner oid, privileges text[], among oid[] DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ')
	FROM aclexplode($1) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
	WHERE a.grantee <> $2 AND a.privilege_type = ANY ($3)
		AND (a.grantee = 0
			OR (NOT r.rolsuper AND r.rolname !~ '^pg_'
				AND ($4 IS NULL OR EXISTS (SELECT FROM unnest($4) AS u WHERE pg_has_role(u, r.oid, 'USAGE')))))
$$;
COMMENT ON FUNCTION sessmem.audit_grantees(aclitem[], oid, text[], oid[]) IS
	'Internal: who has one of the privileges, apart from the owner, superusers and predefined roles; those whose privileges one of the roles given has, if any are. NULL: nobody.';

-- What a connection of a role starts with.
CREATE FUNCTION sessmem.audit_setting(role oid, name text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(
		(SELECT o.option_value
			FROM pg_db_role_setting AS s CROSS JOIN LATERAL pg_options_to_table(s.setconfig) AS o
			WHERE s.setrole IN (0, $1) AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
				AND o.option_name = $2
			ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
		-- what the auditor's own connection has is no answer
		(SELECT CASE WHEN g.source IN ('default', 'configuration file', 'command line', 'environment variable') THEN g.setting ELSE g.boot_val END
			FROM pg_settings AS g WHERE g.name = $2))
$$;
COMMENT ON FUNCTION sessmem.audit_setting(oid, text) IS
	'Internal: the value of a setting in a new connection of a role to this database.';

-- Text is all that there is of a function that is not in the SQL standard's form.
CREATE FUNCTION sessmem.audit_names(source text, OUT verb text, OUT schema text, OUT name text) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
	-- simple expressions: others take ten times as long
	SELECT DISTINCT f.verb,
		CASE WHEN cardinality(f.path) > 1 THEN CASE WHEN f.path[1] LIKE '"%' THEN btrim(f.path[1], '"') ELSE lower(f.path[1]) END END,
		CASE WHEN f.path[cardinality(f.path)] LIKE '"%' THEN btrim(f.path[cardinality(f.path)], '"') ELSE lower(f.path[cardinality(f.path)]) END
	FROM (
		SELECT left(lower(m[1]), 6) AS verb, string_to_array(m[2], '.') AS path
		FROM regexp_matches($1, '(insert\s+into|merge\s+into|from|join|into|update|table|using)\s+(?:only\s+)?([\w$."]+)', 'gi') AS m
		UNION ALL
		SELECT 'call', string_to_array(m[1], '.')
		FROM regexp_matches($1, '([\w$."]+)\s*\(', 'g') AS m
	) AS f
$$;
COMMENT ON FUNCTION sessmem.audit_names(text) IS
	'Internal: the tables that the source of a function names, with what it does to them, and the functions that it calls.';

-- Of the server's releases that fixed what lets SQL past row security, or run
-- anything: https://www.postgresql.org/support/security/
CREATE FUNCTION sessmem.audit_vulnerabilities(version integer, OUT cve text, OUT fixed text, OUT what text) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT v.cve, v.major || '.' || v.minor, v.what
	FROM (VALUES
		(15, 3, 'CVE-2023-2455', 'row security policies of another role are applied after a function is inlined'),
		(15, 4, 'CVE-2023-39418', 'MERGE does not enforce the policies for UPDATE and SELECT'),
		(15, 7, 'CVE-2024-4317', 'pg_stats_ext shows values of rows that one may not read'),
		(16, 3, 'CVE-2024-4317', 'pg_stats_ext shows values of rows that one may not read'),
		(15, 9, 'CVE-2024-10976', 'a cached plan is used for another role if row security applies below its top level'),
		(16, 5, 'CVE-2024-10976', 'a cached plan is used for another role if row security applies below its top level'),
		(17, 1, 'CVE-2024-10976', 'a cached plan is used for another role if row security applies below its top level'),
		(15, 14, 'CVE-2025-8713', 'statistics show rows of partitions and views that row security hides'),
		(16, 10, 'CVE-2025-8713', 'statistics show rows of partitions and views that row security hides'),
		(17, 6, 'CVE-2025-8713', 'statistics show rows of partitions and views that row security hides'),
		(15, 16, 'CVE-2026-2006', 'text functions run code of whoever sends a query'),
		(16, 12, 'CVE-2026-2006', 'text functions run code of whoever sends a query'),
		(17, 8, 'CVE-2026-2006', 'text functions run code of whoever sends a query'),
		(18, 2, 'CVE-2026-2006', 'text functions run code of whoever sends a query'),
		(15, 18, 'CVE-2026-6473', 'overflowing sizes run code of whoever sends a query'),
		(16, 14, 'CVE-2026-6473', 'overflowing sizes run code of whoever sends a query'),
		(17, 10, 'CVE-2026-6473', 'overflowing sizes run code of whoever sends a query'),
		(18, 4, 'CVE-2026-6473', 'overflowing sizes run code of whoever sends a query')
	) AS v (major, minor, cve, what)
	WHERE v.major = $1 / 10000 AND v.minor > $1 % 10000
$$;
COMMENT ON FUNCTION sessmem.audit_vulnerabilities(integer) IS
	'Internal: known vulnerabilities of a server version (server_version_num) by which SQL gets past row security, with the release that fixes them.';
