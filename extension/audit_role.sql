-- audit_role: who can be whom, and do what

INSERT INTO sessmem.audit_check (check_id, severity, title) VALUES
	('role.app_bypasses', 'critical', 'Applications use no role that row security does not apply to'),
	('role.app_can_become', 'critical', 'Applications cannot become a role that row security does not apply to'),
	('role.registry_readable', 'medium', 'Applications see no session but their own'),
	('role.app_owns_table', 'high', 'Applications do not own tables with row security written by hand'),
	('role.app_owns_database', 'high', 'Applications do not own the database'),
	('role.app_attributes', 'high', 'Roles of applications have no special attributes'),
	('role.superuser', 'medium', 'There is no superuser with a login but the first one'),
	('role.bypassrls', 'medium', 'No role has BYPASSRLS'),
	('role.createrole', 'medium', 'No role but superusers has CREATEROLE'),
	('role.admin_option', 'medium', 'Applications cannot hand out roles'),
	('role.shared', 'low', 'Nobody else can become an application'),
	('role.public_create', 'high', 'Not everybody may create objects in a schema'),
	('role.app_create', 'medium', 'Applications may not create objects beside the tables'),
	('role.database_create', 'medium', 'Applications may not create schemas'),
	('role.temporary', 'low', 'Applications may not create temporary tables'),
	('role.default_privileges', 'medium', 'New tables grant nothing to PUBLIC'),
	('role.trust', 'high', 'Nobody connects from elsewhere without authentication');

CREATE FUNCTION sessmem.audit_role() RETURNS TABLE (check_id text, object text, finding text, evidence text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	bootstrap CONSTANT text := 10::oid::regrole::text;
	-- SET ROLE needs an option of its own since 16
	become CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET, USAGE' ELSE 'MEMBER' END;
	apps CONSTANT oid[] := ARRAY(SELECT a.oid FROM sessmem.audit_apps() AS a);
BEGIN
	RETURN QUERY
	WITH scope AS MATERIALIZED (
		SELECT * FROM sessmem.audit_scope()
	), role AS MATERIALIZED (
		SELECT r.*, r.oid::regrole::text AS name, r.oid = ANY (apps) AS is_app FROM pg_roles AS r WHERE r.oid <> 10 AND r.rolname !~ '^pg_'
	), granted AS MATERIALIZED (		-- memberships; what an application's group has, the group is blamed for
		SELECT m.member, m.roleid, m.admin_option,
			coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) OR coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true) AS of_use
		FROM pg_auth_members AS m
	), step AS (		-- from an application to another role
		SELECT g.member AS app, g.roleid FROM granted AS g WHERE g.member = ANY (apps) AND g.roleid <> ALL (apps)
	), demotion AS (		-- of anybody but who executes it
		SELECT r.oid, format('BEGIN IF %L IN (session_user, current_user) THEN RAISE EXCEPTION ''this would demote the role that executes it''; END IF; ALTER ROLE %s NOSUPERUSER NOBYPASSRLS; END', r.rolname, r.name) AS body
		FROM role AS r
	), this AS (
		SELECT d.*, quote_ident(d.datname) AS name FROM pg_database AS d WHERE d.datname = current_database()
	)
	SELECT 'role.app_bypasses', r.name, 'Row security does not apply to it: every session reads all rows.',
		concat_ws(' ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, 'with EXECUTE on sessmem.bind(), or privileges on the tables'),
		format('DO %L;', (SELECT d.body FROM demotion AS d WHERE d.oid = r.oid))
	FROM role AS r
	WHERE (r.rolbypassrls OR r.rolsuper) AND (r.is_app OR EXISTS (SELECT FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
		WHERE p.oid = 'sessmem.bind(text)'::regprocedure AND a.grantee = r.oid))

	-- BYPASSRLS is not inherited, but SET ROLE is one statement
	UNION ALL
	SELECT DISTINCT 'role.app_can_become', s.app::regrole::text, format('SET ROLE %s, and row security does not apply.', t.oid::regrole),
		format('member of %s', s.roleid::regrole), format('REVOKE %s FROM %s;', s.roleid::regrole, s.app::regrole)
	FROM step AS s JOIN pg_roles AS t ON (t.rolsuper OR t.rolbypassrls) AND t.oid <> s.app
		AND pg_has_role(s.app, t.oid, split_part(become, ',', 1)) AND (t.oid = s.roleid OR pg_has_role(s.roleid, t.oid, split_part(become, ',', 1)))
	WHERE NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = s.app)
		AND (t.oid = s.roleid OR NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = s.roleid))

	UNION ALL
	SELECT 'role.registry_readable', c.oid::regclass::text, 'It names sessions, users and tenants of everybody.',
		format('SELECT to %s', g.grantees), format('REVOKE SELECT ON %s FROM %s;', c.oid::regclass, g.grantees)
	FROM pg_class AS c CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(c.relacl, c.relowner, '{SELECT}', apps) AS grantees) AS g
	WHERE c.oid = 'sessmem.session'::regclass AND g.grantees IS NOT NULL

	-- a protected table holds against its owner, one with policies of its own does not
	UNION ALL
	SELECT 'role.app_owns_table', s.oid::regclass::text, format('Its owner %s can switch row security off, and is an application''s role.', s.owner::regrole),
		format('owner %s', s.owner::regrole),
		-- rules and index expressions of the table run as its owner: one who can do no more
		-- than the old one, and whom nobody can become
		format('DO %L;', format('BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %2$L) THEN CREATE ROLE %2$I NOLOGIN;
ELSIF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = %2$L AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
OR EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m WHERE r.oid IN (m.roleid, m.member)))) THEN
RAISE EXCEPTION ''role %% is there, and can log in, has attributes, or is or has a member'', %2$L; END IF;
ALTER TABLE %1$s OWNER TO %2$I; GRANT SELECT, INSERT, UPDATE, DELETE ON %1$s TO %3$s; END', s.oid::regclass, o.name, s.owner::regrole))
	FROM scope AS s JOIN pg_roles AS r ON r.oid = s.owner
		CROSS JOIN LATERAL (SELECT CASE WHEN octet_length(r.rolname) < 58 THEN r.rolname || '_owner' ELSE 'owner_' || r.oid END) AS o (name)
	WHERE NOT s.protected AND s.owner = ANY (apps)
	UNION ALL
	SELECT 'role.app_owns_table', s.oid::regclass::text, format('%s can switch row security off as its owner.', t.app::regrole),
		format('owner %s, %s is a member of %s', s.owner::regrole, t.app::regrole, t.roleid::regrole), format('REVOKE %s FROM %s;', t.roleid::regrole, t.app::regrole)
	FROM scope AS s JOIN step AS t ON pg_has_role(t.app, s.owner, become) AND (t.roleid = s.owner OR pg_has_role(t.roleid, s.owner, become))
	WHERE NOT s.protected AND NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = s.owner)
	UNION ALL
	SELECT 'role.app_owns_database', 'database', 'The owner of the database may create in it what he likes, and owns schema public.',
		format('owner %s', d.datdba::regrole), format('ALTER DATABASE %s OWNER TO %s;', d.name, bootstrap)
	FROM this AS d WHERE d.datdba = ANY (apps)

	UNION ALL
	SELECT 'role.app_attributes', r.name, 'It can make itself a member of other roles, read the write-ahead log, or work on a database of its own.',
		concat_ws(' ', CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END),
		format('ALTER ROLE %s NOCREATEROLE NOCREATEDB NOREPLICATION;', r.name)
	FROM role AS r WHERE r.is_app AND (r.rolcreaterole OR r.rolcreatedb OR r.rolreplication)
	UNION ALL
	SELECT 'role.superuser', r.name, 'Row security does not apply to it, nor does anything else.', 'SUPERUSER LOGIN', format('DO %L;', (SELECT d.body FROM demotion AS d WHERE d.oid = r.oid))
	FROM role AS r
	WHERE r.rolsuper AND r.rolcanlogin AND NOT EXISTS (SELECT FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
		WHERE p.oid = 'sessmem.bind(text)'::regprocedure AND a.grantee = r.oid)
	UNION ALL
	SELECT 'role.bypassrls', r.name, 'Row security does not apply to it.', 'BYPASSRLS', format('ALTER ROLE %s NOBYPASSRLS;', r.name)
	FROM role AS r WHERE r.rolbypassrls AND NOT r.rolsuper AND NOT r.is_app
	UNION ALL
	SELECT 'role.createrole', r.name, 'It can make itself a member of other roles, and change their passwords.', 'CREATEROLE', format('ALTER ROLE %s NOCREATEROLE;', r.name)
	FROM role AS r WHERE r.rolcreaterole AND NOT r.rolsuper AND NOT r.is_app

	UNION ALL
	SELECT 'role.admin_option', g.member::regrole::text, format('SQL in its sessions can make anybody a member of %s.', g.roleid::regrole),
		format('ADMIN OPTION on %s', g.roleid::regrole), format('REVOKE ADMIN OPTION FOR %s FROM %s;', g.roleid::regrole, g.member::regrole)
	FROM granted AS g WHERE g.admin_option AND g.member = ANY (apps)
	UNION ALL
	SELECT 'role.shared', r.name, format('%s can act as the application, and see its statements.', g.member::regrole),
		format('member %s', g.member::regrole), format('REVOKE %s FROM %s;', r.name, g.member::regrole)
	FROM role AS r JOIN granted AS g ON g.roleid = r.oid AND g.of_use JOIN pg_roles AS m ON m.oid = g.member
	WHERE r.is_app AND r.rolcanlogin AND NOT m.rolsuper

	-- what one session creates, another one calls
	UNION ALL
	SELECT 'role.public_create', n.oid::regnamespace::text, 'Any role can put a function, operator or table where the names of others are looked up.',
		'CREATE to PUBLIC', format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC;', n.oid::regnamespace)
	FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
	WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND n.nspname !~ '^pg_' AND n.nspname <> 'sessmem'
	UNION ALL
	SELECT 'role.app_create', n.oid::regnamespace::text, 'What SQL in one session creates there, others may call, and take for what they mean.',
		format('CREATE to %s', g.grantees), format('REVOKE CREATE ON SCHEMA %s FROM %s;', n.oid::regnamespace, g.grantees)
	FROM pg_namespace AS n
	CROSS JOIN LATERAL (
		SELECT string_agg(DISTINCT a.grantee::regrole::text, ', ') AS grantees FROM aclexplode(n.nspacl) AS a
		WHERE a.privilege_type = 'CREATE' AND a.grantee = ANY (apps) AND a.grantee <> n.nspowner
	) AS g
	WHERE g.grantees IS NOT NULL AND n.nspname <> 'sessmem'
		AND (n.nspname = 'public' OR EXISTS (SELECT FROM scope AS s JOIN pg_class AS c ON c.oid = s.oid WHERE c.relnamespace = n.oid))
	UNION ALL
	SELECT CASE a.privilege_type WHEN 'CREATE' THEN 'role.database_create' ELSE 'role.temporary' END, 'database',
		CASE a.privilege_type WHEN 'CREATE' THEN 'It can create schemas, and extensions that are trusted.'
			ELSE 'It can leave temporary objects to the next session, and take locks until a connection cannot be cleaned.' END,
		format('%s to %s', a.privilege_type, g.name), format('REVOKE %s ON DATABASE %s FROM %s;', a.privilege_type, d.name, g.name)
	FROM this AS d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
	CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS g (name)
	WHERE (a.grantee = 0 OR a.grantee = ANY (apps)) AND a.grantee <> d.datdba AND a.privilege_type IN ('CREATE', 'TEMPORARY')
	UNION ALL
	SELECT 'role.default_privileges', d.defaclrole::regrole::text, 'Every table that it creates can be read or written by everybody, until somebody protects it.',
		format('%s ON TABLES TO PUBLIC%s', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), ' IN SCHEMA ' || n.name),
		format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE ALL ON TABLES FROM PUBLIC;', d.defaclrole::regrole, ' IN SCHEMA ' || n.name)
	FROM pg_default_acl AS d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
	CROSS JOIN LATERAL (SELECT CASE WHEN d.defaclnamespace <> 0 THEN d.defaclnamespace::regnamespace::text END) AS n (name)
	WHERE d.defaclobjtype = 'r' AND a.grantee = 0
	GROUP BY d.defaclrole, n.name

	UNION ALL
	SELECT 'role.trust', 'server', 'Whoever reaches the server from there is who he says he is.',
		format('pg_hba.conf line %s: %s %s %s %s trust', h.line_number, h.type, array_to_string(h.database, ','), array_to_string(h.user_name, ','), h.address),
		format(E'-- write scram-sha-256 for trust in line %s of pg_hba.conf\nSELECT pg_reload_conf();', h.line_number)
	FROM pg_hba_file_rules AS h
	WHERE h.auth_method = 'trust' AND h.type LIKE 'host%' AND h.address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost');
END
$$;
COMMENT ON FUNCTION sessmem.audit_role() IS
	'Internal: findings of the audit on who can be whom, and do what.';
