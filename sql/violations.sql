-- Violations: each kind, once, is counted and kept although it rolls back; and nobody is told more than he may know.
\set SHOW_CONTEXT never
\pset null -
SET client_min_messages = warning;
TRUNCATE sessmem.session;
TRUNCATE sessmem.revocation;
CREATE TABLE entry (id bigserial PRIMARY KEY, session_id text, content text);
SELECT sessmem.protect('entry');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON entry TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE entry_id_seq TO regress_sessmem_app;
CREATE TABLE entry2 (session_id text, content text);
SELECT sessmem.protect('entry2');
GRANT INSERT ON entry2 TO regress_sessmem_app;
CREATE TABLE own (id bigserial PRIMARY KEY, session_id text, content text);
SELECT sessmem.protect('own');
ALTER TABLE own OWNER TO regress_sessmem_owner;
RESET client_min_messages;
SELECT token('s1', 'alice') AS s1, token('s2', 'bob') AS s2, token('s3', 'carol', NULL, '1 s') AS brief,
	token('s1', 'mallory') AS stolen, token('s9', 'zoe') AS revoked,
	mint('{"sid": "s1", "aud": "elsewhere", "exp": 4102444800}') AS elsewhere \gset

-- what the server has, without what differs; then none of it
CREATE FUNCTION told() RETURNS TABLE (kind text, relation text, who text, message text, rule text, count bigint) LANGUAGE sql AS $$
	SELECT v.kind, v.relation, concat_ws('/', v.role, v.tenant_id, v.user_id, v.session_id), v.message, v.rule, sum(v.count)
	FROM sessmem.violations AS v GROUP BY 1, 2, 3, 4, 5 ORDER BY min(v.first_at)
$$;
CREATE FUNCTION counted() RETURNS TABLE (relation regclass, event text, count bigint) LANGUAGE sql AS $$
	SELECT s.relation, s.event, s.count FROM sessmem.stat AS s ORDER BY s.relation::text NULLS FIRST, s.event
$$;
CREATE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM sessmem.save_violations();
	DELETE FROM sessmem.violation;
	PERFORM sessmem.stat_reset();
END $$;
SELECT forget();
SELECT * FROM told();
SELECT * FROM counted();

-- writes
SET SESSION AUTHORIZATION regress_sessmem_app;
INSERT INTO entry (content) VALUES ('secret');
BEGIN;
SELECT sessmem.bind(:'s1');
INSERT INTO entry (content) VALUES ('one'), ('two'), ('three');
INSERT INTO entry2 (content) VALUES ('one');
SAVEPOINT s;
INSERT INTO entry (session_id, content) VALUES ('s2', 'secret');
ROLLBACK TO s;
UPDATE entry SET session_id = 's2' WHERE content = 'one';
ROLLBACK TO s;
INSERT INTO entry (session_id, content) VALUES (NULL, 'secret');
ROLLBACK TO s;
TRUNCATE entry;
COMMIT;
-- also those that somebody catches
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		BEGIN
			INSERT INTO entry (content) VALUES ('secret');
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;
RESET SESSION AUTHORIZATION;
SELECT * FROM told();
SELECT * FROM counted();
SELECT forget();

-- tokens and contexts
SELECT sessmem.revoke_user('zoe');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.bind(NULL);
SELECT sessmem.bind('a.b.c');
SELECT sessmem.bind(:'s1' || 'x');
SELECT sessmem.bind(:'elsewhere');
BEGIN; SELECT sessmem.bind(:'s1'); COMMIT;
SELECT sessmem.bind(:'stolen');
SELECT sessmem.bind(:'revoked');
SET sessmem.context = 'forged';
SELECT count(*) FROM entry;
INSERT INTO entry (content) VALUES ('secret');
RESET sessmem.context;
SELECT sessmem.attach(:'brief');
SELECT pg_sleep(1.1);
SELECT sessmem.bind(:'brief');
SELECT count(*) FROM entry;
INSERT INTO entry (content) VALUES ('secret');
SELECT sessmem.detach();
BEGIN;
SELECT sessmem.bind(:'s1');
SELECT sessmem.bind(:'s2');
ROLLBACK;
SELECT sessmem.close_session();
SELECT sessmem.renew_session();
RESET SESSION AUTHORIZATION;
SELECT * FROM told();
SELECT * FROM counted();
SELECT forget();

-- ways around, and DDL
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'s1');
CREATE TEMPORARY TABLE copy AS SELECT * FROM entry;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET sessmem.maintenance = '';
SELECT count(*) FROM entry;
SET SESSION AUTHORIZATION regress_sessmem_owner;
ALTER TABLE own DISABLE ROW LEVEL SECURITY;
CREATE INDEX ON own ((length(content)));
DROP TABLE own;
RESET SESSION AUTHORIZATION;
RESET sessmem.maintenance;
SELECT * FROM told();
SELECT * FROM counted();
SELECT forget();

-- reads without a session: told apart from reads that find nothing
SET SESSION AUTHORIZATION regress_sessmem_app;
SHOW sessmem.unscoped_reads;
SELECT count(*) FROM entry;
SELECT count(*) FROM entry AS a, entry AS b;
UPDATE entry SET content = 'x';
SELECT count(*) FROM sessmem.recall(NULL::entry);
COPY entry (content) TO STDOUT;
EXPLAIN (COSTS OFF) SELECT 1 FROM entry WHERE id = 1;
BEGIN; SELECT sessmem.bind(:'s2'); SELECT count(*) FROM entry; COMMIT;
SET sessmem.unscoped_reads = 'notice';
SELECT count(*) FROM entry;
SET sessmem.unscoped_reads = 'error';
SELECT count(*) FROM entry;
DELETE FROM entry;
SELECT count(*) FROM sessmem.recall(NULL::entry);
EXPLAIN (COSTS OFF) SELECT 1 FROM entry WHERE id = 1;
BEGIN; SELECT sessmem.bind(:'s2'); SELECT count(*) FROM entry; COMMIT;
-- an INSERT is a write
INSERT INTO entry (content) VALUES ('x') RETURNING id;
-- fail
SET sessmem.unscoped_reads = 'off';
RESET SESSION AUTHORIZATION;
-- maintenance is not a mistake
SET sessmem.unscoped_reads = 'error';
SELECT count(*) FROM entry;
RESET sessmem.unscoped_reads;
SELECT * FROM told();
SELECT * FROM counted();

-- saved; what happens again soon is counted on the same row
BEGIN;
SELECT sessmem.save_violations() AS rolled_back;
ROLLBACK;
SELECT bool_and(id IS NULL), sum(count) FROM sessmem.violations;
-- nor does a subtransaction that rolls back
BEGIN;
SAVEPOINT s;
SAVEPOINT t;
SELECT sessmem.save_violations() > 0 AS saved;
RELEASE t;
ROLLBACK TO s;
COMMIT;
SELECT bool_and(id IS NULL), sum(count) FROM sessmem.violations;
BEGIN;
SAVEPOINT s;
SELECT sessmem.save_violations() > 0 AS saved;
RELEASE s;
SELECT sessmem.save_violations();
COMMIT;
SELECT bool_and(id IS NOT NULL), count(*), sum(count) FROM sessmem.violations;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM entry;
RESET SESSION AUTHORIZATION;
SELECT sessmem.save_violations();
SELECT bool_and(id IS NOT NULL), count(*), sum(count) FROM sessmem.violations;
SELECT sessmem.save_violations();
-- not for ever
UPDATE sessmem.violation SET at = now() - interval '89 days';
SELECT * FROM sessmem.sweep();
SELECT count(*) FROM sessmem.violation;
SET sessmem.violation_retention = '88d';
SELECT * FROM sessmem.sweep();
SELECT count(*) FROM sessmem.violation;
RESET sessmem.violation_retention;

-- pushed out while it was being saved: counted as dropped only if that rolled back
CREATE FUNCTION flood(first integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	rel oid;
BEGIN
	FOR rel IN SELECT c.oid FROM pg_class AS c WHERE c.oid < 16384 ORDER BY c.oid OFFSET first LIMIT 64 LOOP
		BEGIN
			PERFORM sessmem.refuse('no_session', rel, 'message', 'rule', 'hint');
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;
CREATE VIEW totals AS SELECT s.event, sum(s.count) FROM sessmem.stat AS s GROUP BY 1 ORDER BY 1;
SELECT forget();
SELECT flood(0);
BEGIN;
SELECT sessmem.save_violations();
SELECT flood(64);
SELECT * FROM totals;
COMMIT;
SELECT * FROM totals;
BEGIN;
SELECT sessmem.save_violations();
SELECT flood(128);
ROLLBACK;
SELECT * FROM totals;
SELECT sessmem.save_violations();
SELECT sum(count) FROM sessmem.violation;
-- the same again, while it is being saved: only what is new is left
SELECT flood(128);
BEGIN;
SELECT sessmem.save_violations();
SELECT flood(128);
COMMIT;
SELECT count(*), sum(count) FROM sessmem.recorded_violations();
SELECT * FROM totals;
DROP VIEW totals;

-- whatever the client calls itself
SELECT forget();
SET SESSION AUTHORIZATION regress_sessmem_app;
SET application_name = E'"}, {"kind": "x\\''; <script>';
BEGIN;
SELECT sessmem.bind(token(repeat('ä', 200), 'alice')) = repeat('ä', 200) AS bound;
INSERT INTO entry (session_id) VALUES ('s2');
ROLLBACK;
RESET application_name;
RESET SESSION AUTHORIZATION;
SELECT application_name, octet_length(session_id), session_id = repeat('ä', 63) AS clipped FROM sessmem.violations;

-- not for applications
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM sessmem.violations;
SELECT * FROM sessmem.violation;
SELECT * FROM sessmem.stat;
SELECT sessmem.stat_reset();
SELECT * FROM sessmem.recorded_violations();
SELECT * FROM sessmem.take_violations();
SELECT sessmem.save_violations();
SELECT sessmem.refuse('no_session', 0, 'a', 'b', 'c');
-- but for administrators
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT count(*) FROM sessmem.violations;
SELECT sessmem.save_violations();
SELECT kind, count FROM sessmem.violations;
SELECT count(*) FROM sessmem.stat;
SELECT sessmem.stat_reset();
SELECT count(*) FROM sessmem.stat;
SELECT * FROM sessmem.take_violations();
RESET SESSION AUTHORIZATION;
-- fail
SELECT sessmem.refuse('no_such_kind', 0, 'a', 'b', 'c');

DELETE FROM sessmem.violation;
DROP TABLE entry, entry2, own;
DROP FUNCTION told, counted, forget, flood;
