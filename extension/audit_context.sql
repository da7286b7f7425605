-- audit of the context: who can forge it, change it, or see it go by

INSERT INTO sessmem.audit_check VALUES
	('context.not_preloaded', 'high', 'The library is preloaded'),
	('context.setting_in_policy', 'critical', 'Policies do not read settings that anybody can set'),
	('context.setting_in_function', 'critical', 'Functions of policies do not read settings that anybody can set'),
	('context.setting_in_default', 'medium', 'Defaults do not read settings that anybody can set'),
	('context.setting_in_trigger', 'medium', 'Triggers do not change rows by settings that anybody can set'),
	('context.setting_in_view', 'high', 'Views do not filter by settings that anybody can set'),
	('context.placeholder', 'high', 'Without preloading, policies do not read the settings of sessmem'),
	('context.fails_open', 'critical', 'Policies show nothing when there is no session'),
	('context.current_user', 'high', 'Policies do not go by roles that others can switch to'),
	('context.writable_lookup', 'high', 'Tables that policies look up cannot be written by those whom the policies restrict'),
	('context.setter_granted', 'medium', 'PUBLIC cannot execute functions that set what policies read'),
	('context.maintenance_for_all', 'critical', 'No database has sessmem.maintenance set'),
	('context.maintenance_for_role', 'medium', 'No role has sessmem.maintenance set'),
	('context.stored_credential', 'critical', 'No token or context is stored in the settings of a role or database'),
	('context.function_setting', 'high', 'No function has a SET clause that loosens isolation'),
	('context.replication_role', 'high', 'session_replication_role is origin'),
	('context.row_security_off', 'low', 'row_security is on'),
	('context.explain_analyze', 'medium', 'sessmem.explain_analyze is off'),
	('context.parameter_grant', 'high', 'Nobody has been granted SET on parameters that isolation rests upon'),
	('context.logging_grant', 'medium', 'Nobody has been granted SET on parameters that decide what is logged'),
	('context.key_table_grant', 'critical', 'Nobody but its owner reads key material, or writes tables of sessmem'),
	('context.schema_grant', 'critical', 'Nobody can create objects in the schema sessmem'),
	('context.function_public', 'critical', 'PUBLIC may execute nothing of sessmem but the getters'),
	('context.internal_function', 'critical', 'Nobody has been granted internal functions of sessmem'),
	('context.app_privileged', 'critical', 'Roles of applications can neither open sessions nor administer'),
	('context.owner', 'critical', 'The schema sessmem belongs to a superuser'),
	('context.statements_logged', 'medium', 'Statements, with tokens and rows in them, are not logged'),
	('context.parameters_logged', 'high', 'Bind parameters, which tokens are, are not logged with errors'),
	('context.trees_logged', 'medium', 'Parse trees and plans are not logged'),
	('context.plans_logged', 'medium', 'auto_explain does not log statements'),
	('context.query_text', 'low', 'Connections of an application do not show each other their statements'),
	('context.statement_statistics', 'low', 'PUBLIC cannot read pg_stat_statements');

CREATE FUNCTION sessmem.audit_context(OUT check_id text, OUT object text, OUT finding text, OUT evidence text, OUT fix text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	known constant jsonb := (SELECT jsonb_object_agg(s.name, s.context = 'user') FROM pg_settings AS s);
	preloaded constant boolean := current_setting('shared_preload_libraries') ~ '(^|[ ,/"])sessmem([ ,."]|$)';
BEGIN
	RETURN QUERY
	WITH policy AS MATERIALIZED (
		SELECT p.*, sessmem.forgeable_settings(p.definition, known) AS settings, q.fails_open OR w.fails_open AS fails_open
		FROM sessmem.audited_policy AS p
			CROSS JOIN LATERAL sessmem.policy_defects(p.qual) AS q CROSS JOIN LATERAL sessmem.policy_defects(p.checked) AS w
	), code AS MATERIALIZED (
		SELECT c.function, min(p.name) AS name, min(p.policy) AS policy, sessmem.forgeable_settings(c.source, known) AS settings, array_agg(p.oid) AS policies
		FROM sessmem.policy_code() AS c JOIN policy AS p ON p.oid = c.policy
		GROUP BY c.function, c.source
	), setting AS MATERIALIZED (
		-- of the server, where no database, role or session overrides it here
		SELECT 'server' AS object, s.name, s.setting AS value, format('%s = %L, from the %s', s.name, s.setting, s.source) AS evidence, NULL AS command, true AS everybody, NULL::oid AS setdatabase, NULL::oid AS setrole
		FROM pg_settings AS s
		WHERE s.source NOT IN ('database', 'user', 'database user', 'client', 'session', 'interactive', 'test')
		UNION ALL
		SELECT CASE WHEN r.setrole <> 0 THEN r.setrole::regrole::text WHEN r.setdatabase <> 0 THEN 'database' ELSE 'server' END,
			lower(split_part(c, '=', 1)), substr(c, strpos(c, '=') + 1),
			-- maintenance's value is a reason; of a credential not even that
			format('%s is set%s%s', split_part(c, '=', 1),
				CASE WHEN r.setrole <> 0 THEN format(' for role %s', r.setrole::regrole) ELSE '' END,
				CASE WHEN r.setdatabase <> 0 THEN format(' in database %I', d.datname) ELSE '' END)
				|| CASE WHEN lower(split_part(c, '=', 1)) LIKE 'sessmem.%' THEN '' ELSE format(' to %L', substr(c, strpos(c, '=') + 1)) END,
			CASE WHEN r.setrole = 0 AND r.setdatabase = 0 THEN 'ALTER ROLE ALL'
				WHEN r.setrole = 0 THEN format('ALTER DATABASE %I', d.datname)
				ELSE format('ALTER ROLE %s', r.setrole::regrole) || CASE WHEN r.setdatabase <> 0 THEN format(' IN DATABASE %I', d.datname) ELSE '' END END,
			r.setrole = 0, r.setdatabase, r.setrole
		FROM pg_db_role_setting AS r CROSS JOIN LATERAL unnest(r.setconfig) AS c LEFT JOIN pg_database AS d ON d.oid = r.setdatabase
		WHERE r.setdatabase = 0 OR d.datname = current_database()
	), routine AS MATERIALIZED (
		SELECT p.oid, p.oid::regprocedure::text AS name, a.grantee,
			CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role,
			obj_description(p.oid, 'pg_proc') LIKE 'Internal:%' AS internal
		FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
		WHERE p.pronamespace = 'sessmem'::regnamespace AND a.grantee <> p.proowner
	)

	-- ---------- what policies go by ----------

	SELECT 'context.setting_in_policy', p.name,
		format('Policy %I decides by %s, which anybody can set to the id of another session.', p.policy, p.settings), p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE p.settings IS NOT NULL
	UNION ALL
	SELECT 'context.setting_in_function', c.function::regprocedure::text,
		format('Policy %I of %s decides by this function, which reads %s, and anybody can set that to the id of another session.', c.policy, c.name, c.settings),
		format('its source reads %s', c.settings), (SELECT string_agg(sessmem.close_policy(p), E'\n') FROM unnest(c.policies) AS p)
	FROM code AS c WHERE c.settings IS NOT NULL
	UNION ALL
	SELECT 'context.setting_in_default', format('%s.%I', t.name, a.attname),
		format('Column %I of %s takes its value from %s, which anybody can set: rows are filed under any session.', a.attname, t.name, s),
		e, sessmem.drop_default(t.relation, a.attnum)
	FROM sessmem.audited_table AS t JOIN pg_attrdef AS d ON d.adrelid = t.relation
		JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
		CROSS JOIN LATERAL pg_get_expr(d.adbin, d.adrelid) AS e CROSS JOIN LATERAL sessmem.forgeable_settings(e, known) AS s
	WHERE s IS NOT NULL
	UNION ALL
	SELECT 'context.setting_in_trigger', g.tgfoid::regprocedure::text,
		format('Trigger %I of %s changes rows by %s, which anybody can set: rows are filed under any session.', min(g.tgname), min(t.name), s),
		format('its source assigns to NEW and reads %s', s), string_agg(format('ALTER TABLE %s DISABLE TRIGGER %I;', t.name, g.tgname), E'\n')
	FROM sessmem.audited_table AS t JOIN pg_trigger AS g ON g.tgrelid = t.relation AND NOT g.tgisinternal AND g.tgenabled <> 'D'
		CROSS JOIN LATERAL sessmem.source_of(g.tgfoid) AS c CROSS JOIN LATERAL sessmem.forgeable_settings(c, known) AS s
	WHERE s IS NOT NULL AND c ~* '\mnew\.[\w"]+\s*:?='
	GROUP BY g.tgfoid, s
	UNION ALL
	-- the functions are the two forms of current_setting(); as its invoker, it gives nobody more than he has
	SELECT 'context.setting_in_view', v.oid::regclass::text,
		format('The view reads as its owner, and filters by %s, which anybody can set to the id of another session.', s),
		format('its definition reads %s', s), format('ALTER VIEW %s SET (security_invoker = true);', v.oid::regclass)
	FROM pg_class AS v JOIN pg_rewrite AS w ON w.ev_class = v.oid
		CROSS JOIN LATERAL pg_get_viewdef(CASE WHEN w.ev_action LIKE '%:funcid 2077 %' OR w.ev_action LIKE '%:funcid 3294 %' THEN v.oid END) AS e
		CROSS JOIN LATERAL sessmem.forgeable_settings(substr(e, strpos(e, ' WHERE ')), known) AS s
	WHERE v.relkind = 'v' AND v.oid >= 16384 AND s IS NOT NULL AND e LIKE '% WHERE %'
		AND NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions) AS o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = v.oid AND d.deptype = 'e')
	UNION ALL
	SELECT 'context.placeholder', p.name,
		format('Policy %I reads a setting of sessmem: on a connection that has not loaded the library yet, anybody can set it.', p.policy), p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE NOT preloaded AND p.definition ~* 'current_setting\(''sessmem\.'
	UNION ALL
	SELECT 'context.fails_open', p.name, format('Policy %I lets everything pass when no session is set.', p.policy), p.definition, sessmem.close_policy(p.oid)
	FROM policy AS p WHERE p.fails_open AND p.permissive
	UNION ALL
	-- SESSION_USER stays what it is after SET ROLE
	SELECT 'context.current_user', p.name,
		format('Policy %I goes by the role, and SET ROLE makes one role another.', p.policy),
		format('%s; %s', p.definition, string_agg(format('%s can become %s', m.member::regrole, m.roleid::regrole), ', ' ORDER BY m.member::regrole::text, m.roleid::regrole::text)),
		sessmem.close_policy(p.oid)
	FROM policy AS p JOIN pg_auth_members AS m ON has_table_privilege(m.roleid, p.relation, 'SELECT, INSERT, UPDATE, DELETE')
		JOIN pg_roles AS r ON r.oid = m.member JOIN pg_roles AS g ON g.oid = m.roleid
	WHERE p.definition ~ '\mCURRENT_USER\M' AND NOT r.rolsuper AND NOT g.rolsuper AND m.roleid >= 16384
		-- 16 has roles that are members without it
		AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
	GROUP BY p.oid, p.name, p.policy, p.definition
	UNION ALL
	SELECT DISTINCT 'context.writable_lookup', l.oid::regclass::text,
		format('Policy %I of %s looks this table up, and those whom it restricts can write there what lets them pass.', p.policy, p.name),
		format('%s for %s', string_agg(DISTINCT a.privilege_type, ', '), x.role), format('REVOKE %s ON %s FROM %s;', string_agg(DISTINCT a.privilege_type, ', '), l.oid::regclass, x.role)
	FROM policy AS p
		JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.relation
		JOIN pg_class AS l ON l.oid = d.refobjid AND l.relkind IN ('r', 'p') AND NOT l.relrowsecurity
		CROSS JOIN LATERAL aclexplode(l.relacl) AS a
		CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS x (role)
		LEFT JOIN pg_roles AS r ON r.oid = a.grantee
	WHERE a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND a.grantee <> l.relowner AND r.rolsuper IS NOT TRUE AND r.rolbypassrls IS NOT TRUE
		AND (a.grantee = 0 OR has_table_privilege(a.grantee, p.relation, 'SELECT, INSERT, UPDATE, DELETE'))
	GROUP BY l.oid, p.policy, p.name, x.role
	UNION ALL
	SELECT DISTINCT 'context.setter_granted', f.oid::regprocedure::text,
		format('Everybody can execute this function, which sets %s, and policies go by that.', n.name),
		'EXECUTE for PUBLIC', format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC;', f.oid::regprocedure)
	FROM (
		SELECT unnest(string_to_array(p.settings, ', ')) FROM policy AS p
		UNION SELECT unnest(string_to_array(c.settings, ', ')) FROM code AS c
	) AS n (name)
		JOIN pg_proc AS f ON f.prosrc ~* format('set_config\s*\(\s*''%s''|\mset\s+(session\s+|local\s+)?%1$s\s*(=|to\M)', regexp_replace(n.name, '(\W)', '\\\1', 'g'))
	WHERE f.oid >= 16384 AND EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a WHERE a.grantee = 0)

	-- ---------- settings that loosen isolation ----------

	UNION ALL
	SELECT 'context.not_preloaded', 'server', 'The second enforcement and the worker are off, and a client can plant settings of sessmem before the library is there.',
		format('shared_preload_libraries = %L', current_setting('shared_preload_libraries')),
		format('ALTER SYSTEM SET shared_preload_libraries = %s; -- then restart the server', (SELECT string_agg(quote_literal(btrim(l, ' "')), ', ' ORDER BY i)
			FROM unnest(string_to_array(nullif(current_setting('shared_preload_libraries'), ''), ',') || 'sessmem'::text) WITH ORDINALITY AS u (l, i)))
	WHERE NOT preloaded
	UNION ALL
	SELECT v.check_id, s.object, v.finding, s.evidence,
		CASE WHEN s.command IS NULL THEN format(E'ALTER SYSTEM SET %s = %L;\nSELECT pg_reload_conf();', s.name, v.harmless[1])
			ELSE format('%s RESET %s;', s.command, s.name) END
	FROM (VALUES
		('context.replication_role', 'session_replication_role', '{origin}'::text[], 'Triggers that are not enabled ALWAYS do not fire, and foreign keys are not checked.'),
		('context.row_security_off', 'row_security', '{on,true,yes,1}', 'Queries fail where row security applies, which tempts to give the role BYPASSRLS.'),
		('context.explain_analyze', 'sessmem.explain_analyze', '{off,false,no,0}', 'EXPLAIN ANALYZE tells how many rows of other sessions there are.'),
		('context.statements_logged', 'log_statement', '{none}', 'Statements are logged with the content and the tokens in them.'),
		('context.statements_logged', 'log_min_duration_statement', '{-1}', 'Slow statements are logged with the content and the tokens in them, and with their parameters.'),
		('context.statements_logged', 'log_min_duration_sample', '{-1}', 'Some statements are logged with the content and the tokens in them, and with their parameters.'),
		('context.statements_logged', 'log_transaction_sample_rate', '{0}', 'Some statements are logged with the content and the tokens in them, and with their parameters.'),
		('context.parameters_logged', 'log_parameter_max_length_on_error', '{0}', 'Parameters of statements that fail are logged, and tokens are parameters.'),
		('context.trees_logged', 'debug_print_parse', '{off,false,no,0}', 'Parse trees are logged with the constants in them.'),
		('context.trees_logged', 'debug_print_rewritten', '{off,false,no,0}', 'Parse trees are logged with the constants in them.'),
		('context.trees_logged', 'debug_print_plan', '{off,false,no,0}', 'Plans are logged with the constants in them.'),
		('context.plans_logged', 'auto_explain.log_min_duration', '{-1}', 'Statements and their parameters are logged with their plans.')
	) AS v (check_id, name, harmless, finding) JOIN setting AS s ON s.name = v.name AND lower(s.value) <> ALL (v.harmless)
	UNION ALL
	SELECT CASE WHEN s.everybody THEN 'context.maintenance_for_all' ELSE 'context.maintenance_for_role' END, s.object,
		CASE WHEN s.everybody THEN 'Whoever is a superuser or an administrator gets past what sessmem refuses, without saying so.'
			ELSE 'The role gets past what sessmem refuses on all its connections; right for backups, for nothing else.' END,
		s.evidence, format('%s RESET %s;', s.command, s.name)
	FROM setting AS s WHERE s.name = 'sessmem.maintenance' AND s.command IS NOT NULL AND s.value <> ''
	UNION ALL
	SELECT 'context.stored_credential', s.object, 'A token is a bearer token, and whoever reads the catalog has it; a claim that is set for good is nobody''s.',
		-- the settings refuse RESET, too
		s.evidence, format('UPDATE pg_catalog.pg_db_role_setting SET setconfig = nullif(ARRAY(SELECT c FROM pg_catalog.unnest(setconfig) AS c WHERE c NOT ILIKE %L), ''{}'') WHERE (setdatabase, setrole) = (%s, %s);',
			s.name || '=%', s.setdatabase, s.setrole)
	FROM setting AS s WHERE s.command IS NOT NULL AND s.name IN ('sessmem.token', 'sessmem.context', 'sessmem.session_id', 'sessmem.user_id', 'sessmem.tenant_id')
	UNION ALL
	SELECT 'context.function_setting', f.oid::regprocedure::text, format('While this function runs, %s is what its SET clause says, for whoever may call it.', split_part(c, '=', 1)),
		c, format('ALTER ROUTINE %s RESET %s;', f.oid::regprocedure, (SELECT string_agg(quote_ident(n), '.') FROM string_to_table(split_part(c, '=', 1), '.') AS n))
	FROM pg_proc AS f CROSS JOIN LATERAL unnest(f.proconfig) AS c
	WHERE f.oid >= 16384 AND f.pronamespace <> 'sessmem'::regnamespace
		AND (c ~* '^sessmem\.' OR c ~* '^session_replication_role=(?!origin)' OR c ~* '^row_security=(off|false|no|0)$')
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
	UNION ALL
	SELECT CASE WHEN p.parname ~ '^(log_|debug_|auto_explain\.|track_activities)' THEN 'context.logging_grant' ELSE 'context.parameter_grant' END, x.role,
		format('The role can change %s.', p.parname), format('%s on parameter %s', a.privilege_type, p.parname),
		format('REVOKE %s ON PARAMETER %s FROM %s;', a.privilege_type, (SELECT string_agg(quote_ident(n), '.') FROM string_to_table(p.parname, '.') AS n), x.role)
	FROM pg_parameter_acl AS p CROSS JOIN LATERAL aclexplode(p.paracl) AS a
		CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS x (role)
	WHERE p.parname ~ '^(sessmem\.|log_|debug_|auto_explain\.|track_activities$|session_replication_role$|(shared|session)_preload_libraries$|dynamic_library_path$)'
		AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.grantee AND r.rolsuper)

	-- ---------- privileges on sessmem ----------

	UNION ALL
	SELECT 'context.key_table_grant', c.oid::regclass::text, CASE WHEN c.relname IN ('keyring', 'revocation')
			THEN 'Keys, or what was revoked, are for the extension alone.' ELSE 'Who writes here decides what is protected, or whose a session is.' END,
		format('%s for %s', a.privilege_type, a.role), format('REVOKE %s%s ON %s FROM %s;', a.privilege_type, ' (' || quote_ident(a.attname) || ')', c.oid::regclass, a.role)
	FROM pg_class AS c CROSS JOIN LATERAL (
		SELECT x.privilege_type, x.attname, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS role
		FROM (
			SELECT e.*, NULL AS attname FROM aclexplode(c.relacl) AS e
			UNION ALL
			SELECT e.*, t.attname FROM pg_attribute AS t CROSS JOIN LATERAL aclexplode(t.attacl) AS e WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL
		) AS x WHERE x.grantee <> c.relowner
	) AS a
	WHERE c.relnamespace = 'sessmem'::regnamespace AND c.relkind IN ('r', 'p', 'v')
		AND (c.relname IN ('keyring', 'revocation') OR a.privilege_type <> 'SELECT')
	UNION ALL
	SELECT 'context.schema_grant', x.role, 'The role can put functions into the schema that policies call.', 'CREATE on schema sessmem',
		format('REVOKE CREATE ON SCHEMA sessmem FROM %s;', x.role)
	FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
		CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS x (role)
	WHERE n.nspname = 'sessmem' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
	UNION ALL
	-- what grants.sql leaves it
	SELECT 'context.function_public', r.name, 'Everybody can execute this function of sessmem.', 'EXECUTE for PUBLIC', format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC;', r.name)
	FROM routine AS r
	WHERE r.grantee = 0 AND r.name NOT IN ('sessmem.session_id()', 'sessmem.user_id()', 'sessmem.tenant_id()',
		'sessmem.session_id(anyelement)', 'sessmem.user_id(anyelement)', 'sessmem.tenant_id(anyelement)', 'sessmem.status()', 'sessmem.agrees(boolean,regclass)')
	UNION ALL
	-- but for those that others call in the caller's name
	SELECT 'context.internal_function', r.name, format('%s can do with this function what only sessmem should.', r.role), format('EXECUTE for %s', r.role),
		format('REVOKE EXECUTE ON ROUTINE %s FROM %s;', r.name, r.role)
	FROM routine AS r
	WHERE r.grantee <> 0 AND r.internal
		AND NOT (r.name ~ '^sessmem\.(prove_\w+|key_columns)\(' AND has_function_privilege(r.grantee, 'sessmem.prove(regclass, regrole, jsonb)', 'EXECUTE'))
		AND r.name NOT IN ('sessmem.close_own()', 'sessmem.close_any(text,text,text)', 'sessmem.subject(text,text,text,text)')
	UNION ALL
	SELECT 'context.app_privileged', x.role, 'What the application can do, injected SQL can: it opens any session, or ends protection.',
		format('EXECUTE on %s, %s', string_agg(r.name, ', ' ORDER BY r.name), CASE WHEN r.grantee = a.role THEN 'granted to it' ELSE format('as a member of %s', r.role) END),
		CASE WHEN r.grantee = a.role THEN format('REVOKE EXECUTE ON ROUTINE %s FROM %s;', string_agg(r.name, ', ' ORDER BY r.name), x.role)
			ELSE format('REVOKE %s FROM %s;', r.role, x.role) END
	FROM sessmem.audited_app AS a CROSS JOIN LATERAL (SELECT a.role::regrole::text) AS x (role)
		JOIN routine AS r ON r.grantee <> 0 AND pg_has_role(a.role, r.grantee, 'MEMBER')
	WHERE r.name ~ '^sessmem\.(assume|open_session|revoke_user|close_any|create_key|import_key|retire_key|protect|unprotect|auto_protect|maintenance|forget_\w+|sweep|sweep_all|grant_\w+|prove|stat_reset)\('
	GROUP BY a.role, x.role, r.grantee, r.role
	UNION ALL
	-- a schema has no code; what is in it might, and is not for superusers to own
	SELECT 'context.owner', n.nspname, format('It belongs to %s, who can put functions into the schema that policies call.', n.nspowner::regrole), format('owner %s', n.nspowner::regrole),
		format('ALTER SCHEMA sessmem OWNER TO %s;', 10::regrole)
	FROM pg_namespace AS n
	WHERE n.nspname = 'sessmem' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = n.nspowner AND r.rolsuper)

	-- ---------- what others see of statements ----------

	UNION ALL
	SELECT 'context.query_text', a.role::regrole::text, 'Connections of one role see each other''s statements in pg_stat_activity, with literals.',
		'track_activities is on for the role', format('ALTER ROLE %s SET track_activities = off;', a.role::regrole)
	FROM sessmem.audited_app AS a
	WHERE NOT EXISTS (SELECT FROM setting AS s WHERE s.name = 'track_activities' AND lower(s.value) IN ('off', 'false', 'no', '0')
		AND (s.everybody OR s.object = a.role::regrole::text))
	UNION ALL
	SELECT 'context.statement_statistics', c.oid::regclass::text, 'Connections of one role read each other''s statements there; utility statements keep their literals.',
		'SELECT for PUBLIC', format('REVOKE SELECT ON %s FROM PUBLIC;', c.oid::regclass)
	FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_stat_statements'
		CROSS JOIN LATERAL aclexplode(c.relacl) AS a
	WHERE d.refclassid = 'pg_extension'::regclass AND c.relname = 'pg_stat_statements' AND a.grantee = 0 AND a.privilege_type = 'SELECT';
END
$$;
COMMENT ON FUNCTION sessmem.audit_context() IS
	'Internal: the findings of audit() on who can forge, change or see the context.';
