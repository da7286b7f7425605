-- vector: view owned by the (non-superuser) table owner
-- class: read
-- actor: honest bug
-- precondition: view owned by the table owner
-- expected with sessmem: BLOCKED
-- stopped by: policy FORCE
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\set own f
\c - :su
set role :owner; create view public.vmsg as select * from public.messages; grant select on public.vmsg to :app; reset role;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.vmsg \gset
select (:'got' like '%CANARY-A%') as own \gset
rollback;
\if :own
\else
\set other 'own rows unreadable this way'
\endif
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
