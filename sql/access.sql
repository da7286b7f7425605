-- The second enforcement: the table at the top of access.c, and the floor.
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION regress_sessmem_dba;
TRUNCATE sessmem.session;
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_sessmem_bypass;
RESET client_min_messages;
CREATE ROLE regress_sessmem_bypass BYPASSRLS LOGIN;
CREATE TABLE messages (id bigserial, session_id text, content text, PRIMARY KEY (session_id, id));
CREATE TABLE events (id bigserial, session_id text, content text) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events DEFAULT;
ALTER TABLE messages OWNER TO regress_sessmem_owner;
ALTER TABLE events OWNER TO regress_sessmem_owner;
ALTER TABLE events_1 OWNER TO regress_sessmem_owner;
ALTER TABLE messages ALTER content SET STORAGE EXTERNAL;
INSERT INTO messages (session_id, content) VALUES ('s1', 'of s1'), ('s2', 'CANARY'), ('s2', repeat('CANARY', 1000));
INSERT INTO events (session_id, content) VALUES ('s1', 'of s1'), ('s2', 'CANARY');
SELECT sessmem.protect('messages');
SELECT sessmem.protect('events');
CREATE TABLE plain (id int);
GRANT SELECT, INSERT, UPDATE, DELETE ON messages, events, events_1, plain TO regress_sessmem_app, regress_sessmem_bypass, pg_monitor;
SELECT token('s1') AS s1 \gset
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'messages'::regclass \gset
CREATE VIEW over_all AS SELECT content FROM messages;
CREATE VIEW of_the_invoker WITH (security_invoker) AS SELECT content FROM messages;
CREATE VIEW over_that AS SELECT * FROM of_the_invoker;
CREATE MATERIALIZED VIEW kept AS SELECT content FROM messages WITH NO DATA;
CREATE FUNCTION helper() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT content FROM messages';
GRANT SELECT ON over_all, of_the_invoker, over_that TO regress_sessmem_app;
ANALYZE messages;

-- a role that row security applies to
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT content FROM messages UNION ALL SELECT content FROM events UNION ALL SELECT content FROM events_1 UNION ALL SELECT content FROM of_the_invoker;
-- fail: view
SAVEPOINT s;
SELECT * FROM over_all;
ROLLBACK TO s;
SELECT * FROM over_that;
ROLLBACK TO s;
-- fail: function
SELECT * FROM helper();
ROLLBACK TO s;
-- an unused one is no harm
SELECT 1 FROM plain WHERE EXISTS (SELECT FROM events);
ROLLBACK;
-- not in a prepared statement, either
PREPARE p AS SELECT * FROM over_all;
EXECUTE p;
SET SESSION AUTHORIZATION regress_sessmem_dba;

-- fail: bypassing role, with a session or without
SET SESSION AUTHORIZATION regress_sessmem_bypass;
SELECT * FROM messages;
COPY messages TO stdout;
INSERT INTO messages (session_id) VALUES ('s2');
UPDATE events_1 SET content = 'x';
DELETE FROM events;
SELECT * FROM plain WHERE id IN (SELECT id FROM events);
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = '';
COPY messages (session_id) FROM '/dev/null';
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
SELECT * FROM messages;
ROLLBACK TO s;
SELECT * FROM sessmem.recall(NULL::messages);
ROLLBACK;
REFRESH MATERIALIZED VIEW kept;
SELECT query_to_xml('SELECT * FROM messages', false, false, '');

-- fail: in a parallel worker
CREATE FUNCTION in_worker() RETURNS text LANGUAGE plpgsql PARALLEL SAFE SECURITY DEFINER AS $$ BEGIN RETURN (SELECT string_agg(left(content, 10), ', ') FROM messages); END $$;
SELECT set_config(name, 'on', false) AS parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT in_worker();
SET SESSION AUTHORIZATION regress_sessmem_dba;
SELECT set_config(name, 'off', false) AS parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET sessmem.maintenance = '';
DROP FUNCTION in_worker;
-- fail: toast, whoever asks
SELECT * FROM :toast;
GRANT pg_read_all_data TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM :toast;
-- fail: statistics
SELECT count(*) FROM pg_statistic;
SELECT count(*) FROM pg_statistic_ext_data;
SELECT count(*) FROM pg_stats WHERE tablename = 'messages';
SET SESSION AUTHORIZATION regress_sessmem_dba;
REVOKE pg_read_all_data FROM regress_sessmem_app;
SELECT count(*) FROM pg_stats;
SET SESSION AUTHORIZATION regress_sessmem_bypass;
SELECT count(*) FROM pg_stats;
SET SESSION AUTHORIZATION regress_sessmem_dba;

-- fail: not forced, disabled, for the owner and for others
SET sessmem.maintenance = 'weaken';
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_sessmem_owner;
SELECT * FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'weaken';
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'repair';
SELECT sessmem.protect('messages');

-- the floor: what is not in the catalog holds all the same
DROP POLICY sessmem_restrictive ON messages;
DROP POLICY sessmem_permissive ON messages;
CREATE POLICY everything ON messages USING (true);
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM messages;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT content FROM messages;
UPDATE messages SET session_id = 's2';
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'repair';
DROP POLICY everything ON messages;
CREATE POLICY sessmem_restrictive ON messages AS RESTRICTIVE USING (session_id IS NOT NULL);
CREATE POLICY sessmem_permissive ON messages USING (true);
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'repair';
SELECT sessmem.protect('messages');
SELECT p.relation, p.accepted FROM sessmem.protected_table AS p ORDER BY 1;

-- at once, and without the event triggers
ALTER EVENT TRIGGER sessmem_after_ddl DISABLE;
ALTER EVENT TRIGGER sessmem_after_drop DISABLE;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
DROP POLICY sessmem_restrictive ON messages;
CREATE POLICY everything ON messages USING (true);
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
DROP POLICY everything ON messages;
ALTER EVENT TRIGGER sessmem_after_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER sessmem_after_drop ENABLE ALWAYS;
SET client_min_messages = error;
SET sessmem.maintenance = 'repair';
SELECT sessmem.protect('messages');
RESET client_min_messages;

-- fail: exposed by a parent that is not protected
CREATE TABLE parent (id bigint NOT NULL, session_id text NOT NULL, content text);
GRANT SELECT ON parent TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'weaken';
ALTER TABLE messages INHERIT parent;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM parent;
SELECT content FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'repair';
ALTER TABLE messages NO INHERIT parent;

-- foreign keys work; what runs below their queries has no part in it
SET SESSION AUTHORIZATION regress_sessmem_owner;
CREATE TABLE seen (what text);
CREATE TABLE person (id int PRIMARY KEY);
INSERT INTO person VALUES (1);
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'protect';
CREATE TABLE note (id bigint GENERATED BY DEFAULT AS IDENTITY, session_id text, person int REFERENCES person ON DELETE CASCADE,
	message bigint, PRIMARY KEY (session_id, id), FOREIGN KEY (session_id, message) REFERENCES messages (session_id, id));
ALTER TABLE note OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('note');
SELECT id AS own FROM messages WHERE session_id = 's1' \gset
BEGIN;
SELECT sessmem.bind(:'s1');
SET LOCAL ROLE regress_sessmem_owner;
INSERT INTO note (person, message) VALUES (1, :own);
SAVEPOINT s;
INSERT INTO note (person, message) VALUES (1, 12345);
ROLLBACK TO s;
DELETE FROM messages WHERE id = :own;
ROLLBACK TO s;
DELETE FROM person;
SELECT count(*) FROM note;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s1');
SET LOCAL ROLE regress_sessmem_owner;
INSERT INTO note (person) VALUES (1);
COMMIT;
-- so does MERGE
BEGIN;
SELECT sessmem.bind(:'s1');
SET LOCAL ROLE regress_sessmem_owner;
MERGE INTO messages AS m USING (VALUES (:own, 'merged'), (0, 'new')) AS v (id, content) ON m.id = v.id
	WHEN MATCHED THEN UPDATE SET content = v.content WHEN NOT MATCHED THEN INSERT (content) VALUES (v.content);
INSERT INTO messages (id, content) VALUES (:own, 'upsert') ON CONFLICT (session_id, id) DO UPDATE SET content = excluded.content RETURNING content;
WITH gone AS (DELETE FROM messages WHERE content = 'new' RETURNING content) SELECT * FROM gone;
ROLLBACK;
-- fail: a trigger below a cascade
SET SESSION AUTHORIZATION regress_sessmem_owner;
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO seen SELECT tablename FROM pg_stats WHERE tablename = 'messages';
	EXCEPTION WHEN insufficient_privilege THEN
		RAISE NOTICE 'refused: %', SQLERRM;
	END;
	INSERT INTO seen SELECT left(content, 10) FROM messages;
	RETURN OLD;
END $$;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'an accepted trigger';
CREATE TRIGGER look BEFORE DELETE ON note FOR EACH ROW EXECUTE FUNCTION look();
-- in maintenance, too: its plan would be kept
DELETE FROM person WHERE id = 1;
BEGIN;
SELECT sessmem.bind(:'s1');
SET LOCAL ROLE regress_sessmem_owner;
INSERT INTO note (person) VALUES (1);
SAVEPOINT s;
DELETE FROM person;
ROLLBACK TO s;
-- by itself it sees what it may
DELETE FROM note;
SELECT * FROM seen;
ROLLBACK;
DROP TRIGGER look ON note;
-- fail: what was only rewritten there
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PREPARE kept AS SELECT count(*) FROM messages;
	RETURN OLD;
END $$;
CREATE TRIGGER keep BEFORE DELETE ON note FOR EACH ROW EXECUTE FUNCTION keep();
SET SESSION AUTHORIZATION regress_sessmem_owner;
DELETE FROM person;
EXECUTE kept;
EXECUTE kept;
-- fail: what a rule adds to it
CREATE TABLE ruled (id int REFERENCES person ON DELETE CASCADE);
CREATE RULE more AS ON DELETE TO ruled DO ALSO INSERT INTO seen SELECT left(content, 10) FROM messages;
INSERT INTO person VALUES (2);
INSERT INTO ruled VALUES (2);
DELETE FROM person WHERE id = 2;
SELECT * FROM seen;
DROP TABLE ruled;
CREATE TABLE ruled (id int REFERENCES person ON DELETE CASCADE);
CREATE RULE sometimes AS ON DELETE TO ruled WHERE EXISTS (SELECT FROM messages WHERE content = 'CANARY') DO INSTEAD NOTHING;
INSERT INTO ruled VALUES (2);
DELETE FROM person WHERE id = 2;
DROP TABLE ruled;
-- fail: a function that is called while such a query is planned, or started
CREATE FUNCTION look(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE 'rows: %', (SELECT count(*) FROM public.messages);
	RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
	RAISE NOTICE '%', SQLERRM;
	RETURN true;
END $$;
CREATE TABLE loose (id int REFERENCES person ON DELETE CASCADE);
SET client_min_messages = warning;
CREATE INDEX ON loose (id) WHERE look(1);
INSERT INTO loose VALUES (1);
SET SESSION AUTHORIZATION regress_sessmem_dba;
DROP TRIGGER keep ON note;
TRUNCATE note;
\c -
SET SESSION AUTHORIZATION regress_sessmem_owner;
DELETE FROM person;
SET SESSION AUTHORIZATION regress_sessmem_dba;
-- a new foreign key is checked by the one who adds it
SET sessmem.maintenance = '';
CREATE TABLE later (session_id text, message bigint);
ALTER TABLE later ADD FOREIGN KEY (session_id, message) REFERENCES messages (session_id, id);
SET sessmem.maintenance = 'clean up';
DROP TABLE later;
DROP TABLE parent, plain, note, person, loose, seen, messages, events CASCADE;
DROP FUNCTION helper, look(), look(int), keep();

-- estimates do not tell what is in other sessions' rows
CREATE TABLE turn (id bigserial, session_id text, kind text, content text, PRIMARY KEY (session_id, id));
INSERT INTO turn (session_id, kind, content) SELECT CASE i % 2 WHEN 0 THEN 's2' ELSE 's' || i % 10 END, CASE WHEN i < 900 THEN 'common' ELSE 'rare' END, repeat('x', i) FROM generate_series(1, 1000) AS i;
CREATE STATISTICS turn_both ON session_id, kind FROM turn;
CREATE INDEX turn_lower ON turn (lower(kind));
SELECT sessmem.protect('turn');
ANALYZE turn;
GRANT SELECT ON turn TO regress_sessmem_app;
CREATE FUNCTION estimate(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN format('%s rows of %s', plan #> '{0,Plan,Plan Rows}', plan #> '{0,Plan,Plan Width}');
END $$;
SET enable_indexscan = off; SET enable_bitmapscan = off;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT c AS condition, estimate('SELECT content FROM turn WHERE ' || c)
	FROM unnest(ARRAY['true', 'session_id = ''s2''', 'session_id = ''s3''', 'session_id = ''nobody''', 'session_id > ''s2''', 'session_id > ''z''', 'kind = ''common''', 'kind = ''rare''', 'kind = ''no such''', 'lower(kind) = ''common''', 'lower(kind) = ''no such''',
		'session_id = ''s2'' AND kind = ''common''', 'session_id = ''s2'' AND kind = ''no such''', 'kind > ''m''', 'kind > ''z''']) AS c;
SELECT estimate('SELECT FROM turn AS a JOIN turn AS b USING (kind)'), estimate('SELECT kind FROM turn GROUP BY kind'), estimate('SELECT lower(kind) FROM turn GROUP BY 1');
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_dba;
-- fail: expression
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM pg_stats WHERE tablename = 'turn_lower';
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'drop it';
DROP INDEX turn_lower;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM pg_stats WHERE tablename = 'turn_lower';
SET SESSION AUTHORIZATION regress_sessmem_dba;
-- who sees all rows sees all statistics
SET sessmem.maintenance = 'look';
SELECT estimate('SELECT content FROM turn WHERE kind = ''common''') <> estimate('SELECT content FROM turn WHERE kind = ''rare''') AS differ;
DROP TABLE turn;
DROP FUNCTION estimate;
DROP ROLE regress_sessmem_bypass;
