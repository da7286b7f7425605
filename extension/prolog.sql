\echo Use "CREATE EXTENSION sessmem" to load this file. \quit

-- Whoever owns the schema, may create in it, or has done so, could put something
-- in the place of what is here.
DO $$
BEGIN
	IF EXISTS (
		SELECT FROM pg_catalog.pg_namespace AS n
		WHERE n.nspname OPERATOR(pg_catalog.=) 'sessmem' AND (
			n.nspowner OPERATOR(pg_catalog.<>) (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) current_user)
			OR EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a
				WHERE a.grantee OPERATOR(pg_catalog.<>) n.nspowner AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE')
			OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d
				WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
					AND d.refobjid OPERATOR(pg_catalog.=) n.oid AND d.deptype OPERATOR(pg_catalog.=) 'n'
					AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass)))
	THEN
		RAISE EXCEPTION 'schema "sessmem" exists already, and others own it, may create in it, or have done so'
			USING ERRCODE = 'duplicate_schema',
				HINT = 'Drop or rename it, then run CREATE EXTENSION sessmem again.';
	END IF;
END
$$;

COMMENT ON SCHEMA sessmem IS 'Row-level session isolation for agent memory.';

-- Of protect(), forget_*() and sweep(), which must see what others commit while they wait.
CREATE FUNCTION sessmem.check_read_committed(what text, reason text DEFAULT 'What others add meanwhile would be overlooked.') RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'cannot % in a % transaction', what, current_setting('transaction_isolation')
			USING ERRCODE = 'feature_not_supported',
				DETAIL = reason,
				HINT = 'Use READ COMMITTED.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.check_read_committed(text, text) IS
	'Internal: 0A000 in REPEATABLE READ and SERIALIZABLE.';
