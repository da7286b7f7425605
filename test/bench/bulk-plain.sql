BEGIN;
SELECT 1;
INSERT INTO messages_plain (session_id, role, content) SELECT :session, 'user', 'message ' || i FROM generate_series(1, 100000) AS i;
COMMIT;
