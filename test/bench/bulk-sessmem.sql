BEGIN;
SELECT sessmem.bind(:token);
INSERT INTO messages (role, content) SELECT 'user', 'message ' || i FROM generate_series(1, 100000) AS i;
COMMIT;
