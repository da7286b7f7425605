BEGIN;
SELECT sessmem.bind(:token);
INSERT INTO messages (role, content) VALUES ('user', 'My name is Alice, and I would like to change my order.');
COMMIT;
