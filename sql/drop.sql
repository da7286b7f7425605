-- Drop: the extension goes, and a connection that had a session goes on without one.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT sessmem.open_session('alice', session_id => 'last') AS t \gset
SELECT sessmem.attach(:'t');
BEGIN;
SELECT sessmem.session_id();
DROP EXTENSION sessmem CASCADE;
COMMIT;
SELECT 1 AS goes_on;
CREATE EXTENSION sessmem;
SELECT sessmem.status(), sessmem.session_id();
DISCARD ALL;
SELECT sessmem.status();
