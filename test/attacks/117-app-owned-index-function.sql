-- vector: CREATE OR REPLACE of the function body: it then runs on every victim write
-- class: shadow
-- actor: honest bug
-- precondition: index expression uses a function owned by the app role (migration ran as app)
-- expected with sessmem: BLOCKED
-- stopped by: an index expression over all rows with a function that is not leakproof is refused
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
create schema plugin authorization :app;
grant usage on schema plugin to :owner, public;
\c - :app
create function plugin.norm(t text) returns text language plpgsql immutable as $$ begin return lower(t); end $$;
grant execute on function plugin.norm(text) to public;
\c - :su
set role :owner; create index on public.messages (plugin.norm(content)); reset role;
\c - :app
create or replace function plugin.norm(t text) returns text language plpgsql immutable as $$ begin perform lo_from_bytea(0, convert_to(t,'utf8')); return lower(t); end $$;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-indexed'); commit" >/dev/null 2>&1
begin; select t_bind('sess-A');
select coalesce(string_agg(convert_from(lo_get(oid),'utf8'),'|'),'') as got from pg_largeobject_metadata \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
