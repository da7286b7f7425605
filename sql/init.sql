-- What all other tests stand on: the extension, roles, and a client's tools.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_sessmem_app, regress_sessmem_owner, regress_sessmem_issuer, regress_sessmem_admin, regress_sessmem_nobody, regress_sessmem_dba;
RESET client_min_messages;
CREATE ROLE regress_sessmem_app LOGIN;
CREATE ROLE regress_sessmem_owner LOGIN;
CREATE ROLE regress_sessmem_issuer LOGIN;
CREATE ROLE regress_sessmem_admin LOGIN;
CREATE ROLE regress_sessmem_nobody LOGIN;
CREATE ROLE regress_sessmem_dba SUPERUSER LOGIN;

-- fail: somebody else's schema
CREATE SCHEMA sessmem AUTHORIZATION regress_sessmem_nobody;
CREATE EXTENSION sessmem;
DROP SCHEMA sessmem;
CREATE SCHEMA sessmem;
GRANT CREATE ON SCHEMA sessmem TO regress_sessmem_nobody;
CREATE EXTENSION sessmem;
REVOKE CREATE ON SCHEMA sessmem FROM regress_sessmem_nobody;
CREATE FUNCTION sessmem.planted() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE EXTENSION sessmem;
DROP FUNCTION sessmem.planted;
-- one's own is good
CREATE EXTENSION sessmem;
DROP EXTENSION sessmem;
DROP SCHEMA sessmem;

CREATE EXTENSION sessmem;
-- Superusers look past row security in these tests; where they must not, it is reset.
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET sessmem.maintenance = 'regression tests';
SELECT sessmem.grant_app('regress_sessmem_app');
SELECT sessmem.grant_issuer('regress_sessmem_issuer');
SELECT sessmem.grant_admin('regress_sessmem_admin');

-- every function, table, view, column that is not obvious, and type is explained
SELECT p.oid::regprocedure FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass FROM pg_class AS c
	WHERE c.relnamespace = 'sessmem'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL;

GRANT CREATE ON SCHEMA public TO regress_sessmem_owner;
CREATE EXTENSION pgcrypto SCHEMA public;

-- An issuer outside of the database, with a shared secret.
CREATE FUNCTION b64url(b bytea) RETURNS text LANGUAGE sql AS
	$$ SELECT translate(encode(b, 'base64'), E'+/=\n', '-_') $$;
CREATE FUNCTION test_secret() RETURNS bytea LANGUAGE sql AS
	$$ SELECT convert_to('0123456789abcdef0123456789abcdef', 'UTF8') $$;
SELECT sessmem.import_key(jsonb_build_object('kty', 'oct', 'kid', 'test', 'k', b64url(test_secret())));

-- A token with any header and any claims, correctly signed.
CREATE FUNCTION mint(claims text, header text DEFAULT '{"alg":"HS256","kid":"test"}') RETURNS text LANGUAGE sql AS $$
	SELECT d || '.' || b64url(hmac(convert_to(d, 'UTF8'), test_secret(), 'sha256'))
	FROM (SELECT b64url(convert_to(header, 'UTF8')) || '.' || b64url(convert_to(claims, 'UTF8')) AS d) AS s $$;

-- A good token; the lifetime may be negative.
CREATE FUNCTION token(sid text, sub text DEFAULT NULL, tid text DEFAULT NULL, ttl interval DEFAULT '1 hour') RETURNS text LANGUAGE sql AS $$
	SELECT mint(jsonb_strip_nulls(jsonb_build_object('sid', sid, 'sub', sub, 'tid', tid, 'aud', current_database(),
		'exp', extract(epoch FROM clock_timestamp() + ttl)))::text) $$;

-- The header (1) or claims (2) of a token.
CREATE FUNCTION jwt_part(token text, n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(translate(p, '-_', '+/') || repeat('=', (4 - length(p) % 4) % 4), 'base64'), 'UTF8')::jsonb
	FROM split_part(token, '.', n) AS p $$;

-- What binding with a token answers.
CREATE FUNCTION try_bind(token text, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	answer := 'bound: ' || sessmem.bind(token);
	RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
EXCEPTION
	WHEN SQLSTATE 'ZZ000' THEN NULL;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		answer := SQLSTATE || ' ' || SQLERRM || ': ' || detail;
END $$;
