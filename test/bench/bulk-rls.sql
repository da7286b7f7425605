BEGIN;
SELECT set_config('app.session_id', :session, true);
INSERT INTO messages_rls (session_id, role, content) SELECT :session, 'user', 'message ' || i FROM generate_series(1, 100000) AS i;
COMMIT;
