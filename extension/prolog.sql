\echo Use "CREATE EXTENSION sessmem" to load this file. \quit

-- Whoever owns the schema could replace what is in it.
DO $$
BEGIN
	IF (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'sessmem')
		OPERATOR(pg_catalog.<>) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user)
	THEN
		RAISE EXCEPTION 'schema "sessmem" exists already and belongs to another role'
			USING ERRCODE = 'duplicate_schema',
				HINT = 'Drop or rename it, then run CREATE EXTENSION sessmem again.';
	END IF;
END
$$;

COMMENT ON SCHEMA sessmem IS 'Row-level session isolation for agent memory.';
