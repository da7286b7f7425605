-- vector: pg_read_all_data reads the TOAST table of a protected table directly (no RLS on TOAST)
-- class: read
-- actor: honest bug
-- precondition: app/analyst role got pg_read_all_data; long messages
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: TOAST tables of protected tables
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
grant pg_read_all_data to :app;
alter table public.messages alter column content set storage external;
\c - :app
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) values ('sess-B','user',repeat('CANARY-B-toast ',500)); commit;
\c - :su
select reltoastrelid::regclass as toast from pg_class where oid='public.messages'::regclass \gset
select pg_relation_size(:'toast') = 0 as norows \gset
\if :norows
\set other 'nothing was toasted'
\endif
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(left(convert_from(chunk_data,'utf8'),60),'|'),'') as got from :toast \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
