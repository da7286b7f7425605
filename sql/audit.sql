-- Each check of audit() is seen to find its gap, and each fix to close it, as it stands.
--
-- The gaps are in test/audit/AREA.sql, each with the finding that it makes.  A database of
-- its own, because that of the other tests is in maintenance for good, which is a finding.
\set SHOW_CONTEXT never
\getenv abs_srcdir PG_ABS_SRCDIR
\set harness :abs_srcdir '/test/audit/harness.sql'
SELECT current_database() AS regress \gset

-- ---------- one by one ----------

CREATE DATABASE regress_sessmem_audit;
\c regress_sessmem_audit
\set ECHO none
\i :harness
\set ECHO all
-- the roles of other tests, and what a server may have
SELECT check_id, object FROM before WHERE check_id !~ '^role\.' AND check_id <> 'leak.server_version';
-- one by one
CREATE PROCEDURE try_each(INOUT good integer) LANGUAGE plpgsql AS $$
DECLARE
	s seed;
	findings before[];
	wrong text;
	isolated boolean;
BEGIN
	good := 0;
	FOR s IN SELECT * FROM seed ORDER BY id LOOP
		BEGIN
			PERFORM set_config('sessmem.maintenance', 'seed', true);
			EXECUTE s.setup;
		EXCEPTION WHEN OTHERS THEN
			RAISE INFO '%: its seed fails: %', s.check_id, SQLERRM;
			CONTINUE;
		END;
		COMMIT;
		findings := ARRAY(SELECT f FROM fresh() AS f);
		SELECT string_agg(format('%s on %s', coalesce(f.check_id, 'not ' || s.check_id), coalesce(f.object, s.object)), ', ') INTO wrong
			FROM unnest(findings) AS f FULL JOIN (SELECT s.check_id, s.object) AS e USING (check_id, object)
			WHERE (f.check_id IS NULL OR e.check_id IS NULL) AND (f.check_id = ANY (s.also)) IS NOT TRUE;
		IF wrong IS NOT NULL THEN
			RAISE INFO '%: found is %', s.check_id, wrong;
		END IF;
		-- a whole sentence, evidence and a command
		IF EXISTS (SELECT FROM unnest(findings) AS f WHERE (f.finding ~ '^\S.*[.]$' AND f.evidence <> '' AND f.fix ~ ';( -- then restart the server)?$') IS NOT TRUE) THEN
			RAISE INFO '%: the finding is incomplete', s.check_id;
		END IF;
		isolated := close_all(s.check_id, findings);
		COMMIT;
		good := good + (wrong IS NULL AND isolated)::integer;
		PERFORM set_config('sessmem.maintenance', 'seed', true);
		EXECUTE s.cleanup;
		COMMIT;
	END LOOP;
END $$;
CALL try_each(NULL) \gset
SELECT * FROM trace;
SELECT count(*) = :good AS all_good FROM seed;
-- a check that nobody has seen red (those with another server are in test/t)
SELECT c.check_id AS no_seed FROM sessmem.audit_check AS c
	WHERE NOT EXISTS (SELECT FROM seed AS s WHERE s.check_id = c.check_id) AND c.check_id NOT IN ('context.not_preloaded', 'context.placeholder',
			'leak.replication_slot', 'leak.server_version', 'operation.no_key', 'operation.no_worker', 'operation.pooled_attach', 'operation.event_triggers_off',
			'role.trust')
		AND (c.check_id <> 'guard.maintain_granted' OR current_setting('server_version_num')::int >= 170000) ORDER BY 1;

-- ---------- all at once ----------

\c :regress
DROP DATABASE regress_sessmem_audit;
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'regress\_sessmem\_audit\_%' ORDER BY 1 \gexec
CREATE DATABASE regress_sessmem_audit;
\c regress_sessmem_audit
\set ECHO none
\i :harness
\set ECHO all
DO $$
DECLARE
	s seed;
BEGIN
	PERFORM set_config('sessmem.maintenance', 'seed', true);
	FOR s IN SELECT * FROM seed ORDER BY id LOOP
		EXECUTE s.setup;
	END LOOP;
END $$;
-- what is found and should not be, or the other way round
SELECT coalesce(f.check_id, e.check_id) AS check_id, coalesce(f.object, e.object) AS object, f.check_id IS NOT NULL AS found, e.check_id IS NOT NULL AS seeded, f.evidence
	FROM fresh() AS f FULL JOIN (SELECT DISTINCT check_id, object FROM seed) AS e USING (check_id, object)
	WHERE (f.check_id IS NULL OR e.check_id IS NULL) AND NOT EXISTS (SELECT FROM seed AS s WHERE f.check_id = ANY (s.also))
	ORDER BY 1, 2;
SELECT close_all('all', ARRAY(SELECT f FROM fresh() AS f)) AS all_closed;
-- no fix has executed what somebody else wrote, nor made it a superuser's
SELECT * FROM trace;
SELECT p.proname, p.proowner::regrole FROM pg_proc AS p WHERE p.proname IN ('g7', 'g24', 'l16', 's44_me', 'h8', 'h9') ORDER BY 1;
-- a table that was an application's is nobody's, and the application still uses it
SELECT c.relname, c.relowner::regrole, r.rolcanlogin, r.rolsuper, has_table_privilege('regress_sessmem_audit_owner1', c.oid, 'SELECT, INSERT') AS used
	FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner WHERE c.relname IN ('r1') ORDER BY 1;
-- what is published with a table that should not be stays published
SELECT tablename FROM pg_publication_tables WHERE pubname = 'l2';

-- ---------- what it promises ----------

-- nobody but administrators executes it, and they need no more than that
SELECT sessmem.grant_admin('regress_sessmem_admin');
SELECT p.oid::regprocedure, a.grantee::regrole FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
	WHERE p.proname IN ('audit', 'assert_isolated') AND a.grantee <> p.proowner AND a.grantee::regrole::text !~ '^regress_sessmem_audit_';

SET ROLE regress_sessmem_admin;
SELECT count(*) FROM sessmem.audit() WHERE check_id !~ '^role\.';
SELECT count(*) > 70 AS listed FROM sessmem.audit_check;
SET ROLE regress_sessmem_app;
SELECT * FROM sessmem.audit();
RESET ROLE;

-- the assertion, for CI
CREATE TABLE open_notes (session_id text NOT NULL);
CREATE POLICY p ON open_notes USING (session_id = sessmem.session_id());
SELECT sessmem.assert_isolated();
ALTER TABLE open_notes ENABLE ROW LEVEL SECURITY;
SELECT sessmem.assert_isolated();
SELECT sessmem.assert_isolated('terrible');

-- rows are not touched as long as that would run what somebody else can replace
SELECT sessmem.maintenance('rows');
CREATE TABLE nobodys (session_id text);
SELECT sessmem.protect('nobodys');
CREATE FUNCTION call_evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM evil(); RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON nobodys FOR EACH ROW EXECUTE FUNCTION call_evil();
ALTER FUNCTION call_evil() OWNER TO regress_sessmem_app;
SET sessmem.maintenance = 'rows';
ALTER TABLE nobodys ALTER session_id DROP NOT NULL;
INSERT INTO nobodys VALUES (NULL);
SELECT check_id, fix FROM fresh() WHERE object = 'public.nobodys';
DROP TRIGGER t ON nobodys;
SELECT check_id FROM fresh() WHERE object = 'public.nobodys';
DROP TABLE nobodys;
RESET sessmem.maintenance;

-- what is looked at is never executed
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql COST 0.001 AS $$ BEGIN RAISE EXCEPTION 'executed'; END $$;
CREATE TABLE trapped (session_id text NOT NULL DEFAULT trap(), CHECK (trap()));
ALTER TABLE trapped ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON trapped USING (trap() AND session_id = current_setting('app.s'));
CREATE VIEW trapped_view AS SELECT *, trap() FROM trapped WHERE session_id = current_setting('app.s');
SELECT count(*) > 0 AS looked_at FROM fresh() WHERE object ~ 'trap';
SELECT check_id, severity FROM fresh() WHERE object ~ 'trap';

\c :regress
DROP DATABASE regress_sessmem_audit;
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'regress\_sessmem\_audit\_%' ORDER BY 1 \gexec
