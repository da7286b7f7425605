-- The registry follows what happens to tables and columns.
CREATE TABLE notes (junk int, id bigserial PRIMARY KEY, session_id text, user_id text, note text);
ALTER TABLE notes DROP COLUMN junk;
SELECT sessmem.protect('notes', user_column => 'user_id');
GRANT ALL ON notes TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE notes_id_seq TO regress_sessmem_app;
SELECT token('s1', 'alice') AS s1, token('s2', 'alice') AS s2 \gset

-- renamed table, renamed columns, another schema, swapped names
CREATE SCHEMA elsewhere;
GRANT USAGE ON SCHEMA elsewhere TO regress_sessmem_app;
ALTER TABLE notes RENAME TO remarks;
ALTER TABLE remarks SET SCHEMA elsewhere;
ALTER TABLE elsewhere.remarks RENAME COLUMN session_id TO "Session";
ALTER TABLE elsewhere.remarks RENAME user_id TO session_id;
SELECT relation, session_column, user_column, tenant_column, attnums FROM sessmem.protected_table;
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'zzz_sessmem_guard';
SELECT tgenabled FROM pg_trigger WHERE tgname = 'zzz_sessmem_guard';
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO elsewhere.remarks (note) VALUES ('x') RETURNING *;
SELECT * FROM sessmem.recall(NULL::elsewhere.remarks);
COMMIT;
BEGIN;
SELECT sessmem.bind(:'s2');
SELECT * FROM elsewhere.remarks;
INSERT INTO elsewhere.remarks ("Session") VALUES ('s1');
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- without the event trigger a rename leaves a guard that refuses everything; reading goes by number
ALTER EVENT TRIGGER sessmem_after_ddl DISABLE;
ALTER TABLE elsewhere.remarks RENAME "Session" TO sid;
ALTER EVENT TRIGGER sessmem_after_ddl ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT count(*) FROM elsewhere.remarks;
INSERT INTO elsewhere.remarks (note) VALUES ('y');
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT * FROM sessmem.recall(NULL::elsewhere.remarks);
ROLLBACK;
RESET SESSION AUTHORIZATION;
-- a column that is gone
BEGIN;
ALTER TABLE elsewhere.remarks DROP COLUMN sid CASCADE;
SELECT sessmem.bind(:'s1');
SELECT * FROM sessmem.recall(NULL::elsewhere.remarks);
ROLLBACK;
-- the next ALTER TABLE finds it
ALTER TABLE elsewhere.remarks ADD COLUMN more int;
SELECT relation, session_column, user_column, tenant_column, attnums FROM sessmem.protected_table;

-- dropped tables are forgotten, in whatever way they go
DROP SCHEMA elsewhere CASCADE;
SELECT relation, session_column, user_column, tenant_column, attnums FROM sessmem.protected_table;
CREATE TABLE short_lived (session_id text);
SELECT sessmem.protect('short_lived');
BEGIN;
DROP TABLE short_lived;
SELECT count(*) FROM sessmem.protected_table;
ROLLBACK;
SELECT count(*) FROM sessmem.protected_table;
DROP TABLE short_lived;
SELECT count(*) FROM sessmem.protected_table;

-- a restored row finds its columns by name
CREATE TABLE restored (a int, b int, session_id text, tenant text);
ALTER TABLE restored DROP COLUMN a;
INSERT INTO sessmem.protected_table VALUES ('restored', 'session_id', NULL, 'tenant', '{1,0,2}', 4711, 'public.before', '{something}', true);
SELECT relation, session_column, user_column, tenant_column, attnums, owner = (SELECT relowner FROM pg_class WHERE oid = relation) AS owner_found, name, accepted, checked
	FROM sessmem.protected_table;
DROP TABLE restored;

-- what an application may know
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM sessmem.protected_table;
RESET SESSION AUTHORIZATION;
