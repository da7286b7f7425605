-- vector: owner disables RLS, drops policy and trigger
-- class: priv
-- actor: honest bug
-- precondition: one role for migrations and runtime: app owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: row security off
-- severity: critical
-- source: agent-bom#3665, OWASP CheatSheetSeries#2309
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
alter table public.messages owner to :app;
\c - :app
begin; select t_bind('sess-A');
alter table public.messages no force row level security;
alter table public.messages disable row level security;
commit;
begin; select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
