-- What the drivers' tests have in common; the roles app and login_service are there.
CREATE EXTENSION sessmem;
CREATE TABLE messages (id bigserial, session_id text, content text, PRIMARY KEY (session_id, id));
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT ON messages TO app;
GRANT USAGE ON SEQUENCE messages_id_seq TO app;
SELECT sessmem.grant_app('app'), sessmem.grant_issuer('login_service');
