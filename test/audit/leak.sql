-- Gaps by which rows leave a table past its policies.
CREATE FUNCTION memory(name text) RETURNS text LANGUAGE sql AS $$ SELECT made(name, 'USING (session_id = sessmem.session_id())') $$;
CREATE FUNCTION app_for(name text, more text) RETURNS text LANGUAGE sql AS $$
	SELECT role_for(name, 'ALTER ROLE @ SET track_activities = off; SELECT sessmem.grant_app(''@''); ' || more) $$;

INSERT INTO seed (check_id, object, setup, also, cleanup) VALUES
	('leak.publication', 'l2', 'CREATE SCHEMA l2; ' || memory('l2.memory') || 'CREATE TABLE l2.other (id int); CREATE PUBLICATION l2 FOR TABLES IN SCHEMA l2', '{}', ''),
	('leak.publication', 'l3', memory('l3') || 'CREATE PUBLICATION l3 FOR TABLE l3', '{}', ''),
	('leak.loopback_mapping', 'l4', format('CREATE FOREIGN DATA WRAPPER l4; CREATE SERVER l4 FOREIGN DATA WRAPPER l4 OPTIONS (dbname %L, host ''localhost''); CREATE USER MAPPING FOR PUBLIC SERVER l4 OPTIONS (user ''postgres'', password ''x'')', current_database()), '{}', ''),
	('leak.passwordless_mapping', 'l5', role_for('mapped', 'CREATE FOREIGN DATA WRAPPER l5; CREATE SERVER l5 FOREIGN DATA WRAPPER l5 OPTIONS (dbname ''elsewhere'', host ''far.example''); CREATE USER MAPPING FOR @ SERVER l5 OPTIONS (password_required ''false'')'), '{}', ''),
	('leak.file_function', 'pg_read_file(text)', role_for('file_reader', 'GRANT EXECUTE ON FUNCTION pg_read_file(text) TO @'), '{}', ''),
	('leak.file_function', 'lo_export(oid,text)', 'GRANT EXECUTE ON FUNCTION lo_export(oid, text) TO PUBLIC', '{}', ''),
	('leak.system_catalog', 'pg_statistic', role_for('statistician', 'GRANT SELECT ON pg_statistic TO @'), '{}', ''),
	('leak.view_owner', 'public.l6_view', memory('l6') || role_for('viewer', 'CREATE VIEW l6_view AS SELECT * FROM l6; GRANT SELECT ON l6_view TO @'), '{}', ''),
	-- seen through one that is as it should be
	('leak.view_owner', 'public.l7_outer', memory('l7') || role_for('viewer2', 'CREATE VIEW l7_inner WITH (security_invoker) AS SELECT * FROM l7; CREATE VIEW l7_outer AS SELECT * FROM l7_inner; GRANT SELECT ON l7_inner, l7_outer TO @'), '{}', ''),
	('leak.materialized_view', 'public.l8_copy', memory('l8') || role_for('viewer3', 'CREATE VIEW l8_view WITH (security_invoker) AS SELECT * FROM l8; CREATE MATERIALIZED VIEW l8_copy AS SELECT * FROM l8_view; GRANT SELECT ON l8_copy TO @'), '{}', ''),
	('leak.security_definer', 'public.l9_all()', memory('l9')
		|| $$CREATE FUNCTION l9_all() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN (SELECT count(*) FROM public.l9); END'$$, '{}', ''),
	('leak.security_definer', 'public.l10_outer()', memory('l10') || $$CREATE FUNCTION l10_inner() RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM ONLY public."l10"';
		CREATE FUNCTION l10_outer() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT public.l10_inner()'$$, '{}', ''),
	('leak.security_definer', 'public.l11_standard()', memory('l11')
		|| app_for('caller', 'CREATE FUNCTION l11_standard() RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM l11; END; REVOKE ALL ON FUNCTION l11_standard() FROM PUBLIC; GRANT EXECUTE ON FUNCTION l11_standard() TO @'), '{}', ''),
	('leak.definer_search_path', 'public.l12_path()', $$CREATE FUNCTION l12_path() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS 'SELECT now()'$$, '{}', ''),
	('leak.definer_dynamic_sql', 'public.l13_run(text)', $$CREATE FUNCTION l13_run(t text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN EXECUTE ''ANALYZE '' || t; END'$$, '{}', ''),
	('leak.leakproof_function', 'public.l14_say(text)', $$CREATE FUNCTION l14_say(t text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS 'BEGIN RAISE NOTICE ''%'', t; RETURN true; END'$$, '{}', ''),
	('leak.untrusted_language', 'public.l15()', $$CREATE LANGUAGE l15 HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator; CREATE FUNCTION l15() RETURNS void LANGUAGE l15 AS 'BEGIN END'$$, '{}', ''),
	('leak.event_trigger_function', 'public.l16()', role_for('eventful', $$CREATE FUNCTION l16() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; ALTER FUNCTION l16() OWNER TO @; CREATE EVENT TRIGGER l16 ON table_rewrite EXECUTE FUNCTION l16()$$), '{}', ''),
	('leak.server_files', 'regress_sessmem_audit_files', role_for('files', 'GRANT pg_read_server_files TO @'), '{}', ''),
	('leak.server_files', 'regress_sessmem_audit_programs', role_for('programs', 'GRANT pg_execute_server_program TO @'), '{}', ''),
	('leak.all_data', 'regress_sessmem_audit_all', role_for('all', 'GRANT pg_write_all_data TO @'), '{}', ''),
	('leak.statement_texts', 'regress_sessmem_audit_monitor', role_for('monitor', 'GRANT pg_monitor TO @'), '{}', ''),
	('leak.large_object_compatibility', 'database', format('ALTER DATABASE %I SET lo_compat_privileges = on', current_database()), '{}', ''),
	('leak.large_object_compatibility', 'regress_sessmem_audit_lo', role_for('lo', 'ALTER ROLE @ SET lo_compat_privileges = on'), '{}', ''),
	('leak.large_object', 'PUBLIC', 'SELECT lo_create(987654321); GRANT SELECT ON LARGE OBJECT 987654321 TO PUBLIC', '{}', ''),
	('leak.large_object', 'regress_sessmem_audit_lo_owner', app_for('lo_owner', 'SELECT lo_create(987654322); ALTER LARGE OBJECT 987654322 OWNER TO @'), '{}', ''),
	('leak.public_privilege', 'public.l17', memory('l17') || 'GRANT SELECT, INSERT ON l17 TO PUBLIC', '{}', ''),
	('leak.notify', 'public.l18', memory('l18') || $$CREATE FUNCTION l18() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''l18'', row_to_json(NEW)::text); RETURN NULL; END'; CREATE TRIGGER tell AFTER INSERT ON l18 FOR EACH ROW EXECUTE FUNCTION l18()$$, '{}', ''),
	('leak.trigger_copy', 'public.l19_history', memory('l19') || role_for('historian', $$CREATE TABLE l19_history (at timestamptz, was jsonb); GRANT SELECT ON l19_history TO @;
		CREATE FUNCTION l19() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.l19_history SELECT now(), to_jsonb(OLD); RETURN NULL; END'; CREATE TRIGGER keep AFTER UPDATE ON l19 FOR EACH ROW EXECUTE FUNCTION l19()$$), '{}', '');

-- what looks like a gap and is none
DO $$ BEGIN EXECUTE memory('l_good') || role_for('good', 'CREATE VIEW l_good_view WITH (security_invoker = on) AS SELECT * FROM l_good; CREATE VIEW l_good_own AS SELECT * FROM l_good;
	GRANT SELECT ON l_good_view TO @; GRANT SELECT, INSERT ON l_good TO @; CREATE TABLE l_good_log (at timestamptz);
	CREATE FUNCTION l_good_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ''SELECT count(*) FROM public.l_good'';
	REVOKE ALL ON FUNCTION l_good_definer() FROM PUBLIC;
	CREATE FUNCTION l_good_invoker() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM public.l_good'';
	CREATE FUNCTION l_good_ids() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN PERFORM pg_notify(''''good'''', NEW.session_id); INSERT INTO l_good_log VALUES (now()); RETURN NULL; END'';
	CREATE TRIGGER ids AFTER INSERT ON l_good FOR EACH ROW EXECUTE FUNCTION l_good_ids();
	CREATE PUBLICATION l_good FOR TABLE l_good_log;
	CREATE FOREIGN DATA WRAPPER l_good; CREATE SERVER l_good FOREIGN DATA WRAPPER l_good OPTIONS (dbname ''elsewhere'', host ''localhost''); CREATE USER MAPPING FOR @ SERVER l_good OPTIONS (user ''somebody'', password ''x'')'); END $$;
