-- vector: foreign table through a loopback superuser mapping
-- class: read
-- actor: honest bug
-- precondition: postgres_fdw loopback with privileged mapping
-- expected with sessmem: LEAK
-- stopped by: nothing: the other end is another connection, of a superuser
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
create extension postgres_fdw;
create server loop foreign data wrapper postgres_fdw options (host :'HOST', port :'PORT', dbname :'DBNAME');
create user mapping for :app server loop options (user :'su', password_required 'false');
create foreign table public.ft(session_id text, content text) server loop options (schema_name 'public', table_name 'messages');
grant select on public.ft to :app;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.ft \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
