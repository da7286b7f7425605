-- vector: materialised view holds all sessions
-- class: read
-- actor: honest bug
-- precondition: superuser/BYPASSRLS created or refreshed a materialised view
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a materialised view whose owner bypasses row security
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
select t_ordinary();
create materialized view public.mv as select session_id, content from public.messages; grant select on public.mv to :app;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.mv \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
