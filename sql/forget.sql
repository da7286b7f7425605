-- Forget: the rows of a session, a user, a tenant, and no others.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
TRUNCATE sessmem.session;
TRUNCATE sessmem.revocation;
-- the tables of the tests before are none of this one's
SELECT sessmem.unprotect(relation) FROM sessmem.protected_table AS p
	WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = p.relation);

-- every shape of key, foreign keys, a partitioned table, one that is not protected
SET ROLE regress_sessmem_owner;
CREATE TABLE thread (id bigint, session_id text, user_id text, tenant_id text, PRIMARY KEY (session_id, user_id, tenant_id, id));
CREATE TABLE message (id bigserial PRIMARY KEY, session_id text, user_id text, tenant_id text, thread bigint, reply_to bigint REFERENCES message,
	FOREIGN KEY (session_id, user_id, tenant_id, thread) REFERENCES thread (session_id, user_id, tenant_id, id));
CREATE TABLE memory (id bigserial PRIMARY KEY, user_id text, tenant_id text, fact text);
CREATE TABLE policy_of (id bigserial PRIMARY KEY, tenant_id text, rule text);
CREATE TABLE step (id bigserial, session_id uuid, at date, PRIMARY KEY (session_id, id, at)) PARTITION BY RANGE (at);
CREATE TABLE step_old PARTITION OF step FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE step_new PARTITION OF step DEFAULT;
CREATE TABLE visit (id bigserial PRIMARY KEY, session_id text);
RESET ROLE;
SELECT sessmem.protect('thread', user_column => 'user_id', tenant_column => 'tenant_id');
SELECT sessmem.protect('message', user_column => 'user_id', tenant_column => 'tenant_id');
SELECT sessmem.protect('memory', NULL, 'user_id', 'tenant_id');
SELECT sessmem.protect('policy_of', NULL, NULL, 'tenant_id');
SELECT sessmem.protect('step');

CREATE FUNCTION fill(session_id text, user_id text, tenant_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('sessmem.maintenance', 'fill', true);
	PERFORM sessmem.open_session(user_id, tenant_id, session_id);
	INSERT INTO visit (session_id) VALUES (fill.session_id);
	PERFORM sessmem.assume(fill.session_id, fill.user_id, fill.tenant_id);
	INSERT INTO thread (id) VALUES (1), (2);
	INSERT INTO message (thread) VALUES (1), (1), (2);
	UPDATE message AS o SET reply_to = (SELECT min(m.id) FROM message AS m WHERE m.session_id = o.session_id)
		WHERE o.session_id = sessmem.session_id();
	INSERT INTO memory (fact) VALUES ('likes tea');
	INSERT INTO policy_of (rule) VALUES ('be kind');
	INSERT INTO step (at) VALUES ('2025-05-05'), ('2026-06-06');
END $$;
SELECT fill('00000000-0000-0000-0000-0000000000a1', 'alice', 'acme');
SELECT fill('00000000-0000-0000-0000-0000000000a2', 'alice', 'acme');
SELECT fill('00000000-0000-0000-0000-0000000000a3', 'alice', 'umbrella');
SELECT fill('00000000-0000-0000-0000-0000000000b1', 'bob', 'acme');
-- rows that are older than the registry
BEGIN;
SELECT sessmem.assume('00000000-0000-0000-0000-0000000000a0', 'alice', 'acme');
INSERT INTO thread (id) VALUES (1);
COMMIT;
DELETE FROM sessmem.session WHERE session_id LIKE '%a0';

CREATE FUNCTION holdings() RETURNS TABLE (owner text, thread bigint, message bigint, memory bigint, policy_of bigint, step bigint, registered boolean) LANGUAGE sql SET sessmem.maintenance = 'count' AS $$
	SELECT right(s, 2) || ' ' || u || ' ' || t,
		(SELECT count(*) FROM thread AS x WHERE (x.session_id, x.user_id, x.tenant_id) = (s, u, t)),
		(SELECT count(*) FROM message AS x WHERE (x.session_id, x.user_id, x.tenant_id) = (s, u, t)),
		(SELECT count(*) FROM memory AS x WHERE (x.user_id, x.tenant_id) = (u, t)),
		(SELECT count(*) FROM policy_of AS x WHERE x.tenant_id = t),
		(SELECT count(*) FROM step AS x WHERE x.session_id::text = s),
		EXISTS (SELECT FROM sessmem.session AS x WHERE (x.session_id, x.user_id, x.tenant_id) = (s, u, t))
	FROM (SELECT '00000000-0000-0000-0000-0000000000' || n, u, t
		FROM (VALUES ('a0', 'alice', 'acme'), ('a1', 'alice', 'acme'), ('a2', 'alice', 'acme'), ('a3', 'alice', 'umbrella'), ('b1', 'bob', 'acme')) AS v (n, u, t)) AS v (s, u, t)
	ORDER BY 1 $$;
SELECT * FROM holdings();

SELECT relation FROM sessmem.deletion_order();

-- erasing needs no maintenance
SET sessmem.maintenance = '';

-- a session: by its id, if it is the only one
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT * FROM sessmem.forget_session('00000000-0000-0000-0000-0000000000a1');
RESET SESSION AUTHORIZATION;
SELECT * FROM holdings();
-- again: nothing left, and no error; but an id that says nothing is one
SELECT * FROM sessmem.forget_session('00000000-0000-0000-0000-0000000000a1');
SELECT * FROM sessmem.forget_session('00000000-0000-0000-0000-0000000000a1', 'alice', 'acme');
-- its tokens are bad, another issuer's as well; opened again, it is empty
SELECT try_bind(token('00000000-0000-0000-0000-0000000000a1', 'alice', 'acme'));
SELECT sessmem.open_session('alice', 'acme', '00000000-0000-0000-0000-0000000000a1') AS again \gset
BEGIN;
SELECT sessmem.bind(:'again');
SET LOCAL sessmem.maintenance = 'read';
SELECT count(*) FROM sessmem.recall(NULL::message);
COMMIT;
DELETE FROM sessmem.session WHERE session_id LIKE '%a1';

-- a user of a tenant: what is older than the registry, too
SELECT sum(deleted) FROM sessmem.forget_user('carla');
SELECT sessmem.forget_user('alice');
SELECT * FROM sessmem.forget_user('alice', 'acme');
SELECT * FROM holdings();
SELECT try_bind(token('00000000-0000-0000-0000-0000000000a7', 'alice', 'acme'));
SELECT try_bind(token('00000000-0000-0000-0000-0000000000a8', 'alice', 'umbrella'));

-- nothing of whom is forgotten is left in the registries
SELECT count(*), bool_and(length(subject) = 32) AS digests FROM sessmem.revocation;

-- a tenant
SELECT * FROM sessmem.forget_tenant('acme');
SELECT * FROM holdings();
SELECT count(*) FROM visit;
SELECT try_bind(token('00000000-0000-0000-0000-0000000000c1', 'carol', 'acme'));
SELECT try_bind(token('00000000-0000-0000-0000-0000000000c2', 'carol'));

-- more rows than one statement takes
SELECT fill('00000000-0000-0000-0000-0000000000d1', 'dave', 'acme');
BEGIN;
SELECT sessmem.assume('00000000-0000-0000-0000-0000000000d1', 'dave', 'acme');
SET LOCAL sessmem.maintenance = 'fill';
INSERT INTO memory (fact) SELECT 'fact' FROM generate_series(1, 25000);
COMMIT;
SELECT * FROM sessmem.forget_user('dave', 'acme') WHERE deleted > 0;

-- foreign keys that are checked late
SELECT fill('00000000-0000-0000-0000-0000000000d2', 'dora', 'acme');
CREATE TABLE late (id bigint REFERENCES message DEFERRABLE INITIALLY DEFERRED);
SELECT * FROM sessmem.forget_user('dora', 'acme') WHERE deleted > 0;
DROP TABLE late;

-- what is in the way is said, and nothing is lost: a foreign key of another table, a trigger that keeps rows
SELECT fill('00000000-0000-0000-0000-0000000000e1', 'erin', 'acme');
CREATE TABLE audit_trail (message bigint REFERENCES message);
BEGIN;
SET LOCAL sessmem.maintenance = 'read';
INSERT INTO audit_trail SELECT min(id) FROM message WHERE user_id = 'erin';
COMMIT;
SELECT sessmem.forget_user('erin', 'acme');
DROP TABLE audit_trail;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON memory FOR EACH ROW EXECUTE FUNCTION keep();
SELECT sessmem.forget_user('erin', 'acme');
DROP TRIGGER keep ON memory;
BEGIN;
SET LOCAL sessmem.maintenance = 'read';
SELECT (SELECT count(*) FROM memory WHERE user_id = 'erin') AS memory, (SELECT count(*) FROM message WHERE user_id = 'erin') AS message;
COMMIT;

-- whoever owns a table runs his triggers as himself, and sees that session's rows only
CREATE TABLE loot (what text);
GRANT INSERT ON loot TO regress_sessmem_owner;
CREATE FUNCTION pry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO loot SELECT format('%s sees %s', current_user, (SELECT string_agg(DISTINCT m.user_id, ',') FROM message AS m));
	BEGIN
		PERFORM sessmem.assume('00000000-0000-0000-0000-0000000000a3', 'alice', 'umbrella');
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO loot VALUES (SQLERRM);
	END;
	BEGIN
		PERFORM sessmem.detach();
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO loot VALUES (SQLERRM);
	END;
	BEGIN
		PERFORM sessmem.close_session();
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO loot VALUES (SQLERRM);
	END;
	BEGIN
		SET ROLE regress_sessmem_admin;
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO loot VALUES (SQLERRM);
	END;
	RETURN OLD;
END $$;
SELECT sessmem.grant_app('regress_sessmem_owner');
CREATE TRIGGER pry BEFORE DELETE ON message FOR EACH ROW EXECUTE FUNCTION pry();
BEGIN;
SELECT sessmem.assume('00000000-0000-0000-0000-0000000000a3', 'alice', 'umbrella');
SELECT * FROM sessmem.forget_user('erin', 'acme') WHERE deleted > 0;
SELECT sessmem.user_id();
COMMIT;
SELECT what FROM loot GROUP BY what ORDER BY what COLLATE "C";
DROP TABLE loot;
DROP TRIGGER pry ON message;
-- not even its workers see the session of who erases
CREATE FUNCTION say(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS
	'BEGIN IF sessmem.user_id() IS NOT NULL THEN RAISE WARNING ''worker of %'', sessmem.user_id(); END IF; RETURN true; END';
CREATE FUNCTION hire() RETURNS trigger LANGUAGE plpgsql SET parallel_setup_cost = 0 SET parallel_tuple_cost = 0 SET min_parallel_table_scan_size = 0
	SET max_parallel_workers_per_gather = 2 SET parallel_leader_participation = off AS
	'BEGIN PERFORM count(*) FROM visit WHERE say(id); RETURN OLD; END';
GRANT SELECT ON visit TO PUBLIC;
CREATE TRIGGER hire BEFORE DELETE ON message FOR EACH STATEMENT EXECUTE FUNCTION hire();
SELECT fill('00000000-0000-0000-0000-0000000000e3', 'erin', 'acme');
BEGIN;
SELECT sessmem.assume('00000000-0000-0000-0000-0000000000a3', 'alice', 'umbrella');
SELECT * FROM sessmem.forget_user('erin', 'acme') WHERE deleted > 0;
COMMIT;
DROP TRIGGER hire ON message;
DROP FUNCTION hire, say;
SELECT fill('00000000-0000-0000-0000-0000000000e2', 'erin', 'acme');

-- fail
SELECT sessmem.forget_session(NULL);
SELECT sessmem.forget_user(NULL);
SELECT sessmem.forget_tenant(NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sessmem.forget_user('erin', 'acme');
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.forget_user('erin', 'acme');
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.forget_session('00000000-0000-0000-0000-0000000000e2');
RESET SESSION AUTHORIZATION;
SELECT sessmem.forget_tenant('acme') IS NULL AS x LIMIT 0;
RESET sessmem.maintenance;
DROP FUNCTION keep, pry, fill, holdings;
DROP TABLE message, thread, memory, policy_of, step, visit;
