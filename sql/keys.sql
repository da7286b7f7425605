-- Keys: tables that know their session by an expression, by the beginning of a path, or by a row of another table.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
TRUNCATE sessmem.session;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO regress_sessmem_app;
SELECT token('s1', 'alice') AS s1, token('s2', 'bob') AS s2, token('s.1', 'a_ice') AS odd \gset

-- ---------- an expression: mem0 ----------

CREATE TABLE memories (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), payload jsonb);
INSERT INTO memories (payload) VALUES ('{"run_id": "s1", "data": "s1 before"}'), ('{"run_id": "s2", "data": "s2 before"}');
SELECT sessmem.protect('memories', session_key => $$payload->>'run_id'$$);
\d memories
SELECT session_id, payload->>'data' AS data FROM memories ORDER BY data;
SET SESSION AUTHORIZATION regress_sessmem_app;
-- the framework does not know the column
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO memories (payload) VALUES ('{"run_id": "s1", "data": "s1 after"}'), ('{"data": "of no run"}');
SELECT session_id, payload->>'data' AS data FROM memories ORDER BY data;
SELECT payload->>'data' AS data FROM sessmem.recall(NULL::memories, order_by => 'payload') ORDER BY 1;
COMMIT;
SELECT count(*) FROM memories;
BEGIN; SELECT sessmem.bind(:'s2'); SELECT payload->>'data' AS data FROM memories; COMMIT;
-- fail: another session's, however it is written
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
INSERT INTO memories (payload) VALUES ('{"run_id": "s2"}');
ROLLBACK TO s;
INSERT INTO memories (payload) VALUES ('{"run_id": "s1"}'), ('{"run_id": "s2"}');
ROLLBACK TO s;
UPDATE memories SET payload = '{"run_id": "s2"}';
ROLLBACK TO s;
INSERT INTO memories SELECT gen_random_uuid(), '{"run_id": "s2"}';
ROLLBACK TO s;
WITH x AS (UPDATE memories SET payload = payload || '{"run_id": "s2"}' RETURNING 1) SELECT count(*) FROM x;
ROLLBACK TO s;
MERGE INTO memories AS m USING (VALUES ('{"run_id": "s2"}'::jsonb)) AS v (p) ON m.payload = v.p WHEN NOT MATCHED THEN INSERT (payload) VALUES (v.p);
ROLLBACK TO s;
INSERT INTO memories (session_id, payload) VALUES ('s2', '{"run_id": "s2"}');
ROLLBACK TO s;
COPY memories (payload) FROM STDIN;
{"run_id": "s2"}
\.
ROLLBACK TO s;
WITH gone AS (DELETE FROM memories RETURNING payload) SELECT payload->>'data' AS data FROM gone ORDER BY 1;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT kind, relation, session_id, rule, sum(count) FROM sessmem.violations WHERE relation = 'public.memories' GROUP BY 1, 2, 3, 4 ORDER BY 4;
-- nothing weakens it, and calling again repairs
SET sessmem.maintenance = '';
DROP POLICY sessmem_agreement ON memories;
ALTER POLICY sessmem_agreement ON memories WITH CHECK (true);
RESET sessmem.maintenance;
DROP POLICY sessmem_agreement ON memories;
SELECT sessmem.weaknesses('memories');
SELECT sessmem.protect('memories');
SELECT sessmem.protect('memories', session_key => $$payload->>'run_id'$$);
SELECT sessmem.protect('memories');
SELECT sessmem.weaknesses('memories');
-- unprotected, it is as before
SELECT sessmem.unprotect('memories');
INSERT INTO memories (payload) VALUES ('{"run_id": "s3"}');
SELECT count(*) FROM pg_policy WHERE polrelid = 'memories'::regclass;
-- fail: rows that the expression says nothing of
CREATE TABLE odd (payload jsonb);
INSERT INTO odd VALUES ('{}'), ('{"run_id": ""}'), ('{"run_id": "s1"}');
SELECT sessmem.protect('odd', session_key => $$payload->>'run_id'$$);
\d odd
SELECT sessmem.protect('odd', session_key => 'no_such_column');
DROP TABLE odd;

-- ---------- a path: LangGraph's store ----------

CREATE TABLE store (prefix text NOT NULL, key text NOT NULL, value jsonb NOT NULL, PRIMARY KEY (prefix, key));
INSERT INTO store VALUES ('alice', 'k', '1'), ('alice.notes', 'k', '2'), ('alicex.notes', 'k', '3'), ('bob', 'k', '4');
SELECT sessmem.protect('store', session_column => NULL, user_column => 'user_id', prefix_column => 'prefix');
SELECT user_id, prefix FROM store ORDER BY prefix;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO store VALUES ('alice.plans', 'k', '5'), ('alice', 'k', '6') ON CONFLICT (prefix, key) DO UPDATE SET value = EXCLUDED.value;
-- a search that leaks where only the framework filters
SELECT prefix, value FROM store WHERE prefix LIKE 'alice%' ORDER BY prefix;
SAVEPOINT s;
INSERT INTO store VALUES ('alicex.notes', 'n', '7');
ROLLBACK TO s;
INSERT INTO store VALUES ('bob', 'k', '8') ON CONFLICT (prefix, key) DO UPDATE SET value = EXCLUDED.value;
ROLLBACK TO s;
INSERT INTO store VALUES ('', 'k', '8');
ROLLBACK TO s;
INSERT INTO store VALUES ('.alice', 'k', '8');
ROLLBACK TO s;
UPDATE store SET prefix = 'bob.stolen' WHERE prefix = 'alice.notes';
COMMIT;
-- no pattern is made of an id
BEGIN;
SELECT sessmem.bind(:'odd');
INSERT INTO store VALUES ('alice.notes', 'n', '9');
ROLLBACK;
RESET SESSION AUTHORIZATION;
-- fail
SELECT sessmem.protect('memories', prefix_column => 'payload', separator => '');
SELECT sessmem.protect('memories', prefix_column => 'nowhere');

-- ---------- children: by their parent ----------

CREATE TABLE "Chat" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "userId" text, title text);
CREATE TABLE "Message" (id serial PRIMARY KEY, "chatId" uuid NOT NULL REFERENCES "Chat", parts text);
CREATE TABLE "Vote" ("chatId" uuid REFERENCES "Chat", "messageId" int REFERENCES "Message", up boolean);
INSERT INTO "Chat" VALUES ('00000000-0000-4000-8000-00000000000a', 'alice', 'of alice'), ('00000000-0000-4000-8000-00000000000b', 'bob', 'of bob');
INSERT INTO "Message" ("chatId", parts) SELECT id, title FROM "Chat" ORDER BY id;
-- children first: while their parent is not protected, its rows tell whose they are
SELECT sessmem.protect('"Message"', NULL, '"userId"', parent => 'chatId');
SELECT sessmem.protect('"Message"', NULL, 'userId', parent => 'chatId');
SELECT sessmem.protect('"Vote"', NULL, 'userId', parent => 'messageId');
SELECT sessmem.protect('"Chat"', NULL, 'userId');
GRANT USAGE ON SEQUENCE "Message_id_seq" TO regress_sessmem_app;
SELECT "userId", parts FROM "Message" ORDER BY id;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
-- the framework mints the id of the chat
INSERT INTO "Chat" (title) VALUES ('new') RETURNING id AS chat \gset
INSERT INTO "Message" ("chatId", parts) VALUES (:'chat', 'hello');
SELECT parts FROM "Message" ORDER BY id;
SAVEPOINT s;
-- fail: a message in somebody else's chat
INSERT INTO "Message" ("chatId", parts) VALUES ('00000000-0000-4000-8000-00000000000b', 'hello');
ROLLBACK TO s;
UPDATE "Message" SET "chatId" = '00000000-0000-4000-8000-00000000000b';
ROLLBACK TO s;
INSERT INTO "Vote" VALUES ('00000000-0000-4000-8000-00000000000b', 2, true);
ROLLBACK TO s;
INSERT INTO "Vote" VALUES (:'chat', 1, true);
COMMIT;
BEGIN; SELECT sessmem.bind(:'s2'); SELECT parts FROM "Message"; SELECT count(*) FROM "Vote"; COMMIT;
RESET SESSION AUTHORIZATION;
-- fail: no foreign key
SELECT sessmem.protect('memories', parent => 'id');
-- fail: rows whose parent cannot tell any more, but in maintenance
SET sessmem.maintenance = '';
CREATE TABLE remark (id int, "chatId" uuid REFERENCES "Chat");
INSERT INTO remark VALUES (1, '00000000-0000-4000-8000-00000000000b');
SELECT sessmem.protect('remark', NULL, 'userId', parent => 'chatId');
RESET sessmem.maintenance;
SELECT sessmem.protect('remark', NULL, 'userId', parent => 'chatId');

-- what is pending in the caller's transaction stays his: it does not run as somebody else
CREATE TABLE pending (id int);
CREATE TABLE plain (payload jsonb);
CREATE FUNCTION tell_who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER tell_who AFTER INSERT ON pending DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell_who();
ALTER TABLE pending OWNER TO regress_sessmem_admin;
ALTER TABLE plain OWNER TO regress_sessmem_admin;
SET SESSION AUTHORIZATION regress_sessmem_admin;
BEGIN;
INSERT INTO plain VALUES ('{"run_id": "s1"}');
INSERT INTO pending VALUES (1);
SELECT sessmem.protect('plain', session_key => $$payload->>'run_id'$$);
COMMIT;
BEGIN;
INSERT INTO pending VALUES (2);
SELECT * FROM sessmem.sweep();
INSERT INTO pending VALUES (3);
SELECT sum(deleted) FROM sessmem.forget_user('nobody at all');
COMMIT;
RESET SESSION AUTHORIZATION;
DROP TABLE pending, plain;
DROP FUNCTION tell_who;
REVOKE EXECUTE ON FUNCTION sessmem.guard(), sessmem.guard_truncate() FROM regress_sessmem_admin;
-- nor does a repair believe names that others have now
CREATE TABLE root (id int PRIMARY KEY, user_id text);
CREATE TABLE leaf (root int REFERENCES root);
SELECT sessmem.protect('leaf', NULL, 'user_id', parent => 'root');
SELECT sessmem.protect('root', NULL, 'user_id');
ALTER TABLE root RENAME id TO pk;
ALTER TABLE root ADD COLUMN id int;
SELECT sessmem.protect('leaf', NULL, 'user_id');
SELECT sessmem.protect('leaf', NULL, 'user_id', parent => 'root');
SELECT agreement FROM sessmem.protected_table WHERE name = 'public.leaf';
DROP TABLE leaf, root;
-- the application cannot plant a violation of what it did not write
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.agrees(false, 'pg_class'), sessmem.agrees(false, NULL), sessmem.agrees(NULL, 'memories');
RESET SESSION AUTHORIZATION;
-- a key that is there, of another type
CREATE TABLE typed (session_id uuid NOT NULL, payload jsonb);
SELECT sessmem.protect('typed', session_key => $$payload->>'run_id'$$);
DROP TABLE typed;

-- partitions agree, too, also new ones
CREATE TABLE parted (at date, payload jsonb) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT sessmem.protect('parted', session_key => $$payload->>'run_id'$$);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
SELECT relation, agreement FROM sessmem.protected_table WHERE name ~ 'parted' ORDER BY name;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO parted VALUES ('2026-05-05', '{"run_id": "s1"}'), ('2027-05-05', '{}');
SAVEPOINT s;
INSERT INTO parted VALUES ('2027-05-05', '{"run_id": "s2"}');
ROLLBACK TO s;
INSERT INTO parted_2 VALUES ('2027-05-05', '{"run_id": "s2"}');
ROLLBACK;
RESET SESSION AUTHORIZATION;

RESET client_min_messages;
SET client_min_messages = warning;
DROP TABLE memories, store, "Chat", "Message", "Vote", remark, parted;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM regress_sessmem_app;
