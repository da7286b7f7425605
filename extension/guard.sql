-- guard: the triggers that refuse writes

CREATE FUNCTION sessmem.guard() RETURNS trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sessmem_guard';
COMMENT ON FUNCTION sessmem.guard() IS
	'Trigger of protected tables, BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW: 42501 for a row without a session, or with another session''s key. Its arguments are the session, user and tenant column.';

CREATE FUNCTION sessmem.guard_truncate() RETURNS trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sessmem_guard_truncate';
COMMENT ON FUNCTION sessmem.guard_truncate() IS
	'Trigger of protected tables, BEFORE TRUNCATE: 42501 outside of maintenance.';

CREATE FUNCTION sessmem.agrees(condition boolean, relation regclass) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_agrees';
COMMENT ON FUNCTION sessmem.agrees(boolean, regclass) IS
	'True, or 42501: in the policy of a table whose key columns protect() keeps, for rows that say by themselves whose they are.';
