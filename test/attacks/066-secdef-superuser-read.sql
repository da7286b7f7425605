-- vector: SECURITY DEFINER function owned by a superuser
-- class: read
-- actor: honest bug
-- precondition: SECURITY DEFINER helper owned by a superuser
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: no row security in force for the user it runs as
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
select t_ordinary();
create function public.search_memory(q text) returns setof text language sql security definer set search_path = pg_catalog, public as $$ select content from public.messages where content ilike '%'||q||'%' $$;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(s,'|'),'') as got from public.search_memory('CANARY') s \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
