-- context: whose session is in force

CREATE FUNCTION sessmem.bind(token text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_bind';
COMMENT ON FUNCTION sessmem.bind(text) IS
	'Puts the session of a token in force until the end of the transaction, and returns its id. 28000: the token is bad, expired, revoked, or for another database or role; the session is unknown, expired, or somebody else''s. 42501: the transaction has used another session, or the caller is a function with a SET clause.';

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
	'Like bind(), on the word of the caller: whoever may execute it may be anybody. 22023: an id is empty. 22004: session_id is null. 28000: the session has expired, or is somebody else''s. 42501 as bind(). For trusted backends.';

CREATE FUNCTION sessmem.status() RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sessmem_status';
COMMENT ON FUNCTION sessmem.status() IS
	'Why there is a session or not: none, bound, ended (bound for reading), expired, revoked (or forgotten), or invalid (sessmem.context was set by hand, or its key was retired).';
