-- vector: a SECURITY DEFINER function of a superuser that is PARALLEL SAFE, run by a parallel worker
-- class: priv
-- actor: honest bug
-- precondition: SECURITY DEFINER helper owned by a superuser
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: in a parallel worker as anywhere else
-- severity: critical
\i :adapter
\ir _sane.sql
\c - :su
select t_ordinary();
create function public.search_memory(q text) returns text stable parallel safe language plpgsql security definer set search_path = pg_catalog, public
  as $$ begin return (select string_agg(content, '|') from public.messages where content ilike '%'||q||'%'); end $$;
\c - :app
set force_parallel_mode = on;
set debug_parallel_query = on;
\set got ''
begin; select t_bind('sess-A');
select coalesce(public.search_memory('CANARY'), '') as got \gset
rollback;
\set got2 ''
select coalesce(public.search_memory('CANARY'), '') as got2 \gset
\c - :su
select :'got' || :'got2' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
