-- vector: permissive policies are ORed: isolation silently gone
-- class: drift
-- actor: honest bug
-- precondition: later migration adds a PERMISSIVE policy (service access USING (true))
-- expected with sessmem: BLOCKED
-- stopped by: restrictive policy, event trigger
-- severity: critical
-- source: The-DevOps-Daily#1715 measured table
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
set role :owner; create policy service_read on public.messages for select using (true); reset role;
\c - :app
begin; select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
