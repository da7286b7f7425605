-- Session: the registry's rules, as in the table at the top of session.c.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
TRUNCATE sessmem.session;
TRUNCATE sessmem.revocation;
CREATE TABLE talk (id bigserial PRIMARY KEY, session_id text, content text);
SELECT sessmem.protect('talk');
GRANT SELECT, INSERT, UPDATE, DELETE ON talk TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE talk_id_seq TO regress_sessmem_app;

-- what the registry has, without the times
CREATE VIEW registered AS SELECT tenant_id, user_id, session_id, agent_id, metadata,
	date_trunc('minute', expires_at - created_at) AS expires_in, idle_timeout, ended_at IS NOT NULL AS ended, lifetime FROM sessmem.session ORDER BY created_at;

-- open_session() records
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.open_session('alice', tenant_id => 'acme', session_id => 'a1', ttl => '1 hour',
	agent_id => 'concierge', idle_timeout => '20 minutes', metadata => '{"site": "shop.example"}') AS alice \gset
RESET SESSION AUTHORIZATION;
SELECT * FROM registered;
-- again: a new token for the same session; what is not given stays
SELECT sessmem.open_session('alice', tenant_id => 'acme', session_id => 'a1', ttl => '2 hours', metadata => '{"page": "/cart"}') <> :'alice' AS another;
SELECT * FROM registered;
-- fail
SELECT sessmem.open_session('alice', idle_timeout => '0');
SELECT sessmem.open_session('alice', idle_timeout => '-1 s');
SELECT sessmem.open_session('alice', idle_timeout => '101 years');
SELECT sessmem.open_session('alice', metadata => '[1]');
SELECT count(*) FROM sessmem.session;

-- unknown: ours must be in the registry
BEGIN;
SELECT sessmem.open_session('alice', session_id => 'never committed') AS t \gset
ROLLBACK;
SELECT try_bind(:'t');
-- another issuer's is recorded, once its transaction commits
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT token('x1', 'xavier') AS xavier \gset
BEGIN;
SELECT sessmem.bind(:'xavier');
ROLLBACK;
BEGIN READ ONLY;
SELECT sessmem.bind(:'xavier');
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM sessmem.session WHERE session_id = 'x1';
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'xavier');
COMMIT;
SELECT count(*) FROM sessmem.recall(NULL::talk, token => token('x2', 'xavier'));
RESET SESSION AUTHORIZATION;
-- what a read-only transaction wrote before it became one has an owner, too
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(token('x3', 'xavier'));
INSERT INTO talk (content) VALUES ('hello');
SET TRANSACTION READ ONLY;
COMMIT;
RESET SESSION AUTHORIZATION;
-- and assume() records
BEGIN;
SELECT sessmem.assume('y1', 'yvonne');
COMMIT;
SELECT user_id, session_id, expires_in IS NOT NULL AS expires FROM registered WHERE session_id ~ '^[xy]';

-- wrong user: another user's or tenant's session id, while a table has no column to tell them apart
SELECT try_bind(token('a1', 'mallory', 'acme'));
SELECT try_bind(token('a1', 'alice', 'other'));
SELECT try_bind(token('a1'));
SELECT try_bind(token('x1', 'mallory'));
SELECT sessmem.open_session('mallory', session_id => 'x1');
BEGIN;
SELECT sessmem.assume('x1', 'mallory');
ROLLBACK;
SELECT count(*) FROM sessmem.session WHERE session_id IN ('a1', 'x1');
-- with such columns it is another session; and then no table without may be protected
SELECT sessmem.unprotect(relation) FROM sessmem.protected_table AS p
	WHERE session_column IS NOT NULL AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = p.relation);
CREATE TABLE diary (id bigserial PRIMARY KEY, session_id text, user_id text, entry text);
SELECT sessmem.protect('diary', user_column => 'user_id');
GRANT SELECT, INSERT ON diary TO regress_sessmem_app;
GRANT USAGE ON SEQUENCE diary_id_seq TO regress_sessmem_app;
SELECT sessmem.open_session('mallory', session_id => 'x1') AS mallory \gset
SELECT try_bind(token('a1', 'alice', 'other'));
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'xavier');
INSERT INTO diary (entry) VALUES ('dear diary');
COMMIT;
BEGIN;
SELECT sessmem.bind(:'mallory');
SELECT * FROM diary;
SELECT user_id, session_id, state FROM sessmem.sessions;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT sessmem.protect('talk');
SELECT sessmem.forget_session('x1', 'mallory');
SELECT sessmem.protect('talk');
SELECT try_bind(:'mallory');
DROP TABLE diary;

-- who sees which
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT count(*) FROM sessmem.sessions;
SELECT count(*) FROM sessmem.session;
BEGIN;
SELECT sessmem.bind(:'alice');
SELECT tenant_id, user_id, session_id, agent_id, metadata, state FROM sessmem.sessions;
COMMIT;
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT session_id FROM sessmem.sessions ORDER BY session_id;
SET SESSION AUTHORIZATION regress_sessmem_nobody;
SELECT count(*) FROM sessmem.sessions;
RESET SESSION AUTHORIZATION;

-- close: readable, not writable, from the next statement on
SELECT sessmem.open_session('bob', session_id => 'b1') AS bob \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'bob');
INSERT INTO talk (content) VALUES ('one');
SELECT sessmem.status(), sessmem.close_session(), sessmem.status();
SELECT sessmem.status();
SELECT content FROM talk;
SAVEPOINT s;
INSERT INTO talk (content) VALUES ('two');
ROLLBACK TO s;
UPDATE talk SET content = 'two';
ROLLBACK TO s;
DELETE FROM talk;
ROLLBACK TO s;
SELECT sessmem.renew_session();
ROLLBACK TO s;
SELECT sessmem.close_session();
COMMIT;
BEGIN;
SELECT sessmem.bind(:'bob');
SELECT content FROM talk;
SELECT content FROM sessmem.recall(NULL::talk);
SELECT sessmem.status();
SELECT session_id, state FROM sessmem.sessions;
COMMIT;
-- fail: none, and another one
SELECT sessmem.close_session();
BEGIN;
SELECT sessmem.bind(:'bob');
SELECT sessmem.close_session('a1');
ROLLBACK;
SELECT sessmem.close_any('a1', NULL, NULL);
-- a close that is rolled back has not been
RESET SESSION AUTHORIZATION;
SELECT sessmem.open_session('bob', session_id => 'b1') AS bob \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'bob');
SAVEPOINT s;
SELECT sessmem.close_session('b1', 'bob');
ROLLBACK TO s;
INSERT INTO talk (content) VALUES ('two');
SAVEPOINT s;
SELECT sessmem.close_session('b1', 'bob');
RELEASE s;
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'bob');
SELECT sessmem.status();
INSERT INTO talk (content) VALUES ('two');
COMMIT;
BEGIN READ ONLY;
SELECT sessmem.bind(:'bob');
SELECT sessmem.close_session();
ROLLBACK;
-- an issuer closes any; a session attached elsewhere sees it (test/isolation), as does this one
SELECT sessmem.attach(:'bob');
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.close_session('b1'), sessmem.close_session('b1');
SELECT sessmem.close_session('no such session');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.status();
INSERT INTO talk (content) VALUES ('three');
SELECT sessmem.detach();
-- of another issuer, in its first transaction
BEGIN;
SELECT sessmem.bind(token('x4', 'xavier'));
SELECT sessmem.close_session();
COMMIT;
SELECT try_bind(token('x4', 'xavier'));
BEGIN;
SELECT sessmem.bind(token('x4', 'xavier'));
SELECT sessmem.status();
COMMIT;
RESET SESSION AUTHORIZATION;

-- expiry, by the registry: every connection, at its next statement
SELECT sessmem.open_session('carol', session_id => 'c1', ttl => '1 hour') AS carol \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.attach(:'carol');
INSERT INTO talk (content) VALUES ('one') RETURNING session_id;
RESET SESSION AUTHORIZATION;
UPDATE sessmem.session SET expires_at = now() WHERE session_id = 'c1';
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.status(), (SELECT count(*) FROM talk);
INSERT INTO talk (content) VALUES ('two');
SELECT try_bind(:'carol');
-- opened again, it is the same session, and the token that has not expired is good again
RESET SESSION AUTHORIZATION;
SELECT sessmem.open_session('carol', session_id => 'c1', ttl => '1 hour') IS NOT NULL AS opened;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.status(), (SELECT count(*) FROM talk);
SELECT sessmem.detach();
-- what never expires goes on so
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT sessmem.assume('c2', 'carol');
COMMIT;
SELECT sessmem.open_session('carol', session_id => 'c2', ttl => '1 minute') IS NOT NULL AS opened;
SELECT expires_at, lapses_at FROM sessmem.session WHERE session_id = 'c2';
UPDATE sessmem.session SET expires_at = now() WHERE session_id = 'c2';
BEGIN;
SELECT sessmem.assume('c2', 'carol');
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_app;
-- another issuer's token says itself how long it is good
BEGIN;
SELECT sessmem.bind(token('x5', 'xavier', ttl => '1 minute'));
COMMIT;
RESET SESSION AUTHORIZATION;
UPDATE sessmem.session SET expires_at = now(), last_used_at = now() - interval '1 day' WHERE session_id = 'x5';
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(token('x5', 'xavier', ttl => '1 hour'));
COMMIT;
RESET SESSION AUTHORIZATION;
-- and a newer one is noted though the last use is not long ago, so that nobody takes the session for lapsed
UPDATE sessmem.session SET expires_at = now() + interval '1 minute' WHERE session_id = 'x5';
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(token('x5', 'xavier', ttl => '1 hour'));
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT expires_at > now() + interval '50 minutes' AS extended, lapses_at = expires_at AS lapses FROM sessmem.session WHERE session_id = 'x5';

-- idle: what is used in time goes on, and is noted once in a tenth of the timeout
SELECT sessmem.open_session('dave', session_id => 'd1', idle_timeout => '100 minutes') AS dave \gset
CREATE FUNCTION use_dave(idle interval) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
	UPDATE sessmem.session SET last_used_at = now() - idle WHERE session_id = 'd1';
	RETURN idle;
END $$;
SELECT use_dave('9 minutes');
BEGIN;
SELECT sessmem.bind(:'dave');
COMMIT;
SELECT now() - last_used_at > '8 minutes' AS untouched, lapses_at - last_used_at AS lapse FROM sessmem.session WHERE session_id = 'd1';
SELECT use_dave('11 minutes');
BEGIN;
SELECT sessmem.bind(:'dave');
ROLLBACK;
BEGIN READ ONLY;
SELECT sessmem.bind(:'dave');
COMMIT;
SELECT now() - last_used_at > '8 minutes' AS untouched FROM sessmem.session WHERE session_id = 'd1';
BEGIN;
SELECT sessmem.bind(:'dave');
COMMIT;
SELECT now() - last_used_at < '1 minute' AS touched, lapses_at - last_used_at AS lapse FROM sessmem.session WHERE session_id = 'd1';
SELECT use_dave('99 minutes');
SELECT try_bind(:'dave');
SELECT use_dave('100 minutes');
SELECT try_bind(:'dave');
SELECT session_id, state FROM sessmem.sessions WHERE session_id = 'd1';
-- a connection that uses it is not idle, whatever the others noted
SELECT use_dave('0');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.attach(:'dave');
RESET SESSION AUTHORIZATION;
UPDATE sessmem.session SET last_used_at = now() - interval '200 minutes', idle_timeout = '100 minutes' WHERE session_id = 'd1';
SELECT sessmem.status();
SELECT sessmem.detach();
-- without one: a tenth of the lifetime
SELECT sessmem.open_session('dave', session_id => 'd2', ttl => '100 minutes') AS dave \gset
UPDATE sessmem.session SET last_used_at = last_used_at - interval '9 minutes' WHERE session_id = 'd2';
BEGIN;
SELECT sessmem.bind(:'dave');
COMMIT;
SELECT now() - last_used_at > '8 minutes' AS untouched FROM sessmem.session WHERE session_id = 'd2';
UPDATE sessmem.session SET last_used_at = last_used_at - interval '2 minutes' WHERE session_id = 'd2';
BEGIN;
SELECT sessmem.bind(:'dave');
COMMIT;
SELECT now() - last_used_at < '1 minute' AS touched FROM sessmem.session WHERE session_id = 'd2';

-- renew
SELECT sessmem.open_session('erin', session_id => 'e1', ttl => '1 hour') AS erin \gset
UPDATE sessmem.session SET expires_at = now() + interval '1 minute' WHERE session_id = 'e1';
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.renew_session();
BEGIN;
SELECT sessmem.bind(:'erin');
SELECT sessmem.renew_session() AS erin2 \gset
SELECT sessmem.renew_session('1 minute') IS NOT NULL AS shorter;
COMMIT;
SELECT try_bind(:'erin2');
SELECT a ->> 'sid' AS sid, a ->> 'sub' AS sub, round((a ->> 'exp')::numeric - (a ->> 'iat')::numeric, -1) AS seconds FROM jwt_part(:'erin2', 2) AS a;
BEGIN;
SELECT sessmem.bind(:'erin');
SAVEPOINT s;
SELECT sessmem.renew_session('61 minutes');
ROLLBACK TO s;
SELECT sessmem.renew_session('0');
ROLLBACK TO s;
SELECT sessmem.renew_session('-1 s');
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'xavier');
SELECT sessmem.renew_session();
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT date_trunc('minute', expires_at - now() + '30 seconds') AS expires_in FROM sessmem.session WHERE session_id = 'e1';

-- the session lives on when the transaction commits, and not before
UPDATE sessmem.session SET expires_at = now() + interval '1 minute' WHERE session_id = 'e1';
SET SESSION AUTHORIZATION regress_sessmem_app;
BEGIN;
SELECT sessmem.bind(:'erin');
SAVEPOINT s;
SELECT sessmem.renew_session() IS NOT NULL AS renewed;
ROLLBACK TO s;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT expires_at < now() + interval '2 minutes' AS not_renewed FROM sessmem.session WHERE session_id = 'e1';

-- revoke: all tokens so far, in open transactions, too
SELECT sessmem.open_session('frank', session_id => 'f1') AS frank \gset
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.attach(:'frank');
INSERT INTO talk (content) VALUES ('one');
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.revoke_user('frank');
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.status(), (SELECT count(*) FROM talk), sessmem.session_id() IS NULL AS nobody;
INSERT INTO talk (content) VALUES ('two');
SELECT try_bind(:'frank');
SELECT sessmem.detach();
-- new ones are good, the old ones stay bad
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT session_id, state FROM sessmem.sessions WHERE user_id = 'frank';
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.open_session('frank', session_id => 'f1') AS frank2 \gset
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT session_id, state FROM sessmem.sessions WHERE user_id = 'frank';
RESET SESSION AUTHORIZATION;
SELECT try_bind(:'frank'), try_bind(:'frank2');
-- in one statement, too
SELECT sessmem.revoke_user('frank')::text || sessmem.open_session('frank', session_id => 'f1') AS frank2 \gset
SELECT try_bind(:'frank2');
-- another issuer's: known or not; those issued later than its clock may differ are good
SELECT sessmem.revoke_user('xavier');
SELECT try_bind(token('x1', 'xavier')), try_bind(token('x9', 'xavier'));
CREATE FUNCTION issued(sub text, after interval) RETURNS text LANGUAGE sql AS $$
	SELECT mint(jsonb_build_object('sid', 'x1', 'sub', sub, 'aud', current_database(), 'exp', extract(epoch FROM clock_timestamp() + '1 hour'),
		'iat', extract(epoch FROM statement_timestamp() + after))::text) $$;
SELECT try_bind(issued('xavier', '-1 s')), try_bind(issued('xavier', '25 s'));
UPDATE sessmem.revocation SET revoked_at = revoked_at - interval '20 s';
SELECT try_bind(issued('xavier', '25 s'));
-- nobody else
SELECT try_bind(:'erin');
-- a parallel plan gets no more than others
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.attach(:'frank2');
RESET SESSION AUTHORIZATION;
SELECT sessmem.revoke_user('frank');
SET SESSION AUTHORIZATION regress_sessmem_app;
SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM talk;
SELECT count(*) FROM talk;
SELECT sessmem.status();
RESET ALL;
RESET SESSION AUTHORIZATION;
-- fail
SELECT sessmem.revoke_user(NULL);
SELECT sessmem.revoke_user('');
SELECT sessmem.revoke_user('alice');
SELECT sessmem.revoke_user('alice', 'acme');
SELECT try_bind(:'alice');

-- what was written before is not committed; what was only read is no harm
SELECT sessmem.open_session('grace', session_id => 'g1') AS grace \gset
BEGIN;
SELECT sessmem.bind(:'grace');
INSERT INTO talk (content) VALUES ('never');
SELECT sessmem.revoke_user('grace');
COMMIT;
BEGIN;
SELECT sessmem.bind(:'grace');
INSERT INTO talk (content) VALUES ('never');
SELECT sessmem.revoke_user('grace');
SELECT sessmem.unbind();
SET TRANSACTION READ ONLY;
COMMIT;
BEGIN;
SELECT sessmem.bind(:'grace');
SELECT count(*) FROM talk;
SELECT sessmem.revoke_user('grace');
COMMIT;
SELECT count(*) FROM talk WHERE session_id = 'g1';
SELECT try_bind(:'grace');

-- fail: a registry that is not as we made it; everything else goes on
CREATE INDEX session_lower ON sessmem.session (lower(user_id));
BEGIN;
SELECT sessmem.bind(token('z1', 'zoe'));
COMMIT;
DROP INDEX sessmem.session_lower;
ALTER TABLE sessmem.session ADD CONSTRAINT known CHECK (user_id <> 'zoe');
BEGIN;
SELECT sessmem.bind(token('z1', 'zoe'));
COMMIT;
ALTER TABLE sessmem.session DROP CONSTRAINT known;
-- ids that do not fit
SELECT try_bind(token(repeat('x', 2600), 'zoe')), left(try_bind(token(repeat('x', 2597), 'zoe')), 12);
SELECT sessmem.open_session('zoe', session_id => repeat('x', 2600));
BEGIN;
SELECT sessmem.bind(token('z1', 'zoe'));
COMMIT;
-- a first use that only reads is not worth a serialization failure; one that writes is
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT sessmem.bind(token('z2', 'zoe'));
COMMIT;
SELECT count(*) FROM sessmem.session WHERE session_id = 'z2';
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT sessmem.bind(token('z2', 'zoe'));
INSERT INTO talk (content) VALUES ('one');
COMMIT;
SELECT count(*) FROM sessmem.session WHERE session_id = 'z2';

BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT sessmem.bind(token('z3', 'zoe'));
SELECT sessmem.close_session();
COMMIT;
SELECT state FROM sessmem.sessions WHERE session_id = 'z3';
-- the user of none
SELECT sessmem.close_session(user_id => 'zoe');

-- nobody but these may
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.subject('a', 'b', NULL, NULL);
SELECT sessmem.revoke_user('alice');
SELECT sessmem.open_session('alice');
SELECT * FROM sessmem.revocation;
INSERT INTO sessmem.session (session_id) VALUES ('mine');
RESET SESSION AUTHORIZATION;
DROP VIEW registered;
DROP FUNCTION issued, use_dave;
DROP TABLE talk;

-- a revocation that is good until its tokens expire is not shortened by one of which that is not known
SET sessmem.retention = 0;
SELECT sessmem.open_session('u', session_id => 'again', ttl => '1 s') IS NOT NULL AS opened, sessmem.close_session('again') AS closed;
SELECT count(*) FROM sessmem.sweep();
SELECT sessmem.open_session('u', session_id => 'again', ttl => '1 hour') IS NOT NULL AS opened;
SELECT count(*) FROM sessmem.forget_session('again');
SELECT r.expires_at FROM sessmem.revocation AS r WHERE r.subject = sessmem.subject('again', 'u', NULL, 'session');
RESET sessmem.retention;
