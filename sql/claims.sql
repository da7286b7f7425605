-- Claims: the getters and settings, and keys in the type of their column.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
GRANT CREATE ON SCHEMA public TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT token('a', 'alice', 'acme') AS a \gset

-- in the type of a key column, and only from its canonical form
CREATE FUNCTION keys(sid text, OUT as_text text, OUT as_uuid uuid, OUT as_bigint bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM sessmem.bind(token(sid));
	as_text := sessmem.session_id(NULL::text);
	as_uuid := sessmem.session_id(NULL::uuid);
	as_bigint := sessmem.session_id(NULL::bigint);
END $$;
SELECT * FROM keys('f81d4fae-7dec-11d0-a765-00a0c91e6bf6');
SELECT * FROM keys('F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6');
SELECT * FROM keys('{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}');
SELECT * FROM keys('7');
SELECT * FROM keys('-9223372036854775808');
SELECT * FROM keys('9223372036854775808');
SELECT * FROM keys('07');
SELECT * FROM keys('+7');
SELECT * FROM keys(' 7');
SELECT * FROM keys('-0');
SELECT * FROM keys('-');
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.user_id(NULL::varchar), sessmem.tenant_id(NULL::uuid);
-- fail: another type
SELECT sessmem.session_id(NULL::int4);
ROLLBACK;

-- without a session every one of them is NULL, and the settings are empty
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(), sessmem.session_id(NULL::uuid), sessmem.user_id(NULL::bigint);
SELECT current_setting('sessmem.session_id') || current_setting('sessmem.user_id') || current_setting('sessmem.tenant_id') = '' AS empty;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_sessmem_app;
