BEGIN;
SELECT sessmem.bind(:token);
SELECT * FROM messages ORDER BY id DESC LIMIT 20;
COMMIT;
