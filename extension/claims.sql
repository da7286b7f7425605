-- claims: the claims of the session in force
--
-- STABLE, because an IMMUTABLE getter would be folded into a cached plan and go
-- on answering for the previous session.

CREATE FUNCTION sessmem.session_id() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_session_id';
COMMENT ON FUNCTION sessmem.session_id() IS
	'The id of the session in force, NULL if none.';

CREATE FUNCTION sessmem.user_id() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_user_id';
COMMENT ON FUNCTION sessmem.user_id() IS
	'The user of the session in force, NULL if none.';

CREATE FUNCTION sessmem.tenant_id() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_tenant_id';
COMMENT ON FUNCTION sessmem.tenant_id() IS
	'The tenant of the session in force, NULL if none.';

CREATE FUNCTION sessmem.session_id(type anyelement) RETURNS anyelement
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_session_id_as';
COMMENT ON FUNCTION sessmem.session_id(anyelement) IS
	'The id of the session in force in the type of the argument (text, varchar, uuid, bigint), as in session_id(NULL::uuid). NULL if there is none, or if it is not in that type''s canonical form. 42809: another type.';

CREATE FUNCTION sessmem.user_id(type anyelement) RETURNS anyelement
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_user_id_as';
COMMENT ON FUNCTION sessmem.user_id(anyelement) IS
	'The user of the session in force in the type of the argument; as session_id(anyelement).';

CREATE FUNCTION sessmem.tenant_id(type anyelement) RETURNS anyelement
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_tenant_id_as';
COMMENT ON FUNCTION sessmem.tenant_id(anyelement) IS
	'The tenant of the session in force in the type of the argument; as session_id(anyelement).';
