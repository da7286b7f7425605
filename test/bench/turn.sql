BEGIN;
SELECT sessmem.bind(:token);
SELECT * FROM messages ORDER BY id DESC LIMIT 20;
INSERT INTO messages (role, content) VALUES ('user', 'My name is Alice, and I would like to change my order.');
COMMIT;
