-- A database in which everything that can have a name has a hostile one; besides, what
-- a report usually has.
SET client_min_messages = error;
CREATE EXTENSION sessmem;
CREATE ROLE app LOGIN;
CREATE ROLE login_service LOGIN;
CREATE ROLE dba LOGIN;
CREATE ROLE "ops-lead" LOGIN IN ROLE dba;
CREATE ROLE reporting LOGIN BYPASSRLS;
CREATE ROLE "<img src=x onerror=document.title='owned'>" LOGIN IN ROLE pg_execute_server_program;
SELECT sessmem.grant_app('app'), sessmem.grant_issuer('login_service'), sessmem.grant_admin('dba');
SELECT sessmem.grant_app('"<img src=x onerror=document.title=''owned''>"');

CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY, session_id text, content text, PRIMARY KEY (session_id, id));
CREATE TABLE events (tenant_id uuid, user_id text, session_id text, at timestamptz) PARTITION BY RANGE (at);
SELECT format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', to_char(d, 'YYYYMM'), d, d + interval '1 month')
	FROM generate_series(timestamptz '2026-01-01', timestamptz '2026-12-01', interval '1 month') AS d \gexec
CREATE TABLE facts (user_id text, fact text);
CREATE TABLE a_table_with_a_name_that_goes_on_for_as_long_as_any_name_may_go (session_id text);
CREATE TABLE "<script>document.title='owned'</script>" (session_id text, "</td>" text);
CREATE POLICY "</pre><script>document.title='owned'</script>" ON "<script>document.title='owned'</script>"
	USING (session_id <> '</pre><script>document.title=''owned''</script>');
GRANT INSERT ON messages, "<script>document.title='owned'</script>" TO app, "<img src=x onerror=document.title='owned'>";
SELECT sessmem.protect('messages');
SELECT sessmem.protect('events', user_column => 'user_id', tenant_column => 'tenant_id');
SELECT sessmem.protect('facts', session_column => NULL, user_column => 'user_id');
SELECT sessmem.protect('a_table_with_a_name_that_goes_on_for_as_long_as_any_name_may_go');
SELECT sessmem.protect('"<script>document.title=''owned''</script>"');
SELECT sessmem.auto_protect('public', 'chat%');
SELECT sessmem.create_key('</title><script>document.title=''owned''</script>');
SELECT sessmem.open_session('user-' || i) FROM generate_series(1, 5) AS i;

BEGIN;
SELECT sessmem.maintenance($$--><svg onload=alert(1)> & 'why'$$);
ALTER TABLE facts NO FORCE ROW LEVEL SECURITY;
COMMIT;

-- refused, and recorded
SET SESSION AUTHORIZATION "<img src=x onerror=document.title='owned'>";
SET application_name = '<script>document.title=''owned''</script>';
\set ON_ERROR_STOP off
INSERT INTO "<script>document.title='owned'</script>" VALUES ('s');
INSERT INTO messages (session_id) VALUES ('s');
\set ON_ERROR_STOP on
SELECT count(*) FROM (SELECT 1) AS s;
