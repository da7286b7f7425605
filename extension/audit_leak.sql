-- audit_leak: ways by which rows leave a table past its policies

INSERT INTO sessmem.audit_check (check_id, severity, title) VALUES
	('leak.publication', 'medium', 'No publication streams rows of tables with row security'),
	('leak.replication_slot', 'medium', 'No logical replication slot of this database waits for whoever comes'),
	('leak.loopback_mapping', 'high', 'No foreign server leads back here with another role''s password'),
	('leak.passwordless_mapping', 'medium', 'User mappings require a password'),
	('leak.file_function', 'high', 'Functions that read files or the write-ahead log are for superusers'),
	('leak.system_catalog', 'high', 'Catalogues with row content or secrets are for superusers'),
	('leak.view_owner', 'critical', 'Views run with the row security of whoever uses them'),
	('leak.materialized_view', 'high', 'No materialised view hands out copies of rows'),
	('leak.security_definer', 'critical', 'No SECURITY DEFINER function reads past row security for an application'),
	('leak.definer_search_path', 'high', 'SECURITY DEFINER functions of privileged roles have a fixed search_path'),
	('leak.definer_dynamic_sql', 'medium', 'No SECURITY DEFINER function of a privileged role executes dynamic SQL for an application'),
	('leak.leakproof_function', 'medium', 'No function of users is marked LEAKPROOF'),
	('leak.untrusted_language', 'medium', 'No function in an untrusted language is for applications'),
	('leak.event_trigger_function', 'critical', 'Functions of event triggers belong to superusers'),
	('leak.server_files', 'critical', 'No role may read or write the server''s files or run programs'),
	('leak.all_data', 'high', 'No role may read or write all tables'),
	('leak.statement_texts', 'low', 'No role may read the statements of all roles'),
	('leak.large_object_compatibility', 'high', 'Large objects have privileges'),
	('leak.large_object', 'medium', 'Applications share no large objects'),
	('leak.public_privilege', 'medium', 'Tables with row security grant nothing to PUBLIC'),
	('leak.notify', 'medium', 'Triggers do not send rows by NOTIFY'),
	('leak.trigger_copy', 'high', 'Triggers do not copy rows to tables that others may read'),
	('leak.server_version', 'high', 'The server has no known vulnerability by which SQL gets past row security');

CREATE FUNCTION sessmem.audit_leak() RETURNS TABLE (check_id text, object text, finding text, evidence text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	bootstrap CONSTANT text := 10::oid::regrole::text;
	apps CONSTANT oid[] := ARRAY(SELECT a.oid FROM sessmem.audit_apps() AS a);
BEGIN
	RETURN QUERY
	WITH RECURSIVE scope AS MATERIALIZED (
		SELECT * FROM sessmem.audit_scope()
	), reader (oid, scope_oid, direct) AS (		-- views; direct: as far as they run as whoever uses them
		SELECT w.ev_class, s.oid, true
		FROM scope AS s
			JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_rewrite'::regclass
			JOIN pg_rewrite AS w ON w.oid = d.objid AND w.ev_class <> s.oid
		UNION
		SELECT w.ev_class, r.scope_oid, r.direct AND c.relkind = 'v' AND EXISTS (
			SELECT FROM pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)
		FROM reader AS r JOIN pg_class AS c ON c.oid = r.oid
			JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.classid = 'pg_rewrite'::regclass
			JOIN pg_rewrite AS w ON w.oid = d.objid AND w.ev_class <> r.oid
	), privileged AS (		-- roles that row security of some table does not apply to
		SELECT r.oid, r.rolsuper OR r.rolbypassrls AS of_all FROM pg_roles AS r
		WHERE r.rolsuper OR r.rolbypassrls OR r.oid IN (SELECT s.owner FROM scope AS s WHERE NOT s.forced)
	), routine AS MATERIALIZED (		-- of users
		SELECT p.oid, p.proname, p.pronamespace, p.proowner, p.prosecdef, p.proconfig, p.prosqlbody IS NOT NULL AS standard, p.proleakproof,
			p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger, l.lanname, l.lanpltrusted,
			CASE WHEN l.lanname NOT IN ('c', 'internal') THEN p.prosrc END AS source,
			coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
		FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
		WHERE p.oid >= 16384
			AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	), definer AS MATERIALIZED (		-- that act for somebody as a privileged role
		SELECT r.*, g.grantees, v.of_all
		FROM routine AS r JOIN privileged AS v ON v.oid = r.proowner
		CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(r.acl, r.proowner, '{EXECUTE}', apps) AS grantees) AS g
		WHERE r.prosecdef
	), definer_name AS MATERIALIZED (		-- what their sources name
		SELECT f.oid, m.* FROM definer AS f CROSS JOIN LATERAL sessmem.audit_names(f.source) AS m
		WHERE f.grantees IS NOT NULL AND NOT f.is_trigger AND EXISTS (SELECT FROM scope)
	), reach (root, oid) AS (		-- they, and what they call
		SELECT f.oid, f.oid FROM definer AS f WHERE f.grantees IS NOT NULL AND NOT f.is_trigger
		UNION
		SELECT m.oid, g.oid
		FROM definer_name AS m JOIN routine AS g ON g.proname = m.name::name AND (m.schema IS NULL OR g.pronamespace::regnamespace::text = quote_ident(m.schema))
		WHERE m.verb = 'call' AND NOT g.is_trigger
	), reached_name AS MATERIALIZED (
		SELECT * FROM definer_name
		UNION ALL
		SELECT r.oid, m.* FROM routine AS r CROSS JOIN LATERAL sessmem.audit_names(r.source) AS m
		WHERE r.oid IN (SELECT h.oid FROM reach AS h WHERE h.oid <> h.root) AND r.oid NOT IN (SELECT f.oid FROM definer AS f WHERE f.grantees IS NOT NULL AND NOT f.is_trigger)
	), named (relname, nspname, oid, scope_oid) AS (
		SELECT c.relname, c.relnamespace::regnamespace::text, c.oid, x.scope_oid
		FROM (SELECT s.oid, s.oid FROM scope AS s UNION SELECT r.oid, r.scope_oid FROM reader AS r) AS x (oid, scope_oid) JOIN pg_class AS c ON c.oid = x.oid
	), use (root, oid, scope_oid) AS (
		SELECT h.root, h.oid, n.scope_oid
		FROM reach AS h JOIN reached_name AS m ON m.oid = h.oid JOIN named AS n ON n.relname = m.name::name AND (m.schema IS NULL OR n.nspname = quote_ident(m.schema))
		WHERE m.verb <> 'call'
		UNION
		SELECT h.root, h.oid, n.scope_oid
		FROM reach AS h JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = h.oid AND d.refclassid = 'pg_class'::regclass
			JOIN named AS n ON n.oid = d.refobjid
	), trigger_function AS (
		SELECT t.tgname, t.tgrelid, r.oid, r.source
		FROM scope AS s JOIN pg_trigger AS t ON t.tgrelid = s.oid JOIN routine AS r ON r.oid = t.tgfoid
		WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
	), mapping AS (		-- of users to roles of foreign servers
		SELECT u.umuser, s.srvname, coalesce(r.rolname, 'PUBLIC') AS rolname, CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE u.umuser::regrole::text END AS name,
			s.srvoptions, (SELECT o.option_value FROM pg_options_to_table(u.umoptions) AS o WHERE o.option_name = 'user') AS foreign_user,
			(SELECT o.option_value FROM pg_options_to_table(u.umoptions) AS o WHERE o.option_name = 'password_required') AS password_required
		FROM pg_user_mapping AS u JOIN pg_foreign_server AS s ON s.oid = u.umserver LEFT JOIN pg_roles AS r ON r.oid = u.umuser
		WHERE r.rolsuper IS NOT TRUE
	), member AS (		-- of predefined roles
		SELECT g.rolname AS granted, m.member::regrole::text AS name
		FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid JOIN pg_roles AS r ON r.oid = m.member
		WHERE g.rolname ~ '^pg_' AND NOT r.rolsuper AND r.rolname !~ '^pg_'
	)
	-- decoding knows nothing of row security
	SELECT 'leak.publication', quote_ident(p.pubname),
		'Whoever subscribes gets the rows of every session: logical replication knows nothing of row security.' || x.more,
		x.what, x.fix
	FROM pg_publication AS p
	CROSS JOIN LATERAL (
		-- it cannot do without one of them, and who subscribes to the others is not to be cut off
		SELECT 'FOR ALL TABLES', format(E'-- make one of the tables that the subscriber may have, subscribe to that, and drop this\nSELECT pubname FROM pg_catalog.pg_publication WHERE pubname = %L;', p.pubname),
			' No single table can be taken out of a publication of all.'
		WHERE p.puballtables AND EXISTS (SELECT FROM scope)
		UNION ALL
		-- what else is in the schema stays published
		SELECT format('TABLES IN SCHEMA %I', n.nspname), concat_ws(E'\n', format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I;', p.pubname, n.nspname),
			(SELECT format('ALTER PUBLICATION %I ADD TABLE %s;', p.pubname, string_agg(CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text))
				FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
					AND NOT EXISTS (SELECT FROM scope AS s WHERE s.oid = c.oid OR s.oid IN (SELECT m::oid FROM sessmem.members(c.oid) AS m))
					AND NOT EXISTS (SELECT FROM pg_publication_rel AS o WHERE o.prpubid = p.oid AND o.prrelid = c.oid)
				HAVING count(*) > 0)), ''
		FROM pg_publication_namespace AS x JOIN pg_namespace AS n ON n.oid = x.pnnspid
		WHERE x.pnpubid = p.oid AND EXISTS (SELECT FROM scope AS s JOIN pg_class AS c ON c.oid = s.oid WHERE c.relnamespace = n.oid)
		UNION ALL
		SELECT format('TABLE %s', s.oid::regclass), format('ALTER PUBLICATION %I DROP TABLE ONLY %s;', p.pubname, s.oid::regclass), ''
		FROM pg_publication_rel AS x JOIN scope AS s ON s.oid = x.prrelid WHERE x.prpubid = p.oid
	) AS x (what, fix, more)
	WHERE p.pubinsert OR p.pubupdate OR p.pubdelete

	UNION ALL
	SELECT 'leak.replication_slot', quote_ident(s.slot_name),
		'Whoever has REPLICATION can read every row that is written through this slot.',
		format('plugin %I, inactive', s.plugin),
		format('SELECT pg_drop_replication_slot(%L);', s.slot_name)
	FROM pg_replication_slots AS s
	-- one that is in use has a consumer that would lose its place
	WHERE s.slot_type = 'logical' AND NOT s.active AND s.database = current_database() AND EXISTS (SELECT FROM scope)

	-- who uses the mapping is, to the other connection, somebody else
	UNION ALL
	SELECT 'leak.loopback_mapping', quote_ident(m.srvname),
		format('Foreign tables of this server read this very database as %I, whoever queries them.', m.foreign_user),
		format('USER MAPPING FOR %s, user %I', m.name, m.foreign_user),
		format('DROP USER MAPPING FOR %s SERVER %I;', m.name, m.srvname)
	FROM mapping AS m
	CROSS JOIN LATERAL (
		SELECT max(o.option_value) FILTER (WHERE o.option_name = 'dbname') AS dbname,
			coalesce(max(o.option_value) FILTER (WHERE o.option_name IN ('host', 'hostaddr')), '') AS host,
			coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'port'), current_setting('port')) AS port
		FROM pg_options_to_table(m.srvoptions) AS o
	) AS o
	WHERE m.foreign_user <> m.rolname AND o.dbname = current_database() AND o.port = current_setting('port')
		AND (o.host IN ('', 'localhost', '127.0.0.1', '::1', host(inet_server_addr())) OR o.host LIKE '/%')

	UNION ALL
	SELECT 'leak.passwordless_mapping', quote_ident(m.srvname),
		'Whoever uses this mapping connects with the server''s own credentials, as whom it names.',
		format('USER MAPPING FOR %s, password_required %s', m.name, m.password_required),
		format('ALTER USER MAPPING FOR %s SERVER %I OPTIONS (DROP password_required);', m.name, m.srvname)
	FROM mapping AS m WHERE m.password_required IN ('false', 'off', 'no', '0', 'f', 'n')

	UNION ALL
	SELECT 'leak.file_function', p.oid::regprocedure::text,
		'It reads or writes below row security: files, the write-ahead log, or a connection without a password.',
		format('EXECUTE to %s', g.grantees), format('REVOKE EXECUTE ON FUNCTION %s FROM %s;', p.oid::regprocedure, g.grantees)
	FROM pg_proc AS p CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(p.proacl, p.proowner, '{EXECUTE}') AS grantees) AS g
	WHERE p.proname IN ('pg_read_file', 'pg_read_binary_file', 'lo_import', 'lo_export', 'dblink_connect_u', 'pg_file_write',
			'pg_get_wal_block_info', 'pg_get_wal_record_info', 'pg_get_wal_records_info', 'pg_get_wal_fpi_info')
		AND p.prolang IN (SELECT l.oid FROM pg_language AS l WHERE l.lanname IN ('c', 'internal')) AND g.grantees IS NOT NULL

	UNION ALL
	SELECT 'leak.system_catalog', c.oid::regclass::text,
		'It holds values of every row, or secrets, and has no row security.',
		format('SELECT to %s', g.grantees), format('REVOKE SELECT ON %s FROM %s;', c.oid::regclass, g.grantees)
	FROM pg_class AS c CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(c.relacl, c.relowner, '{SELECT}') AS grantees) AS g
	WHERE c.relnamespace = 'pg_catalog'::regnamespace
		AND c.relname IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_authid', 'pg_shadow', 'pg_user_mapping', 'pg_subscription')
		AND g.grantees IS NOT NULL

	-- a view reads as its owner
	UNION ALL
	SELECT 'leak.view_owner', c.oid::regclass::text,
		format('It reads %s as %s, which row security does not apply to, for everybody who may read it.',
			string_agg(DISTINCT s.oid::regclass::text, ', '), c.relowner::regrole),
		format('no security_invoker, SELECT to %s', g.grantees), format('ALTER VIEW %s SET (security_invoker = true);', c.oid::regclass)
	FROM reader AS r JOIN scope AS s ON s.oid = r.scope_oid JOIN pg_class AS c ON c.oid = r.oid JOIN pg_roles AS o ON o.oid = c.relowner
	CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(c.relacl, c.relowner, '{SELECT,INSERT,UPDATE,DELETE}') AS grantees) AS g
	WHERE r.direct AND c.relkind = 'v' AND g.grantees IS NOT NULL
		AND (o.rolsuper OR o.rolbypassrls OR (NOT s.forced AND pg_has_role(o.oid, s.owner, 'USAGE')))
		AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) AS x WHERE x.option_name = 'security_invoker' AND x.option_value::boolean)
	GROUP BY c.oid, c.relowner, g.grantees

	UNION ALL
	SELECT 'leak.materialized_view', c.oid::regclass::text,
		format('It is a copy of rows of %s, and has no row security.', string_agg(DISTINCT r.scope_oid::regclass::text, ', ')),
		format('SELECT to %s', g.grantees), format('REVOKE SELECT ON %s FROM %s;', c.oid::regclass, g.grantees)
	FROM reader AS r JOIN pg_class AS c ON c.oid = r.oid
	CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(c.relacl, c.relowner, '{SELECT}') AS grantees) AS g
	WHERE c.relkind = 'm' AND g.grantees IS NOT NULL
	GROUP BY c.oid, g.grantees

	-- by itself, or by what it calls
	UNION ALL
	SELECT 'leak.security_definer', f.oid::regprocedure::text,
		format('It uses %s as %s, which row security does not apply to, for whoever calls it.', string_agg(DISTINCT s.oid::regclass::text, ', '), f.proowner::regrole),
		format('SECURITY DEFINER, EXECUTE to %s%s', f.grantees,
			' by way of ' || string_agg(DISTINCT u.oid::regprocedure::text, ', ') FILTER (WHERE u.oid <> f.oid)),
		format('ALTER ROUTINE %s SECURITY INVOKER;', f.oid::regprocedure)
	FROM use AS u JOIN definer AS f ON f.oid = u.root JOIN scope AS s ON s.oid = u.scope_oid
	WHERE f.of_all OR (NOT s.forced AND s.owner = f.proowner)
	GROUP BY f.oid, f.proowner, f.grantees

	-- names in it mean what the caller wants; those in a standard body are fixed
	UNION ALL
	SELECT 'leak.definer_search_path', f.oid::regprocedure::text,
		format('Its caller chooses the search_path, and so which tables, functions and operators it uses as %s.', f.proowner::regrole),
		format('SECURITY DEFINER, EXECUTE to %s, no search_path', f.grantees),
		format('ALTER ROUTINE %s SET search_path = pg_catalog, %s, pg_temp;', f.oid::regprocedure, f.pronamespace::regnamespace)
	FROM definer AS f
	WHERE f.grantees IS NOT NULL AND f.source IS NOT NULL AND NOT f.standard
		AND NOT EXISTS (SELECT FROM pg_options_to_table(f.proconfig) AS o WHERE o.option_name = 'search_path')
		-- those of triggers and policies: guard.code_search_path, storage.definer_search_path
		AND NOT f.is_trigger
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid)

	UNION ALL
	SELECT 'leak.definer_dynamic_sql', f.oid::regprocedure::text,
		format('It puts statements together and executes them as %s; what gets into the text can read every row.', f.proowner::regrole),
		format('SECURITY DEFINER, EXECUTE to %s, dynamic SQL', f.grantees),
		format('REVOKE EXECUTE ON ROUTINE %s FROM %s;', f.oid::regprocedure, f.grantees)
	FROM definer AS f
	WHERE f.of_all AND f.grantees IS NOT NULL AND NOT f.is_trigger AND f.lanname = 'plpgsql' AND f.source ~* '\mexecute\M[^;]*(\|\||\mformat\M)'

	-- the planner may call it with rows that the policy hides
	UNION ALL
	SELECT 'leak.leakproof_function', r.oid::regprocedure::text,
		'It may be called with rows before the policies have hidden them.', 'LEAKPROOF',
		format('ALTER FUNCTION %s NOT LEAKPROOF;', r.oid::regprocedure)
	FROM routine AS r WHERE r.proleakproof

	UNION ALL
	SELECT 'leak.untrusted_language', r.oid::regprocedure::text,
		'Its language can do on the server whatever the server can, and keeps values from one session to the next.',
		format('LANGUAGE %I, EXECUTE to %s', r.lanname, g.grantees),
		format('REVOKE EXECUTE ON ROUTINE %s FROM %s;', r.oid::regprocedure, g.grantees)
	FROM routine AS r CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(r.acl, r.proowner, '{EXECUTE}', apps) AS grantees) AS g
	WHERE NOT r.lanpltrusted AND r.lanname NOT IN ('c', 'internal') AND NOT r.is_trigger AND g.grantees IS NOT NULL

	-- it runs in everybody's DDL, a superuser's too
	UNION ALL
	SELECT 'leak.event_trigger_function', p.oid::regprocedure::text,
		format('%s can replace it, and it runs as whoever gives a command, superusers included.', p.proowner::regrole),
		format('event trigger %I', e.evtname), format('ALTER EVENT TRIGGER %I DISABLE;', e.evtname)
	FROM pg_event_trigger AS e JOIN pg_proc AS p ON p.oid = e.evtfoid JOIN pg_roles AS r ON r.oid = p.proowner
	WHERE NOT r.rolsuper AND e.evtenabled <> 'D' AND p.pronamespace <> 'sessmem'::regnamespace

	UNION ALL
	SELECT 'leak.server_files', m.name, 'It reads the tables'' own files, or makes itself a superuser.',
		format('member of %s', m.granted), format('REVOKE %s FROM %s;', m.granted, m.name)
	FROM member AS m WHERE m.granted IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')

	-- row security binds it, but sessmem's own tables, copies and histories have none
	UNION ALL
	SELECT 'leak.all_data', m.name, 'It reaches every table without row security, those that say what is protected included.',
		format('member of %s', m.granted), format('REVOKE %s FROM %s;', m.granted, m.name)
	FROM member AS m WHERE m.granted IN ('pg_read_all_data', 'pg_write_all_data')

	UNION ALL
	SELECT 'leak.statement_texts', m.name, 'It sees the statements of every connection, with what they have in literals.',
		format('member of %s', m.granted), format('REVOKE %s FROM %s;', m.granted, m.name)
	FROM member AS m WHERE m.granted IN ('pg_monitor', 'pg_read_all_stats')

	UNION ALL
	SELECT 'leak.large_object_compatibility',
		CASE WHEN s.setrole <> 0 THEN s.setrole::regrole::text WHEN s.setdatabase <> 0 THEN 'database' ELSE 'server' END,
		'Everybody may read and change every large object.', format('lo_compat_privileges = %s', o.option_value),
		CASE WHEN s.source IS NOT NULL THEN E'ALTER SYSTEM SET lo_compat_privileges = off;\nSELECT pg_reload_conf();'
			ELSE format('ALTER %s%s RESET lo_compat_privileges;',
				CASE WHEN s.setrole <> 0 THEN format('ROLE %s', s.setrole::regrole) WHEN s.setdatabase = 0 THEN 'ROLE ALL' ELSE format('DATABASE %I', current_database()) END,
				CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) END) END
	FROM (
		SELECT x.setrole, x.setdatabase, x.setconfig, NULL AS source FROM pg_db_role_setting AS x
		WHERE x.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
		UNION ALL
		SELECT 0, 0, ARRAY['lo_compat_privileges=' || g.setting], g.source FROM pg_settings AS g
		WHERE g.name = 'lo_compat_privileges' AND g.source IN ('configuration file', 'command line')
	) AS s CROSS JOIN LATERAL pg_options_to_table(s.setconfig) AS o
	WHERE o.option_name = 'lo_compat_privileges' AND o.option_value::boolean

	-- they have no row security, and ids that are easy to guess
	UNION ALL
	SELECT 'leak.large_object', 'PUBLIC', 'Every session may read these large objects, and their ids are easy to guess.',
		format('%s large objects with privileges for PUBLIC', count(*)),
		format('DO %L;', 'DECLARE o oid; BEGIN FOR o IN SELECT l.oid FROM pg_catalog.pg_largeobject_metadata AS l WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(l.lomacl) AS a WHERE a.grantee = 0)
LOOP EXECUTE pg_catalog.format(''REVOKE ALL ON LARGE OBJECT %s FROM PUBLIC'', o); END LOOP; END')
	FROM pg_largeobject_metadata AS l WHERE EXISTS (SELECT FROM aclexplode(l.lomacl) AS a WHERE a.grantee = 0)
	HAVING count(*) > 0
	UNION ALL
	SELECT 'leak.large_object', l.lomowner::regrole::text, 'Every session of this role may read its large objects, and their ids are easy to guess.',
		format('%s large objects', count(*)),
		format('DO %L;', format('DECLARE o oid; BEGIN FOR o IN SELECT l.oid FROM pg_catalog.pg_largeobject_metadata AS l WHERE l.lomowner = %L::pg_catalog.regrole
LOOP EXECUTE pg_catalog.format(''ALTER LARGE OBJECT %%s OWNER TO %%s'', o, %L); END LOOP; END', l.lomowner::regrole, bootstrap))
	FROM pg_largeobject_metadata AS l WHERE l.lomowner = ANY (apps)
	GROUP BY l.lomowner

	-- any role of the cluster gets as far as the policy
	UNION ALL
	SELECT 'leak.public_privilege', c.oid::regclass::text, 'Every role of the cluster gets as far as the policies, one mistake away from the rows.',
		format('%s to PUBLIC', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)), format('REVOKE ALL ON %s FROM PUBLIC;', c.oid::regclass)
	FROM scope AS s JOIN pg_class AS c ON c.oid = s.oid CROSS JOIN LATERAL aclexplode(c.relacl) AS a
	WHERE a.grantee = 0 AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
	GROUP BY c.oid

	-- channels have no privileges
	UNION ALL
	SELECT 'leak.notify', t.tgrelid::regclass::text, 'Every connection may listen to every channel, and this trigger sends rows to one.',
		format('trigger %I, function %s', t.tgname, t.oid::regprocedure), format('ALTER TABLE %s DISABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname)
	FROM trigger_function AS t
	WHERE t.source ~* '\mpg_notify\M' AND t.source ~* '\m(row_to_json|to_jsonb?|hstore)\s*\(\s*(new|old)\M|\m(new|old)\s*(::|\.\s*\*)'

	UNION ALL
	SELECT 'leak.trigger_copy', c.oid::regclass::text, format('Trigger %I of %s copies what is written to it, and it has no row security.', t.tgname, t.tgrelid::regclass),
		format('function %s, SELECT to %s', t.oid::regprocedure, g.grantees), format('REVOKE SELECT ON %s FROM %s;', c.oid::regclass, g.grantees)
	FROM trigger_function AS t CROSS JOIN LATERAL sessmem.audit_names(t.source) AS m
		JOIN pg_class AS c ON c.relname = m.name::name AND c.relkind IN ('r', 'p') AND (m.schema IS NULL OR c.relnamespace::regnamespace::text = quote_ident(m.schema))
	CROSS JOIN LATERAL (SELECT sessmem.audit_grantees(c.relacl, c.relowner, '{SELECT}') AS grantees) AS g
	WHERE m.verb IN ('insert', 'merge ') AND g.grantees IS NOT NULL AND NOT EXISTS (SELECT FROM scope AS s WHERE s.oid = c.oid)

	UNION ALL
	SELECT 'leak.server_version', 'server', format('%s: %s.', v.cve, v.what), format('PostgreSQL %s, fixed in %s', current_setting('server_version'), v.fixed),
		format(E'-- install PostgreSQL %s or a later minor version\nSHOW server_version; -- then restart the server', v.fixed)
	FROM sessmem.audit_vulnerabilities(current_setting('server_version_num')::integer) AS v;
END
$$;
COMMENT ON FUNCTION sessmem.audit_leak() IS
	'Internal: findings of the audit on ways by which rows leave a table past its policies.';
