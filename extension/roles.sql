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
		sessmem.recall(anyelement, integer, name, text) TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_app(regrole) IS
	'Lets an application''s role bind, attach and recall with tokens. 22023: the role is a superuser or has BYPASSRLS. For administrators.';

CREATE FUNCTION sessmem.grant_issuer(role regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION 'role must not be null' USING ERRCODE = '22004';
	END IF;
	EXECUTE format('GRANT EXECUTE ON FUNCTION
		sessmem.open_session(text, text, text, interval), sessmem.assume(text, text, text) TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_issuer(regrole) IS
	'Lets a login service''s role mint tokens for anybody, and assume any session. For administrators.';

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
		sessmem.protect(regclass, name, name, name), sessmem.unprotect(regclass),
		sessmem.grant_app(regrole), sessmem.grant_issuer(regrole) TO %s', role);
	EXECUTE format('GRANT SELECT ON sessmem.keys, sessmem.protected_table TO %s', role);
END
$$;
COMMENT ON FUNCTION sessmem.grant_admin(regrole) IS
	'Lets a role manage keys, protection and the other roles. It may protect any table of the database. For superusers.';
