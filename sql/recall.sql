-- recall(): the newest rows of the session in force, and nothing else for anybody.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
CREATE TABLE messages (id bigserial PRIMARY KEY, junk int, session_id text, content text, at timestamptz);
ALTER TABLE messages DROP COLUMN junk;
SELECT sessmem.protect('messages');
GRANT ALL ON messages TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
SELECT token('s1') AS s1, token('s2') AS s2 \gset
BEGIN;
SELECT sessmem.assume('s2');
INSERT INTO messages (content, at) SELECT 'two ' || i, '2026-01-01'::timestamptz + i * '1 day'::interval FROM generate_series(1, 3) AS i;
COMMIT;
BEGIN;
SELECT sessmem.assume('s1');
INSERT INTO messages (content, at) SELECT 'one ' || i, '2026-01-01'::timestamptz - i * '1 day'::interval FROM generate_series(1, 5) AS i;
INSERT INTO messages (content) VALUES ('undated');
COMMIT;

SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT id, session_id, content FROM sessmem.recall(NULL::messages, n => 2);
SELECT content FROM sessmem.recall(NULL::messages, 3, 'at');
SELECT content FROM sessmem.recall(NULL::messages, order_by => 'content');
SELECT count(*) FROM sessmem.recall(NULL::messages, n => 0);
-- what the transaction has just written is there
INSERT INTO messages (content) VALUES ('just now');
SELECT content FROM sessmem.recall(NULL::messages, 1);
-- in the select list, and of a named row type
SELECT (sessmem.recall(NULL::public.messages, 1)).content;
ROLLBACK;

-- nothing without a session
SELECT * FROM sessmem.recall(NULL::messages);
-- one round trip with a token, and the session is gone at once
SELECT content FROM sessmem.recall(NULL::messages, 2, token => :'s2');
SELECT sessmem.status();
BEGIN;
SELECT content FROM sessmem.recall(NULL::messages, 2, token => :'s2'), sessmem.status();
SELECT sessmem.status(), count(*) FROM messages;
-- fail: another session's token in the same transaction
SELECT count(*) FROM sessmem.recall(NULL::messages, token => :'s1');
ROLLBACK;
SELECT count(*) FROM (SELECT sessmem.recall(NULL::messages, token => :'s1') UNION ALL SELECT sessmem.recall(NULL::messages, token => :'s2')) AS both_;
-- it leaves alone what is bound or attached already
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT count(*) FROM sessmem.recall(NULL::messages, token => :'s1');
SELECT sessmem.status();
COMMIT;
-- fail: bad token
SELECT count(*) FROM sessmem.recall(NULL::messages, token => 'x');
SELECT count(*) FROM sessmem.recall(NULL::messages, token => token('s1', ttl => '-1 s'));

-- fail: arguments
SELECT * FROM sessmem.recall(NULL::messages, -1);
SELECT * FROM sessmem.recall(NULL::messages, NULL);
SELECT * FROM sessmem.recall(NULL::messages, order_by => 'nope');
SELECT * FROM sessmem.recall(NULL::messages, order_by => 'id; DROP TABLE messages');
SELECT * FROM sessmem.recall(NULL::messages, order_by => 'ctid');
SELECT * FROM sessmem.recall('x'::text);
SELECT * FROM sessmem.recall(NULL::pg_class);
-- fail: the same of recall_similar(), which needs pgvector for everything else (test/t/013_vectors.pl)
SELECT * FROM sessmem.recall_similar(NULL::messages, NULL);
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', -1);
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', NULL);
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', "column" => NULL);
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', metric => NULL);
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', metric => '<->');
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]');
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', "column" => 'id; DROP TABLE messages');
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', "column" => 'content', token => 'x');
SELECT * FROM sessmem.recall_similar(NULL::messages, '[1,2,3]', "column" => 'content', token => :'s1');
SELECT * FROM sessmem.recall_similar('x'::text, '[1,2,3]');
SELECT * FROM sessmem.recall_similar(NULL::pg_class, '[1,2,3]');
RESET SESSION AUTHORIZATION;
CREATE TYPE pair AS (a int, b int);
SELECT * FROM sessmem.recall(NULL::pair);
DROP TYPE pair;
-- fail: no privilege on the table
SET SESSION AUTHORIZATION regress_sessmem_issuer;
BEGIN;
SELECT sessmem.assume('s1');
SELECT * FROM sessmem.recall(NULL::messages);
ROLLBACK;
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON messages FROM regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM sessmem.recall(NULL::messages, token => :'s1');
RESET SESSION AUTHORIZATION;
GRANT SELECT ON messages TO regress_sessmem_app;

-- it holds alone: for a superuser, and with row security off
SELECT count(*) FROM sessmem.recall(NULL::messages);
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*), min(session_id), max(session_id) FROM sessmem.recall(NULL::messages);
ROLLBACK;
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_sessmem_app;
-- fail: such a table is refused
SELECT count(*) FROM sessmem.recall(NULL::messages, token => :'s2');
RESET SESSION AUTHORIZATION;
-- in maintenance, which the role has to be let into, there is only recall() left
GRANT EXECUTE ON FUNCTION sessmem.maintenance(text) TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(DISTINCT session_id) FROM messages;
SELECT count(*), min(session_id), max(session_id) FROM sessmem.recall(NULL::messages, token => :'s2');
SELECT count(*) FROM sessmem.recall(NULL::messages);
RESET SESSION AUTHORIZATION;
REVOKE EXECUTE ON FUNCTION sessmem.maintenance(text) FROM regress_sessmem_app;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;

-- the kept plan follows the table
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT content FROM sessmem.recall(NULL::messages, 1, token => :'s2');
RESET SESSION AUTHORIZATION;
ALTER TABLE messages RENAME content TO body;
ALTER TABLE messages ADD COLUMN more text DEFAULT 'more';
ALTER TABLE messages ALTER at TYPE text;
ALTER TABLE messages RENAME TO turns;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT id, body, more FROM sessmem.recall(NULL::turns, 1, token => :'s2');
RESET SESSION AUTHORIZATION;
SELECT sessmem.unprotect('turns');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT id, body, more FROM sessmem.recall(NULL::turns, 1, token => :'s2');
RESET SESSION AUTHORIZATION;
SELECT sessmem.protect('turns');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT id, body, more FROM sessmem.recall(NULL::turns, 1, token => :'s2');
RESET SESSION AUTHORIZATION;
CREATE SCHEMA before;
ALTER TABLE turns SET SCHEMA before;
GRANT USAGE ON SCHEMA before TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM sessmem.recall(NULL::before.turns, token => :'s2');
RESET SESSION AUTHORIZATION;
-- (the event trigger would change the registry, and that would be announced)
ALTER EVENT TRIGGER sessmem_after_ddl DISABLE;
ALTER SCHEMA before RENAME TO after;
ALTER EVENT TRIGGER sessmem_after_ddl ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM sessmem.recall(NULL::after.turns, token => :'s2');
RESET SESSION AUTHORIZATION;
ALTER TABLE after.turns SET SCHEMA public;
DROP SCHEMA after;
-- the index serves: no sort, no more rows read than returned
SET enable_seqscan = off;
BEGIN;
SELECT sessmem.bind(:'s1');
EXPLAIN (COSTS OFF) SELECT * FROM turns WHERE session_id = 's1' ORDER BY id DESC LIMIT 2;
ROLLBACK;
RESET enable_seqscan;
DROP TABLE turns;

-- which rows are the newest must be clear
CREATE TABLE by_uuid (id uuid PRIMARY KEY, session_id text, at timestamptz);
CREATE TABLE by_two (a int, b int, session_id text, PRIMARY KEY (session_id, a, b));
CREATE TABLE by_key (session_id text PRIMARY KEY);
CREATE TABLE by_part (session_id text, n int, PRIMARY KEY (session_id, n));
SELECT sessmem.protect('by_uuid'), sessmem.protect('by_two'), sessmem.protect('by_key'), sessmem.protect('by_part');
SELECT * FROM sessmem.recall(NULL::by_uuid);
SELECT * FROM sessmem.recall(NULL::by_uuid, order_by => 'at');
SELECT * FROM sessmem.recall(NULL::by_two);
SELECT * FROM sessmem.recall(NULL::by_key);
SELECT * FROM sessmem.recall(NULL::by_part);
DROP TABLE by_uuid, by_two, by_key, by_part;

-- composite keys: every one counts; a claim that does not fit the type matches nothing
CREATE TABLE chat (id bigserial, chat uuid, owner bigint, PRIMARY KEY (chat, id));
SELECT sessmem.protect('chat', 'chat', 'owner');
GRANT ALL ON chat TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE chat_id_seq TO regress_sessmem_app;
\set c f81d4fae-7dec-11d0-a765-00a0c91e6bf6
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(token(:'c', '7'));
INSERT INTO chat DEFAULT VALUES;
COMMIT;
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token(:'c', '7'));
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token(:'c', '8'));
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token(:'c', '07'));
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token(:'c', 'alice'));
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token(:'c'));
SELECT count(*) FROM sessmem.recall(NULL::chat, token => token('x', '7'));
RESET SESSION AUTHORIZATION;
DROP TABLE chat;
