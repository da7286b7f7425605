-- Gaps of the context.  Roles are named regress_sessmem_audit_*; the harness drops them.
-- Tables with a policy are otherwise as they should be, so that nothing else is found.
CREATE FUNCTION made(name text, policy text, columns text DEFAULT 'session_id text NOT NULL, user_id text NOT NULL') RETURNS text LANGUAGE sql AS $$
	SELECT format('CREATE TABLE %1$s (%2$s); CREATE INDEX ON %1$s (%3$s); ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON %1$s %4$s;',
		name, columns, split_part(columns, ' ', 1), policy) $$;
CREATE FUNCTION role_for(name text, more text) RETURNS text LANGUAGE sql AS $$
	SELECT format('CREATE ROLE regress_sessmem_audit_%s; ', name) || replace(more, '@', 'regress_sessmem_audit_' || name) $$;

INSERT INTO seed (check_id, object, setup, also) VALUES
	('context.setting_in_policy', 'public.c1', made('c1', $$USING (session_id = current_setting('app.session_id', true))$$), '{}'),
	('context.setting_in_policy', 'public.c2', made('c2', $$USING (user_id = ((current_setting('request.jwt.claims', true))::json ->> 'sub'))$$, 'user_id text NOT NULL'), '{}'),
	('context.setting_in_policy', 'public.c3', made('c3', $$USING (session_id = current_setting('application_name'))$$), '{}'),
	('context.setting_in_policy', 'public.c4', made('c4', $$USING (tenant_id = (SELECT current_setting('app.tenant')::uuid)) WITH CHECK (tenant_id = current_setting('app.tenant')::uuid)$$, 'tenant_id uuid NOT NULL'), '{}'),
	('context.setting_in_function', 'public.c5_user()',
		$$CREATE FUNCTION c5_user() RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN current_setting(''app.user'', true); END';
		CREATE FUNCTION c5_me() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT public.c5_user()'; $$ || made('c5', 'USING (user_id = c5_me())', 'user_id text NOT NULL'), '{}'),
	('context.setting_in_default', 'public.c6.session_id', made('c6', 'USING (session_id = sessmem.session_id())') || $$ALTER TABLE c6 ALTER session_id SET DEFAULT current_setting('app.session_id')$$, '{}'),
	('context.setting_in_trigger', 'public.c7_fill()', made('c7', 'USING (session_id = sessmem.session_id())')
		|| $$CREATE FUNCTION c7_fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.session_id := current_setting(''app.session_id''); RETURN NEW; END'; CREATE TRIGGER fill BEFORE INSERT ON c7 FOR EACH ROW EXECUTE FUNCTION c7_fill()$$, '{}'),
	('context.setting_in_view', 'public.c8_mine', $$CREATE TABLE c8 (session_id text); CREATE VIEW c8_mine WITH (security_barrier) AS SELECT * FROM c8 WHERE session_id = current_setting('app.session_id')$$, '{table.looks_like_memory}'),
	('context.fails_open', 'public.c9', made('c9', $$USING (sessmem.session_id() IS NULL OR session_id = sessmem.session_id())$$), '{}'),
	('context.fails_open', 'public.c10', made('c10', $$USING (session_id = COALESCE(sessmem.session_id(), session_id))$$), '{}'),
	('context.fails_open', 'public.c11', made('c11', $$USING (session_id = current_setting('app.s', true) OR NULLIF(current_setting('app.s', true), '') IS NULL)$$), '{context.setting_in_policy}'),
	('context.current_user', 'public.c12', role_for('alice', 'CREATE ROLE @1; GRANT @ TO @1; ') || made('c12', 'USING (user_id = CURRENT_USER)', 'user_id text NOT NULL') || 'GRANT SELECT ON c12 TO regress_sessmem_audit_alice', '{}'),
	('context.writable_lookup', 'public.c13_members', role_for('member', 'CREATE TABLE c13_members (session_id text NOT NULL, user_id text NOT NULL); GRANT SELECT, INSERT ON c13_members TO @; ')
		|| made('c13', 'USING (session_id = sessmem.session_id() AND session_id IN (SELECT m.session_id FROM c13_members AS m WHERE m.user_id = sessmem.user_id()))') || 'GRANT SELECT ON c13 TO regress_sessmem_audit_member', '{table.looks_like_memory}'),
	('context.setter_granted', 'public.c14_set(text)', made('c14', $$USING (session_id = current_setting('app.c14'))$$)
		|| $$CREATE FUNCTION c14_set(s text) RETURNS text LANGUAGE sql AS 'SELECT set_config(''app.c14'', s, false)'$$, '{context.setting_in_policy}'),
	('context.maintenance_for_all', 'database', format($$ALTER DATABASE %I SET sessmem.maintenance = 'why'$$, current_database()), '{}'),
	('context.maintenance_for_role', 'regress_sessmem_audit_backup', role_for('backup', $$ALTER ROLE @ SET sessmem.maintenance = 'backup'$$), '{}'),
	('context.stored_credential', 'regress_sessmem_audit_token', role_for('token', $$INSERT INTO pg_db_role_setting SELECT 0, '@'::regrole, '{sessmem.token=x}'$$), '{}'),
	('context.function_setting', 'public.c15()', $$CREATE FUNCTION c15() RETURNS text LANGUAGE sql SET row_security = off AS 'SELECT 1'$$, '{}'),
	('context.function_setting', 'public.c16()', $$CREATE FUNCTION c16() RETURNS text LANGUAGE sql SET sessmem.allow_attach = on AS 'SELECT 1'$$, '{}'),
	('context.replication_role', 'regress_sessmem_audit_replica', role_for('replica', 'ALTER ROLE @ SET session_replication_role = replica'), '{}'),
	('context.row_security_off', 'regress_sessmem_audit_norls', role_for('norls', 'ALTER ROLE @ SET row_security = off'), '{}'),
	('context.explain_analyze', 'regress_sessmem_audit_explain', role_for('explain', 'ALTER ROLE @ SET sessmem.explain_analyze = on'), '{}'),
	('context.parameter_grant', 'regress_sessmem_audit_setter', role_for('setter', 'GRANT SET ON PARAMETER session_replication_role TO @'), '{}'),
	('context.logging_grant', 'regress_sessmem_audit_logger', role_for('logger', 'GRANT SET ON PARAMETER log_statement TO @'), '{}'),
	('context.key_table_grant', 'sessmem.keyring', role_for('keys', 'GRANT SELECT (kid) ON sessmem.keyring TO @'), '{}'),
	('context.key_table_grant', 'sessmem.protected_table', role_for('registry', 'GRANT INSERT, DELETE ON sessmem.protected_table TO @'), '{}'),
	('context.schema_grant', 'regress_sessmem_audit_creator', role_for('creator', 'GRANT CREATE ON SCHEMA sessmem TO @'), '{}'),
	('context.function_public', 'sessmem.assume(text,text,text)', 'GRANT EXECUTE ON FUNCTION sessmem.assume TO PUBLIC', '{}'),
	('context.internal_function', 'sessmem.as_owner(regclass,text)', role_for('internal', 'GRANT EXECUTE ON FUNCTION sessmem.as_owner TO @'), '{}'),
	('context.app_privileged', 'regress_sessmem_audit_app1', role_for('app1', $$ALTER ROLE @ SET track_activities = off; SELECT sessmem.grant_app('@'), sessmem.grant_issuer('@')$$), '{}'),
	('context.app_privileged', 'regress_sessmem_audit_app2', role_for('app2', $$ALTER ROLE @ SET track_activities = off; CREATE ROLE @_issuer; GRANT @_issuer TO @; SELECT sessmem.grant_app('@'), sessmem.grant_issuer('@_issuer')$$), '{}'),
	('context.owner', 'sessmem', role_for('owner', 'ALTER SCHEMA sessmem OWNER TO @'), '{}'),
	('context.statements_logged', 'regress_sessmem_audit_log', role_for('log', 'ALTER ROLE @ SET log_statement = ddl'), '{}'),
	('context.parameters_logged', 'database', format('ALTER DATABASE %I SET log_parameter_max_length_on_error = 100', current_database()), '{}'),
	('context.trees_logged', 'regress_sessmem_audit_trees', role_for('trees', 'ALTER ROLE @ SET debug_print_plan = on'), '{}'),
	('context.plans_logged', 'regress_sessmem_audit_plans', role_for('plans', 'ALTER ROLE @ SET auto_explain.log_min_duration = 0'), '{}'),
	('context.query_text', 'regress_sessmem_audit_app3', role_for('app3', $$SELECT sessmem.grant_app('@')$$), '{}'),
	('context.statement_statistics', 'public.pg_stat_statements', 'CREATE EXTENSION pg_stat_statements SCHEMA public', '{}');
