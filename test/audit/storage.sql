-- Gaps of storage.  made() and role_for() are in context.sql.
CREATE FUNCTION function_policy(name text, options text, body text) RETURNS text LANGUAGE sql AS $$
	SELECT format('CREATE FUNCTION %s_me() RETURNS text %s AS %L; ', name, options, body) || made(name, format('USING (session_id = %s_me())', name)) $$;
-- a protected table, and what is then done to it behind its back
CREATE FUNCTION protected(name text, columns text DEFAULT 'session_id text, note text') RETURNS text LANGUAGE sql AS $$
	SELECT format('CREATE TABLE %1$s (%2$s); SELECT sessmem.protect(%1$L); ', name, columns) $$;
CREATE FUNCTION unseen(command text) RETURNS text LANGUAGE sql AS $$
	SELECT 'ALTER EVENT TRIGGER sessmem_after_ddl DISABLE; ALTER EVENT TRIGGER sessmem_after_drop DISABLE; ' || command
		|| '; ALTER EVENT TRIGGER sessmem_after_ddl ENABLE ALWAYS; ALTER EVENT TRIGGER sessmem_after_drop ENABLE ALWAYS' $$;
CREATE FUNCTION owned(name text) RETURNS text LANGUAGE sql AS $$
	SELECT role_for(name, format('GRANT CREATE ON SCHEMA public TO @; ALTER TABLE %s OWNER TO @; REVOKE CREATE ON SCHEMA public FROM @; ', name)) $$;

INSERT INTO seed (check_id, object, setup, also) VALUES
	-- protected tables
	('storage.not_enabled', 'public.s1', protected('s1') || 'ALTER TABLE s1 DISABLE ROW LEVEL SECURITY', '{}'),
	('storage.not_forced', 'public.s2', protected('s2') || 'ALTER TABLE s2 NO FORCE ROW LEVEL SECURITY', '{}'),
	('storage.policy_changed', 'public.s3', protected('s3') || 'ALTER POLICY sessmem_restrictive ON s3 USING (true)', '{}'),
	('storage.policy_changed', 'public.s4', protected('s4') || 'DROP POLICY sessmem_permissive ON s4', '{}'),
	('storage.policy_added', 'public.s5', protected('s5') || 'CREATE POLICY mine ON s5 USING (note IS NOT NULL)', '{}'),
	('storage.unlogged', 'public.s6', protected('s6') || 'ALTER TABLE s6 SET UNLOGGED', '{}'),
	('storage.parent_unprotected', 'public.s7', protected('s7') || unseen('CREATE TABLE s7_parent (session_id text, note text); ALTER TABLE s7 INHERIT s7_parent'), '{table.looks_like_memory}'),
	('storage.owner_changed', 'public.s8', protected('s8') || unseen(owned('s8')), '{}'),
	('storage.renamed', 'public.s9_new', protected('s9') || unseen('ALTER TABLE s9 RENAME TO s9_new'), '{}'),
	('storage.unchecked', 'public.s10', protected('s10') || $$UPDATE sessmem.protected_table SET checked = false WHERE name = 'public.s10'$$, '{}'),
	('storage.auto_protection_missed', 'public.s11', $$CREATE SCHEMA s11; SELECT sessmem.auto_protect('public', 's11'); $$ || unseen('CREATE TABLE s11 (session_id text)'), '{table.looks_like_memory}'),
	('storage.orphaned_entry', 'public.s12', protected('s12') || unseen('DROP TABLE s12'), '{}'),
	-- tables by hand
	('storage.policies_not_enabled', 'public.s20', made('s20', 'USING (session_id = sessmem.session_id())') || 'ALTER TABLE s20 DISABLE ROW LEVEL SECURITY', '{}'),
	('storage.not_forced', 'public.s21', made('s21', 'USING (session_id = sessmem.session_id())') || owned('s21') || 'ALTER TABLE s21 NO FORCE ROW LEVEL SECURITY', '{}'),
	('storage.no_policy', 'public.s22', made('s22', 'AS RESTRICTIVE USING (session_id = sessmem.session_id())'), '{}'),
	('storage.command_ignored', 'public.s23', made('s23', 'FOR SELECT USING (session_id = sessmem.session_id())') || role_for('writer', 'GRANT SELECT, UPDATE ON s23 TO @'), '{}'),
	('storage.child_unprotected', 'public.s24_a', role_for('reader', $$CREATE TABLE s24 (session_id text NOT NULL) PARTITION BY LIST (session_id); CREATE INDEX ON s24 (session_id); CREATE TABLE s24_a PARTITION OF s24 FOR VALUES IN ('a');
		ALTER TABLE s24 ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s24 USING (session_id = sessmem.session_id()); GRANT SELECT ON s24_a TO @$$), '{table.looks_like_memory}'),
	('storage.parent_unprotected', 'public.s25_parent', made('s25', 'USING (session_id = sessmem.session_id())')
		|| 'CREATE TABLE s25_parent (LIKE s25 INCLUDING ALL); ALTER TABLE s25 INHERIT s25_parent', '{table.looks_like_memory}'),
	('storage.policy_true', 'public.s26', made('s26', 'USING (true)'), '{}'),
	('storage.policy_true', 'public.s27', made('s27', 'FOR SELECT USING (true)', 'note text NOT NULL'), '{}'),
	('storage.policy_true_for_role', 'public.s28', role_for('support', made('s28', 'TO @ USING (true)')), '{}'),
	('storage.check_true', 'public.s29', made('s29', 'USING (session_id = sessmem.session_id()) WITH CHECK (true)'), '{}'),
	('storage.check_true', 'public.s30', made('s30', 'FOR INSERT WITH CHECK (true)'), '{}'),
	('storage.check_weaker', 'public.s31', made('s31', 'USING (session_id = sessmem.session_id()) WITH CHECK (length(user_id) > 0)'), '{}'),
	('storage.null_key_shared', 'public.s32', made('s32', 'USING (session_id IS NULL OR session_id = sessmem.session_id())'), '{}'),
	('storage.null_key_shared', 'public.s33', made('s33', 'USING (session_id = sessmem.session_id() OR session_id IS NULL)'), '{}'),
	('storage.key_not_indexed', 'public.s35', made('s35', 'USING (session_id = sessmem.session_id())') || 'DROP INDEX s35_session_id_idx', '{}'),
	('storage.key_not_indexed', 'public.s36', protected('s36') || 'DROP INDEX s36_session_id_idx', '{}'),
	-- policies that say something else
	('storage.policy_not_understood', 'public.s50', made('s50', 'USING (1 = 1)'), '{}'),
	('storage.policy_not_understood', 'public.s51', made('s51', 'USING (session_id = session_id)'), '{}'),
	('storage.policy_not_understood', 'public.s52', made('s52', 'USING (session_id IS NOT NULL)'), '{}'),
	('storage.policy_not_understood', 'public.s53', made('s53', 'USING (length(session_id) > 0)'), '{}'),
	('storage.policy_not_understood', 'public.s54', made('s54', 'USING (session_id = sessmem.session_id() OR user_id LIKE ''%'')'), '{}'),
	('storage.policy_not_understood', 'public.s55', made('s55', 'USING (session_id = sessmem.session_id()) WITH CHECK (session_id IS NOT NULL)'), '{}'),
	('storage.policy_not_understood', 'public.s56', made('s56', 'USING (session_id LIKE coalesce(sessmem.session_id(), ''%''))'), '{}'),
	('storage.policy_not_understood', 'public.s57', made('s57', 'USING (CASE WHEN sessmem.session_id() IS NULL THEN true ELSE session_id = sessmem.session_id() END)'), '{}'),
	('storage.policy_not_understood', 'public.s58', made('s58', 'USING ((session_id = sessmem.session_id()) IS NOT FALSE)'), '{}'),
	('storage.policy_not_understood', 'public.s59', made('s59', 'USING (session_id LIKE sessmem.session_id() || ''%'')'), '{}'),
	('storage.policy_not_understood', 'public.s60', made('s60', 'USING (left(session_id, 3) = left(sessmem.session_id(), 3))'), '{}'),
	('storage.policy_not_understood', 'public.s61', made('s61', 'USING (NOT (session_id = sessmem.session_id() AND false))'), '{}'),
	('storage.policy_not_understood', 'public.s62', made('s62', 'USING (coalesce(session_id = sessmem.session_id(), true))'), '{}'),
	('storage.policy_not_understood', 'public.s63', made('s63', 'USING (session_id = coalesce(sessmem.session_id(), user_id))'), '{}'),
	('storage.policy_not_understood', 'public.s64', made('s64', 'USING (session_id = sessmem.session_id())') || 'CREATE POLICY more ON s64 FOR SELECT USING (user_id IS NOT NULL)', '{}'),
	-- what policies call
	('storage.immutable_context', 'public.s40_me()', function_policy('s40', 'LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp', 'SELECT sessmem.session_id()'), '{}'),
	('storage.immutable_context', 'public.s41_me()', $$CREATE FUNCTION s41_me() RETURNS text LANGUAGE c IMMUTABLE AS '$libdir/sessmem', 'sessmem_session_id'; $$ || made('s41', 'USING (session_id = s41_me())'), '{}'),
	('storage.parallel_safe', 'public.s42_me()', function_policy('s42', 'LANGUAGE sql PARALLEL SAFE SET search_path = pg_catalog, pg_temp', 'SELECT set_config(''work_mem'', ''4MB'', true)'), '{}'),
	('storage.volatile_function', 'public.s43_me()', function_policy('s43', 'LANGUAGE sql SET search_path = pg_catalog, pg_temp', 'SELECT sessmem.session_id()'), '{}'),
	('storage.function_owner', 'public.s44_me()', function_policy('s44', 'LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp', 'SELECT sessmem.session_id()') || role_for('s44', 'ALTER FUNCTION s44_me() OWNER TO @'), '{}'),
	('storage.definer_search_path', 'public.s45_me()', function_policy('s45', 'LANGUAGE sql STABLE SECURITY DEFINER', 'SELECT sessmem.session_id()'), '{}'),
	('storage.mutable_search_path', 'public.s46_me()', function_policy('s46', 'LANGUAGE plpgsql STABLE', 'BEGIN RETURN sessmem.session_id(); END'), '{}');

-- what is as it should be
DO $$ BEGIN EXECUTE made('s_good1', 'AS RESTRICTIVE USING (session_id = sessmem.session_id())') || 'CREATE POLICY all_of_it ON s_good1 USING (true) WITH CHECK (true)';
	EXECUTE made('s_good2', 'USING (session_id = (SELECT sessmem.session_id()) AND user_id <> ''(OR'' AND (user_id IS NULL OR length(user_id) < 100))');
	EXECUTE made('s_good3', 'USING (user_id = coalesce(nullif(sessmem.user_id(), ''''), ''x'') AND "Session id" = sessmem.session_id())', 'user_id text NOT NULL, "Session id" text NOT NULL');
	EXECUTE made('s_good4', 'USING (tenant_id = sessmem.tenant_id()::uuid AND user_id = sessmem.user_id(NULL::bigint))', 'tenant_id uuid NOT NULL, user_id bigint NOT NULL'); END $$;
