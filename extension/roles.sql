-- roles: who may do what
--
-- sessmem makes no roles of its own: roles belong to the cluster, and a database
-- does not.  These functions grant to yours.

CREATE FUNCTION sessmem.refuse_bypassing_role(role regrole) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION 'role must not be null' USING ERRCODE = '22004';
	END IF;
	IF EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = role AND (r.rolsuper OR r.rolbypassrls)) THEN
		RAISE EXCEPTION 'role % bypasses row security', role
			USING ERRCODE = '22023',
				DETAIL = 'It is a superuser or has BYPASSRLS, so storage would not isolate its sessions.',
				HINT = 'Let the application use a role of its own that has neither.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.refuse_bypassing_role(regrole) IS
	'Internal: 22023 for a role that row security does not apply to.';

CREATE FUNCTION sessmem.grant_app(role regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM sessmem.refuse_bypassing_role(role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION
		sessmem.bind(text), sessmem.unbind(), sessmem.attach(text), sessmem.detach(),
		sessmem.recall(anyelement, integer, name, text),
		sessmem.recall_similar(anyelement, anycompatible, integer, name, text, text, text, name),
		sessmem.renew_session(interval), sessmem.close_session(text, text, text), sessmem.close_own(),
		sessmem.subject(text, text, text, text) TO %s', role);
	EXECUTE format('GRANT SELECT ON sessmem.sessions TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_app(regrole) IS
	'Lets an application''s role bind, attach and recall with tokens, and renew, close and see the session that is bound. 22023: the role is a superuser or has BYPASSRLS. For administrators.';

CREATE FUNCTION sessmem.grant_issuer(role regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION 'role must not be null' USING ERRCODE = '22004';
	END IF;
	EXECUTE format('GRANT EXECUTE ON FUNCTION
		sessmem.open_session(text, text, text, interval, text, interval, jsonb), sessmem.assume(text, text, text),
		sessmem.close_session(text, text, text), sessmem.close_own(), sessmem.close_any(text, text, text),
		sessmem.revoke_user(text, text) TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_issuer(regrole) IS
	'Lets a login service''s role open, close and assume any session, and revoke any user''s tokens. For administrators.';

CREATE FUNCTION sessmem.grant_admin(role regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION 'role must not be null' USING ERRCODE = '22004';
	END IF;
	EXECUTE format('GRANT EXECUTE ON FUNCTION
		sessmem.create_key(text), sessmem.import_key(jsonb), sessmem.retire_key(text),
		sessmem.protect(regclass, name, name, name, boolean, text, text, text, name, text, name, boolean), sessmem.preset(text, text, boolean), sessmem.unprotect(regclass),
		sessmem.auto_protect(name, text, name, name, name, boolean), sessmem.maintenance(text),
		sessmem.close_session(text, text, text), sessmem.close_own(), sessmem.close_any(text, text, text),
		sessmem.revoke_user(text, text), sessmem.forget_session(text, text, text),
		sessmem.forget_user(text, text), sessmem.forget_tenant(text), sessmem.sweep(integer),
		sessmem.subject(text, text, text, text),
		sessmem.recorded_violations(), sessmem.save_violations(), sessmem.stat_events(), sessmem.stat_reset(),
		sessmem.audit(), sessmem.assert_isolated(text), sessmem.audit_report(),
		sessmem.prove(regclass, regrole, jsonb), sessmem.prove_check(regclass, regrole), sessmem.prove_enter(text, text, text), sessmem.prove_end(),
		sessmem.prove_as(regrole, text), sessmem.prove_condition(regclass, text, text, text, text),
		sessmem.prove_state(regclass, text, text, text, text), sessmem.prove_missing(regclass, regrole), sessmem.prove_guard(regclass, text[], text[], boolean), sessmem.prove_token(text, text, text),
		sessmem.prove_value(regclass, int2), sessmem.prove_row(regclass, text, text, text, jsonb, jsonb),
		sessmem.prove_parents(regclass, regrole, text, text, text, jsonb, int), sessmem.prove_sessions(regclass, jsonb),
		sessmem.prove_attempts(regclass, regrole, text[], text[], text, text, text, text, jsonb),
		sessmem.key_columns(regclass, name, name, name),
		sessmem.grant_app(regrole), sessmem.grant_issuer(regrole) TO %s', role);
	EXECUTE format('GRANT EXECUTE ON PROCEDURE sessmem.sweep_all(integer) TO %s', role);
	EXECUTE format('GRANT SELECT ON sessmem.keys, sessmem.protected_table, sessmem.auto_protection, sessmem.maintenance_log, sessmem.session, sessmem.sessions, sessmem.violation, sessmem.violations, sessmem.stat, sessmem.audit_check TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_admin(regrole) IS
	'Lets a role manage keys, protection, sessions and the other roles, and erase. It may protect any table of the database. For superusers.';
