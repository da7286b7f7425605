-- Gaps made by somebody who expects the fix: names and texts that would go on with a
-- command, and code that would run as whoever gets it.  Nothing may call evil().
INSERT INTO seed (check_id, object, setup, also) VALUES
	-- what looks like a setting begins in a name and ends in a string
	('context.setting_in_policy', 'public.h1', $$CREATE TABLE h1 ("current_setting('x.y" text NOT NULL, "sessmem.session_id()" text NOT NULL, session_id text NOT NULL); CREATE INDEX ON h1 (session_id);
		ALTER TABLE h1 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
		CREATE POLICY p ON h1 USING ("current_setting('x.y" = ')" IS NULL)); SELECT public.evil(); --'); CREATE POLICY r ON h1 AS RESTRICTIVE USING (session_id = sessmem.session_id())$$, '{}'),
	('context.setting_in_function', 'public."h2_me)); SELECT public.evil(); --"()', $$CREATE FUNCTION "h2_me)); SELECT public.evil(); --"() RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
		AS 'BEGIN RETURN current_setting(''app.x''''); $function$; SELECT public.evil(); --''); END'; $$ || made('h2', 'USING (session_id = "h2_me)); SELECT public.evil(); --"())'), '{}'),
	('context.setting_in_view', 'public.h3_mine', $$CREATE TABLE h3 (id int, "; SELECT public.evil(); --" text); CREATE VIEW h3_mine AS SELECT *, '$fix$;'::text FROM h3 WHERE "; SELECT public.evil(); --" = current_setting('app.x''); SELECT public.evil(); --')$$, '{}'),
	('guard.foreign_key', 'public.h4_child', protected('h4', 'session_id text, id int, UNIQUE (session_id, id), UNIQUE (id)')
		|| protected('h4_child', 'session_id text, id int CONSTRAINT "x$fix$; SELECT public.evil(); --" REFERENCES h4 (id)'), '{guard.unique_key}'),
	('guard.foreign_key', 'public.h5_child', protected('h5', 'session_id text, "i) ON DELETE CASCADE; SELECT public.evil(); --" int UNIQUE')
		|| protected('h5_child', 'session_id text, id int CONSTRAINT "''; SELECT public.evil(); --" REFERENCES h5 ("i) ON DELETE CASCADE; SELECT public.evil(); --")'), '{guard.unique_key}'),
	('guard.cascade', 'public.h6', role_for('h6', 'CREATE TABLE h6_room ("i) ON DELETE CASCADE; SELECT public.evil(); --" int PRIMARY KEY); GRANT DELETE ON h6_room TO @; ')
		|| mine('h6', 'session_id text NOT NULL, room int REFERENCES h6_room ON DELETE CASCADE'), '{}'),
	('leak.large_object', '"regress_sessmem_audit_o''$fix$; SELECT public.evil(); --"', $$CREATE ROLE "regress_sessmem_audit_o'$fix$; SELECT public.evil(); --"; ALTER ROLE "regress_sessmem_audit_o'$fix$; SELECT public.evil(); --" SET track_activities = off;
		SELECT sessmem.grant_app('"regress_sessmem_audit_o''$fix$; SELECT public.evil(); --"'), lo_create(987654323); ALTER LARGE OBJECT 987654323 OWNER TO "regress_sessmem_audit_o'$fix$; SELECT public.evil(); --"$$, '{}'),
	-- it would be a superuser's SECURITY DEFINER function
	('guard.foreign_code', 'public.h8', protected('h8') || role_for('h8', $$CREATE FUNCTION h8() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT public.evil()::text'; REVOKE EXECUTE ON FUNCTION h8() FROM PUBLIC;
		ALTER TABLE h8 ALTER note SET DEFAULT h8(); ALTER FUNCTION h8() OWNER TO @$$), '{}'),
	('storage.function_owner', 'public.h9()', role_for('h9', $$CREATE FUNCTION h9() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT public.evil()::text'; $$ || made('h9', 'USING (session_id = h9())') || 'ALTER FUNCTION h9() OWNER TO @'), '{}'),
	-- it would run as the owner of the table
	('role.app_owns_table', 'public.h10', memory('h10') || app_for('h10', 'CREATE TABLE h10_log (n int); CREATE RULE r AS ON INSERT TO h10_log DO ALSO SELECT evil(); ALTER TABLE h10 OWNER TO @'), '{}');
