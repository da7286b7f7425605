-- context: whose session is in force
--
-- Everything that reads the context is STABLE: an IMMUTABLE getter would be
-- folded into a cached plan and go on answering for the previous session.

CREATE FUNCTION sessmem.bind(token text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_bind';
COMMENT ON FUNCTION sessmem.bind(text) IS
	'Puts the session of a token in force until the end of the transaction, and returns its id. 28000: the token is bad, expired, or for another database or role. 42501: the transaction has used another session, or the caller is a function with a SET clause.';

CREATE FUNCTION sessmem.unbind() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_unbind';
COMMENT ON FUNCTION sessmem.unbind() IS
	'No session for the rest of the transaction. It still cannot bind another one.';

CREATE FUNCTION sessmem.attach(token text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_attach';
COMMENT ON FUNCTION sessmem.attach(text) IS
	'Like bind(), but until detach(), RESET ALL, DISCARD ALL or the end of the connection; undone by a rollback. For clients in autocommit; a pool must attach at every checkout. 28000 and 42501 as bind(); 42501 also if sessmem.allow_attach is off.';

CREATE FUNCTION sessmem.detach() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_detach';
COMMENT ON FUNCTION sessmem.detach() IS
	'Ends attach(), and drops what the session left on the connection.';

CREATE FUNCTION sessmem.assume(
		session_id text,
		user_id text DEFAULT NULL,
		tenant_id text DEFAULT NULL
	) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_assume';
COMMENT ON FUNCTION sessmem.assume(text, text, text) IS
	'Like bind(), on the word of the caller: whoever may execute it may be anybody. 22023: an id is empty. 22004: session_id is null. 42501 as bind(). For trusted backends.';

CREATE FUNCTION sessmem.status() RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sessmem_status';
COMMENT ON FUNCTION sessmem.status() IS
	'Why there is a session or not: none, bound, expired, or invalid (sessmem.context was set by hand, or its key was retired).';

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
