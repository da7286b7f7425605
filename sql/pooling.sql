-- One backend, several users: what a session leaves on it is gone for the next.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
CREATE TABLE messages (id bigserial PRIMARY KEY, session_id text, content text);
SELECT sessmem.protect('messages');
GRANT ALL ON messages TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
CREATE SCHEMA plugin AUTHORIZATION regress_sessmem_app;
SELECT token('s1') AS s1, token('s2') AS s2 \gset
SET SESSION AUTHORIZATION regress_sessmem_app;

-- a session's own things are there in its next transaction, those made before bind(), too
BEGIN;
SELECT sessmem.bind(:'s1');
COMMIT;
BEGIN;
CREATE TEMP TABLE cache (content text);
PREPARE p AS SELECT 'of s1';
SELECT sessmem.bind(:'s1');
INSERT INTO cache VALUES ('of s1');
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS $$ SELECT 'of s1' $$;
CREATE TYPE pg_temp.ty AS (a int);
INSERT INTO messages (content) VALUES ('x');
SELECT pg_advisory_lock(4711);
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT * FROM cache;
EXECUTE p;
SELECT lastval() IS NOT NULL AS lastval, (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks;
COMMIT;

-- temporary tables, functions, types; statements; locks; sequences: gone for the next
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema();
SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema();
SELECT count(*) FROM pg_type WHERE typnamespace = pg_my_temp_schema();
SELECT count(*) FROM pg_prepared_statements WHERE from_sql;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SAVEPOINT s;
SELECT lastval();
ROLLBACK TO s;
SELECT currval('messages_id_seq');
ROLLBACK;

-- a rollback brings temporary tables back, and the next bind drops them again
BEGIN;
SELECT sessmem.bind(:'s1');
COMMIT;
BEGIN;
CREATE TEMP TABLE cache AS SELECT 'of s1' AS content;
SELECT sessmem.bind(:'s1');
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_class WHERE relname = 'cache';
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT sessmem.bind(:'s2');
ROLLBACK TO s;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_class WHERE relname = 'cache';
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT sessmem.bind(:'s2');
ROLLBACK TO s;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_class WHERE relname = 'cache';
COMMIT;

-- planted without a session, or in a failed transaction: shadowing the real table
BEGIN;
SELECT sessmem.bind(:'s2');
COMMIT;
CREATE TEMP TABLE messages (session_id text, content text);
BEGIN;
SELECT sessmem.bind(:'s2');
INSERT INTO messages (content) VALUES ('where does it go');
COMMIT;
SELECT content FROM sessmem.recall(NULL::messages, 1, token => :'s2');
BEGIN;
SELECT sessmem.bind(:'s1');
COMMIT;
BEGIN;
PREPARE left_by_failure AS SELECT 1;
SELECT sessmem.bind(:'s1');
EXECUTE left_by_failure;
SELECT 1/0;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_prepared_statements WHERE name = 'left_by_failure';
COMMIT;

-- a cursor with hold of an unbound client
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT 'planted';
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT count(*) FROM pg_cursors WHERE is_holdable;
COMMIT;

-- a planted search_path: the connection's own comes back for as long as the session lasts
CREATE TABLE plugin.messages (session_id text, content text);
SET search_path = plugin, public;
BEGIN;
SELECT sessmem.bind(:'s1');
SHOW search_path;
SELECT 'messages'::regclass = 'public.messages'::regclass AS the_real_one;
SET LOCAL search_path = pg_catalog;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s1');
SHOW search_path;
ROLLBACK;
SHOW search_path;
SELECT sessmem.attach(:'s1');
SHOW search_path;
BEGIN;
SHOW search_path;
COMMIT;
SELECT sessmem.detach();
-- recall with a token, too, but only within
SET search_path = plugin, public;
SELECT content FROM sessmem.recall(NULL::public.messages, 1, token => :'s1');
SHOW search_path;
RESET search_path;

-- attach and detach
SELECT sessmem.attach(:'s1');
BEGIN;
SELECT sessmem.unbind();
CREATE TEMP TABLE cache (content text);
COMMIT;
INSERT INTO cache VALUES ('of s1');
SELECT * FROM cache;
SELECT sessmem.attach(:'s2');
SELECT count(*) FROM pg_class WHERE relname = 'cache';
BEGIN;
SELECT sessmem.unbind();
CREATE TEMP TABLE cache (content text);
COMMIT;
INSERT INTO cache VALUES ('of s2');
SELECT sessmem.detach();
SELECT count(*) FROM pg_class WHERE relname = 'cache';

-- an attached session keeps its things, and does not come back after another
SELECT sessmem.attach(:'s1');
BEGIN;
SELECT sessmem.unbind();
CREATE TEMP TABLE cache (content text);
CREATE TEMP TABLE more (i int);
COMMIT;
INSERT INTO cache VALUES ('of s1');
SET enable_seqscan = on;
BEGIN;
COMMIT;
SELECT content, (SELECT count(*) FROM more) FROM cache;
BEGIN;
SELECT 1/0;
ROLLBACK;
SELECT content FROM cache;
BEGIN;
SELECT sessmem.unbind();
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM pg_class WHERE relname IN ('cache', 'more');
CREATE FUNCTION pg_temp.of_s2() RETURNS int LANGUAGE sql AS 'SELECT 2';
COMMIT;
SELECT sessmem.session_id();
SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema();
CREATE TEMP TABLE messages (session_id text, content text);
BEGIN;
SELECT sessmem.unbind();
SELECT sessmem.bind(:'s2');
SELECT 'messages'::regclass = 'public.messages'::regclass AS the_real_one;
COMMIT;
SELECT sessmem.detach();

-- a statement that is running when it should go is looked at again
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM sessmem.recall(NULL::messages, token => :'s1');
SELECT count(*) FROM pg_cursors;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT sessmem.status();
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT count(*) FROM pg_cursors WHERE is_holdable;
COMMIT;

-- channels
LISTEN planted;
BEGIN;
SELECT sessmem.bind(:'s2');
COMMIT;
SELECT * FROM pg_listening_channels();

-- fail: what must go may have been looked up already, by EXECUTE or a function
PREPARE p(text) AS SELECT $1, count(*) FROM messages;
BEGIN;
EXECUTE p(sessmem.bind(:'s1'));
ROLLBACK;
PREPARE b(text) AS SELECT sessmem.bind($1);
BEGIN;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE b(:'s1');
ROLLBACK;
BEGIN;
DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT generate_series(1, 20);
COMMIT;
SELECT set_config('test.token', :'s1', false) IS NOT NULL AS set;
DO $$
DECLARE
	c refcursor := 'h';
	r record;
BEGIN
	FETCH ABSOLUTE length(sessmem.attach(current_setting('test.token'))) FROM c INTO r;
END $$;
-- a SELECT of its own does it
BEGIN;
SELECT sessmem.bind(:'s1') = 's1' AS bound;
SELECT (SELECT count(*) FROM pg_cursors WHERE is_holdable) + (SELECT count(*) FROM pg_prepared_statements WHERE from_sql) AS left_over;
COMMIT;

-- fail: what must go is in use, and so the session is not bound
BEGIN;
CREATE TEMP TABLE busy AS SELECT generate_series(1, 3) AS i;
DECLARE c CURSOR FOR SELECT * FROM busy;
FETCH 1 FROM c;
SELECT sessmem.bind(:'s2');
ROLLBACK;
SELECT sessmem.status();
RESET SESSION AUTHORIZATION;
DROP SCHEMA plugin CASCADE;
DROP TABLE messages;
