BEGIN;
SELECT set_config('app.session_id', :session, true);
INSERT INTO messages_rls (session_id, role, content) VALUES (:session, 'user', 'My name is Alice, and I would like to change my order.');
COMMIT;
