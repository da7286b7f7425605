-- vector: new partition has no policy
-- class: drift
-- actor: honest bug
-- precondition: partition created after protect() (pg_partman, cron) + default privileges
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: new partitions and children are protected
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\set own f
\c - :su
set role :owner;
create table public.pmsg(id bigint, session_id text not null, content text) partition by range (id);
create table public.pmsg_p1 partition of public.pmsg for values from (0) to (1000);
reset role;
select t_protect('public.pmsg');
grant select, insert, update, delete on all tables in schema public to :app;
alter default privileges for role :owner in schema public grant select on tables to :app;
set role :owner;
create table public.pmsg_p2 partition of public.pmsg for values from (1000) to (2000);
reset role;
\c - :app
begin; select t_bind('sess-B'); insert into public.pmsg values (1500,'sess-B','CANARY-B-p2'); commit;
begin; select t_bind('sess-A'); insert into public.pmsg values (1501,'sess-A','CANARY-A-p2'); commit;
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.pmsg_p2 \gset
select (:'got' like '%CANARY-A%') as own \gset
rollback;
\if :own
\else
\set other 'own rows unreadable this way'
\endif
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
