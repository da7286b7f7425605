-- Maintenance: who can begin it, what it lets through, and when it ends.
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = '';
TRUNCATE sessmem.session, sessmem.maintenance_log;
CREATE TABLE messages (id bigserial, session_id text, content text, PRIMARY KEY (session_id, id));
ALTER TABLE messages OWNER TO regress_sessmem_owner;
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT, UPDATE, DELETE ON messages TO regress_sessmem_app, regress_sessmem_admin;
GRANT USAGE ON SEQUENCE messages_id_seq TO regress_sessmem_app;
SELECT token('s1') AS s1 \gset

-- fail: a superuser who does not say so
INSERT INTO messages (session_id, content) VALUES ('s1', 'x');
SELECT * FROM messages;
-- one who does
BEGIN;
SELECT sessmem.maintenance('import');
INSERT INTO messages (session_id, content) VALUES ('s1', 'one'), ('s2', 'two');
UPDATE messages SET content = upper(content);
SELECT session_id, content FROM messages ORDER BY 1;
COMMIT;
-- fail: it ended with the transaction
SELECT * FROM messages;
-- the setting, for the connection
SET sessmem.maintenance = 'look around';
SELECT count(*) FROM messages;
RESET sessmem.maintenance;
SET sessmem.maintenance = '';
-- it follows savepoints
BEGIN;
SAVEPOINT s;
SELECT sessmem.maintenance('taken back');
SELECT count(*) FROM messages;
ROLLBACK TO s;
SELECT count(*) FROM messages;
ROLLBACK;
-- what committed is in the log
SELECT role, reason FROM sessmem.maintenance_log;

-- fail: no reason
SELECT sessmem.maintenance('');
SELECT sessmem.maintenance(NULL);
-- warns: to no avail
SELECT sessmem.maintenance('outside of a transaction block');
-- fail: bound
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT sessmem.maintenance('x');
ROLLBACK;
-- fail: on behalf of others
CREATE FUNCTION pg_temp.helper() RETURNS void LANGUAGE sql SET work_mem = '1MB' AS 'SELECT sessmem.maintenance(''x'')';
SELECT pg_temp.helper();
CREATE FUNCTION helpful() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT sessmem.maintenance(''x'')';
SET ROLE regress_sessmem_nobody;
SELECT helpful();
RESET ROLE;
DROP FUNCTION helpful;

-- administrators may do DDL and write; row security applies to them as ever
SET SESSION AUTHORIZATION regress_sessmem_admin;
SET sessmem.maintenance = 'x';
BEGIN;
SELECT sessmem.maintenance('look');
SELECT count(*) FROM messages;
SELECT count(*) FROM sessmem.maintenance_log;
COMMIT;
SET SESSION AUTHORIZATION regress_sessmem_dba;

-- fail: everybody else, whatever is set for them
SET SESSION AUTHORIZATION regress_sessmem_owner;
SELECT sessmem.maintenance('x');
SET sessmem.maintenance = 'x';
SET SESSION AUTHORIZATION regress_sessmem_dba;
SET sessmem.maintenance = 'for the whole connection';
SET ROLE regress_sessmem_owner;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
TRUNCATE messages;
INSERT INTO messages (session_id) VALUES ('s1');
RESET ROLE;
-- with a session in force the guard compares all the same
BEGIN;
SELECT sessmem.bind(:'s1');
SAVEPOINT s;
INSERT INTO messages (session_id) VALUES ('s2');
ROLLBACK TO s;
INSERT INTO messages (content) VALUES ('of s1') RETURNING session_id;
ROLLBACK;
TRUNCATE messages;
DROP TABLE messages;
