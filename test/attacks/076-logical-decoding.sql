-- vector: logical decoding shows every session, RLS does not apply
-- class: read
-- actor: honest bug
-- precondition: app/CDC role has REPLICATION
-- expected with sessmem: LEAK
-- stopped by: nothing: logical decoding reads the log
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
alter role :app replication;
\c - :app
select pg_create_logical_replication_slot('atk_slot','test_decoding');
set synchronous_commit = on;
begin;
select t_bind('sess-B');
insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-wal');
commit;
begin;
select t_bind('sess-A');
select coalesce(string_agg(data,'|'),'') as got from pg_logical_slot_peek_changes('atk_slot',null,null) \gset
rollback;
select pg_drop_replication_slot('atk_slot');
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
