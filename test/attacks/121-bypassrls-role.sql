-- vector: BYPASSRLS role reads everything, policies silently void
-- class: priv
-- actor: honest bug
-- precondition: application connects as BYPASSRLS or superuser (default docker role)
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: no row security in force for the user it runs as
-- severity: critical
-- source: agent-bom#3665
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
alter role :app bypassrls;
\c - :app
begin; select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
rollback;
\set sane t
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
