-- What the tests of Node.js clients share.
CREATE EXTENSION sessmem;
CREATE ROLE app LOGIN;
CREATE ROLE login_service LOGIN;
CREATE TABLE messages (id bigserial, session_id text, content text NOT NULL, PRIMARY KEY (session_id, id));
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT, UPDATE, DELETE ON messages TO app;
GRANT USAGE ON SEQUENCE messages_id_seq TO app;
SELECT sessmem.grant_app('app'), sessmem.grant_issuer('login_service');
-- Behind a pooler in transaction mode nobody has a connection to himself.
CREATE ROLE pooled LOGIN IN ROLE app;
ALTER ROLE pooled SET sessmem.allow_attach = off;
SELECT sessmem.grant_app('pooled');
