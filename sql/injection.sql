-- Hostile names and values: none of them is ever taken for SQL, a format or a separator.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
CREATE SCHEMA "a"";DROP TABLE canary;--";
CREATE TABLE canary (id int);
\set schema '"a"";DROP TABLE canary;--"'
CREATE TABLE :schema."t'); DROP TABLE canary; --" (
	id bigserial PRIMARY KEY,
	"k"" = '' OR true; --" text,
	"%I %s $1 \" text,
	content text);
\set table '"a"";DROP TABLE canary;--"."t''); DROP TABLE canary; --"'
SELECT sessmem.protect(:'table', session_column => 'k" = '''' OR true; --', user_column => '%I %s $1 \');
SELECT session_column, user_column FROM sessmem.protected_table;
GRANT USAGE ON SCHEMA :schema TO regress_sessmem_app;
GRANT ALL ON :table TO regress_sessmem_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA :schema TO regress_sessmem_app;
SELECT token(E''' OR true; --\n|1:x|"\\', '%s %n $1') AS s1, token('s2', 'alice') AS s2 \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO :table (content) VALUES ('mine') RETURNING *;
SELECT * FROM :table;
SELECT content FROM sessmem.recall(NULL::"a"";DROP TABLE canary;--"."t'); DROP TABLE canary; --", order_by => 'k" = '''' OR true; --');
SELECT sessmem.session_id(), sessmem.user_id(), current_setting('sessmem.session_id');
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM :table;
INSERT INTO :table ("%I %s $1 \") VALUES ('%s%s%s%s%n');
ROLLBACK;
RESET SESSION AUTHORIZATION;
ALTER TABLE :table RENAME "%I %s $1 \" TO "x'y";
SELECT session_column, user_column FROM sessmem.protected_table;
ALTER TABLE :table RENAME TO "100%s";
-- errors carry the name as it is, and nothing of a row
SET sessmem.maintenance = '';
TRUNCATE :schema."100%s";
\set VERBOSITY terse
DELETE FROM :schema."100%s";
\set VERBOSITY default
ALTER TABLE :schema."100%s" RENAME TO "%n'";
RESET sessmem.maintenance;
BEGIN;
SELECT sessmem.bind(:'s2');
DELETE FROM :schema."100%s";
ROLLBACK;
SELECT sessmem.retire_key('%s'' OR true; --');
SELECT sessmem.create_key('%s'' OR true; --');
SELECT sessmem.retire_key('%s'' OR true; --');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","kid":"\" OR true; --","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
SELECT sessmem.unprotect(:'schema' || '."100%s"');
SELECT count(*) FROM canary;

-- operators and functions of the same names, first in the search_path of whoever calls
CREATE SCHEMA evil AUTHORIZATION regress_sessmem_app;
CREATE FUNCTION evil.always(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.= (FUNCTION = evil.always, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR evil.<> (FUNCTION = evil.always, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP TABLE public.canary' $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'shadowed'; END $$;
CREATE TABLE guarded (id bigserial PRIMARY KEY, session_id text);
SET search_path = evil, pg_catalog, public;
SELECT sessmem.create_key('made under an evil path');
SELECT sessmem.protect('guarded');
RESET search_path;
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'guarded'::regclass;
GRANT ALL ON guarded TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE guarded_id_seq TO regress_sessmem_app;
BEGIN;
SELECT sessmem.assume('s1');
INSERT INTO guarded DEFAULT VALUES;
COMMIT;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(token('s2'));
SET LOCAL search_path = evil, pg_catalog, public;
SELECT count(*) FROM guarded;
SELECT count(*) FROM sessmem.recall(NULL::guarded);
INSERT INTO guarded (session_id) VALUES ('s1');
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM canary;
DROP SCHEMA evil CASCADE;
DROP TABLE guarded, canary;
DROP SCHEMA :schema CASCADE;
