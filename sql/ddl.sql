-- DDL: what weakens a protected table is refused, whoever asks, by the state that it leaves.
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = '';
TRUNCATE sessmem.session;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_sessmem_owner;
SET ROLE regress_sessmem_owner;
CREATE SCHEMA house;
SET search_path = house, public;
CREATE TABLE person (id int PRIMARY KEY);
CREATE TABLE messages (id bigserial, session_id text, person int REFERENCES person, content text, PRIMARY KEY (session_id, id));
CREATE TABLE events (id bigint, tenant text, note text) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
GRANT ALL ON SCHEMA house TO regress_sessmem_app;
RESET ROLE;
SELECT sessmem.protect('messages');
SELECT sessmem.protect('events', session_column => NULL, tenant_column => 'tenant');
GRANT SELECT, INSERT, TRIGGER, REFERENCES ON messages TO regress_sessmem_app;
SET sessmem.maintenance = 'rows';
INSERT INTO messages (session_id, content) VALUES ('s1', 'CANARY');
INSERT INTO events VALUES (1, 't1', 'CANARY');
SET sessmem.maintenance = '';

-- what migrations do goes on working
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
CREATE TABLE IF NOT EXISTS messages (session_id text);
ALTER TABLE messages ADD COLUMN IF NOT EXISTS extra jsonb NOT NULL DEFAULT '{}', ADD COLUMN at timestamptz DEFAULT now();
ALTER TABLE messages ALTER extra DROP NOT NULL, ALTER at SET NOT NULL, ALTER content SET STORAGE EXTERNAL;
CREATE INDEX ON messages (at DESC);
CREATE INDEX CONCURRENTLY ON messages (session_id, at) WHERE content IS NOT NULL;
CREATE UNIQUE INDEX ON messages (session_id, content, at);
ALTER TABLE messages RENAME extra TO metadata;
ALTER TABLE messages ADD CONSTRAINT later CHECK (content <> '') NOT VALID;
ALTER TABLE messages RENAME CONSTRAINT later TO later_on;
ALTER TABLE messages RENAME CONSTRAINT later_on TO later;
CREATE VIEW mine AS SELECT id, content FROM messages;
CREATE TRIGGER unchanged BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE messages DISABLE TRIGGER unchanged, DROP COLUMN metadata;
DROP TRIGGER unchanged ON messages;
DROP VIEW mine;
COMMENT ON TABLE messages IS 'x';
VACUUM (ANALYZE) messages;
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);
ALTER TABLE events DETACH PARTITION events_2 CONCURRENTLY;
REINDEX TABLE CONCURRENTLY messages;
ALTER TABLE messages RENAME session_id TO thread_id;
ALTER TABLE messages RENAME thread_id TO session_id;
ALTER TABLE events RENAME tenant TO organisation;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SELECT p.name, p.tenant_column FROM sessmem.protected_table AS p WHERE p.tenant_column IS NOT NULL ORDER BY 1;
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
ALTER TABLE events RENAME organisation TO tenant;
-- fail: row security
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE events_1 NO FORCE ROW LEVEL SECURITY;
-- fail: policies
DROP POLICY sessmem_restrictive ON messages;
DROP POLICY sessmem_permissive ON messages;
ALTER POLICY sessmem_permissive ON messages USING (true);
ALTER POLICY sessmem_restrictive ON messages WITH CHECK (true);
ALTER POLICY sessmem_restrictive ON messages TO regress_sessmem_app;
ALTER POLICY sessmem_restrictive ON messages RENAME TO other;
CREATE POLICY wide ON messages USING (true);
CREATE POLICY narrow ON messages AS RESTRICTIVE USING (content <> '');
-- fail: the guard
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
DROP TRIGGER zzz_sessmem_guard ON messages;
DROP TRIGGER zzz_sessmem_truncate ON messages;
ALTER TABLE messages DISABLE TRIGGER zzz_sessmem_guard;
ALTER TABLE messages ENABLE TRIGGER zzz_sessmem_guard;
ALTER TABLE messages ENABLE REPLICA TRIGGER zzz_sessmem_truncate;
ALTER TABLE messages DISABLE TRIGGER USER;
ALTER TABLE ONLY events DISABLE TRIGGER ALL;
ALTER TRIGGER zzz_sessmem_guard ON messages RENAME TO aaa;
CREATE TRIGGER zzz_sessmem_later BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE OR REPLACE TRIGGER zzz_sessmem_guard BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION touch();
CREATE OR REPLACE TRIGGER zzz_sessmem_truncate BEFORE TRUNCATE ON messages EXECUTE FUNCTION sessmem.guard_truncate();
-- fail: key columns
ALTER TABLE messages DROP COLUMN session_id;
ALTER TABLE messages DROP COLUMN session_id CASCADE;
ALTER TABLE events ALTER tenant DROP NOT NULL;
ALTER TABLE messages DROP CONSTRAINT sessmem_key_not_empty;
ALTER TABLE messages ALTER session_id TYPE varchar(100);
-- fail: it, or its name, goes away
ALTER TABLE messages RENAME TO elsewhere;
ALTER TABLE messages SET SCHEMA public;
ALTER SCHEMA house RENAME TO cellar;
ALTER TABLE messages SET UNLOGGED;
DROP TABLE messages;
DROP TABLE events_1;
DROP SCHEMA house CASCADE;
SET client_min_messages = error;
DROP OWNED BY regress_sessmem_owner CASCADE;
RESET client_min_messages;
-- fail: code of the owner's, which would run in the sessions of others
CREATE TRIGGER touch BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION own() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'x'::text $$;
ALTER TABLE messages ALTER content SET DEFAULT own();
ALTER TABLE messages ADD COLUMN told bool DEFAULT (pg_notify('channel', current_query()) IS NULL);
ALTER TABLE messages ADD COLUMN made timestamptz DEFAULT now() + '1 day', ADD COLUMN id2 uuid DEFAULT gen_random_uuid(), ADD COLUMN n bigint DEFAULT nextval('messages_id_seq'), ADD COLUMN j jsonb DEFAULT '{}';
-- fail: nor in tables that foreign keys tie to it
CREATE TABLE reply (session_id text, id bigint, n int PRIMARY KEY, FOREIGN KEY (session_id, id) REFERENCES messages (session_id, id) ON DELETE CASCADE);
CREATE TRIGGER touch AFTER DELETE ON reply FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE reaction (n int REFERENCES reply ON DELETE CASCADE, CHECK (own() <> ''));
CREATE TABLE reaction (n int REFERENCES reply ON DELETE CASCADE);
CREATE RULE more AS ON DELETE TO reaction DO ALSO SELECT 1;
CREATE INDEX ON reaction (n) WHERE length(own()) > 0;
CREATE FUNCTION fixed(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE INDEX ON reaction (fixed(n));
CREATE INDEX ON person (id) WHERE fixed(id) = 1;
CREATE TRIGGER touch BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION touch();
DROP TABLE reaction, reply;
DROP TRIGGER touch ON person;
ALTER TABLE messages ADD COLUMN more text DEFAULT own();
ALTER TABLE messages ADD CHECK (own() <> content) NOT VALID;
ALTER TABLE messages ADD CHECK (set_config('my.loot', content, false) <> '') NOT VALID;
CREATE DOMAIN owned AS text CHECK (own() <> value);
ALTER TABLE messages ADD COLUMN more owned;
CREATE MATERIALIZED VIEW copied AS SELECT * FROM messages WITH NO DATA;
-- fail: rules
CREATE RULE double AS ON INSERT TO messages DO ALSO SELECT 1;
-- fail: in a function, with the privileges of another
DO $$ BEGIN EXECUTE 'ALTER TABLE messages NO FORCE ROW LEVEL SECURITY'; END $$;
-- fail: a parent that is not protected
CREATE TABLE parent (LIKE messages);
ALTER TABLE messages INHERIT parent;
CREATE TABLE whole (LIKE events) PARTITION BY RANGE (id);
ALTER TABLE whole ATTACH PARTITION events_2 FOR VALUES FROM (100) TO (200);
ALTER TABLE whole ATTACH PARTITION events_2 FOR VALUES FROM (100) TO (200);
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (100) TO (200);
DROP TABLE parent, whole;
-- fail: one that is protected by other columns
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET search_path = house, public;
CREATE TABLE by_session (tenant bigint, session_id bigint);
ALTER TABLE by_session OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('by_session');
CREATE TABLE by_tenant (tenant bigint, session_id bigint);
ALTER TABLE by_tenant OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('by_tenant', session_column => NULL, tenant_column => 'tenant');
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
ALTER TABLE by_session ALTER tenant SET NOT NULL;
ALTER TABLE by_session INHERIT by_tenant;
SET SESSION AUTHORIZATION regress_sessmem_dba;
BEGIN;
SELECT sessmem.maintenance('see what it says');
ALTER TABLE house.by_session INHERIT house.by_tenant;
SELECT p.accepted FROM sessmem.protected_table AS p WHERE p.name = 'house.by_session';
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
-- fail: rows that nobody has checked
CREATE TABLE filled (LIKE events INCLUDING CONSTRAINTS);
INSERT INTO filled VALUES (300, 't2', 'POISON');
ALTER TABLE events ATTACH PARTITION filled FOR VALUES FROM (300) TO (400);
DELETE FROM filled;
ALTER TABLE events ATTACH PARTITION filled FOR VALUES FROM (300) TO (400);
-- fail: unique
CREATE UNIQUE INDEX ON messages (content);
ALTER TABLE messages ADD EXCLUDE (content WITH =);
CREATE UNIQUE INDEX ON messages (content) INCLUDE (session_id);
CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE UNIQUE INDEX ON messages (session_id COLLATE blurred, content);
-- fail: check, index, predicate, statistics, generated, type, domain
CREATE FUNCTION leak(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'leaked: %', t; RETURN t; END $$;
ALTER TABLE messages ADD CHECK (leak(content) <> '');
ALTER TABLE messages ADD CHECK (set_config('my.loot', content, false) <> '');
ALTER TABLE messages VALIDATE CONSTRAINT later;
CREATE INDEX ON messages (leak(content));
CREATE INDEX ON messages (id) WHERE content = 'CANARY';
CREATE INDEX ON messages (id) WHERE leak(content) = '';
CREATE INDEX ON messages ((content::int));
ALTER TABLE messages ADD EXCLUDE (leak(content) WITH =);
CREATE STATISTICS told ON (leak(content)), id FROM messages;
ALTER TABLE messages ADD COLUMN nothing int GENERATED ALWAYS AS (nullif(person, 1)) STORED NOT NULL;
ALTER TABLE messages ADD COLUMN copy text GENERATED ALWAYS AS (leak(content)) STORED;
ALTER TABLE messages ALTER content TYPE int USING content::int;
ALTER TABLE messages ALTER content TYPE text USING leak(content);
ALTER TABLE events ALTER note TYPE varchar;
CREATE DOMAIN short AS text;
CREATE TABLE typed (session_id text, content short);
CREATE TYPE shape AS (session_id text, content text);
CREATE TABLE shaped OF shape;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SELECT sessmem.protect('house.typed');
SELECT sessmem.protect('house.shaped');
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
ALTER DOMAIN short ADD CHECK (leak(value) <> '');
ALTER DOMAIN short ADD CHECK (leak(value) <> '') NOT VALID;
ALTER TYPE shape ALTER ATTRIBUTE content TYPE varchar CASCADE;

-- fail: others, with what they were granted
SET SESSION AUTHORIZATION regress_sessmem_app;
SET search_path = house, public;
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER steal AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION steal();
CREATE TABLE guess (session_id text, id bigint, FOREIGN KEY (session_id, id) REFERENCES messages (session_id, id));
-- fail: superusers, too; views that would read past row security
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET search_path = house, public;
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
ALTER TABLE messages OWNER TO regress_sessmem_app;
REASSIGN OWNED BY regress_sessmem_owner TO regress_sessmem_app;
CREATE VIEW all_of_it AS SELECT * FROM messages;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM messages WITH NO DATA;
CREATE VIEW fine WITH (security_invoker = on) AS SELECT * FROM messages;
ALTER VIEW fine RESET (security_invoker);
CREATE VIEW fine_too AS SELECT * FROM fine;
DROP VIEW fine_too, fine;
-- nothing has changed
SELECT p.name, p.checked, p.accepted, ARRAY(SELECT sessmem.weaknesses(p.relation)) AS weaknesses FROM sessmem.protected_table AS p ORDER BY 1;

-- in maintenance it is done, and then it is what must stay
BEGIN;
SELECT sessmem.maintenance('a policy of our own, and a view for reports');
CREATE POLICY narrow ON messages AS RESTRICTIVE USING (content <> '');
CREATE VIEW all_of_it AS SELECT * FROM messages;
ALTER TABLE messages RENAME TO talk;
CREATE INDEX ON talk (lower(content));
COMMIT;
SELECT p.name, p.accepted FROM sessmem.protected_table AS p ORDER BY 1;
ALTER TABLE talk ADD COLUMN more int;
REINDEX TABLE CONCURRENTLY talk;
-- it may go and come back as it was, not otherwise
DROP VIEW all_of_it;
CREATE VIEW all_of_it AS SELECT * FROM talk;
ALTER POLICY narrow ON talk USING (true);
ALTER TABLE talk RENAME TO messages;
-- fail: what an administrator calls in maintenance has no part in it
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
CREATE FUNCTION useful() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = house AS $$ BEGIN ALTER TABLE talk NO FORCE ROW LEVEL SECURITY; END $$;
CREATE FUNCTION handy() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = house AS $$ BEGIN TRUNCATE talk; END $$;
CREATE FUNCTION clever() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = house AS $$ BEGIN CREATE INDEX ON talk (leak(content)); END $$;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET search_path = house, public;
SET sessmem.maintenance = 'careless';
SELECT useful();
SELECT handy();
SELECT clever();
SET sessmem.maintenance = '';
-- warns, and accepts: what was there before
SET client_min_messages = warning;
SELECT sessmem.unprotect('talk');
SELECT sessmem.protect('talk');
SELECT p.accepted FROM sessmem.protected_table AS p WHERE relation = 'talk'::regclass;

-- keys that tell of other sessions' rows
CREATE TABLE parent (id int PRIMARY KEY, session_id text, word text, UNIQUE (word, session_id), EXCLUDE (id WITH =));
CREATE TABLE child (session_id text, parent int REFERENCES parent, n int);
SELECT sessmem.protect('parent', strict => true);
SELECT sessmem.protect('parent');
SELECT sessmem.protect('child');
SELECT sessmem.protect('child', strict => true);
ALTER TABLE child DROP CONSTRAINT child_parent_fkey;
SELECT sessmem.protect('child', strict => true);

-- tables that are born protected
SELECT sessmem.auto_protect('house', 'memory%');
SELECT sessmem.auto_protect('house', 'memory_of_user%', session_column => NULL, user_column => 'user_id');
SET SESSION AUTHORIZATION regress_sessmem_owner;
SET search_path = house, public;
CREATE TABLE memory (session_id text, content text);
CREATE TABLE memory_of_users (user_id bigint, session_id text);
CREATE TABLE memory_migrations (v int);
CREATE TEMP TABLE memory_temporary (session_id text);
CREATE TABLE other (session_id text);
CREATE TABLE memory_copied AS SELECT 's1'::text AS session_id;
CREATE TABLE memory_parts (id int, session_id text) PARTITION BY RANGE (id);
CREATE TABLE memory_parts_1 PARTITION OF memory_parts DEFAULT;
ALTER TABLE memory_migrations ADD COLUMN session_id text;
ALTER TABLE memory NO FORCE ROW LEVEL SECURITY;
-- fail: rows without a key
CREATE TABLE memory_filled AS SELECT NULL::text AS session_id;
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET search_path = house, public;
SET sessmem.maintenance = '';
SELECT p.name, p.session_column, p.user_column FROM sessmem.protected_table AS p WHERE p.name LIKE '%memory%' ORDER BY 1;
-- unprotect() holds until somebody changes the table
SELECT sessmem.unprotect('memory');
SELECT count(*) FROM sessmem.protected_table AS p WHERE p.relation = 'memory'::regclass;
ALTER TABLE memory ADD COLUMN more int;
SELECT count(*) FROM sessmem.protected_table AS p WHERE p.relation = 'memory'::regclass;
-- those that are there, and no longer those to come
SELECT sessmem.auto_protect('house', 'oth__');
SELECT sessmem.auto_protect('house', 'memory%', enabled => false);
CREATE TABLE memory_later (session_id text);
SELECT r.schema, r.pattern FROM sessmem.auto_protection AS r ORDER BY 2;
SELECT count(*) FROM sessmem.protected_table AS p WHERE p.relation IN ('memory_later'::regclass, 'other');
-- fail: nothing to go by
SELECT sessmem.auto_protect('house', session_column => NULL);
SELECT sessmem.auto_protect(NULL);
SELECT sessmem.auto_protect('house', 'memory_of_user%', enabled => false);
SELECT sessmem.auto_protect('house', 'oth__', enabled => false);
SET sessmem.maintenance = 'clean up';
DROP SCHEMA house CASCADE;
DROP FUNCTION IF EXISTS steal;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_sessmem_owner;
