-- maintenance: the way past what sessmem refuses, for administrators

CREATE TABLE sessmem.maintenance_log (
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	role name NOT NULL,
	reason text NOT NULL
);
COMMENT ON TABLE sessmem.maintenance_log IS
	'Calls of maintenance() that committed. The server log has every transaction that used it.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.maintenance_log', '');

CREATE FUNCTION sessmem.maintenance(reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_maintenance';
COMMENT ON FUNCTION sessmem.maintenance(text) IS
	'Until the end of the transaction the caller may change what protects a table, write rows of any session, and, if row security does not apply to him, read them. Recorded with the reason in sessmem.maintenance_log, and in the server log even if it rolls back. 22023: no reason. 42501: a session is bound, or the call comes from a function that is SECURITY DEFINER or has a SET clause. For administrators.';

CREATE FUNCTION sessmem.in_maintenance() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_in_maintenance';
COMMENT ON FUNCTION sessmem.in_maintenance() IS
	'Internal: whether maintenance is in force, which counts as use.';
