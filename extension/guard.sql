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
