-- What the two passes of sql/audit.sql share: a database with the extension, the seeds
-- (from PG_ABS_SRCDIR), and what looks at the findings.
SET client_min_messages = error;	-- INFO is told all the same
CREATE EXTENSION sessmem;

-- setup is executed in maintenance; also: checks that the same gap raises besides;
-- cleanup: what remains once the fixes are executed.
CREATE TABLE seed (
	id integer GENERATED ALWAYS AS IDENTITY,
	check_id text NOT NULL,
	object text NOT NULL,
	setup text NOT NULL,
	also text[] NOT NULL DEFAULT '{}',
	cleanup text NOT NULL DEFAULT ''
);
-- what hostile seeds try to have executed by a fix
CREATE TABLE trace (by name, called text);
CREATE FUNCTION evil() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	called text;
BEGIN
	GET DIAGNOSTICS called = PG_CONTEXT;
	INSERT INTO public.trace VALUES (current_user, called);
	RETURN true;
END $$;
\getenv abs_srcdir PG_ABS_SRCDIR
\set seeds :abs_srcdir '/test/audit/context.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/storage.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/guard.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/leak.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/role.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/table.sql'
\i :seeds
\set seeds :abs_srcdir '/test/audit/operation.sql'
\i :seeds

\set seeds :abs_srcdir '/test/audit/hostile.sql'
\i :seeds

-- What is there before, the roles of other tests for example, is not the seeds'.
CREATE TABLE before AS SELECT * FROM sessmem.audit();
CREATE FUNCTION fresh() RETURNS SETOF before LANGUAGE sql AS $$
	SELECT a.* FROM sessmem.audit() AS a
	WHERE NOT EXISTS (SELECT FROM before AS b WHERE (b.check_id, b.object, b.evidence) IS NOT DISTINCT FROM (a.check_id, a.object, a.evidence)) $$;

-- Executes the fix of each finding; what one has closed already may fail.
CREATE FUNCTION close_all(seed text, findings before[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	f before;
	failed text[] := '{}';
	isolated boolean := true;
BEGIN
	FOREACH f IN ARRAY findings LOOP
		BEGIN
			EXECUTE f.fix;
		EXCEPTION WHEN OTHERS THEN
			failed := failed || format('the fix of %s on %s fails: %s: %s', f.check_id, f.object, SQLERRM, f.fix);
		END;
	END LOOP;
	FOR f IN SELECT * FROM fresh() LOOP
		isolated := false;
		RAISE INFO '%: still found: % on %: %; %', seed, f.check_id, f.object, f.evidence, array_to_string(failed, '; ');
	END LOOP;
	RETURN isolated;
END $$;
