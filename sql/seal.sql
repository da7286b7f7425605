-- The seal: rules 1 and 2 at the top of seal.c, and who may set what.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
SELECT pid, ((extract(epoch FROM backend_start) - 946684800) * 1000000)::bigint AS backend_start
	FROM pg_stat_activity WHERE pid = pg_backend_pid() \gset
GRANT CREATE ON SCHEMA public TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT token('a', 'alice', 'acme') AS a \gset

-- rule 1: forged or edited
SET sessmem.context = 'a';
SELECT sessmem.session_id(), sessmem.status();
SET sessmem.context = 't|1|1|1|1|1:a|-1:|-1:|-1:|0000000000000000000000000000000000000000000000000000000000000000';
SELECT sessmem.session_id(), sessmem.status();
SELECT set_config('sessmem.context', 'c|' || pg_backend_pid() || '|0|0|9223372036854775807|1:a|-1:|-1:|-1:|' || repeat('0', 64), false);
SELECT sessmem.session_id(), sessmem.status();
SET sessmem.context = '********';
SELECT sessmem.session_id(), sessmem.status();
-- everything right but the MAC
SELECT set_config('sessmem.context', format('c|%s|%s|0|9223372036854775807|1:a|-1:|-1:|-1:|%s', :pid, :backend_start, repeat('0', 64)), false);
SELECT sessmem.session_id(), sessmem.status();
-- what is not sealed does not get in the way of what is
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.status();
COMMIT;
SELECT sessmem.status();
RESET sessmem.context;
SELECT sessmem.status();

-- rules 2 and 3: nobody can copy what nobody can read
BEGIN;
SELECT sessmem.bind(:'a');
SHOW sessmem.context;
SELECT current_setting('sessmem.context'), set_config('sessmem.context', current_setting('sessmem.context'), true);
SELECT sessmem.status();
ROLLBACK;
SELECT count(*) FROM pg_settings WHERE name IN ('sessmem.context', 'sessmem.token');
BEGIN;
SELECT sessmem.bind(:'a');
-- fail: not in a function either
CREATE FUNCTION keep() RETURNS text LANGUAGE sql SET sessmem.context FROM CURRENT AS 'SELECT sessmem.status()';
ROLLBACK;

-- fail: set from anywhere but a session
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_sessmem_app SET sessmem.context = 'a';
ALTER SYSTEM SET sessmem.context = 'a';
ALTER ROLE regress_sessmem_app SET sessmem.token = 'a';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET sessmem.context = %L', current_database(), 'a'); END $$;
SET SESSION AUTHORIZATION regress_sessmem_app;
-- fail: the answers are not inputs, and nothing else of that name can be
SET sessmem.session_id = 'b';
SELECT set_config('sessmem.user_id', 'bob', true);
UPDATE pg_settings SET setting = 'b' WHERE name = 'sessmem.session_id';
SET sessmem.token = 'a';
SET sessmem.anything = 'b';
SET sessmem.audience = 'mine';
SET sessmem.allow_attach = on;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_sessmem_app;
