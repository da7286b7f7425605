-- protect(): what it sets, what it refuses, and that it may be called again.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
-- none of it needs maintenance, but what weakens or drops a protected table does
SET sessmem.maintenance = '';
SELECT token('s1', 'alice', 'acme') AS s1, token('s2', 'bob', 'acme') AS s2 \gset
SET ROLE regress_sessmem_owner;
CREATE TABLE messages (id bigserial PRIMARY KEY, session_id text, role text, content text);
GRANT ALL ON messages TO regress_sessmem_app;
GRANT REFERENCES (id), SELECT (id) ON messages TO regress_sessmem_nobody;
GRANT TRUNCATE ON messages TO PUBLIC;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
RESET ROLE;

SET ROLE regress_sessmem_admin;
SELECT sessmem.protect('messages');
SELECT relation, session_column, user_column, tenant_column, attnums FROM sessmem.protected_table;
RESET ROLE;
\d messages
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'messages'::regclass;
-- all but the dangerous privileges are left
SELECT grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.table_privileges
	WHERE table_name = 'messages' AND grantee <> 'regress_sessmem_owner'
		AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES') GROUP BY 1;
SELECT grantee, column_name, privilege_type FROM information_schema.column_privileges
	WHERE table_name = 'messages' AND grantee = 'regress_sessmem_nobody';

-- normal use; the owner is no exception
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO messages (role, content) VALUES ('user', 'one'), ('user', 'two');
SELECT session_id, content FROM messages ORDER BY id;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM messages;
UPDATE messages SET content = 'mine';
DELETE FROM messages;
COMMIT;
SELECT count(*) FROM messages;
SET SESSION AUTHORIZATION regress_sessmem_owner;
SELECT count(*) FROM messages;
BEGIN;
SELECT sessmem.bind(:'s1');
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- a later permissive policy does not widen it
RESET sessmem.maintenance;
CREATE POLICY everything ON messages USING (true) WITH CHECK (true);
SET sessmem.maintenance = '';
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM messages;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM messages;
COMMIT;
RESET SESSION AUTHORIZATION;
DROP POLICY everything ON messages;

-- called again it is harmless, and repairs
SELECT sessmem.protect('messages');
SELECT count(*) FROM pg_indexes WHERE tablename = 'messages';
RESET sessmem.maintenance;
ALTER TABLE messages DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY, ALTER session_id DROP NOT NULL, ALTER session_id DROP DEFAULT,
	DISABLE TRIGGER zzz_sessmem_guard, DROP CONSTRAINT sessmem_key_not_empty;
DROP TRIGGER zzz_sessmem_truncate ON messages;
DROP POLICY sessmem_restrictive ON messages;
SET sessmem.maintenance = '';
SELECT sessmem.protect('messages', 'session_id', NULL, NULL);
\d messages
-- fail: by other columns
SELECT sessmem.protect('messages', user_column => 'role');
SELECT sessmem.protect('messages', session_column => 'role');

-- fail: what is no table of one's own
CREATE VIEW v AS SELECT 1 AS session_id;
CREATE TEMP TABLE tmp (session_id text);
SELECT sessmem.protect('v');
SELECT sessmem.protect('tmp');
SELECT sessmem.protect('pg_class', 'relname');
SELECT sessmem.protect('sessmem.keyring', 'kid');
SELECT sessmem.protect('messages_id_seq');
SELECT sessmem.protect(NULL);
SELECT sessmem.protect(4294967294::regclass);
DROP VIEW v;
DROP TABLE tmp;

-- fail: columns
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE odd (id int PRIMARY KEY, n int, c char(8), d text COLLATE caseless, g text GENERATED ALWAYS AS ('x') STORED, i bigint GENERATED ALWAYS AS IDENTITY, ok text, ok2 text);
SELECT sessmem.protect('odd');
SELECT sessmem.protect('odd', 'n');
SELECT sessmem.protect('odd', 'c');
SELECT sessmem.protect('odd', 'd');
SELECT sessmem.protect('odd', 'g');
SELECT sessmem.protect('odd', 'i');
SELECT sessmem.protect('odd', 'ctid');
SELECT sessmem.protect('odd', 'ok', 'ok');
SELECT sessmem.protect('odd', NULL);
SELECT sessmem.protect('odd', 'ok', 'missing');
-- fail: rows that would be nobody's
INSERT INTO odd (id, ok, ok2) VALUES (1, NULL, 'x'), (2, '', 'x'), (3, 'x', NULL), (4, 'x', 'x');
SELECT sessmem.protect('odd', 'ok', 'ok2');
-- nothing half done
SELECT count(*) FROM sessmem.protected_table WHERE relation = 'odd'::regclass;
SELECT relrowsecurity FROM pg_class WHERE relname = 'odd';
DROP TABLE odd;
DROP COLLATION caseless;

-- every type, quoted names, composite keys; each in its own type, so that the index serves
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."Chat ""x""" (id bigint, "chatId" uuid, "userId" bigint, "tenant id" varchar(20), PRIMARY KEY ("chatId", id));
SELECT sessmem.protect('"Odd schema"."Chat ""x"""', session_column => 'chatId', user_column => 'userId', tenant_column => 'tenant id');
\d "Odd schema"."Chat ""x"""
SELECT token('f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '7', 'acme') AS s1, token('f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '8', 'acme') AS s2,
	token('f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '07', 'acme') AS s3 \gset
GRANT USAGE ON SCHEMA "Odd schema" TO regress_sessmem_app;
GRANT SELECT, INSERT ON "Odd schema"."Chat ""x""" TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO "Odd schema"."Chat ""x""" (id) VALUES (1) RETURNING *;
EXPLAIN (COSTS OFF) SELECT * FROM "Odd schema"."Chat ""x""";
COMMIT;
-- (the tables above would take these sessions for one, so they cannot exist at once)
RESET SESSION AUTHORIZATION;
TRUNCATE sessmem.session;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM "Odd schema"."Chat ""x""";
COMMIT;
RESET SESSION AUTHORIZATION;
TRUNCATE sessmem.session;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s3');
SELECT count(*) FROM "Odd schema"."Chat ""x""";
COMMIT;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET SESSION AUTHORIZATION;
-- an index that leads with the key is left alone, whichever it is
CREATE TABLE indexed (id bigserial PRIMARY KEY, session_id text);
CREATE INDEX indexed_by_session ON indexed (session_id);
SELECT sessmem.protect('indexed');
SELECT indexname FROM pg_indexes WHERE tablename = 'indexed' ORDER BY 1;
CREATE TABLE partly (id bigserial PRIMARY KEY, session_id text);
CREATE INDEX partly_by_session ON partly (session_id) WHERE id > 7;
SELECT sessmem.protect('partly');
SELECT indexdef FROM pg_indexes WHERE tablename = 'partly' ORDER BY 1;
RESET sessmem.maintenance;
DROP TABLE indexed, partly;
SET sessmem.maintenance = '';

-- a table of the user's, or of the tenant's
CREATE TABLE facts (id serial PRIMARY KEY, user_id text, fact text);
SELECT sessmem.protect('facts', session_column => NULL, user_column => 'user_id');
GRANT ALL ON facts TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE facts_id_seq TO regress_sessmem_app;
SELECT token('s1', 'alice') AS s1, token('s2', 'alice') AS s2, token('s3', 'bob') AS s3, token('s4') AS nobody \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO facts (fact) VALUES ('likes tea');
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT user_id, fact FROM facts;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s3');
SELECT user_id, fact FROM facts;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'nobody');
SELECT user_id, fact FROM facts;
INSERT INTO facts (fact) VALUES ('is nobody');
ROLLBACK;
RESET SESSION AUTHORIZATION;
RESET sessmem.maintenance;
DROP TABLE facts;
SET sessmem.maintenance = '';

-- partitions of several levels, and inheritance children; each by itself, too
CREATE TABLE events (id bigint, session_id text, at date, PRIMARY KEY (session_id, id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-07-01') PARTITION BY LIST (session_id);
CREATE TABLE events_1_a PARTITION OF events_1 DEFAULT;
CREATE TABLE events_2 PARTITION OF events DEFAULT;
-- fail: the parent would show the rows
SELECT sessmem.protect('events_1_a');
SELECT sessmem.protect('events');
SELECT relation, session_column FROM sessmem.protected_table WHERE relation::text LIKE 'events%' ORDER BY relation::text;
SELECT c.oid::regclass, relforcerowsecurity AS forced, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies,
		(SELECT string_agg(format('%s %s', tgname, tgenabled), ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers,
		(SELECT count(*) FROM pg_attrdef WHERE adrelid = c.oid) AS defaults
	FROM pg_class AS c WHERE relname LIKE 'events%' AND relkind IN ('r', 'p') ORDER BY relname;
SELECT sessmem.protect('events');
GRANT ALL ON events, events_1, events_1_a, events_2 TO regress_sessmem_app;
SELECT token('s1') AS s1, token('s2') AS s2 \gset
TRUNCATE sessmem.session;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO events (id, at) VALUES (1, '2026-02-02'), (2, '2026-09-09');
INSERT INTO events_1_a (id, at) VALUES (3, '2026-03-03');
UPDATE events SET at = '2026-10-10' WHERE id = 1;
SELECT tableoid::regclass, id FROM events ORDER BY id;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT count(*) FROM events UNION ALL SELECT count(*) FROM events_1 UNION ALL SELECT count(*) FROM events_1_a UNION ALL SELECT count(*) FROM events_2;
INSERT INTO events_1_a (id, at, session_id) VALUES (4, '2026-03-03', 's1');
ROLLBACK;
RESET SESSION AUTHORIZATION;
TRUNCATE events_2;

-- new partitions and children are protected as they appear: created, attached with partitions of their own, detached
CREATE TABLE events_1_b PARTITION OF events_1 FOR VALUES IN ('s9');
ALTER TABLE events DETACH PARTITION events_2;
CREATE TABLE events_3 (LIKE events INCLUDING ALL) PARTITION BY LIST (session_id);
CREATE TABLE events_3_a PARTITION OF events_3 DEFAULT;
ALTER TABLE events ATTACH PARTITION events_3 FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
SELECT c.oid::regclass, relforcerowsecurity AS forced, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies,
		(SELECT string_agg(format('%s %s', tgname, tgenabled), ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers,
		(SELECT count(*) FROM sessmem.protected_table AS p WHERE p.relation = c.oid) AS registered
	FROM pg_class AS c WHERE relname LIKE 'events%' AND relkind IN ('r', 'p') ORDER BY relname;
SELECT sessmem.unprotect('events_2');
DROP TABLE events_2;
SELECT sessmem.unprotect('events_1');
SELECT sessmem.unprotect('events');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%sessmem%' AND tgrelid::regclass::text LIKE 'events%';
SELECT count(*) FROM pg_class WHERE relname LIKE 'events%' AND relrowsecurity;
DROP TABLE events;
CREATE TABLE parent (id int, session_id text);
CREATE TABLE child (extra int) INHERITS (parent);
SELECT sessmem.protect('parent');
SELECT relation FROM sessmem.protected_table WHERE relation::text IN ('parent', 'child') ORDER BY relation::text;
SELECT sessmem.protect('child');
SELECT indexdef FROM pg_indexes WHERE tablename IN ('parent', 'child') ORDER BY 1;
CREATE TABLE grandchild () INHERITS (child);
CREATE TABLE adopted (id int, session_id text NOT NULL, CONSTRAINT sessmem_key_not_empty CHECK (session_id <> ''));
ALTER TABLE adopted INHERIT parent;
SELECT relation FROM sessmem.protected_table ORDER BY relation::text;
SELECT relname FROM pg_class WHERE relname IN ('grandchild', 'adopted') AND relforcerowsecurity ORDER BY 1;
SELECT sessmem.unprotect('parent');
SELECT relation FROM sessmem.protected_table ORDER BY relation::text;
\d child
DROP TABLE parent CASCADE;

-- a child of two parents: both, or neither
CREATE TABLE one (id int, session_id text);
CREATE TABLE two (id int, session_id text);
CREATE TABLE of_both () INHERITS (one, two);
SELECT sessmem.protect('one');
ALTER TABLE of_both NO INHERIT two;
SELECT sessmem.protect('one');
SELECT sessmem.protect('two');
RESET sessmem.maintenance;
ALTER TABLE of_both INHERIT two;
SET sessmem.maintenance = '';
SELECT sessmem.unprotect('one');
CREATE TABLE three (id int, session_id text NOT NULL);
CREATE TABLE of_more () INHERITS (one, three);
SELECT relation FROM sessmem.protected_table WHERE relation::text IN ('one', 'two', 'three', 'of_both', 'of_more') ORDER BY relation::text;
RESET sessmem.maintenance;
DROP TABLE one, two, three CASCADE;
SET sessmem.maintenance = '';

-- a constraint of our name is ours, whatever it was; fail: an isolation level that overlooks
CREATE TABLE taken (session_id text, CONSTRAINT sessmem_key_not_empty CHECK (true));
SELECT sessmem.protect('taken');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'taken'::regclass AND contype = 'c';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sessmem.protect('taken');
ROLLBACK;
RESET sessmem.maintenance;
DROP TABLE taken;
SET sessmem.maintenance = '';

-- what the owner wrote into his table runs as the owner, in protect() and in the event trigger
CREATE TABLE seen (who name);
GRANT INSERT, SELECT ON seen TO PUBLIC;
SET ROLE regress_sessmem_owner;
CREATE FUNCTION note() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
	BEGIN IF current_user <> 'regress_sessmem_owner' THEN INSERT INTO public.seen VALUES (current_user); END IF; END $$;
CREATE FUNCTION evil(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.note(); RETURN 1; END $$;
CREATE TABLE trap (id int, session_id text, CHECK (public.evil(1) > 0 OR session_id IS NOT NULL)) PARTITION BY RANGE ((id + public.evil(1)));
CREATE TABLE trap_1 PARTITION OF trap DEFAULT;
CREATE INDEX ON trap_1 (id) WHERE public.evil(1) > 0;
CREATE INDEX ON trap_1 ((id + public.evil(1)));
RESET ROLE;
SET ROLE regress_sessmem_admin;
SELECT sessmem.protect('trap');
SELECT sessmem.protect('trap');
RESET ROLE;
SET ROLE regress_sessmem_owner;
CREATE TABLE trap_2 PARTITION OF trap FOR VALUES FROM (100) TO (200) PARTITION BY RANGE ((id + public.evil(2)));
CREATE TABLE trap_parent (id int, session_id text);
RESET ROLE;
SELECT sessmem.protect('trap_parent');
RESET sessmem.maintenance;
ALTER TABLE trap_parent ALTER session_id DROP NOT NULL;
SET sessmem.maintenance = '';
SET ROLE regress_sessmem_owner;
CREATE TABLE trap_child (CHECK (public.evil(1) > 0 OR session_id IS NOT NULL)) INHERITS (trap_parent);
ALTER TABLE trap RENAME session_id TO sid;
RESET ROLE;
SET ROLE regress_sessmem_admin;
SELECT sessmem.unprotect('trap');
SELECT sessmem.unprotect('trap_parent');
RESET ROLE;
SELECT DISTINCT who AS ran_as_somebody_else FROM seen;
DROP TABLE trap, trap_parent, seen CASCADE;
DROP FUNCTION evil, note;

-- fail: a tree of several owners, where one's expressions would run as another
CREATE TABLE mixed (id int, session_id text) PARTITION BY RANGE (id);
CREATE TABLE mixed_1 PARTITION OF mixed DEFAULT;
ALTER TABLE mixed_1 OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('mixed');
ALTER TABLE mixed OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('mixed');
-- new owners can go on making partitions, in whatever statement
GRANT regress_sessmem_nobody TO regress_sessmem_owner;
GRANT CREATE ON SCHEMA public TO regress_sessmem_nobody;
RESET sessmem.maintenance;
ALTER TABLE mixed OWNER TO regress_sessmem_nobody;
ALTER TABLE mixed_1 OWNER TO regress_sessmem_nobody;
SET sessmem.maintenance = '';
SET ROLE regress_sessmem_nobody;
CREATE TABLE mixed_2 PARTITION OF mixed FOR VALUES FROM (10) TO (20);
RESET ROLE;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_sessmem_nobody', current_database()); END $$;
SET ROLE regress_sessmem_nobody;
CREATE SCHEMA made CREATE TABLE mixed_3 PARTITION OF public.mixed FOR VALUES FROM (30) TO (40);
RESET ROLE;
SELECT c.oid::regclass, c.relforcerowsecurity FROM pg_class AS c JOIN sessmem.protected_table AS p ON p.relation = c.oid
	WHERE c.relname LIKE 'mixed%' ORDER BY c.relname;
RESET sessmem.maintenance;
DROP TABLE mixed CASCADE;
SET sessmem.maintenance = '';
DROP SCHEMA made;
DROP OWNED BY regress_sessmem_nobody;
REVOKE regress_sessmem_nobody FROM regress_sessmem_owner;

-- unprotect: nothing is left but NOT NULL and the index
SELECT sessmem.unprotect('messages');
\d messages
SELECT count(*) FROM sessmem.protected_table WHERE relation = 'messages'::regclass;
-- fail
SELECT sessmem.unprotect('messages');
-- policies of one's own stay in force
CREATE POLICY own ON messages USING (true);
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
SELECT sessmem.protect('messages');
SELECT sessmem.unprotect('messages');
SELECT relrowsecurity FROM pg_class WHERE relname = 'messages';
DROP TABLE messages;
RESET sessmem.maintenance;
DROP SCHEMA "Odd schema" CASCADE;
SELECT count(*) FROM sessmem.protected_table;
