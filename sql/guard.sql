-- The guard: the decision table at the top of guard.c, row by row, with the policies out of the way.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
CREATE TABLE turns (id bigserial PRIMARY KEY, session_id text, user_id uuid, room bigint, content text);
SELECT sessmem.protect('turns', user_column => 'user_id', tenant_column => 'room');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON turns TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE turns_id_seq TO regress_sessmem_app;
\set alice f81d4fae-7dec-11d0-a765-00a0c91e6bf6
\set bob 00000000-0000-4000-8000-000000000000
SELECT token('s1', :'alice', '7') AS s1, token('s2', :'bob', '7') AS s2, token('s1', 'ALICE', '7') AS unsuitable, token('s1', :'alice') AS incomplete \gset

-- the guard holds alone: row security off, constraints off, and the hooks know nothing of the table
ALTER TABLE turns DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY, DROP CONSTRAINT sessmem_key_not_empty,
	ALTER session_id DROP NOT NULL, ALTER user_id DROP NOT NULL, ALTER room DROP NOT NULL;
DELETE FROM sessmem.protected_table WHERE relation = 'turns'::regclass;
SET SESSION AUTHORIZATION regress_sessmem_app;

-- own key; left out
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO turns (content) VALUES ('left out') RETURNING *;
INSERT INTO turns (session_id, user_id, room, content) VALUES ('s1', :'alice', 7, 'own key') RETURNING *;
COMMIT;
-- own row
BEGIN;
SELECT sessmem.bind(:'s1');
UPDATE turns SET content = 'changed', session_id = 's1' WHERE id = 1;
DELETE FROM turns WHERE id = 2;
COMMIT;
SELECT content FROM turns;

-- fail: no session
INSERT INTO turns (content) VALUES ('x');
INSERT INTO turns (session_id, user_id, room) VALUES ('s1', :'alice', 7);
UPDATE turns SET content = 'x';
DELETE FROM turns;
-- fail: expired session
SELECT sessmem.attach(token('s1', :'alice', '7', '1 s'));
SELECT pg_sleep(1.1);
INSERT INTO turns (content) VALUES ('x');
SELECT sessmem.detach();
-- fail: invalid context
SET sessmem.context = 's1';
INSERT INTO turns (content) VALUES ('x');
RESET sessmem.context;
-- fail: unsuitable context
BEGIN;
SELECT sessmem.bind(:'unsuitable');
INSERT INTO turns (content) VALUES ('x');
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'incomplete');
INSERT INTO turns (content) VALUES ('x');
ROLLBACK;
-- fail: null key, empty key
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
INSERT INTO turns (session_id) VALUES (NULL);
ROLLBACK TO s;
INSERT INTO turns (session_id) VALUES ('');
ROLLBACK TO s;
INSERT INTO turns (user_id) VALUES (NULL);
ROLLBACK TO s;
-- fail: foreign key, in each column
INSERT INTO turns (session_id) VALUES ('s2');
ROLLBACK TO s;
INSERT INTO turns (session_id) VALUES ('s1 ');
ROLLBACK TO s;
INSERT INTO turns (user_id) VALUES (:'bob');
ROLLBACK TO s;
INSERT INTO turns (room) VALUES (8);
ROLLBACK TO s;
-- fail: one foreign row among many
INSERT INTO turns (session_id) SELECT 's' || i FROM generate_series(1, 2) AS i;
ROLLBACK TO s;
COPY turns (session_id, content) FROM STDIN;
s1	own
s2	foreign
\.
ROLLBACK TO s;
-- fail: moving a row
UPDATE turns SET session_id = 's2';
ROLLBACK TO s;
UPDATE turns SET room = NULL;
ROLLBACK TO s;
UPDATE turns SET user_id = :'bob';
ROLLBACK TO s;
INSERT INTO turns (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET session_id = 's2';
ROLLBACK;
-- fail: foreign row
BEGIN;
SELECT sessmem.bind(:'s2');
SAVEPOINT s;
UPDATE turns SET content = 'x';
ROLLBACK TO s;
UPDATE turns SET session_id = 's2', user_id = :'bob';
ROLLBACK TO s;
DELETE FROM turns;
ROLLBACK TO s;
INSERT INTO turns (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET content = 'x';
ROLLBACK TO s;
MERGE INTO turns USING (VALUES (1)) AS v (id) ON v.id = turns.id WHEN MATCHED THEN DELETE;
ROLLBACK;
-- fail: truncate
BEGIN;
SELECT sessmem.bind(:'s1');
TRUNCATE turns;
ROLLBACK;

-- owners and superusers need the session, too; session_replication_role changes nothing
RESET SESSION AUTHORIZATION;
SET sessmem.maintenance = '';
UPDATE turns SET content = 'x';
SET session_replication_role = replica;
UPDATE turns SET content = 'x';
TRUNCATE turns;
RESET session_replication_role;
RESET sessmem.maintenance;

-- maintenance: rows of any session, but with one bound only its own
BEGIN;
INSERT INTO turns (session_id, user_id, room, content) VALUES ('s2', :'bob', 7, 'maintained');
UPDATE turns SET content = 'also maintained', room = 8 WHERE session_id = 's1';
DELETE FROM turns WHERE session_id = 's2' RETURNING content;
SELECT session_id, room, content FROM turns;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s2');
SAVEPOINT s;
INSERT INTO turns (session_id, user_id) VALUES ('s1', :'alice');
ROLLBACK TO s;
UPDATE turns SET content = 'x';
ROLLBACK TO s;
DELETE FROM turns;
ROLLBACK;
-- truncate, with or without one
BEGIN;
TRUNCATE turns;
SELECT count(*) FROM turns;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s2');
TRUNCATE turns;
SELECT count(*) FROM turns;
ROLLBACK;
-- the application's role is in none, whatever the setting says
SET SESSION AUTHORIZATION regress_sessmem_app;
SHOW sessmem.maintenance;
UPDATE turns SET content = 'x';
TRUNCATE turns;
RESET SESSION AUTHORIZATION;

-- a cascade from an unprotected table is a write like any other
CREATE TABLE rooms (room bigint PRIMARY KEY);
INSERT INTO rooms VALUES (7);
ALTER TABLE turns ADD FOREIGN KEY (room) REFERENCES rooms ON DELETE CASCADE ON UPDATE CASCADE;
GRANT SELECT, DELETE, UPDATE ON rooms TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s2');
DELETE FROM rooms;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s1');
UPDATE rooms SET room = 8;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- it has the last word after other triggers
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.session_id := 's2'; RETURN NEW; END $$;
CREATE TRIGGER zzz_meddle BEFORE INSERT ON turns FOR EACH ROW EXECUTE FUNCTION meddle();
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO turns (content) VALUES ('x');
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP TRIGGER zzz_meddle ON turns;

-- the context changes within a statement
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO turns (content) SELECT CASE i WHEN 2 THEN sessmem.unbind()::text ELSE 'x' END FROM generate_series(1, 3) AS i;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- fail: a guard used in another way than protect() does
CREATE TRIGGER wrong AFTER INSERT ON turns FOR EACH ROW EXECUTE FUNCTION sessmem.guard('session_id');
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO turns (content) VALUES ('x');
ROLLBACK;
DROP TRIGGER wrong ON turns;
CREATE TABLE unregistered (session_id text);
CREATE TRIGGER g BEFORE INSERT ON unregistered FOR EACH ROW EXECUTE FUNCTION sessmem.guard();
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO unregistered VALUES ('s1');
ROLLBACK;
SELECT sessmem.guard();
DROP TABLE unregistered;
-- without its default the key is null, and refused
ALTER TABLE turns ALTER session_id DROP DEFAULT;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO turns (content) VALUES ('x');
ROLLBACK;
DROP TABLE turns, rooms;
