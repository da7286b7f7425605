-- Context: rules 3 to 6 at the top of context.c, and everything that a context has to survive or end with.
\set SHOW_CONTEXT never
TRUNCATE sessmem.session;
GRANT CREATE ON SCHEMA public TO regress_sessmem_app;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT token('a', 'alice', 'acme') AS a, token('b', 'bob', 'acme') AS b, token('a', 'alice', 'acme', '1 s') AS brief \gset

-- normal use
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(), sessmem.status();
SELECT current_setting('sessmem.session_id'), current_setting('sessmem.user_id'), current_setting('sessmem.tenant_id');
SHOW sessmem.session_id;
COMMIT;
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(), sessmem.status();
SELECT current_setting('sessmem.session_id') = '' AS empty;
-- binding the same session again is harmless
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.bind(:'a');
ROLLBACK;
-- claims that the token does not carry are NULL
SELECT token('only') AS only \gset
BEGIN;
SELECT sessmem.bind(:'only');
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id();
SELECT sessmem.unbind();
SELECT sessmem.session_id(), sessmem.status();
COMMIT;
-- without a transaction block it lasts as long as the statement, and says so
SELECT sessmem.bind(:'a');
SELECT sessmem.status();
DO $$ BEGIN PERFORM sessmem.bind(token('a')); RAISE NOTICE 'status %', sessmem.status(); END $$;
SELECT sessmem.status();

-- rule 4: expiry reaches an open transaction, at its next statement
BEGIN;
SELECT sessmem.bind(:'brief');
SELECT sessmem.status();
SELECT pg_sleep(1.1);
SELECT sessmem.status(), sessmem.session_id();
-- within one statement nothing changes
SELECT sessmem.bind(token('a', 'alice', 'acme'));
SELECT sessmem.status();
COMMIT;

-- a procedure is one statement, but each of its transactions begins anew
CREATE PROCEDURE long_one() LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'before: %', sessmem.status();
	PERFORM pg_sleep(1.1);
	RAISE NOTICE 'same transaction: %', sessmem.status();
	COMMIT;
	RAISE NOTICE 'next transaction: %', sessmem.status();
END $$;
SELECT sessmem.attach(token('a', ttl => '1 s'));
CALL long_one();
SELECT sessmem.detach();

-- rule 5: a retired key ends what it vouched for (another connection: test/isolation)
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.retire_key('test');
SELECT sessmem.status(), sessmem.session_id();
ROLLBACK;
SET SESSION AUTHORIZATION regress_sessmem_app;

-- rule 6: one session in a transaction, whatever became of the first
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.bind(:'b');
ROLLBACK;
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.unbind();
SELECT sessmem.bind(:'b');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT sessmem.bind(:'a');
ROLLBACK TO s;
SELECT sessmem.bind(:'b');
ROLLBACK;
-- another user's session of the same id is another session
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.bind(token('a', 'bob', 'acme'));
ROLLBACK;
-- and what a savepoint brings back is not in force
SELECT sessmem.attach(:'a');
BEGIN;
SAVEPOINT s;
SELECT sessmem.attach(:'b');
ROLLBACK TO s;
SELECT sessmem.status(), sessmem.session_id();
ROLLBACK;
SELECT sessmem.status(), sessmem.session_id();
-- within a statement, too
DO $$
DECLARE
	found text;
BEGIN
	BEGIN
		PERFORM sessmem.bind(token('b', 'bob', 'acme'));
		RAISE 'undo';
	EXCEPTION WHEN raise_exception THEN
		found := coalesce(sessmem.session_id(), 'nobody');
	END;
	RAISE NOTICE 'in force: %', found;
END $$;
SELECT sessmem.detach();

-- savepoints, exceptions, failed transactions
BEGIN;
SELECT sessmem.bind(:'a');
SAVEPOINT s;
SELECT sessmem.unbind();
SELECT sessmem.status();
ROLLBACK TO s;
SELECT sessmem.session_id();
SAVEPOINT s;
SELECT 1/0;
ROLLBACK TO s;
RELEASE s;
SELECT sessmem.session_id();
DO $$ BEGIN RAISE 'x'; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'still %', sessmem.session_id(); END $$;
COMMIT;
BEGIN;
SAVEPOINT s;
SELECT sessmem.bind(:'a');
RELEASE s;
SELECT sessmem.session_id();
DO $$ BEGIN PERFORM sessmem.unbind(); RAISE 'x'; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'still %', sessmem.session_id(); END $$;
COMMIT;
BEGIN;
DO $$ BEGIN PERFORM sessmem.bind(token('a')); RAISE 'x'; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'undone: %', sessmem.status(); END $$;
SELECT sessmem.status();
COMMIT;
BEGIN;
SELECT sessmem.bind(:'a');
SELECT 1/0;
COMMIT;
SELECT sessmem.status();

-- AND CHAIN, and COMMIT in a procedure
BEGIN;
SELECT sessmem.bind(:'a');
COMMIT AND CHAIN;
SELECT sessmem.status();
SELECT sessmem.bind(:'b');
ROLLBACK AND CHAIN;
SELECT sessmem.status();
COMMIT;
CREATE PROCEDURE pg_temp.two_transactions(a text, b text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM sessmem.bind(a);
	RAISE NOTICE 'first: %', sessmem.session_id();
	COMMIT;
	RAISE NOTICE 'after COMMIT: %', sessmem.status();
	PERFORM sessmem.bind(b);
	RAISE NOTICE 'second: %', sessmem.session_id();
	ROLLBACK;
	RAISE NOTICE 'after ROLLBACK: %', sessmem.status();
END $$;
CALL pg_temp.two_transactions(:'a', :'b');

-- several statements in one message share a start time, not a transaction
BEGIN\; SELECT sessmem.bind(:'a')\; COMMIT\; SELECT sessmem.status();

-- SET inside of the transaction, and functions with a SET clause
BEGIN;
SELECT sessmem.bind(:'a');
SET sessmem.context = '';
SELECT sessmem.status();
COMMIT;
SELECT sessmem.status();
BEGIN;
SELECT sessmem.bind(:'a');
CREATE FUNCTION pg_temp.without() RETURNS text LANGUAGE sql SET sessmem.context = '' AS 'SELECT sessmem.status()';
SELECT pg_temp.without(), sessmem.status();
COMMIT;
-- fail: what bind() cleans there would come back
CREATE FUNCTION pg_temp.pinned(token text) RETURNS text LANGUAGE sql SET search_path = pg_catalog AS 'SELECT sessmem.bind(token)';
BEGIN;
SELECT pg_temp.pinned(:'a');
ROLLBACK;

-- RESET ALL and DISCARD ALL
BEGIN;
SELECT sessmem.bind(:'a');
RESET ALL;
SELECT sessmem.status();
COMMIT;
SELECT sessmem.attach(:'a');
SELECT sessmem.session_id();
RESET ALL;
SELECT sessmem.status();
SELECT sessmem.attach(:'a');
DISCARD ALL;
SELECT sessmem.status();

-- attach: until detach, across transactions, following rollback
SELECT sessmem.attach(:'a');
SELECT sessmem.session_id();
BEGIN;
SELECT sessmem.detach();
SELECT sessmem.status();
ROLLBACK;
SELECT sessmem.session_id();
BEGIN;
SELECT sessmem.unbind();
SELECT sessmem.status();
COMMIT;
SELECT sessmem.session_id();
-- a pool attaches the next session without detaching the last
SELECT sessmem.attach(:'b');
SELECT sessmem.session_id();
-- and the last does not come back, whatever becomes of the next
BEGIN;
SELECT sessmem.attach(:'a');
ROLLBACK;
SELECT sessmem.session_id(), sessmem.status();
SELECT sessmem.attach(:'b');
BEGIN;
SELECT sessmem.bind(:'a');
SELECT 1/0;
ROLLBACK;
SELECT sessmem.session_id(), sessmem.status();
SELECT sessmem.attach(:'b');
-- bind() of the same session leaves it attached, of another one ends it
BEGIN;
SELECT sessmem.bind(:'b');
SELECT sessmem.session_id();
COMMIT;
SELECT sessmem.session_id();
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.session_id();
COMMIT;
SELECT sessmem.session_id(), sessmem.status();
SELECT sessmem.detach();
SELECT sessmem.status();
-- it expires, too
SELECT sessmem.attach(token('a', ttl => '1 s'));
SELECT pg_sleep(1.1);
SELECT sessmem.status(), sessmem.session_id();
SELECT sessmem.detach();
-- the administrator can switch it off, for those attached as well
SELECT sessmem.attach(:'a');
RESET SESSION AUTHORIZATION;
SET sessmem.allow_attach = off;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.status(), sessmem.session_id();
SELECT sessmem.attach(:'a');
RESET SESSION AUTHORIZATION;
RESET sessmem.allow_attach;
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.detach();

-- fail: a prepared transaction would outlive the connection
BEGIN;
SELECT sessmem.bind(:'a');
PREPARE TRANSACTION 'sessmem';
BEGIN;
SELECT sessmem.bind(:'a');
SELECT sessmem.unbind();
PREPARE TRANSACTION 'sessmem';
SELECT sessmem.attach(:'a');
BEGIN;
PREPARE TRANSACTION 'sessmem';
SELECT sessmem.detach();
BEGIN;
PREPARE TRANSACTION 'sessmem';
ROLLBACK PREPARED 'sessmem';

-- assume: without a token
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_sessmem_issuer;
BEGIN;
SELECT sessmem.assume('s', 'u', 't');
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(), sessmem.status();
SELECT sessmem.assume('s', 'u');
ROLLBACK;
-- a name that would break a careless format
BEGIN;
SELECT sessmem.assume(E'|7:x|-1:\n\\ ''"', '-1:', 'é');
SELECT sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(), sessmem.status();
ROLLBACK;
-- fail
SELECT sessmem.assume('');
SELECT sessmem.assume('s', '');
SELECT sessmem.assume(NULL);
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_sessmem_app;
