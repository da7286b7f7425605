-- Worker: what sweep() deletes.  The worker itself is tested in test/t.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
TRUNCATE sessmem.session;
TRUNCATE sessmem.revocation;
CREATE TABLE turn (id bigserial PRIMARY KEY, session_id text, content text);
CREATE TABLE fact (id bigserial PRIMARY KEY, user_id text, content text);
SELECT sessmem.protect('turn');
SELECT sessmem.protect('fact', NULL, 'user_id');

CREATE FUNCTION fill(session_id text, turns int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	token text := sessmem.open_session('u-' || session_id, session_id => session_id, ttl => '10 days', idle_timeout => '10 days');
BEGIN
	PERFORM set_config('sessmem.maintenance', 'fill', true);
	PERFORM sessmem.bind(token);
	INSERT INTO turn (content) SELECT 'x' FROM generate_series(1, turns);
	INSERT INTO fact (content) VALUES ('x');
	RETURN token;
END $$;
SELECT fill('live', 5) AS live \gset
SELECT fill('ended', 5) AS ended \gset
SELECT fill('expired', 5) IS NOT NULL AS filled;
SELECT fill('idle', 5) IS NOT NULL AS filled;
SELECT fill('just ended', 5) AS just \gset
SELECT sessmem.close_session('ended'), sessmem.close_session('just ended');
UPDATE sessmem.session SET ended_at = now() - interval '31 days' WHERE session_id = 'ended';
UPDATE sessmem.session SET expires_at = now() - interval '31 days' WHERE session_id = 'expired';
UPDATE sessmem.session SET last_used_at = now() - interval '41 days' WHERE session_id = 'idle';
CREATE FUNCTION holdings() RETURNS TABLE (session_id text, turns bigint) LANGUAGE sql SET sessmem.maintenance = 'count' AS
	'SELECT s.session_id, count(l.id) FROM sessmem.session AS s LEFT JOIN turn AS l USING (session_id) GROUP BY 1 ORDER BY 1';
SELECT * FROM holdings();

-- sweeping needs no maintenance
SET sessmem.maintenance = '';
-- kept for ever
SET sessmem.retention = -1;
SELECT * FROM sessmem.sweep();
-- for longer than it has been
SET sessmem.retention = '32d';
SELECT * FROM sessmem.sweep();
-- for 30 days, by default; rows of the user stay
RESET sessmem.retention;
SHOW sessmem.retention;
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT * FROM sessmem.sweep();
SELECT * FROM sessmem.sweep();
RESET SESSION AUTHORIZATION;
SELECT * FROM holdings();
BEGIN;
SET LOCAL sessmem.maintenance = 'read';
SELECT count(*) FROM turn;
SELECT count(*) FROM fact;
COMMIT;
-- a token that is still good does not bring an ended session back
SELECT try_bind(:'ended');
SELECT count(*) FROM sessmem.revocation;
UPDATE sessmem.revocation SET expires_at = now();
SELECT * FROM sessmem.sweep();
SELECT count(*) FROM sessmem.revocation;
-- nor one that never expires, or was closed in its first transaction
BEGIN;
SELECT sessmem.bind(token('foreign', 'u'));
SELECT sessmem.close_session();
COMMIT;
BEGIN;
SELECT sessmem.assume('assumed', 'u');
SELECT sessmem.close_session();
COMMIT;
UPDATE sessmem.session SET ended_at = now() - interval '31 days' WHERE user_id = 'u';
SELECT * FROM sessmem.sweep();
SELECT try_bind(token('foreign', 'u')), try_bind(token('assumed', 'u'));
-- nobody else lost anything
BEGIN;
SELECT sessmem.bind(:'live');
SET LOCAL sessmem.maintenance = 'read';
SELECT count(*) FROM sessmem.recall(NULL::turn);
COMMIT;
BEGIN;
SELECT sessmem.bind(:'just');
SET LOCAL sessmem.maintenance = 'read';
SELECT count(*) FROM sessmem.recall(NULL::turn);
COMMIT;

-- in batches, until nothing is left
SET sessmem.retention = 0;
SELECT format('SELECT fill(%L, 30) IS NOT NULL AS filled', 'many ' || i) FROM generate_series(1, 4) AS i \gexec
UPDATE sessmem.session SET ended_at = now() WHERE session_id LIKE 'many%';
SELECT * FROM sessmem.sweep(50);
SELECT * FROM sessmem.sweep(20);
BEGIN;
SET LOCAL sessmem.maintenance = 'read';
SELECT count(*) FROM turn WHERE session_id LIKE 'many%';
COMMIT;
CALL sessmem.sweep_all(25);
SELECT * FROM holdings();

-- one that cannot go does not keep the others, and says no more than that
SELECT fill('stuck', 3) IS NOT NULL AS filled;
SELECT fill('free', 3) IS NOT NULL AS filled;
CREATE TABLE legal_hold (turn bigint REFERENCES turn);
BEGIN;
SET LOCAL sessmem.maintenance = 'read';
INSERT INTO legal_hold SELECT min(id) FROM turn WHERE session_id = 'stuck';
COMMIT;
UPDATE sessmem.session SET ended_at = now() - interval '1 day' WHERE session_id = 'stuck';
UPDATE sessmem.session SET ended_at = now() WHERE session_id = 'free';
SELECT * FROM sessmem.sweep();
SELECT * FROM holdings();
DROP TABLE legal_hold;
-- it is tried again an hour later
CALL sessmem.sweep_all();
SELECT * FROM holdings();
UPDATE sessmem.session SET sweep_failed_at = sweep_failed_at - interval '1 hour';
CALL sessmem.sweep_all();
SELECT * FROM holdings();

-- fail
SELECT sessmem.sweep(0);
SELECT sessmem.sweep(NULL);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT sessmem.sweep();
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.sweep();
CALL sessmem.sweep_all();
SET sessmem.retention = 0;
RESET SESSION AUTHORIZATION;
RESET sessmem.maintenance;
DROP FUNCTION fill, holdings;
DROP TABLE turn, fact;
