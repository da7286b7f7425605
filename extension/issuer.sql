-- issuer: minting tokens (there is no function to verify one: bind() does)

CREATE FUNCTION sessmem.mint(session_id text, user_id text, tenant_id text, ttl interval) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_mint';
COMMENT ON FUNCTION sessmem.mint(text, text, text, interval) IS
	'Internal: the token of open_session(). 22023: an id is empty, the lifetime is not positive, or the token would exceed 8 kB. 22004: ttl is null. 55000: no key to sign with.';
