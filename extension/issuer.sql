-- issuer: minting tokens (there is no function to verify one: bind() does)

CREATE FUNCTION sessmem.open_session(
		user_id text,
		tenant_id text DEFAULT NULL,
		session_id text DEFAULT NULL,
		ttl interval DEFAULT '2 hours'
	) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_open_session';
COMMENT ON FUNCTION sessmem.open_session(text, text, text, interval) IS
	'Mints a token (JWT, HS256) for a session of that user and tenant; session_id defaults to a new UUID, ttl is the lifetime. 22023: an id is empty, the lifetime is not positive, or the token would exceed 8 kB. 22004: ttl is null. 55000: no key to sign with. For issuers.';
