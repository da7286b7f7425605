BEGIN;
SELECT 1;
INSERT INTO messages_plain (session_id, role, content) VALUES (:session, 'user', 'My name is Alice, and I would like to change my order.');
COMMIT;
