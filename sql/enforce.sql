-- What the hooks refuse: the table at the top of enforce.c.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
CREATE TABLE messages (id bigserial PRIMARY KEY, session_id text, content text);
CREATE TABLE unprotected (id int);
CREATE VIEW glimpse WITH (security_invoker) AS SELECT * FROM messages;
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT, UPDATE, DELETE ON messages, unprotected, glimpse TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
SELECT token('s1') AS s1, token('s2') AS s2 \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO messages (content) SELECT 'one ' || i FROM generate_series(1, 5) AS i;
COMMIT;

-- a cursor goes on while its session is in force
BEGIN;
SELECT sessmem.bind(:'s1');
SET LOCAL enable_seqscan = off;
DECLARE c CURSOR FOR SELECT content FROM messages;
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
-- fail: resumed cursor
SELECT sessmem.unbind();
FETCH 1 FROM c;
ROLLBACK TO s;
SELECT sessmem.session_id();
ROLLBACK;
BEGIN;
SELECT sessmem.bind(token('s1', ttl => '1 s'));
DECLARE c CURSOR FOR SELECT content FROM messages;
FETCH 1 FROM c;
SELECT pg_sleep(1.1);
FETCH 1 FROM c;
COMMIT;
-- one that was opened before the session sees it, and no other
BEGIN;
SET LOCAL enable_seqscan = off;
DECLARE c CURSOR FOR SELECT content FROM messages;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT sessmem.bind(:'s1');
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
ROLLBACK;

-- fail: with hold; without a session there is nothing to hold
BEGIN;
SELECT sessmem.bind(:'s1');
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM messages;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM messages;
COMMIT;
FETCH 1 FROM c;
CLOSE c;

-- fail: held after all
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT sessmem.unbind();
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM messages;
SELECT sessmem.bind(:'s1');
COMMIT;
SELECT count(*) FROM pg_cursors;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM messages;
SELECT sessmem.bind(:'s1');
FETCH 1 FROM c;
ROLLBACK;
DECLARE c CURSOR WITH HOLD FOR SELECT content FROM sessmem.recall(NULL::messages, token => :'s1');
SELECT count(*) FROM pg_cursors;

-- fail: loop over a commit
CREATE PROCEDURE pg_temp.carry(a text, b text) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	PERFORM sessmem.bind(a);
	FOR r IN SELECT content FROM messages LOOP
		RAISE NOTICE '% under %', r.content, sessmem.session_id();
		COMMIT;
		PERFORM sessmem.bind(b);
	END LOOP;
END $$;
CALL pg_temp.carry(:'s1', :'s2');
-- an attached session outlives the commit
SELECT sessmem.attach(:'s1');
DO $$
DECLARE
	r record;
	n int := 0;
BEGIN
	FOR r IN SELECT content FROM messages LOOP
		n := n + 1;
		COMMIT;
	END LOOP;
	RAISE NOTICE '% rows', n;
END $$;
SELECT sessmem.detach();

-- fail: lock while bound
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
LOCK TABLE messages IN ACCESS EXCLUSIVE MODE;
ROLLBACK TO s;
LOCK TABLE unprotected IN SHARE MODE;
ROLLBACK TO s;
LOCK TABLE glimpse;
ROLLBACK TO s;
LOCK TABLE messages IN ROW EXCLUSIVE MODE;
SELECT count(*) FROM (SELECT FROM messages FOR UPDATE) AS own_rows;
COMMIT;
-- fail: lock unbound
BEGIN;
LOCK TABLE messages;
ROLLBACK;
BEGIN;
LOCK TABLE unprotected, messages IN SHARE MODE;
ROLLBACK;
BEGIN;
LOCK TABLE glimpse;
ROLLBACK;
BEGIN;
LOCK TABLE unprotected;
COMMIT;

-- fail: alter role
ALTER ROLE regress_sessmem_app PASSWORD 'x';
ALTER ROLE regress_sessmem_app SET search_path = 'x';
ALTER ROLE CURRENT_USER SET search_path = 'x';
ALTER USER SESSION_USER RESET ALL;
ALTER ROLE regress_sessmem_app RENAME TO regress_sessmem_x;
DO $$ BEGIN EXECUTE 'ALTER ROLE regress_sessmem_app SET work_mem = 64'; END $$;
SELECT rolpassword, rolconfig FROM pg_roles WHERE rolname = 'regress_sessmem_app';
-- of a role that is no application's it is nobody's business
SET SESSION AUTHORIZATION regress_sessmem_nobody;
ALTER ROLE regress_sessmem_nobody SET search_path = 'x';
ALTER ROLE regress_sessmem_nobody RESET ALL;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_sessmem_app SET statement_timeout = '1h';
ALTER ROLE regress_sessmem_app RESET ALL;
BEGIN;
LOCK TABLE messages;
COMMIT;
DROP TABLE messages, unprotected CASCADE;

-- fail: leftovers of a session
CREATE TABLE messages (id bigserial, session_id text, content text, PRIMARY KEY (session_id, id));
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT ON messages TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
CREATE TEMP TABLE kept (content text);
ROLLBACK TO s;
CREATE TABLE pg_temp.kept AS SELECT content FROM messages;
ROLLBACK TO s;
SET LOCAL search_path = pg_temp;
SELECT content INTO kept FROM public.messages;
ROLLBACK TO s;
DO $$ BEGIN CREATE TEMP TABLE kept ON COMMIT DELETE ROWS AS SELECT content FROM messages; END $$;
ROLLBACK TO s;
PREPARE kept AS SELECT 'what I was told';
ROLLBACK TO s;
CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT content FROM messages;
SELECT sessmem.unbind();
CREATE TEMP TABLE kept AS SELECT * FROM gone;
ROLLBACK;
-- fail: load
BEGIN;
SELECT sessmem.bind(:'s1');
LOAD 'plpgsql';
ROLLBACK;
-- fail: terminate
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE false;
SELECT pg_cancel_backend(0);
DO $$ BEGIN PERFORM pg_cancel_backend(0); END $$;
SET SESSION AUTHORIZATION regress_sessmem_nobody;
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE false;
-- fail: explain analyze
SET SESSION AUTHORIZATION regress_sessmem_app;
PREPARE q AS SELECT content FROM messages;
EXPLAIN (COSTS off) SELECT content FROM messages;
EXPLAIN ANALYZE SELECT content FROM messages;
EXPLAIN (ANALYZE true, COSTS off) EXECUTE q;
EXPLAIN ANALYZE SELECT * FROM sessmem.recall(NULL::messages);
EXPLAIN ANALYZE SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]');
EXPLAIN (ANALYZE off, COSTS off) SELECT content FROM messages;
DO $$ BEGIN EXECUTE 'EXPLAIN ANALYZE SELECT 1'; END $$;
RESET SESSION AUTHORIZATION;
SET sessmem.explain_analyze = on;
SET ROLE regress_sessmem_app;
DO $$ BEGIN EXECUTE 'EXPLAIN ANALYZE EXECUTE q'; END $$;
RESET ROLE;
DROP TABLE messages;
