-- prove: an active proof, and that it sees what it should.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = error;
DELETE FROM sessmem.session;	-- of other tests, whose users share ids
CREATE ROLE regress_sessmem_prover LOGIN;
CREATE ROLE regress_sessmem_maker LOGIN;
CREATE ROLE "regress_sessmem Odd""App" LOGIN;
SELECT sessmem.grant_admin('regress_sessmem_prover');
SELECT sessmem.grant_app('"regress_sessmem Odd""App"');
SELECT sessmem.grant_app('regress_sessmem_maker');
CREATE SCHEMA prove AUTHORIZATION regress_sessmem_maker;
GRANT USAGE ON SCHEMA prove TO PUBLIC;
SET ROLE regress_sessmem_maker;
CREATE TABLE prove.messages (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	session_id text,
	content text NOT NULL);
CREATE TABLE prove."Chat" (
	"chatId" uuid, "userId" varchar(20), "tenantId" bigint,
	"Role" varchar(10) NOT NULL CHECK ("Role" IN ('user', 'assistant')),
	PRIMARY KEY ("chatId", "userId", "tenantId"));
CREATE TABLE prove."Odd ""Message" (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	"chatId" uuid, "userId" varchar(20), "tenantId" bigint,
	parts json NOT NULL,
	FOREIGN KEY ("chatId", "userId", "tenantId") REFERENCES prove."Chat" ON DELETE CASCADE);
CREATE TYPE prove.mood AS ENUM ('happy', 'sad');
CREATE DOMAIN prove.score AS int CHECK (VALUE BETWEEN 0 AND 10);
CREATE TABLE prove.events (
	session_id uuid, at timestamptz NOT NULL DEFAULT now(), mood prove.mood NOT NULL, score prove.score NOT NULL,
	tags text[] NOT NULL, n numeric(5, 2) NOT NULL, r int4range NOT NULL, b bytea NOT NULL, o inet NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE prove.events_1 PARTITION OF prove.events FOR VALUES FROM ('2020-01-01') TO ('2200-01-01');
CREATE TABLE prove.agents (name text PRIMARY KEY, level int NOT NULL UNIQUE);
CREATE TABLE prove.notes (
	user_id text, agent text NOT NULL REFERENCES prove.agents, slug text NOT NULL, day date NOT NULL, doc jsonb NOT NULL,
	t time NOT NULL, i interval NOT NULL, c char(4) NOT NULL, bits bit(3) NOT NULL, UNIQUE (user_id, slug));
CREATE TABLE prove.tenants (session_id text, tenant text, v int) PARTITION BY LIST (tenant);
CREATE TABLE prove.acme PARTITION OF prove.tenants FOR VALUES IN ('acme');
RESET ROLE;
SELECT sessmem.protect('prove.messages');
SELECT sessmem.protect('prove."Chat"', 'chatId', 'userId', 'tenantId');
SELECT sessmem.protect('prove."Odd ""Message"', 'chatId', 'userId', 'tenantId');
SELECT sessmem.protect('prove.events');
SELECT sessmem.protect('prove.notes', NULL, 'user_id');
SELECT sessmem.protect('prove.tenants', 'session_id', tenant_column => 'tenant');
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA prove TO regress_sessmem_app, "regress_sessmem Odd""App";

-- the whole report, once: the application owns the table
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_maker');

-- what else is proven, by outcome
CREATE FUNCTION outcomes(relation regclass, role regrole, sample jsonb DEFAULT '{}') RETURNS TABLE (outcome text, n bigint) LANGUAGE sql AS
	'SELECT outcome, count(*) FROM sessmem.prove($1, $2, $3) GROUP BY 1 ORDER BY 1';
SELECT * FROM outcomes('prove.messages', 'regress_sessmem_app');
SELECT * FROM outcomes('prove.messages', '"regress_sessmem Odd""App"');
SELECT * FROM outcomes('prove."Chat"', 'regress_sessmem_maker');
SELECT * FROM outcomes('prove."Odd ""Message"', 'regress_sessmem_maker');
SELECT * FROM outcomes('prove."Odd ""Message"', '"regress_sessmem Odd""App"');
SELECT * FROM outcomes('prove.events', 'regress_sessmem_maker');
SELECT * FROM outcomes('prove.notes', 'regress_sessmem_app');
SELECT * FROM outcomes('prove.tenants', 'regress_sessmem_maker', '{"tenant": "acme"}');

-- the guard alone, where the owner is a superuser
CREATE TABLE prove.root (session_id text, user_id text, v int);
SELECT sessmem.protect('prove.root', 'session_id', 'user_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON prove.root TO regress_sessmem_app;
SELECT * FROM sessmem.prove('prove.root', 'regress_sessmem_app') WHERE attempt LIKE 'guard%';

-- an administrator who may act as the application
GRANT regress_sessmem_app TO regress_sessmem_prover;
GRANT USAGE ON SCHEMA public TO regress_sessmem_prover;
SET SESSION AUTHORIZATION regress_sessmem_prover;
SELECT * FROM outcomes('prove.messages', 'regress_sessmem_app');
-- fail: as which he may not act
SELECT * FROM outcomes('prove.messages', 'regress_sessmem_maker');
SELECT sessmem.prove_as('regress_sessmem_maker', 'SELECT 1');
RESET SESSION AUTHORIZATION;

-- in another isolation level
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM outcomes('prove.messages', 'regress_sessmem_app');
ROLLBACK;
-- fail: where nothing can be written
BEGIN READ ONLY;
\set VERBOSITY default
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_app');
\set VERBOSITY terse
ROLLBACK;
-- fail: not for everybody
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_app');
SELECT sessmem.prove_enter('s', NULL, NULL);
RESET SESSION AUTHORIZATION;

-- fail: what is not to be proven
CREATE VIEW prove.v WITH (security_invoker) AS SELECT * FROM prove.messages;
SELECT * FROM sessmem.prove('prove.v', 'regress_sessmem_app');
SELECT * FROM sessmem.prove('prove.acme', 'regress_sessmem_app');
SELECT * FROM sessmem.prove('prove.agents', 'regress_sessmem_app');
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_dba');
SELECT * FROM sessmem.prove(NULL, 'regress_sessmem_app');
SELECT * FROM sessmem.prove(4711, 'regress_sessmem_app');
-- fail: no second session
BEGIN;
SELECT sessmem.assume('s');
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_app');
ROLLBACK;
-- fail: a row that it cannot make is never passed over
\set VERBOSITY default
SELECT * FROM sessmem.prove('prove.tenants', 'regress_sessmem_maker');
SELECT * FROM sessmem.prove('prove.tenants', 'regress_sessmem_maker', '{"tenant": "acme", "session_id": "s"}');
GRANT SELECT ON prove.messages TO regress_sessmem_nobody;
SELECT * FROM sessmem.prove('prove.messages', 'regress_sessmem_nobody');
\set VERBOSITY terse

-- nothing is left behind, whether it succeeds or fails
SET sessmem.maintenance = 'count';
CREATE FUNCTION left_behind() RETURNS TABLE (what text, n bigint) LANGUAGE sql AS $$
	SELECT 'rows', (SELECT count(*) FROM prove.messages) + (SELECT count(*) FROM prove."Chat") + (SELECT count(*) FROM prove.agents) + (SELECT count(*) FROM prove.events)
	UNION ALL SELECT 'sessions', (SELECT count(*) FROM sessmem.session)
	UNION ALL SELECT 'revocations', (SELECT count(*) FROM sessmem.revocation)
	UNION ALL SELECT 'log of maintenance', (SELECT count(*) FROM sessmem.maintenance_log)
	UNION ALL SELECT 'objects', (SELECT count(*) FROM pg_class WHERE relname = 'sessmem prove') + (SELECT count(*) FROM pg_proc WHERE proname = 'sessmem prove') $$;
DELETE FROM sessmem.revocation;
DELETE FROM sessmem.maintenance_log;
SET search_path = prove, public;
PREPARE kept AS SELECT 1;
CREATE TEMP TABLE kept (a int);
BEGIN;
SELECT count(*) > 40 AS proven FROM sessmem.prove('messages', 'regress_sessmem_app');
SELECT current_setting('search_path'), current_setting('application_name') <> 'sessmem prove' AS name, current_setting('lock_timeout'),
	current_user = session_user AS role, sessmem.status(), sessmem.session_id(), current_setting('sessmem.maintenance');
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode = 'AccessExclusiveLock' AND relation = 'messages'::regclass;
COMMIT;
DO $$ BEGIN
	PERFORM sessmem.prove('tenants', 'regress_sessmem_maker');
EXCEPTION WHEN OTHERS THEN NULL;
END $$;
DO $$ BEGIN
	PERFORM sessmem.prove('messages', 'regress_sessmem_app');
	PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN NULL;
END $$;
SELECT * FROM left_behind();
SELECT count(*) FROM kept;
EXECUTE kept;
SELECT current_setting('search_path'), sessmem.status();
DROP TABLE kept;
-- the transaction may be a session's yet
BEGIN;
SELECT count(*) > 40 AS proven FROM sessmem.prove('messages', 'regress_sessmem_app');
SELECT sessmem.assume('after');
ROLLBACK;
RESET search_path;
-- a throw-away session cannot be committed, nor what it wrote
BEGIN;
SELECT sessmem.prove_enter('s', NULL, NULL);
COMMIT;
BEGIN;
SAVEPOINT s;
SELECT sessmem.prove_enter('s', NULL, NULL);
INSERT INTO prove.messages (content) VALUES ('x');
RELEASE s;
SAVEPOINT t;
SELECT sessmem.prove_enter('t', NULL, NULL);
ROLLBACK TO t;
SELECT sessmem.prove_enter(NULL, NULL, NULL);
SELECT sessmem.prove_end();
COMMIT;
-- nor is there a token that stays
SELECT sessmem.prove_token('stays', 'u', 't');
-- what is rolled back leaves the transaction as it was
BEGIN;
SAVEPOINT s;
SELECT sessmem.prove_enter('s', NULL, NULL);
ROLLBACK TO s;
SELECT sessmem.assume('after');
ROLLBACK;
-- and leaves nothing if it is rolled back and nobody cleans up
BEGIN;
SAVEPOINT s;
SELECT sessmem.prove_enter('s', NULL, NULL);
INSERT INTO prove.messages (content) VALUES ('x');
ROLLBACK TO s;
COMMIT;
SELECT * FROM left_behind() WHERE n > 0;

-- hostile names come first
CREATE SCHEMA evil;
CREATE FUNCTION evil.trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT evil.trap()';
CREATE FUNCTION evil.cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT evil.trap()::int';
CREATE FUNCTION evil.equals(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap()::boolean';
CREATE OPERATOR evil.= (FUNCTION = evil.equals, LEFTARG = text, RIGHTARG = text);
SET search_path = evil, pg_catalog;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 40 AS proven FROM sessmem.prove('prove.messages', 'regress_sessmem_app');
RESET search_path;
DROP SCHEMA evil CASCADE;

-- hostile code in the table acts as the role, and as nobody else
SET ROLE regress_sessmem_maker;
CREATE FUNCTION prove.climb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE 'RESET ROLE';
		RAISE EXCEPTION 'it is the administrator';
	EXCEPTION WHEN insufficient_privilege THEN NULL;
	END;
	IF current_user <> 'regress_sessmem_app' OR current_setting('sessmem.maintenance') <> '' THEN
		RAISE EXCEPTION 'it is %', current_user;
	END IF;
	RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION prove.climb() TO PUBLIC;
CREATE TABLE prove.hostile (session_id text, v int);
CREATE TRIGGER climb BEFORE INSERT OR UPDATE ON prove.hostile FOR EACH ROW EXECUTE FUNCTION prove.climb();
GRANT ALL ON prove.hostile TO regress_sessmem_app;
RESET ROLE;
SELECT sessmem.protect('prove.hostile');
SELECT * FROM outcomes('prove.hostile', 'regress_sessmem_app');

-- fail: code that feigns to be undone
SET ROLE regress_sessmem_maker;
CREATE OR REPLACE FUNCTION prove.climb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
	END IF;
	RETURN NEW;
END $$;
RESET ROLE;
\set VERBOSITY default
SELECT * FROM outcomes('prove.hostile', 'regress_sessmem_app');
\set VERBOSITY terse

-- fail: what is taken away by hand is named
\set VERBOSITY default
SET sessmem.maintenance = 'mutations';
CREATE PROCEDURE holed(relation regclass, role regrole, VARIADIC hole text[]) LANGUAGE plpgsql AS $$
DECLARE
	command text;
	more text;
BEGIN
	FOREACH command IN ARRAY hole LOOP
		EXECUTE command;
	END LOOP;
	PERFORM sessmem.prove(relation, role);
	RAISE EXCEPTION 'held' USING ERRCODE = 'ZZ000';
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS more = PG_EXCEPTION_DETAIL;
		RAISE INFO '% %', SQLERRM, E'\n' || more;
END $$;
CALL holed('prove.messages', 'regress_sessmem_app', 'SELECT 1');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages DISABLE ROW LEVEL SECURITY');
CALL holed('prove.messages', 'regress_sessmem_maker', 'ALTER TABLE prove.messages NO FORCE ROW LEVEL SECURITY');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER POLICY sessmem_permissive ON prove.messages USING (true) WITH CHECK (true)');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER POLICY sessmem_restrictive ON prove.messages USING (true) WITH CHECK (true)',
	'CREATE POLICY more ON prove.messages USING (true)');
CALL holed('prove.messages', 'regress_sessmem_app', 'DROP POLICY sessmem_restrictive ON prove.messages', 'CREATE POLICY more ON prove.messages USING (true)');
CALL holed('prove.messages', 'regress_sessmem_app', 'DROP TRIGGER zzz_sessmem_guard ON prove.messages');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages DISABLE TRIGGER zzz_sessmem_guard');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages ENABLE TRIGGER zzz_sessmem_guard');
CALL holed('prove.messages', 'regress_sessmem_app', 'CREATE OR REPLACE TRIGGER zzz_sessmem_guard BEFORE INSERT OR UPDATE OR DELETE ON prove.messages
	FOR EACH ROW WHEN (false) EXECUTE FUNCTION sessmem.guard(''session_id'', '''', '''')', 'ALTER TABLE prove.messages ENABLE ALWAYS TRIGGER zzz_sessmem_guard');
CALL holed('prove.messages', 'regress_sessmem_app', 'DROP TRIGGER zzz_sessmem_truncate ON prove.messages');
CALL holed('prove.messages', 'regress_sessmem_maker', 'DROP TRIGGER zzz_sessmem_truncate ON prove.messages');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages ALTER session_id DROP NOT NULL');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages DROP CONSTRAINT sessmem_key_not_empty');
-- harmless
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER TABLE prove.messages ALTER session_id DROP DEFAULT');
-- by another column
CALL holed('prove."Chat"', 'regress_sessmem_app',
	'ALTER POLICY sessmem_permissive ON prove."Chat" USING ("tenantId" = sessmem.tenant_id(NULL::bigint)) WITH CHECK ("tenantId" = sessmem.tenant_id(NULL::bigint))',
	'ALTER POLICY sessmem_restrictive ON prove."Chat" USING ("tenantId" = sessmem.tenant_id(NULL::bigint)) WITH CHECK ("tenantId" = sessmem.tenant_id(NULL::bigint))');
CALL holed('prove.events', 'regress_sessmem_maker', 'ALTER TABLE prove.events_1 DISABLE ROW LEVEL SECURITY');
CALL holed('prove.messages', 'regress_sessmem_app', 'GRANT regress_sessmem_dba TO regress_sessmem_app');
CALL holed('prove.root', 'regress_sessmem_app', 'DROP TRIGGER zzz_sessmem_guard ON prove.root');
CALL holed('prove.messages', 'regress_sessmem_app', 'ALTER EVENT TRIGGER sessmem_after_ddl DISABLE');
CALL holed('prove.messages', 'regress_sessmem_app',
	'DELETE FROM sessmem.protected_table WHERE relation = ''prove.messages''::regclass');

RESET sessmem.maintenance;
SELECT * FROM left_behind() WHERE n > 0;
DROP PROCEDURE holed;
DROP FUNCTION left_behind, outcomes;
SET sessmem.maintenance = 'end';
DROP SCHEMA prove CASCADE;
RESET sessmem.maintenance;
DROP OWNED BY regress_sessmem_prover, regress_sessmem_maker, "regress_sessmem Odd""App";
DROP ROLE regress_sessmem_prover, regress_sessmem_maker, "regress_sessmem Odd""App";
