-- vector: view owned by a superuser bypasses RLS
-- class: read
-- actor: honest bug
-- precondition: migration run as superuser created a view
-- expected with sessmem: BLOCKED
-- stopped by: event trigger, executor hook: a view whose owner bypasses row security
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
select t_ordinary();
create view public.vmsg as select * from public.messages; grant select on public.vmsg to :app;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.vmsg \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
