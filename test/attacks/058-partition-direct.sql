-- vector: read the partition directly
-- class: read
-- actor: honest bug
-- precondition: policy only on the partitioned parent, GRANT ON ALL TABLES
-- expected with sessmem: BLOCKED
-- stopped by: protect() takes partitions and children along
-- severity: critical
-- source: core rowsecurity.sql part_document_satire
\i :adapter
\ir _sane.sql
\set got ''
\set own f
\c - :su
set role :owner;
create table public.pmsg(id bigint, session_id text not null, content text) partition by range (id);
create table public.pmsg_p1 partition of public.pmsg for values from (0) to (1000);
reset role;
insert into public.pmsg values (1,'sess-A','CANARY-A-p'),(2,'sess-B','CANARY-B-p'),(3,'sess-B','CANARY-B-p');
select t_protect('public.pmsg');
grant select, insert, update, delete on all tables in schema public to :app;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.pmsg_p1 \gset
select (:'got' like '%CANARY-A%') as own \gset
rollback;
\if :own
\else
\set other 'own rows unreadable this way'
\endif
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
