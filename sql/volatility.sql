-- Nothing that reads the context is IMMUTABLE, because plans outlive sessions.
TRUNCATE sessmem.session;
SELECT p.oid::regprocedure, p.provolatile, p.proparallel FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND p.provolatile = 'i';
SELECT p.oid::regprocedure AS getter, p.provolatile, p.proparallel, p.proleakproof FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND p.proname IN ('session_id', 'user_id', 'tenant_id', 'status')
	ORDER BY p.oid::regprocedure::text COLLATE "C";

CREATE TABLE messages (id bigserial PRIMARY KEY, session_id text, content text);
SELECT sessmem.protect('messages');
GRANT ALL ON messages TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
SELECT token('s1') AS s1, token('s2') AS s2 \gset
CREATE FUNCTION history() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(content, ',') FROM messages); END $$;
CREATE FUNCTION history_sql() RETURNS text LANGUAGE sql STABLE AS 'SELECT string_agg(content, '','') FROM messages';
CREATE FUNCTION counted() RETURNS SETOF bigint LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT count(*) FROM messages; END $$;
SET SESSION AUTHORIZATION regress_sessmem_app;
SET plan_cache_mode = force_generic_plan;
-- a statement of the wire protocol would survive a change of session; here it is made anew for each
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO messages (content) VALUES ('of s1');
SELECT history(), history_sql();
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
INSERT INTO messages (content) VALUES ('of s2');
SELECT history(), history_sql();
COMMIT;
SELECT history(), history_sql();
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT history(), history_sql();
COMMIT;
-- so is one that was prepared in SQL; only without a session can that be done
BEGIN;
PREPARE q AS SELECT content FROM messages;
SELECT sessmem.bind(:'s1');
EXECUTE q;
EXECUTE q;
COMMIT;
-- without a session the statement is there, and returns nothing
EXECUTE q;
BEGIN;
SELECT sessmem.bind(:'s1');
ROLLBACK;
DEALLOCATE ALL;
-- the first session of the backend drops it, as it would a planted one
PREPARE q AS SELECT content, sessmem.session_id() FROM messages;
EXECUTE q;
SELECT sessmem.attach(:'s2');
EXECUTE q;
SELECT content, sessmem.session_id() FROM messages;
SELECT sessmem.detach();
-- a plan made without a session serves one, and none again
BEGIN;
SELECT sessmem.bind(:'s2');
COMMIT;
BEGIN;
PREPARE q AS SELECT content, sessmem.session_id() FROM messages;
EXECUTE q;
SELECT sessmem.bind(:'s2');
EXECUTE q;
SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'q';
SELECT sessmem.unbind();
EXECUTE q;
COMMIT;
SELECT content FROM messages;

-- parallel workers see the leader's session, or none
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT sessmem.assume('s1');
INSERT INTO messages (content) SELECT 'row ' || i FROM generate_series(1, 4000) AS i;
COMMIT;
BEGIN;
SELECT sessmem.assume('s2');
INSERT INTO messages (content) SELECT 'row ' || i FROM generate_series(1, 5000) AS i;
COMMIT;
DROP INDEX messages_session_id_id_idx;
ANALYZE messages;
SET SESSION AUTHORIZATION regress_sessmem_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
BEGIN;
SELECT sessmem.bind(:'s1');
EXPLAIN (COSTS OFF) SELECT count(*), min(session_id), max(session_id) FROM messages;
SELECT count(*), min(session_id), max(session_id) FROM messages;
SET LOCAL parallel_leader_participation = off;
SELECT count(*), min(session_id), max(session_id) FROM messages;
SELECT count(*) FROM messages WHERE current_setting('sessmem.session_id') = 's1';
SELECT count(*) FROM sessmem.recall(NULL::messages, 10000);
SAVEPOINT s;
SELECT sessmem.unbind();
SELECT count(*) FROM messages;
ROLLBACK TO s;
SELECT count(*) FROM messages;
COMMIT;
SELECT count(*) FROM messages;
SELECT sessmem.attach(:'s2');
SELECT count(*), min(session_id), max(session_id) FROM messages;
-- nor do they see one that a savepoint brought back, and the leader may not use
SET plan_cache_mode = force_generic_plan;
SET parallel_leader_participation = off;
SELECT * FROM counted();
BEGIN;
SAVEPOINT s;
SELECT sessmem.bind(:'s1');
ROLLBACK TO s;
SELECT * FROM counted();
COMMIT;
-- what only workers have read, the transaction has used
SELECT sessmem.attach(:'s2');
BEGIN;
SELECT * FROM counted();
SELECT sessmem.bind(:'s1');
ROLLBACK;
SELECT sessmem.detach();
SET sessmem.context = 'x';
SELECT count(*) FROM messages;
RESET sessmem.context;
RESET ALL;
RESET SESSION AUTHORIZATION;
DROP FUNCTION history, history_sql, counted;
DROP TABLE messages;
